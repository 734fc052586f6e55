"""Every module can be imported where there is no Linux: no fork, no fcntl, no resource, no C compiler, no /proc."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import nextword

SOURCE = Path(nextword.__file__).parent

MODULES = [
    ".".join(["nextword", *file.relative_to(SOURCE).with_suffix("").parts]).removesuffix(".__init__")
    for file in sorted(SOURCE.rglob("*.py"))
    if "answers" not in file.parts and file.name not in ("stub.py", "__main__.py")
]

# What others have written is imported before: it has its own ways of finding out where it is.
CHILD = """
import importlib, os, shutil, signal, sys

modules, *places = sys.argv[1:]
modules = modules.split()
import ctypes, multiprocessing, select, socket, subprocess, tempfile
from filelock import FileLock, SoftFileLock, Timeout  # which it imports when they are first asked for
for name in ("torch", "torch._dynamo", "numpy", "tiktoken", "safetensors.torch", "rich.progress",
             "huggingface_hub", "tyro", "matplotlib.figure", "matplotlib.backends.backend_agg", "uvicorn", "fastapi"):
    try:
        importlib.import_module(name)
    except ImportError:
        print("without", name)

for place in places:  # a platform's name and a folder
    platform, _, folder = place.partition("=")
    if child := os.fork():
        print(platform, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
    else:
        break
else:
    raise SystemExit
ABSENT = {
    "win32": "fork forkpty killpg getpgid setsid getuid geteuid getloadavg uname sysconf mkfifo pread WNOHANG "
             "sched_getaffinity sched_setaffinity posix_fadvise statvfs nice",
    "darwin": "sched_getaffinity sched_setaffinity posix_fadvise memfd_create",
}[platform]
for name in ABSENT.split():
    if hasattr(os, name):
        delattr(os, name)
if platform == "win32":
    for name in "SIGKILL SIGHUP SIGALRM SIGUSR1 SIGUSR2 SIGPIPE SIGCHLD setitimer alarm".split():
        if hasattr(signal, name):
            delattr(signal, name)
    for name in "fcntl resource termios tty pty pwd grp readline curses".split():
        sys.modules[name] = None  # so that importing it fails
shutil.which = lambda *arguments, **others: None
sys.platform = platform

assert not [name for name in sys.modules if name.startswith("nextword")]
failed = []
for module in modules:
    try:
        importlib.import_module(module)
    except Exception as error:
        failed.append(f"{module}: {type(error).__name__}: {error}")
assert not failed, "\\n".join(failed)

from nextword import TrainConfig, Trainer, generate, load, native
from nextword.runtime import hardware

assert native.library() is None
assert "Linux" in native.why_not()
assert hardware.physical_cores() >= 1
text, run = os.path.join(folder, "ferry.txt"), os.path.join(folder, "run")
with open(text, "w", encoding="utf-8") as file:
    file.write("The ferry left at seven, with nine people on board. " * 20)
config = TrainConfig(data=(text,), out=run, tokenizer="chars", n_layer=1, n_head=1, n_embd=8, n_ctx=16, steps=2,
                     device="cpu")
*_, finished = Trainer(config).run()
assert finished.complete
model, tokenizer = load(run)
assert generate(model, tokenizer, "The", max_new_tokens=3, seed=1).startswith("The")
"""


PLATFORMS = ("win32", "darwin")


@pytest.fixture(scope="module")
def tried(tmp_path_factory: pytest.TempPathFactory) -> subprocess.CompletedProcess[str]:
    """Both platforms in forks of one process, with what others have written imported once."""
    places = [f"{platform}={tmp_path_factory.mktemp(platform)}" for platform in PLATFORMS]
    return subprocess.run(
        [sys.executable, "-c", CHILD, " ".join(MODULES), *places],
        env={**os.environ, "CC": ""},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork a process")
@pytest.mark.parametrize("platform", PLATFORMS)
def test_every_module_is_imported_and_a_model_trains_and_writes(
    platform: str, tried: subprocess.CompletedProcess[str]
) -> None:
    assert f"{platform} 0" in tried.stdout.splitlines(), tried.stderr


def test_all_modules_are_tried() -> None:
    assert len(MODULES) > 250
    assert "nextword.native.training" in MODULES
