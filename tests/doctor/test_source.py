"""Files that were never meant to be imported, and are read all the same."""

import json
import sys
from pathlib import Path

import pytest

from nextword.doctor.findings import DoctorError
from nextword.doctor.source import read

MODEL = "import torch.nn as nn\n\nclass GPT(nn.Module):\n    pass\n"


def write(folder: Path, text: str, name: str = "theirs.py") -> str:
    (folder / name).write_text(text, encoding="utf-8")
    return str(folder / name)


def test_what_raises_is_noted_and_what_follows_is_run(tmp_path: Path) -> None:
    source = read(write(tmp_path, f"text = open('no such file').read()\nsize = len(text)\n{MODEL}"))
    assert source.module.GPT.__name__ == "GPT"
    assert source.failures[0].startswith("line 1: FileNotFoundError: ")
    assert source.failures[1] == "line 2: NameError: name 'text' is not defined"


def test_a_byte_order_mark_is_no_mistake(tmp_path: Path) -> None:
    assert read(write(tmp_path, f"\ufeff{MODEL}")).module.GPT.__name__ == "GPT"


def test_training_below_the_classes_is_not_run_and_numbers_there_are_taken(tmp_path: Path) -> None:
    source = read(
        write(tmp_path, f"{MODEL}CONFIG = {{'n_layer': 2}}\nOTHER = dict(n_head=3)\nraise SystemExit\nmodel = GPT()\n")
    )
    assert source.failures == []
    assert (source.module.CONFIG, source.module.OTHER) == ({"n_layer": 2}, {"n_head": 3})
    assert not hasattr(source.module, "model")
    assert source.notes == ["Not run, since it stands below all definitions: theirs.py from line 7 on."]


def test_what_takes_too_long_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nextword.doctor.source.STATEMENT_SECONDS", 0.2)
    loop = "try:\n    while True: pass\nexcept Exception: pass\n"
    source = read(write(tmp_path, loop + MODEL))
    assert source.failures == ["line 1: stopped after 0 seconds"]
    assert hasattr(source.module, "GPT")


def test_exit_and_main_are_survived(tmp_path: Path) -> None:
    source = read(write(tmp_path, f"exit()\nif __name__ == '__main__':\n    raise ValueError\n{MODEL}"))
    assert [failure.partition(":")[2].strip() for failure in source.failures] == ["SystemExit"]


def test_annotations_from_the_future_and_files_beside_it(tmp_path: Path) -> None:
    write(tmp_path, "x = 5\n", "sibling_of_theirs.py")
    text = "from __future__ import annotations\nfrom dataclasses import dataclass\nfrom sibling_of_theirs import x\n"
    source = read(write(tmp_path, f"{text}@dataclass\nclass C:\n    size: NotThere = x\n"))
    assert source.failures == []
    assert source.module.C().size == 5


def test_a_notebook(tmp_path: Path) -> None:
    cells = [
        {"cell_type": "markdown", "source": ["# GPT"]},
        {"cell_type": "code", "source": ["%matplotlib inline\n", "!pip install torch\n", "x = 3"]},
        {"cell_type": "code", "source": [MODEL]},
    ]
    source = read(write(tmp_path, json.dumps({"cells": cells}), "theirs.ipynb"))
    assert source.failures == []
    assert source.module.x == 3


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("theirs.py", "class GPT(:\n", "theirs.py is not Python: invalid syntax, in line 1."),
        ("theirs.ipynb", "{}", "theirs.ipynb is no notebook"),
        ("theirs.txt", "", "theirs.txt is not Python: give a file that ends in .py or .ipynb"),
    ],
)
def test_what_is_not_python(
    name: str, text: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, text, name)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DoctorError, match=message):
        read(name)


def test_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DoctorError, match=r"There is no file model.py here."):
        read("model.py", tmp_path)
    with pytest.raises(DoctorError, match=r"There is no nothing.py in .*, and no module nothing."):
        read("nothing:GPT", tmp_path)


def test_a_module_by_its_name() -> None:
    source = read("nextword.model.gpt:GPT")
    assert (source.module.__name__, source.symbol) == ("nextword.model.gpt", "GPT")


@pytest.mark.parametrize("where", [".", "package_of_theirs"])
def test_a_package_by_its_name_from_beside_it_and_from_inside_it(tmp_path: Path, where: str) -> None:
    (tmp_path / "package_of_theirs").mkdir(exist_ok=True)
    (tmp_path / "package_of_theirs" / "__init__.py").write_text("from package_of_theirs.part import GPT\n")
    (tmp_path / "package_of_theirs" / "part.py").write_text(MODEL)
    found = read("package_of_theirs:GPT", tmp_path / where)
    assert found.module.GPT.__name__ == "GPT"
    for name in ("package_of_theirs", "package_of_theirs.part"):
        del sys.modules[name]
