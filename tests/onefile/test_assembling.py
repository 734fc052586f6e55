"""The one file does what the package does, to the last digit where both compute alike."""

import ast
import importlib.util
import shutil
import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

import nextword
from nextword.config import GPTConfig
from nextword.data.windows import Windows
from nextword.decode import plain as writing
from nextword.model import GPT, plain
from nextword.onefile import onefile
from nextword.tokenizer import Vocabulary, bpe
from nextword.tokenizer.characters import character_vocabulary
from nextword.tokenizer.vocab import BYTE_TO_CHAR, read_vocab_bpe
from nextword.train.optimizer import make_optimizer, set_learning_rate
from nextword.train.schedule import learning_rate
from nextword.weights import save_huggingface

SHAPE = GPTConfig(n_vocab=50257, n_ctx=16, n_embd=12, n_head=3, n_layer=2, dropout=0.0)
STORY = (Path(nextword.__file__).parent / "data" / "story.txt").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file, with the vocabulary beside it."""
    folder = tmp_path_factory.mktemp("onefile")
    (folder / "vocab.bpe").write_bytes(read_vocab_bpe())
    (folder / "gpt2.py").write_text(onefile(), encoding="utf-8")
    return folder / "gpt2.py"


@pytest.fixture(scope="module")
def gpt2(file: Path) -> Any:
    """The file, imported."""
    spec = importlib.util.spec_from_file_location("gpt2", file)
    assert spec is not None
    assert spec.loader is not None
    module: ModuleType = importlib.util.module_from_spec(spec)
    sys.modules["gpt2"] = module  # dataclasses look for it there
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["gpt2.py"])
        spec.loader.exec_module(module)
        yield module
    del sys.modules["gpt2"]


@pytest.fixture
def pair(gpt2: Any) -> tuple[Any, GPT]:
    """Its model and ours with the same weights."""
    torch.manual_seed(0)
    ours = GPT(SHAPE, ops=plain).eval()
    its = gpt2.GPT(gpt2.GPTConfig(SHAPE.n_vocab, SHAPE.n_ctx, SHAPE.n_embd, SHAPE.n_head, SHAPE.n_layer))
    its.load_state_dict(ours.state_dict())
    return its, ours


def test_it_has_at_most_300_lines_of_at_most_120_characters(file: Path) -> None:
    lines = file.read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 300
    assert max(map(len, lines)) <= 120


def test_it_imports_torch_numpy_and_regex_at_most(file: Path) -> None:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        names = [node.module] if isinstance(node, ast.ImportFrom) else []
        names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        for name in names:
            assert name is not None
            assert name.split(".")[0] in {"torch", "numpy", "regex", *sys.stdlib_module_names}


def test_it_is_formatted_and_linted(file: Path) -> None:
    ruff = shutil.which("ruff")
    if ruff is None:
        pytest.skip("ruff (extra: check) says whether the one file is formatted as people do")
    for command in (["format", "--check"], ["check", "--select", "E,F,W,I,B,UP,SIM,RUF,C4,PIE,RET,D100,D101,D103"]):
        done = subprocess.run(
            [ruff, *command, "--isolated", "--line-length", "120", "--target-version", "py311", file],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_everything_defined_is_used(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    tree = ast.parse(text)
    defined = [node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    defined += [node.targets[0].id for node in tree.body if isinstance(node, ast.Assign)]  # type: ignore[attr-defined]
    for name in {*defined} - {"__init__", "forward"}:
        assert text.count(name) > 1, name


@given(st.text())
@settings(max_examples=200, deadline=None)
def test_tokens_are_the_packages(gpt2: Any, text: str) -> None:
    assert gpt2.encode(text) == bpe.encode(text)
    assert gpt2.decode(gpt2.encode(text)) == bpe.decode(bpe.encode(text))


def test_tokens_of_a_story_and_of_surrogates_are_the_packages(gpt2: Any) -> None:
    for text in (STORY[:5000], "\ud83d\ude42 and \ud83d alone", "<|endoftext|>"):
        assert gpt2.encode(text) == bpe.encode(text)
    assert gpt2.decode([8582, 50256, 25081]) == bpe.decode([8582, 50256, 25081])


def test_logits_are_the_packages(pair: tuple[Any, GPT]) -> None:
    its, ours = pair
    ids = torch.randint(SHAPE.n_vocab, (2, SHAPE.n_ctx), generator=torch.Generator().manual_seed(1))
    assert torch.equal(its(ids), ours(ids))
    fused = GPT(SHAPE).eval()
    fused.load_state_dict(ours.state_dict())
    torch.testing.assert_close(its(ids), fused(ids), atol=1e-5, rtol=1e-4)


def test_first_weights_are_the_packages(gpt2: Any) -> None:
    torch.manual_seed(5)
    ours = GPT(SHAPE).state_dict()
    torch.manual_seed(5)
    its = gpt2.GPT(gpt2.GPTConfig(SHAPE.n_vocab, SHAPE.n_ctx, SHAPE.n_embd, SHAPE.n_head, SHAPE.n_layer)).state_dict()
    assert list(its) == list(ours)
    assert all(torch.equal(its[name], ours[name]) for name in ours)


def test_losses_of_20_steps_are_those_of_the_packages_fast_training(
    gpt2: Any, pair: tuple[Any, GPT], capsys: pytest.CaptureFixture[str]
) -> None:
    its, ours = pair
    model = GPT(SHAPE)
    model.load_state_dict(ours.state_dict())
    ids = torch.tensor(gpt2.encode(STORY[:3000]))
    gpt2.train(its, ids, steps=20, window=8, batch_size=2, peak=1e-2)
    printed = [float(line.split()[-1]) for line in capsys.readouterr().out.splitlines()]

    windows = Windows(ids, 8, 8)
    whole = (len(ids) - 1) // 8  # Windows has one more for the rest of the text
    order = torch.randperm(whole, generator=torch.Generator().manual_seed(0)).tolist()
    optimizer = make_optimizer(model, lr=1.0, weight_decay=0.1, beta2=0.95)
    losses = []
    for step in range(20):
        x, y = (torch.stack(part) for part in zip(*(windows[i] for i in order[4 * step : 4 * step + 4]), strict=True))
        set_learning_rate(optimizer, learning_rate(step, 20, 1, 1e-2))
        optimizer.zero_grad()
        loss = model.loss(x, y)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.item())
    np.testing.assert_allclose(printed, losses, atol=1e-3)
    assert losses[-1] < losses[0] - 1
    torch.testing.assert_close(its(ids[None, :16]), model.eval()(ids[None, :16]), atol=1e-3, rtol=1e-3)


def test_it_writes_what_the_package_writes(gpt2: Any, tmp_path: Path) -> None:
    prompt = "The ferry was late, and the ferry"
    save_huggingface(nextword.load("heads")[0], tmp_path)
    model = gpt2.load_model(tmp_path)
    ids = torch.tensor([gpt2.encode(prompt)])
    greedy = gpt2.generate(model, ids, 30, partial(gpt2.sample_top_k, k=40, temperature=0.0), model.config.n_ctx)
    expected = nextword.generate(*nextword.load("heads"), prompt, max_new_tokens=30, temperature=0)
    assert gpt2.decode(greedy[0].tolist()) == expected


def test_it_draws_what_the_packages_plain_sampler_draws(gpt2: Any, pair: tuple[Any, GPT]) -> None:
    its, ours = pair
    ids = torch.tensor([[1, 2, 3], [4, 5, 6]])
    drawn = []
    for model, room in ((its, gpt2), (ours, writing)):
        torch.manual_seed(3)
        choose = partial(room.sample_top_k, k=5, temperature=0.7)
        drawn.append(room.generate(model, ids, 20, choose, SHAPE.n_ctx))  # beyond n_ctx
    assert torch.equal(*drawn)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_it_reads_old_and_new_files_of_weights(
    gpt2: Any, pair: tuple[Any, GPT], tmp_path: Path, dtype: torch.dtype
) -> None:
    _, ours = pair
    save_huggingface(ours, tmp_path)
    stored = gpt2.load_model(tmp_path).state_dict()
    assert all(torch.equal(stored[name], tensor) for name, tensor in ours.state_dict().items())
    turned = {name: tensor.T if name.endswith(plain_projections()) else tensor for name, tensor in stored.items()}
    old = {f"transformer.{name}": tensor.to(dtype).contiguous() for name, tensor in turned.items()}
    old |= {
        "transformer.h.0.attn.bias": torch.ones(1, 1, 4, 4),
        "lm_head.weight": old["transformer.wte.weight"].clone(),
    }
    save_file(old, tmp_path / "model.safetensors", metadata={"format": "pt"})
    read = gpt2.load_model(tmp_path).state_dict()
    assert all(torch.equal(read[name], tensor.to(dtype).float()) for name, tensor in stored.items())


def plain_projections() -> tuple[str, ...]:
    return ("attn.c_attn.weight", "attn.c_proj.weight", "mlp.c_fc.weight", "mlp.c_proj.weight")


def test_it_runs_as_a_program(file: Path, tmp_path: Path) -> None:
    save_huggingface(GPT(SHAPE), tmp_path / "model")
    done = subprocess.run(
        [sys.executable, file, "write", "The ferry", tmp_path / "model"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("The ferry")
    usage = subprocess.run([sys.executable, file], capture_output=True, text=True, check=False)
    assert usage.returncode == 1
    assert "gpt2.py train my.txt" in usage.stderr


def test_it_takes_a_vocabulary_of_ones_own_and_refuses_one_without_merges(file: Path, tmp_path: Path) -> None:
    pairs = bpe.learn_merges(STORY[:4000], 43)
    tokens = [*(bytes([byte]) for byte in BYTE_TO_CHAR), *map(b"".join, pairs), b"<|endoftext|>"]
    model = GPT(replace(SHAPE, n_vocab=300))
    model.vocabulary = Vocabulary(
        tuple(tokens), {pair: rank for rank, pair in enumerate(pairs)}, {"<|endoftext|>": 299}, "gpt2", 299
    )
    save_huggingface(model, tmp_path / "merged")
    model = GPT(replace(SHAPE, n_vocab=4))
    model.vocabulary = character_vocabulary(["abcd"])
    save_huggingface(model, tmp_path / "characters")
    for name, status, said in (("merged", 0, "The ferry"), ("characters", 1, "another vocabulary than 50257 tokens")):
        command = [sys.executable, file, "write", "The ferry", tmp_path / name]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == status, done.stderr
        assert said in done.stdout + done.stderr


def test_it_says_which_file_it_misses(file: Path, tmp_path: Path) -> None:
    alone = tmp_path / "gpt2.py"
    shutil.copyfile(file, alone)
    code = "import gpt2; gpt2.encode('a')"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert f"No such file or directory: '{tmp_path / 'vocab.bpe'}'" in done.stderr
