"""The C files of this room, compiled by this machine's own compiler when they are first needed."""

import ctypes
import hashlib
import os
import platform
import shlex
import shutil
import stat
import subprocess
import sys
import tempfile
from contextlib import suppress
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

SOURCES = Path(__file__).parent

COMPILE = (
    "-O3",
    "-march=native",
    "-ffast-math",
    "-fno-strict-aliasing",
    "-fopenmp",
    "-fPIC",
    "-fvisibility=hidden",
    "-std=gnu11",
)
LINK = ("-shared", "-lm")  # without -ffast-math, which would change how the whole process rounds


def library() -> ctypes.CDLL | None:
    """The compiled kernels, or None where they cannot be had; the rest of nextword does without them.

    Compiling takes some seconds, once: the result is kept (see `cache_directories`)
    under a name made of the sources, the compiler and the processor.
    NEXTWORD_NATIVE=0 switches the kernels off, NEXTWORD_AMX=0 those that use AMX.
    """
    kernels = load_or_compile()
    return kernels if isinstance(kernels, ctypes.CDLL) else None


def why_not() -> str:
    """Say why `library` is None, and how to help; empty if it is there."""
    kernels = load_or_compile()
    return "" if isinstance(kernels, ctypes.CDLL) else kernels


@cache
def load_or_compile() -> ctypes.CDLL | str:
    """The kernels, or why they cannot be had."""
    if os.environ.get("NEXTWORD_NATIVE") == "0":
        return "NEXTWORD_NATIVE=0 switches them off"
    if sys.platform != "linux":
        return "they are made for Linux"
    compiler = find_compiler()
    if compiler is None:
        return "there is no C compiler here; install GCC (sudo apt install gcc), or name yours in CC"
    try:
        path = kept(compiler)
        if path is None:
            path = writable_directory() / file_name(compiler)
            compile_into(path, compiler)
        load_openmp()
        kernels = ctypes.CDLL(str(path))
        if kernels.nextword_has_amx() and os.environ.get("NEXTWORD_AMX") != "0" and amx_works(path):
            kernels.nextword_use_amx(1)
        return kernels
    except (OSError, subprocess.SubprocessError) as error:
        return f"{shlex.join(compiler)} could not make them ({error}); NEXTWORD_DEBUG=1 shows what it says"


def is_compiled() -> bool:
    """Whether the kernels are there already, so that asking for them takes no time."""
    compiler = find_compiler() if sys.platform == "linux" else None
    return compiler is None or kept(compiler) is not None


def kept(compiler: list[str]) -> Path | None:
    """Find the kernels that this compiler has made before; None if there are none."""
    places = (directory / file_name(compiler) for directory in cache_directories())
    return next((path for path in places if path.exists()), None)


def file_name(compiler: list[str]) -> str:
    """Name the file of the kernels that this compiler makes."""
    return f"kernels-{fingerprint(compiler)}.so"


def find_compiler() -> list[str] | None:
    """Find the C compiler: CC's, or gcc, or cc."""
    words = shlex.split(os.environ.get("CC", ""))
    candidates = [words] if words else [["gcc"], ["cc"]]
    for program, *options in candidates:
        if found := shutil.which(program):
            return [found, *options]
    return None


def cache_directories() -> list[Path]:
    """Where compiled kernels may lie, the best place first; none has to exist.

    $XDG_CACHE_HOME/nextword or ~/.cache/nextword, also where it can only be
    read; else a directory of this user's own among the temporary files, which
    lasts until they are cleared away.
    """
    found = []
    with suppress(RuntimeError):  # there is no home
        found.append(Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "nextword")
    temporary = Path(tempfile.gettempdir()) / f"nextword-{os.getuid()}"
    with suppress(OSError):
        temporary.mkdir(mode=0o700, exist_ok=True)
        status = temporary.lstat()
        # Code is loaded from here, so nobody else may be able to put some in.
        if stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid() and not status.st_mode & 0o022:
            found.append(temporary)
    return found


@cache
def writable_directory() -> Path:
    """The first of `cache_directories` that files can be made in, or a place for this process only."""
    for directory in cache_directories():
        with suppress(OSError):
            directory.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=directory):
                return directory
    ours = tempfile.TemporaryDirectory(prefix="nextword-")
    TEMPORARY.append(ours)
    return Path(ours.name)


TEMPORARY: list[tempfile.TemporaryDirectory[str]] = []
"""Directories that go when the process ends."""


def fingerprint(compiler: list[str]) -> str:
    """A name for what decides the compiled code: the sources, the flags, the compiler and the processor."""
    digest = hashlib.sha256()
    for source in sorted(SOURCES.glob("*.[ch]")):
        digest.update(source.read_bytes())
    tool = Path(compiler[0]).resolve()
    digest.update(repr((COMPILE, LINK, compiler, str(tool), tool.stat().st_mtime_ns, processor())).encode())
    return digest.hexdigest()[:16]


def processor() -> str:
    """What -march=native depends on, on x86 and on ARM."""
    telling = ("model name", "flags", "Features", "CPU implementer", "CPU part")
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return platform.machine() + "".join(sorted({line for line in lines if line.startswith(telling)}))


def compile_into(path: Path, compiler: list[str]) -> None:
    """Compile all C files into one library, which appears under its name only when it is whole."""
    with tempfile.TemporaryDirectory(dir=path.parent) as scratch:
        objects = [f"{scratch}/{source.stem}.o" for source in sorted(SOURCES.glob("*.c"))]
        together = [
            subprocess.Popen([*compiler, *COMPILE, "-c", str(source), "-o", target], **quietly())
            for source, target in zip(sorted(SOURCES.glob("*.c")), objects, strict=True)
        ]
        for process in together:
            if process.wait(timeout=120):
                raise subprocess.CalledProcessError(process.returncode, process.args)
        # OpenMP's functions are left open here and found in the library that PyTorch has loaded: see load_openmp.
        linked = f"{scratch}/kernels.so"
        subprocess.run([*compiler, *objects, *LINK, "-o", linked], check=True, timeout=120, **quietly())
        os.replace(linked, path)


def quietly() -> dict[str, Any]:
    """Where a compiler's words go: nowhere, unless NEXTWORD_DEBUG=1."""
    output = None if os.environ.get("NEXTWORD_DEBUG") else subprocess.DEVNULL
    return {"stdout": output, "stderr": output}


def amx_works(path: Path) -> bool:
    """Tell whether AMX computes the same: tried once, in a process that may crash.

    Some virtual machines promise AMX and stop the program that uses it.
    """
    verdict = path.with_suffix(".amx")
    if not verdict.exists():
        program = [sys.executable, "-c", "from nextword.native.amx_trial import run; run()"]
        try:
            tried = subprocess.run(program, env={**os.environ, "NEXTWORD_AMX": "0"}, capture_output=True, timeout=60)
        except (OSError, subprocess.SubprocessError):
            return False  # no verdict: it is tried again next time
        works = tried.returncode == 0
        beside = verdict.with_suffix(f".{os.getpid()}")
        try:
            beside.write_text("works" if works else "fails")
            os.replace(beside, verdict)
        except OSError:  # kernels that somebody else has compiled, in a place that can only be read
            return works
    return verdict.read_text() == "works"


def load_openmp() -> None:
    """Load the OpenMP library for all to see: PyTorch's own copy if there is one.

    Two copies would mean two crews of threads that stand in each other's way.
    """
    torch = find_spec("torch")
    home = Path(torch.origin).parent if torch and torch.origin else None
    bundled = sorted([*home.glob("lib/libgomp*"), *home.glob("../torch.libs/libgomp*")]) if home else []
    ctypes.CDLL(str(bundled[0]) if bundled else "libgomp.so.1", mode=ctypes.RTLD_GLOBAL)
