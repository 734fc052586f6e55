"""lm-evaluation-harness has the same answers from us as from its own model, item by item."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from nextword.loading import load
from nextword.model import GPT, GPTConfig
from nextword.weights import save_huggingface

pytest.importorskip("lm_eval", reason="lm-eval is not installed: pip install 'nextword[eval]'")
pytest.importorskip("accelerate", reason="accelerate is not installed, and lm-eval's model hf needs it")

TEXT = " ".join(f"{n} goats and {n + 1} trolls make {2 * n + 1} at the bridge." for n in range(40))


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Any]:
    """Our model for the harness, and its own, with the same weights."""
    from lm_eval.models.huggingface import HFLM

    from nextword.evaluate.harness import HarnessModel

    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("model")
    model = GPT(GPTConfig(n_ctx=32, n_embd=16, n_head=2, n_layer=2))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(3.0)  # so that it is sure of something
    save_huggingface(model, folder)
    return HarnessModel(str(folder), device="cpu"), HFLM(pretrained=str(folder), device="cpu", batch_size=4)


def instances(kind: str, arguments: list[tuple[Any, ...]]) -> list[Any]:
    from lm_eval.api.instance import Instance

    return [Instance(kind, {}, one, number) for number, one in enumerate(arguments)]


def test_loglikelihoods_are_those_of_its_own_model(pair):
    """Contexts that are shared, empty, end in a space, or are too long for the model."""
    contexts = ["3 goats", "3 goats", "", "The bridge ", TEXT, TEXT[:90]]
    asked = [(context, end) for context in contexts for end in (" and", " 4 trolls make", " unlikely endings.")]
    ours, theirs = (one.loglikelihood(instances("loglikelihood", asked), disable_tqdm=True) for one in pair)
    for mine, its in zip(ours, theirs, strict=True):
        assert mine[0] == pytest.approx(its[0], abs=1e-3)
        assert mine[1] == its[1]


def test_rolling_loglikelihoods_are_those_of_its_own_model(pair):
    asked = instances("loglikelihood_rolling", [(TEXT,), ("Hi.",), (TEXT[:200],)])
    ours, theirs = (one.loglikelihood_rolling(asked, disable_tqdm=True) for one in pair)
    assert ours == pytest.approx(theirs, rel=1e-5)


def test_it_writes_what_its_own_model_writes(pair):
    asked = [(TEXT[:60], {"until": ["."], "max_gen_toks": 8}), ("3 goats", {"until": ["\n\n"], "max_gen_toks": 12})]
    ours, theirs = (one.generate_until(instances("generate_until", asked), disable_tqdm=True) for one in pair)
    assert ours == theirs


def test_the_command_line_s_model_is_known_by_its_name(tmp_path: Path):
    from lm_eval.api.registry import get_model

    from nextword.evaluate.harness import HarnessModel

    assert get_model("nextword") is HarnessModel


def test_a_model_in_memory_is_taken(pair):
    from nextword.evaluate.harness import HarnessModel

    torch.manual_seed(0)
    model, tokenizer = load("heads")
    found = HarnessModel(model, tokenizer).loglikelihood(
        [SimpleNamespace(args=("The bridge", " is"))], disable_tqdm=True
    )
    assert found[0][0] < 0
