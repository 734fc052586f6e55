import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from nextword.native import build, library

# What is asked of the kernels about AMX. All of them take seconds to compile; who compiles what where is tried on this.
KERNELS = """
static int used;
__attribute__((visibility("default"))) int nextword_has_amx(void) { return 1; }
__attribute__((visibility("default"))) void nextword_use_amx(int use) { used = use; }
__attribute__((visibility("default"))) int nextword_uses_amx(void) { return used; }
"""

needs_compiler = pytest.mark.skipif(library() is None, reason="there is no C compiler here (Debian: apt install gcc)")


@pytest.fixture
def afresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No library is loaded or kept yet, and it is a small one; gives the directory where it will be kept."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(build, "load_or_compile", build.load_or_compile.__wrapped__)
    monkeypatch.setattr(build, "writable_directory", build.writable_directory.__wrapped__)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    monkeypatch.setattr(build, "SOURCES", tmp_path / "sources")
    monkeypatch.setattr(sys, "executable", shutil.which("true"))  # the trial of AMX, which has a test of its own below
    (tmp_path / "sources").mkdir()
    (tmp_path / "sources" / "kernels.c").write_text(KERNELS)
    (tmp_path / "temporary").mkdir()
    return tmp_path / "nextword"


@needs_compiler
def test_it_is_compiled_once_and_then_kept(afresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "SOURCES", Path(build.__file__).parent)
    # Not how fast they are matters here, and -O3 takes 20 times as long; the whole suite computes with kernels made so.
    monkeypatch.setattr(build, "COMPILE", ("-O0", *build.COMPILE[1:]))
    assert library() is not None
    (kept,) = afresh.glob("*.so")  # on a machine with AMX, the verdict on it lies beside
    made = kept.stat().st_mtime_ns
    assert library() is not None
    assert [(file, file.stat().st_mtime_ns) for file in afresh.glob("*.so")] == [(kept, made)]


@needs_compiler
@pytest.mark.parametrize(("trial", "used"), [("true", 1), ("false", 0)])
def test_amx_is_used_where_its_trial_passes(
    afresh: Path, monkeypatch: pytest.MonkeyPatch, trial: str, used: int
) -> None:
    monkeypatch.setattr(sys, "executable", shutil.which(trial))
    kernels = library()
    assert kernels is not None
    assert kernels.nextword_uses_amx() == used


@needs_compiler
def test_another_compiler_makes_another_library(afresh: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = build.fingerprint(["/bin/sh"])
    other = tmp_path / "cc"
    other.write_text("#!/bin/sh\nexit 1\n")
    assert build.fingerprint([str(other)]) != before


@pytest.mark.parametrize("program", ["#!/bin/sh\nexit 1\n", "#!/bin/sh\nkill -9 $$\n", "not a program"])
def test_a_compiler_that_fails_is_none_and_leaves_nothing(
    afresh: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str
) -> None:
    compiler = tmp_path / "broken-cc"
    compiler.write_text(program)
    compiler.chmod(0o755)
    monkeypatch.setenv("CC", str(compiler))
    assert library() is None
    assert "broken-cc could not make them" in build.why_not()
    assert list(afresh.glob("*")) == []


def test_no_compiler_is_none(afresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setenv("PATH", "")
    assert library() is None
    assert "sudo apt install gcc" in build.why_not()


def test_it_can_be_switched_off(afresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEXTWORD_NATIVE", "0")
    assert library() is None
    assert build.why_not() == "NEXTWORD_NATIVE=0 switches them off"


@needs_compiler
@pytest.mark.parametrize("program", ["gcc", "gcc -g0"])
def test_cc_may_be_a_name_with_options(afresh: Path, monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    monkeypatch.setenv("CC", program)
    assert library() is not None


@needs_compiler
def test_where_the_cache_cannot_be_written_the_kernels_are_kept_among_temporary_files(
    afresh: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert not build.is_compiled()
    assert library() is not None
    assert build.is_compiled()
    (found,) = tmp_path.glob("temporary/*/*.so")
    made = found.stat().st_mtime_ns
    assert found.parent.stat().st_mode & 0o777 == 0o700
    assert library() is not None  # the next start
    assert found.stat().st_mtime_ns == made


@needs_compiler
def test_kernels_in_a_cache_that_can_only_be_read_are_used(afresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert library() is not None
    monkeypatch.setattr(build, "writable_directory", lambda: pytest.fail("there is nothing to write"))
    monkeypatch.setattr(Path, "write_text", lambda *_: (_ for _ in ()).throw(PermissionError()))
    assert build.amx_works(afresh / "other.so")
    assert library() is not None


@needs_compiler
def test_a_temporary_place_that_others_can_write_to_is_not_trusted(
    afresh: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (place := tmp_path / "temporary" / f"nextword-{os.getuid()}").mkdir()
    place.chmod(0o777)
    assert build.cache_directories() == [afresh]
    place.rmdir()
    place.symlink_to(tmp_path)
    assert build.cache_directories() == [afresh]
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert library() is not None  # for this process only
    assert not build.is_compiled()


@needs_compiler
def test_rounding_stays_as_it_was_in_the_whole_process() -> None:
    # A library linked with -ffast-math makes the processor treat the smallest numbers as zero, everywhere.
    program = "from nextword.native import library; assert library(); print(5e-324 * 1.0 > 0, 1e-310 / 10 > 0)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "True"]


@needs_compiler
def test_torch_and_the_kernels_share_one_openmp() -> None:
    program = (
        "from nextword.native import library; assert library(); import torch; torch.ones(2000) @ torch.ones(2000, 9)\n"
        "print(len({l.split()[-1] for l in open('/proc/self/maps') if 'gomp' in l}))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "1"


@needs_compiler
@pytest.mark.parametrize(("program", "works"), [("pass", True), ("raise SystemExit(1)", False), ("os.abort()", False)])
def test_amx_is_tried_in_a_process_that_may_crash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str, works: bool
) -> None:
    trial = tmp_path / "python"
    trial.write_text(f"#!{sys.executable}\nimport os\n{program}\n")
    trial.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(trial))
    assert build.amx_works(tmp_path / "kernels.so") is works
    trial.unlink()  # it is not tried again
    assert build.amx_works(tmp_path / "kernels.so") is works


@needs_compiler
def test_the_amx_trial_passes_where_there_is_amx() -> None:
    kernels = library()
    if kernels is None or not kernels.nextword_has_amx():
        pytest.skip("needs a processor with AMX")
    program = [sys.executable, "-c", "from nextword.native.amx_trial import run; run()"]
    tried = subprocess.run(program, env={**os.environ, "NEXTWORD_AMX": "0"})
    if tried.returncode < 0:
        pytest.skip(f"this machine promises AMX and stops who uses it (signal {-tried.returncode})")
    if tried.returncode:  # written and emulated without such a processor: see the issue tracker if this shows up
        pytest.xfail("AMX computed something else here than the other kernels, so it is left alone")
