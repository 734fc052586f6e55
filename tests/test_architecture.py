"""The house plan of docs/design.md, checked: a room imports from lower floors or from itself."""

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import nextword

SOURCE = Path(nextword.__file__).parent
PLAN = (Path(__file__).parent.parent / "docs" / "design.md").read_text(encoding="utf-8")
FILES = sorted(path for path in SOURCE.rglob("*.py") if path != SOURCE / "__init__.py")


def floors(plan: str) -> dict[str, int]:
    """Read the floor of every room from the picture: a number in front counts until the next one."""
    found, floor = {}, -1
    for line in picture(plan):
        floor = int(line[:6]) if line[:6].strip() else floor
        if room := re.match(r"(\w+)(/|\.py) ", line[7:]):
            found[room[1]] = floor
    return found


def picture(plan: str) -> list[str]:
    """The lines of the picture of the house, below its heading."""
    return plan.partition("## The house")[2].split("```")[1].splitlines()[2:]


def module_of(file: Path) -> str:
    """nextword/train/trainer.py -> nextword.train.trainer"""
    return ".".join(["nextword", *file.relative_to(SOURCE).with_suffix("").parts]).removesuffix(".__init__")


def room_of(module: str) -> str:
    """nextword.train.trainer -> train"""
    return module.split(".")[1]


MODULES = {module_of(file): file for file in FILES}
FLOOR = floors(PLAN)


@cache  # three tests look into each file
def imported(file: Path, types: bool = True) -> tuple[str, ...]:
    """All that a file imports, at its top or in a function, for types only or not; of nextword, modules."""
    found: list[str] = []
    for node in statements(ast.parse(file.read_text(encoding="utf-8")), types):
        if isinstance(node, ast.Import):
            found += (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: imports are written out from nextword"
            for alias in node.names:
                name = f"{node.module}.{alias.name}"
                found.append(name if name in MODULES else str(node.module))
    return tuple(found)


def statements(node: ast.AST, types: bool) -> Iterator[ast.AST]:
    """A file's statements, with or without those below `if TYPE_CHECKING`: no expression holds an import."""
    yield node
    only_types = isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.expr) and (types or not only_types):
            yield from statements(child, types)


def inner(names: Iterable[str]) -> set[str]:
    """Those of them that are modules of nextword."""
    return {name for name in names if name in MODULES}


def circle(edges: Mapping[str, Iterable[str]]) -> list[str] | None:
    """A circle of any length, if there is one."""
    try:
        TopologicalSorter(edges).prepare()
    except CycleError as error:
        found: list[str] = error.args[1]
        return found
    return None


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(SOURCE)))
def test_nothing_imports_from_a_higher_floor(file: Path) -> None:
    own = room_of(module_of(file))
    for room in {room_of(name) for name in inner(imported(file))} - {own}:
        assert FLOOR[room] < FLOOR[own], f"{own} (floor {FLOOR[own]}) imports {room} (floor {FLOOR[room]})"


def test_rooms_on_one_floor_do_not_lean_on_each_other_in_circles() -> None:
    leans: dict[str, set[str]] = {room: set() for room in FLOOR}
    for module, file in MODULES.items():
        leans[room_of(module)] |= {room_of(name) for name in inner(imported(file))} - {room_of(module)}
    assert circle(leans) is None


@pytest.mark.parametrize("room", FLOOR)
def test_files_of_a_room_do_not_import_each_other_in_circles(room: str) -> None:
    leans = {
        module: {name for name in inner(imported(file)) - {module} if room_of(name) == room}
        for module, file in MODULES.items()
        if room_of(module) == room
    }
    assert circle(leans) is None


def test_circles_of_any_length_are_found() -> None:
    assert circle({"a": ["b"], "b": ["c"], "c": []}) is None
    assert circle({"a": ["b"], "b": ["c"], "c": ["d"], "d": ["b"]}) is not None


def test_imports_for_types_count(tmp_path: Path) -> None:
    file = tmp_path / "file.py"
    file.write_text(
        "if TYPE_CHECKING:\n    from nextword.decode import batch\ndef f():\n    import nextword.cli.main\n"
    )
    assert [*imported(file)] == ["nextword.decode.batch", "nextword.cli.main"]
    assert [*imported(file, types=False)] == ["nextword.cli.main"]


def test_the_model_needs_torch_and_nothing_else() -> None:
    """Nor does anything of ours that it imports, at whatever distance."""
    allowed = {"torch", "nextword", *sys.stdlib_module_names}
    unread = [module for module in MODULES if room_of(module) == "model"]
    read = set(unread)
    while unread:
        module = unread.pop()
        names = set(imported(MODULES[module], types=False))
        roots = {name.split(".")[0] for name in names}
        assert roots <= allowed, f"{module} imports {roots - allowed}"
        packages = {name.rpartition(".")[0] for name in names}  # whose __init__.py runs as well
        new = inner(names | packages) - read
        read |= new
        unread += new
    assert {room_of(module) for module in read} <= {"model", "native", "runtime", "config", "lazy", "errors"}


def test_every_room_has_a_floor() -> None:
    assert {room_of(module) for module in MODULES} == set(FLOOR), "docs/design.md draws other rooms than there are"


def test_every_file_in_the_plan_is_there() -> None:
    room = ""
    for line in picture(PLAN):
        if found := re.match(r"(\w+)(/|\.py) ", line[7:]):
            room = found[1]
        for name in re.findall(r"(?<![\w/.])\w+(?:/|\.py\b)", line):
            assert (SOURCE / name).exists() or any((SOURCE / room).rglob(name)), f"{name} in {room}"


def test_nothing_is_kept_at_the_root_by_accident() -> None:
    """What a trial leaves in the working folder must not travel with the project."""
    command = ["git", "ls-files", "--full-name", ":/"]
    listed = subprocess.run(command, cwd=SOURCE, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("this is not a clone: git lists no files")
    files = {".gitattributes", ".gitignore", "CONTRIBUTING.md", "LICENSE", "Makefile", "README.md", "constraints.txt"}
    folders = {".ci", "benchmarks", "docs", "notebooks", "src", "tests"}
    found = {line.split("/")[0] for line in listed.stdout.splitlines()}
    assert found == files | folders | {"pyproject.toml"}


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


LAZY = ("nextword", "nextword.model", "nextword.data", "nextword.decode", "nextword.train")

# Each package is tried where nothing of nextword has been imported: in a fork of a process that has torch.
TRY_EACH = """
import importlib, os, sys
import torch
for package in sys.argv[1:]:
    child = os.fork()
    if child == 0:
        try:
            lazy = importlib.import_module(package)
            for name in lazy.__all__:
                assert name in dir(lazy) and getattr(lazy, name), name
            print("found", package, flush=True)
        except BaseException as error:
            print(f"{package}: {error!r}", file=sys.stderr, flush=True)
        os._exit(0)
    os.waitpid(child, 0)
"""


@pytest.fixture(scope="module")
def tried() -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", TRY_EACH, *LAZY], capture_output=True, text=True, check=False)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork a process")
@pytest.mark.parametrize("package", LAZY)
def test_what_is_imported_lazily_is_there(package: str, tried: subprocess.CompletedProcess[str]) -> None:
    assert f"found {package}" in tried.stdout.splitlines(), tried.stderr


def test_the_public_api_is_small_and_documented() -> None:
    assert len(nextword.__all__) <= 10
    for name in nextword.__all__:
        assert getattr(nextword, name).__doc__, name
        # Once imported, a module of the same name would stand in the name's place.
        assert not (SOURCE / name).exists(), name
        assert not (SOURCE / f"{name}.py").exists(), name
