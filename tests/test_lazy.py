"""A name that is written down works after `import nextword` alone."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest

import nextword

PROJECT = Path(__file__).parent.parent
DOTTED = re.compile(r"(?<![\w/.])nextword(?:\.[A-Za-z_]\w*)+")

# Each name is tried in a process of its own, where nothing of nextword has been imported but nextword itself. They are
# forks of one that has imported what takes long, and is not ours.
TRY_EACH = """
import os, sys
import fastapi, matplotlib.figure, numpy, rich.console, safetensors.torch, tiktoken, torch, tyro, uvicorn
import nextword
for name in sys.argv[1:]:
    child = os.fork()
    if child == 0:
        try:
            eval(name)
        except BaseException as error:
            print(f"{name}: {error!r}", flush=True)
        os._exit(0)
    os.waitpid(child, 0)
"""


def documents() -> list[Path]:
    return [PROJECT / "README.md", *PROJECT.glob("docs/**/*.md"), *PROJECT.glob("benchmarks/**/*.md")]


def docstrings() -> Iterator[str]:
    for file in (PROJECT / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                yield ast.get_docstring(node) or ""


def written_down() -> list[str]:
    texts = [file.read_text(encoding="utf-8") for file in documents()]
    return sorted({name for text in (*texts, *docstrings()) for name in DOTTED.findall(text)})


def failures(*names: str) -> str:
    return subprocess.run([sys.executable, "-c", TRY_EACH, *names], capture_output=True, text=True, check=True).stdout


@pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="this system cannot fork a process")
def test_every_name_that_is_written_down_works_after_importing_nextword_alone() -> None:
    names = written_down()
    assert {"nextword.decode.generate_batch", "nextword.lens", "nextword.weights.load_model"} <= set(names)
    modules = ["nextword.bench.program", "nextword.learn.exercises.gelu", "nextword.serve.app", "nextword.cli.main"]
    (one,) = failures(*names, *modules, "nextword.__version__", "nextword.lenses").splitlines()
    assert one.startswith("nextword.lenses: AttributeError")  # so the test can fail


def test_what_is_not_there_is_an_attribute_error() -> None:
    for name in ("lenses", "__wrapped__", "__main__"):
        with pytest.raises(AttributeError, match=f"module 'nextword' has no attribute '{name}'"):
            getattr(nextword, name)


def test_a_module_that_lacks_something_says_what(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "lazy_package"
    package.mkdir()
    (package / "__init__.py").write_text(
        "from nextword.lazy import attach\n__getattr__, __dir__ = attach(__name__, {'found': 'module'})"
    )
    (package / "module.py").write_text("found = 1")
    (package / "broken.py").write_text("import no_such_package")
    monkeypatch.syspath_prepend(tmp_path)
    import lazy_package

    assert lazy_package.found == 1
    assert lazy_package.module.found == 1
    with pytest.raises(ModuleNotFoundError, match="no_such_package"):
        _ = lazy_package.broken


def test_the_rooms_to_look_into_are_shown() -> None:
    assert {"data", "decode", "evaluate", "lens", "model", "tokenizer", "train", "weights"} <= set(dir(nextword))


def test_the_version_is_the_package_s() -> None:
    assert nextword.__version__ == version("nextword")
