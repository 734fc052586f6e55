"""The house plan of docs/design.md, checked: a room imports from lower floors or from itself."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import nextword

SOURCE = Path(nextword.__file__).parent

FLOORS = (
    {"commands", "config", "errors", "lazy", "symbols", "native", "model", "tokenizer", "runtime"},
    {"data", "weights", "decode"},
    {"loading", "evaluate", "user_model", "lens"},
    {"train"},
    {"bench", "doctor", "learn", "serve"},
    {"cli", "__main__"},
)
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}


def room_of(module: str) -> str:
    """nextword.train.trainer -> train"""
    return module.split(".")[1]


def imports(file: Path) -> set[str]:
    """The rooms of nextword that a file imports from, at its top or inside a function."""
    rooms = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: imports are written out from nextword"
            names = [node.module or ""]
            if node.module == "nextword":
                names = [f"nextword.{alias.name}" for alias in node.names]
        else:
            continue
        rooms |= {room_of(name) for name in names if name.startswith("nextword.")}
    return rooms


FILES = sorted(path for path in SOURCE.rglob("*.py") if path != SOURCE / "__init__.py")


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(SOURCE)))
def test_nothing_imports_from_a_higher_floor(file: Path) -> None:
    own = file.relative_to(SOURCE).parts[0].removesuffix(".py")
    for room in imports(file) - {own}:
        assert FLOOR[room] <= FLOOR[own], f"{own} (floor {FLOOR[own]}) imports {room} (floor {FLOOR[room]})"


def test_rooms_on_one_floor_do_not_lean_on_each_other_in_circles() -> None:
    leans = {room: set[str]() for room in FLOOR}
    for file in FILES:
        own = file.relative_to(SOURCE).parts[0].removesuffix(".py")
        leans[own] |= {room for room in imports(file) - {own} if FLOOR[room] == FLOOR[own]}
    for room, others in leans.items():
        for other in others:
            assert room not in leans[other], f"{room} and {other} import each other"


def test_the_model_needs_torch_and_nothing_else() -> None:
    allowed = {"torch", "nextword", *sys.stdlib_module_names}
    for file in (SOURCE / "model").glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                roots = {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                roots = {(node.module or "").split(".")[0]}
            else:
                continue
            assert roots <= allowed, f"{file.name} imports {roots - allowed}"


def test_every_room_has_a_floor() -> None:
    found = {file.relative_to(SOURCE).parts[0].removesuffix(".py") for file in FILES}
    assert found <= set(FLOOR), f"give {found - set(FLOOR)} a floor, in docs/design.md and here"


def test_no_drawer_for_odds_and_ends() -> None:
    assert not [file for file in FILES if file.stem in {"utils", "util", "helpers", "helper", "common", "misc"}]


@pytest.mark.parametrize(
    "code",
    [
        "import nextword",
        "import nextword; nextword.GPTConfig; nextword.TrainConfig",
        "import nextword.loading, nextword.decode, nextword.runtime, nextword.tokenizer, nextword.weights",
        "from nextword.tokenizer import Tokenizer, StreamDecoder, save_tokenizer\nTokenizer().encode('Hello')",
        "from nextword.cli.main import run\nassert run(['--help']) == 0",
        "from nextword.cli.main import run\ntry: run(['train', '--help'])\nexcept SystemExit: pass",
        "from nextword.cli.main import run\ntry: run(['generate', '--help'])\nexcept SystemExit: pass",
    ],
)
def test_torch_is_not_imported_before_it_is_needed(code: str) -> None:
    check = f"{code}\nimport sys\nassert 'torch' not in sys.modules, 'torch was imported'"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "package", ["nextword", "nextword.model", "nextword.data", "nextword.decode", "nextword.train"]
)
def test_what_is_imported_lazily_is_there(package: str) -> None:
    code = f"import {package} as p\nfor name in p.__all__: assert name in dir(p) and getattr(p, name), name"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_public_api_is_small_and_documented() -> None:
    assert len(nextword.__all__) <= 10
    for name in nextword.__all__:
        assert getattr(nextword, name).__doc__, name
        # Once imported, a module of the same name would stand in the name's place.
        assert not (SOURCE / name).exists(), name
        assert not (SOURCE / f"{name}.py").exists(), name
