import struct
from pathlib import Path

import numpy as np
import pytest

from nextword.data.shards import HEADER, TokenFiles, header, open_shard, token_type
from nextword.errors import DataError


def written(path: Path, ids: list[int], dtype: str = "<u2") -> Path:
    path.write_bytes(header(len(ids), np.dtype(dtype)) + np.array(ids, dtype).tobytes())
    return path


def as_llm_c_writes(path: Path, ids: list[int]) -> Path:
    """Write a shard by the format's description alone."""
    path.write_bytes(struct.pack("<256i", 20240520, 1, len(ids), *[0] * 253) + struct.pack(f"<{len(ids)}H", *ids))
    return path


def test_a_shard_is_what_llm_c_writes(tmp_path: Path) -> None:
    ids = [50256, 1, 2, 65535]
    theirs, ours = as_llm_c_writes(tmp_path / "a.bin", ids), written(tmp_path / "b.bin", ids)
    assert theirs.read_bytes() == ours.read_bytes()
    shard = open_shard(theirs)
    assert (shard.n_tokens, shard.dtype, shard.read(1, 4).tolist()) == (4, np.uint16, ids[1:])


def test_more_ids_than_two_bytes_tell_take_four(tmp_path: Path) -> None:
    assert (token_type(50_257), token_type(65_535), token_type(65_536)) == (np.uint16, np.uint16, np.uint32)
    path = written(tmp_path / "a.bin", [70_000, 3], "<u4")
    assert struct.unpack("<3i", path.read_bytes()[:12]) == (20240801, 7, 2)  # llm.c's for Llama 3
    assert open_shard(path).read(0, 2).tolist() == [70_000, 3]


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda content: content[:-2], "is cut short: 1,030 bytes, and its 4 tokens take 1,032"),
        (lambda content: content[:-1], "is cut short"),
        (lambda content: content[:700], "is cut short"),
        (lambda content: content[:10], "is cut short"),
        (lambda content: content + b"\0", "is longer than its header says"),
        (lambda content: b"", "has 0 bytes"),
        (lambda content: b"Once upon a time" * 100, "Expected a shard of token ids"),
        (lambda content: struct.pack("<2i", 20240522, 1) + content[8:], "begins with 20240522, 1"),
        (lambda content: content[:8] + struct.pack("<i", -4) + content[12:], "is cut short"),
    ],
)
def test_a_damaged_file_is_an_error_with_its_name(tmp_path: Path, damage, words: str) -> None:
    path = written(tmp_path / "a.bin", [1, 2, 3, 4])
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DataError, match=r"a\.bin: ") as caught:
        open_shard(path)
    assert words in str(caught.value)


def test_a_file_that_is_cut_short_later_is_an_error_and_no_sigbus(tmp_path: Path) -> None:
    ids = TokenFiles([open_shard(written(tmp_path / "a.bin", list(range(4000))))], 50257)
    with (tmp_path / "a.bin").open("r+b") as file:
        file.truncate(HEADER)
    with pytest.raises(DataError, match=r"a\.bin: has changed since it was opened"):
        ids[3000:3010]
    (tmp_path / "a.bin").unlink()
    with pytest.raises(DataError, match=r"a\.bin: cannot be read"):
        ids[3000:3010]


def test_files_are_one_sequence(tmp_path: Path) -> None:
    shards = [open_shard(written(tmp_path / f"{i}.bin", [10 * i, 10 * i + 1, 10 * i + 2])) for i in range(3)]
    ids = TokenFiles(shards, 100)
    whole = [0, 1, 2, 10, 11, 12, 20, 21, 22]
    assert (len(ids), ids[0:9].tolist(), ids[2:7].tolist(), ids[4:4].tolist()) == (9, whole, whole[2:7], [])
    part = ids.part(1, 8)
    assert (len(part), part[:].tolist(), part.part(3, 5)[:].tolist()) == (7, whole[1:8], whole[4:6])
    with pytest.raises(DataError, match=r"2\.bin: has the id 22, and the vocabulary ends at 21"):
        TokenFiles(shards, 22)[:]
