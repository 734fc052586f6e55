"""LevelDB's sorted table, the file format inside TensorFlow's `.index` files: names -> small values.

    data block, data block, ...   key-value pairs in the order of their keys
    metaindex block               for extensions; TensorFlow uses none
    index block                   one pair for each data block: a key -> its handle
    footer, 48 bytes              handle of the metaindex, handle of the index, zeros, magic number

A handle says where a block is: its offset and its size, two varints. A block
is followed by five bytes that its size does not count: how it is compressed
(0: not at all), and a checksum of the block with that byte.

Source: LevelDB's documentation, "table_format.md", and its block_builder.cc;
TensorFlow's tensorflow/core/lib/io/table keeps the same format.
"""

from collections.abc import Iterator

from nextword.weights.crc32c import crc32c
from nextword.weights.protobuf import read_varint

FOOTER_SIZE = 48
MAGIC = 0xDB4775248B80FB57


def read_table(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield every key of a table with its value, in order.

    Raises ValueError, in words, for data that are no table or are damaged.
    """
    footer = data[-FOOTER_SIZE:]
    if len(footer) < FOOTER_SIZE or int.from_bytes(footer[-8:], "little") != MAGIC:
        raise ValueError("it does not end as a LevelDB table does")
    _, after_metaindex = read_handle(footer, 0)
    index, _ = read_handle(footer, after_metaindex)
    for _, handle in read_pairs(read_block(data, index)):
        yield from read_pairs(read_block(data, read_handle(handle, 0)[0]))


def read_handle(data: bytes, start: int) -> tuple[tuple[int, int], int]:
    """Read a handle: data, where it starts -> (offset, size) of a block, where the handle ends."""
    offset, start = read_varint(data, start)
    size, start = read_varint(data, start)
    return (offset, size), start


def read_block(data: bytes, handle: tuple[int, int]) -> bytes:
    """Read the bytes of one block, and check them by its checksum."""
    offset, size = handle
    end = offset + size
    if end + 5 > len(data):
        raise ValueError(f"a block should reach to byte {end + 5}, and the file has {len(data)}")
    compression, checksum = data[end], int.from_bytes(data[end + 1 : end + 5], "little")
    if masked(crc32c(data[offset : end + 1])) != checksum:
        raise ValueError(f"the block at byte {offset} does not match its checksum")
    if compression != 0:
        raise ValueError(f"the block at byte {offset} is compressed, which TensorFlow's writer never does")
    return data[offset:end]


def masked(crc: int) -> int:
    """Mask a checksum as it is stored: turned by 15 bits and shifted by a constant.

    A checksum of data that contain their own checksum would be a weak one;
    so LevelDB and TensorFlow store it in this disguise.
    """
    turned = (crc >> 15 | crc << 17) & 0xFFFFFFFF
    return (turned + 0xA282EAD8) & 0xFFFFFFFF


def read_pairs(block: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield every key of a block with its value.

    Neighbours in sorted order look alike, so each key says only how many bytes
    it shares with the one before and what follows them. The block ends with a
    list of places where a key stands in full, for binary search, and the
    length of that list, 4 bytes each; reading all of it needs neither.
    """
    n_restarts = int.from_bytes(block[-4:], "little")
    end = len(block) - 4 * (n_restarts + 1)
    at, key = 0, b""
    while at < end:
        shared, at = read_varint(block, at)
        own, at = read_varint(block, at)
        size, at = read_varint(block, at)
        key = key[:shared] + block[at : at + own]
        at += own
        yield key, block[at : at + size]
        at += size
