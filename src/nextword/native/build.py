"""The C files of this room, compiled by this machine's own compiler when they are first needed."""

import ctypes
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from importlib.util import find_spec
from pathlib import Path

SOURCES = Path(__file__).parent

COMPILE = ("-O3", "-march=native", "-ffast-math", "-fopenmp", "-fPIC", "-std=gnu11")
LINK = ("-shared", "-lm")  # without -ffast-math, which would change how the whole process rounds


@cache
def library() -> ctypes.CDLL | None:
    """The compiled kernels, or None where there is no C compiler or it fails; the rest of nextword does without them.

    Compiling takes two seconds, once: the result is kept in the user's cache
    directory under a name made of the sources, the compiler and the processor.
    NEXTWORD_NATIVE=0 switches the kernels off, NEXTWORD_AMX=0 those that use AMX.
    """
    compiler = os.environ.get("CC") or shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None or sys.platform != "linux" or os.environ.get("NEXTWORD_NATIVE") == "0":
        return None
    try:
        path = cache_directory() / f"kernels-{fingerprint(compiler)}.so"
        if not path.exists():
            compile_into(path, compiler)
        load_openmp()
        kernels = ctypes.CDLL(str(path))
        if kernels.has_amx() and os.environ.get("NEXTWORD_AMX") != "0" and amx_works(path):
            kernels.use_amx(1)
        return kernels
    except (OSError, subprocess.SubprocessError):
        return None


def cache_directory() -> Path:
    """Where compiled kernels are kept: $XDG_CACHE_HOME/nextword, or ~/.cache/nextword."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "nextword"


def fingerprint(compiler: str) -> str:
    """A name for what decides the compiled code: the sources, the flags, the compiler and the processor."""
    digest = hashlib.sha256()
    for source in sorted(SOURCES.glob("*.[ch]")):
        digest.update(source.read_bytes())
    tool = Path(compiler).resolve()
    digest.update(repr((COMPILE, LINK, str(tool), tool.stat().st_mtime_ns, processor())).encode())
    return digest.hexdigest()[:16]


def processor() -> str:
    """What -march=native depends on."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return platform.machine() + "".join(sorted({line for line in lines if line.startswith(("model name", "flags"))}))


def compile_into(path: Path, compiler: str) -> None:
    """Compile all C files into one library, which appears under its name only when it is whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent) as scratch:
        objects = []
        for source in sorted(SOURCES.glob("*.c")):
            objects.append(f"{scratch}/{source.stem}.o")
            run(compiler, *COMPILE, "-c", str(source), "-o", objects[-1])
        # OpenMP's functions are left open here and found in the library that PyTorch has loaded: see load_openmp.
        run(compiler, *objects, *LINK, "-o", f"{scratch}/kernels.so")
        os.replace(f"{scratch}/kernels.so", path)


def amx_works(path: Path) -> bool:
    """Whether the kernels compute with AMX what they compute without: tried once, in a process that may crash.

    Some virtual machines promise AMX and stop the program that uses it.
    """
    verdict = path.with_suffix(".amx")
    if not verdict.exists():
        program = [sys.executable, "-c", "from nextword.native.amx_trial import run; run()"]
        tried = subprocess.run(program, env={**os.environ, "NEXTWORD_AMX": "0"}, capture_output=True, timeout=60)
        verdict.write_text("works" if tried.returncode == 0 else "fails")
    return verdict.read_text() == "works"


def run(*command: str) -> None:
    """Run the compiler; raises CalledProcessError where it fails. NEXTWORD_DEBUG=1 shows what it said."""
    quiet = None if os.environ.get("NEXTWORD_DEBUG") else subprocess.DEVNULL
    subprocess.run(command, check=True, stdout=quiet, stderr=quiet, timeout=120)


def load_openmp() -> None:
    """Load the OpenMP library for all to see: PyTorch's own copy if there is one.

    Two copies would mean two crews of threads that stand in each other's way.
    """
    torch = find_spec("torch")
    bundled = sorted(Path(torch.origin).parent.glob("lib/libgomp*")) if torch and torch.origin else []
    ctypes.CDLL(str(bundled[0]) if bundled else "libgomp.so.1", mode=ctypes.RTLD_GLOBAL)
