import errno
import os
import stat
import sys
from pathlib import Path

import pytest

from nextword.runtime import replacing, sync


def test_the_new_file_takes_the_old_ones_place_at_the_end(tmp_path):
    file = tmp_path / "model.safetensors"
    file.write_text("old")
    with replacing(file) as path:
        path.write_text("new")
        assert path.parent == tmp_path
        assert file.read_text() == "old"
    assert file.read_text() == "new"
    assert list(tmp_path.iterdir()) == [file]


def write_half(path):
    path.write_text("ne")
    raise RuntimeError("halfway")


def test_after_an_error_all_is_as_it_was(tmp_path):
    file = tmp_path / "model.safetensors"
    file.write_text("old")
    with pytest.raises(RuntimeError, match="halfway"), replacing(file) as path:
        write_half(path)
    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]


def test_what_an_earlier_crash_left_beside_it_is_not_written_through(tmp_path):
    """It may be a second name of a file that is needed, as it is where weights are linked into place."""
    file, needed = tmp_path / "model.safetensors", tmp_path / "checkpoint.safetensors"
    needed.write_text("needed")
    os.link(needed, tmp_path / "model.safetensors.tmp")
    with replacing(file) as path:
        path.write_text("new")
    assert needed.read_text() == "needed"
    assert file.read_text() == "new"


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux's /proc which file a number stands for")
def test_the_bytes_are_on_the_disk_before_the_name_points_to_them(tmp_path, monkeypatch):
    order, rename = [], os.replace
    monkeypatch.setattr("os.fsync", lambda file: order.append(Path(f"/proc/self/fd/{file}").readlink().name))
    monkeypatch.setattr("os.replace", lambda *names: order.append("renamed") or rename(*names))
    with replacing(tmp_path / "a.txt") as path:
        path.write_text("new")
    assert order == ["a.txt.tmp", "renamed", tmp_path.name]


def test_a_folder_that_cannot_be_forced_to_the_disk_is_no_reason_to_stop(tmp_path, monkeypatch):
    """As on SMB, on VirtualBox's shared folders and on some FUSE."""
    fsync = os.fsync

    def files_only(descriptor):
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "Invalid argument")
        fsync(descriptor)

    monkeypatch.setattr("os.fsync", files_only)
    with replacing(tmp_path / "a.txt") as path:
        path.write_text("new")
    assert (sync(tmp_path), sync(tmp_path / "a.txt")) == (False, True)


def test_where_folders_are_not_opened_and_only_writers_may_flush(tmp_path, monkeypatch):
    """As on Windows."""
    fsync, opened, readers = os.fsync, os.open, set()

    def open_file(path, flags, *rest):
        if os.path.isdir(path):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        descriptor = opened(path, flags, *rest)
        (readers.add if flags & 3 == os.O_RDONLY else readers.discard)(descriptor)
        return descriptor

    def writers_only(descriptor):
        if descriptor in readers:
            raise OSError(errno.EBADF, "Bad file descriptor")
        fsync(descriptor)

    monkeypatch.setattr("os.open", open_file)
    monkeypatch.setattr("os.fsync", writers_only)
    with replacing(tmp_path / "a.txt") as path:
        path.write_text("new")
    assert (sync(tmp_path), sync(tmp_path / "a.txt")) == (False, True)


@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC])
def test_a_disk_that_fails_is_an_error(tmp_path, monkeypatch, number):
    def fsync(_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("os.fsync", fsync)
    with pytest.raises(OSError, match=os.strerror(number)):
        sync(tmp_path)
