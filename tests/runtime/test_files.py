import pytest

from nextword.runtime import replacing


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
