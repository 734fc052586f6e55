from pathlib import Path

import pytest
import torch
from cli.conftest import Cli

import nextword


def test_transformers_loads_it_and_writes_the_same(cli: Cli, model_directory: Path, tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers", reason="transformers (extra: test) is the reference here")
    status, out, _ = cli("export", model_directory, "--to", "hf", "--out", tmp_path / "hf")
    assert status == 0
    assert f"Wrote {model_directory} to {tmp_path / 'hf'}" in out
    theirs = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "hf")
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path / "hf")
    prompt = "The ferry was"
    ids = torch.tensor([tokenizer(prompt)["input_ids"]])
    written = theirs.generate(ids, max_new_tokens=15, do_sample=False, pad_token_id=50256)
    ours = nextword.generate(*nextword.load(model_directory), prompt, max_new_tokens=15, temperature=0)
    assert tokenizer.decode(written[0]) == ours


def test_nothing_is_overwritten(cli: Cli, model_directory: Path) -> None:
    status, _, err = cli("export", model_directory, "--out", model_directory)
    assert status == 2
    assert "is there already: choose a new or an empty directory" in err
