"""TensorFlow's own tables are read in test_tensor_bundle.py; they have one data block. Here are several."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nextword.weights.crc32c import crc32c
from nextword.weights.sstable import MAGIC, masked, read_table


def varint(value: int) -> bytes:
    return bytes([value & 0x7F | 0x80]) + varint(value >> 7) if value >= 0x80 else bytes([value])


def block(pairs: list[tuple[bytes, bytes]], restart_every: int, compression: int = 0) -> bytes:
    data, restarts, before = b"", [], b""
    for i, (key, value) in enumerate(pairs):
        shared = 0
        if i % restart_every == 0:
            restarts.append(len(data))
        else:
            while shared < min(len(key), len(before)) and key[shared] == before[shared]:
                shared += 1
        data += varint(shared) + varint(len(key) - shared) + varint(len(value)) + key[shared:] + value
        before = key
    data += struct.pack(f"<{len(restarts) + 1}I", *restarts, len(restarts)) + bytes([compression])
    return data + struct.pack("<I", masked(crc32c(data)))


def table(pairs: list[tuple[bytes, bytes]], per_block: int = 3, restart_every: int = 2, compression: int = 0) -> bytes:
    data, index = b"", []

    def append(content: bytes) -> bytes:
        nonlocal data
        handle = varint(len(data)) + varint(len(content) - 5)
        data += content
        return handle

    for start in range(0, len(pairs), per_block):
        some = pairs[start : start + per_block]
        index.append((some[-1][0], append(block(some, restart_every, compression))))
    footer = append(block([], 1)) + append(block(index, 1))
    return data + footer.ljust(40, b"\0") + struct.pack("<Q", MAGIC)


@given(
    st.dictionaries(st.binary(max_size=6), st.binary(max_size=200), max_size=20),
    st.integers(1, 5),
    st.integers(1, 4),
)
def test_what_was_written_is_read(content, per_block, restart_every):
    pairs = sorted(content.items())
    assert list(read_table(table(pairs, per_block, restart_every))) == pairs


PAIRS = [(b"h0/ln_1/b", b"one"), (b"h0/ln_1/g", b"two"), (b"wte", b"three"), (b"zzz", b"four")]


def test_masked_is_leveldbs_disguise():
    assert masked(0) == 0xA282EAD8
    assert masked(1) == (1 << 17) + 0xA282EAD8


def test_every_flipped_byte_of_a_block_is_noticed():
    data = table(PAIRS)
    blocks_end = len(data) - 48
    metaindex = range(data.index(block([], 1)), data.index(block([], 1)) + len(block([], 1)))  # never read
    for at in set(range(blocks_end)) - set(metaindex):
        damaged = bytearray(data)
        damaged[at] ^= 0x40
        with pytest.raises(ValueError, match="does not match its checksum"):
            list(read_table(bytes(damaged)))


def test_other_files_and_cut_off_ones():
    for data in (b"", b"short", bytes(100), table(PAIRS)[:-1]):
        with pytest.raises(ValueError, match="does not end as a LevelDB table does"):
            list(read_table(data))
    footer_alone = table(PAIRS)[-48:]
    with pytest.raises(ValueError, match=r"a block should reach to byte .*, and the file has 48"):
        list(read_table(footer_alone))


def test_compressed_blocks_are_refused():
    with pytest.raises(ValueError, match="the block at byte 0 is compressed"):
        list(read_table(table(PAIRS, compression=1)))
