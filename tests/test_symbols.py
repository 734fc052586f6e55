"""Users' own code is found as they name it, and what is wrong with it is said in words."""

import sys
from pathlib import Path

import pytest
from user_model.conftest import folder  # noqa: F401  (a fixture)

from nextword.errors import SymbolError
from nextword.symbols import defined_in, is_symbol, load_symbol


@pytest.mark.parametrize("text", ["my_gpt2:GPT", "path/to/file.py:GPTModel", "a.b:C.d", "transformers:GPT2LMHeadModel"])
def test_what_names_code(text):
    assert is_symbol(text)


@pytest.mark.parametrize(
    "text", ["gpt2", "runs/story", "/home/me/model", "C:\\models\\gpt2", "a:", ":GPT", "a:1", "a:b c"]
)
def test_what_does_not(text):
    assert not is_symbol(text)


def test_a_folder_with_a_colon_in_its_name_is_a_folder(folder):  # noqa: F811
    Path("run:GPT").mkdir()
    assert not is_symbol("run:GPT")


@pytest.mark.parametrize(
    "spec", ["mine:value", "mine.py:value", "./mine.py:value", "sub/other.py:value", "sub/other:value"]
)
def test_a_file_is_found_by_its_name_or_its_path(folder, spec):  # noqa: F811
    (folder / "sub").mkdir()
    (folder / "mine.py").write_text("value = 'found'")
    (folder / "sub" / "other.py").write_text("from beside import value")
    (folder / "sub" / "beside.py").write_text("value = 'found'")
    assert load_symbol(spec) == "found"
    assert load_symbol(spec, folder) == "found"


def test_an_absolute_path_and_a_part_of_a_class(folder):  # noqa: F811
    (folder / "mine.py").write_text("class Outer:\n    class Inner:\n        x = 3")
    assert load_symbol(f"{folder / 'mine.py'}:Outer.Inner.x", Path("/")) == 3


def test_a_package_finds_its_own_files_with_and_without_its_name(folder):  # noqa: F811
    (folder / "my_gpt2").mkdir()
    (folder / "my_gpt2" / "__init__.py").write_text("from ex1_part import a\nfrom my_gpt2.second import b\nGPT = a + b")
    (folder / "my_gpt2" / "ex1_part.py").write_text("a = 1")
    (folder / "my_gpt2" / "second.py").write_text("from .third import c\nb = 2")
    (folder / "my_gpt2" / "third.py").write_text("c = 3")
    assert load_symbol("my_gpt2:GPT") == 3
    assert load_symbol("my_gpt2.third:c") == 3


@pytest.mark.parametrize("where", [".", "my_gpt2", "my_gpt2/runs"])
def test_a_package_has_one_name_from_beside_it_and_from_inside_it(folder, monkeypatch, where):  # noqa: F811
    (folder / "my_gpt2" / "runs").mkdir(parents=True)
    (folder / "my_gpt2" / "__init__.py").write_text("from part import GPT")
    (folder / "my_gpt2" / "part.py").write_text("GPT = 7")
    monkeypatch.chdir(folder / where)
    assert load_symbol("my_gpt2:GPT") == 7
    assert load_symbol("my_gpt2.part:GPT") == 7


def test_a_file_and_a_package_of_one_name_are_told_apart(folder):  # noqa: F811
    (folder / "my_gpt2").mkdir()
    (folder / "my_gpt2" / "__init__.py").write_text("GPT = 'the folder'")
    (folder / "my_gpt2.py").write_text("GPT = 'the file'")
    with pytest.raises(SymbolError, match=r"name my_gpt2\.py:GPT or my_gpt2/__init__\.py:GPT"):
        load_symbol("my_gpt2:GPT")
    assert load_symbol("my_gpt2.py:GPT") == "the file"
    assert load_symbol("my_gpt2/__init__.py:GPT") == "the folder"


def test_a_byte_order_mark_is_no_mistake(folder):  # noqa: F811
    (folder / "mine.py").write_text("\ufeffclass GPT:\n    x = 3", encoding="utf-8")
    assert load_symbol("mine.py:GPT.x") == 3
    assert defined_in(folder / "mine.py") == {"GPT"}


def test_a_file_is_run_once(folder):  # noqa: F811
    (folder / "mine.py").write_text("thing = object()")
    assert load_symbol("mine:thing") is load_symbol("mine.py:thing")


def test_two_files_of_one_name_do_not_stand_in_for_each_other(folder):  # noqa: F811
    for name in ("a", "b"):
        (folder / name).mkdir()
        (folder / name / "gpt.py").write_text(f"value = {name!r}")
    assert [load_symbol(f"{name}/gpt.py:value") for name in ("a", "b", "a", "b")] == ["a", "b", "a", "b"]


def test_what_is_installed_is_found_too(folder):  # noqa: F811
    from collections import OrderedDict

    assert load_symbol("collections:OrderedDict") is OrderedDict


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("mein:GPT", r"There is no mein.py in .*, and no module mein. Did you mean mine.py:GPT\?"),
        ("nowhere/at_all.py:GPT", r"There is no nowhere/at_all.py in .* Give a file: path/to/file.py:GPT"),
        ("mine:GTP", r"mine.py has no GTP. Did you mean GPT\?"),
        ("mine:Zebra", r"mine.py has no Zebra. It has GPT, build."),
        ("loose:GPT", r"loose is a folder without an __init__.py. Did you mean loose/ex2.py:GPT\?"),
        ("fails:GPT", r"fails.py could not be run: NameError: name 'tensor' is not defined, in line 3."),
        ("wrong:GPT", r"wrong.py could not be run: expected ':', in line 1."),
        ("leaves:GPT", r"leaves.py could not be run: SystemExit: 3, in line 2."),
        ("leans:GPT", r"leans.py could not be run: NameError: .* in line 3 of .*fails.py."),
        ("lazy:GPT", r"GPT of .*lazy.py failed: ZeroDivisionError: division by zero, in line 2."),
        ("GPT", r"'GPT' names no code: give a module or file and what is in it, such as my_gpt2:GPT."),
    ],
)
def test_what_is_wrong_is_said_in_words(folder, spec, message):  # noqa: F811
    (folder / "mine.py").write_text("import math\nclass GPT: pass\ndef build(): pass")
    (folder / "loose").mkdir()
    (folder / "loose" / "ex1.py").write_text("def part(): pass")
    (folder / "loose" / "ex2.py").write_text("class GPT: pass")
    (folder / "fails.py").write_text("import math\n\nx = tensor(3)")
    (folder / "wrong.py").write_text("def GPT()\n    pass")
    (folder / "leaves.py").write_text("import sys\nsys.exit(3)")
    (folder / "lazy.py").write_text("def __getattr__(name):\n    return {'GPT': 1 / 0}[name]")
    (folder / "leans.py").write_text("from fails import x")
    with pytest.raises(SymbolError, match=message):
        load_symbol(spec)
    assert "fails" not in sys.modules
