"""What git-lfs leaves in a file's place is told apart from the file, and the command that is printed fetches it."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from transformers import GPT2LMHeadModel

from nextword.errors import WeightsError
from nextword.weights import load_model

POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a21\nsize 497772432\n"
OPENAI = Path(__file__).parent / "openai_tiny"


@pytest.mark.parametrize(
    ("kind", "file"),
    [
        ("huggingface", "model.safetensors"),
        ("huggingface", "config.json"),
        ("openai", "hparams.json"),
        ("openai", "model.ckpt.index"),
        ("openai", "model.ckpt.data-00000-of-00001"),
    ],
)
def test_the_command_for_a_pointer_fetches_the_file(
    kind: str, file: str, reference: GPT2LMHeadModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = tmp_path / "a model's"
    shutil.copytree(OPENAI, directory) if kind == "openai" else reference.save_pretrained(directory)
    (directory / file).rename(tmp_path / "large")
    (directory / file).write_text(POINTER)
    with pytest.raises(WeightsError, match=re.escape(f"{directory / file} is a pointer of git-lfs")) as error:
        load_model(directory)
    git_lfs = tmp_path / "git-lfs"  # git calls this for `git lfs`, in the folder that it was sent to
    git_lfs.write_text(f'#!/bin/sh\n[ "$1" = pull ] && cp ../large {file}\n')
    git_lfs.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    subprocess.run(str(error.value).partition("then fetch it: ")[2], shell=True, check=True)
    load_model(directory)
