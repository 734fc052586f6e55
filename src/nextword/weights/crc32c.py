"""CRC-32C, the checksum in TensorFlow's files, at the speed of numpy."""

import numpy as np

POLYNOMIAL = 0x82F63B78
"""x^32 + x^28 + ... + 1 with its bits reversed, as the checksum takes each byte's lowest bit first.

Source: RFC 3720, section 12.1.
"""

CHUNK = 1 << 22  # bytes folded at once: they should stay in the processor's cache


def _byte_table() -> list[int]:
    """List the remainder of each of the 256 bytes."""
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (POLYNOMIAL if byte & 1 else 0)
        table.append(byte)
    return table


TABLE = _byte_table()


def crc32c(data: bytes | np.ndarray) -> int:
    """Compute the CRC-32C of bytes, or of a numpy array of uint8: crc32c(b"123456789") == 0xE3069283.

    The checksum is the remainder of the data, read as one long polynomial over
    {0, 1}, after division by CRC-32C's. Byte by byte in Python that takes a
    minute for GPT-2's 500 MB. So the data are first made shorter, in large
    steps that leave the remainder as it is: see `fold`.
    """
    bits = np.frombuffer(data, dtype=np.uint8)
    crc = 0xFFFFFFFF
    for start in range(0, len(bits), CHUNK):
        chunk = bits[start : start + CHUNK].copy()
        # What came before goes on into the next four bytes; shorter chunks take it byte by byte.
        if len(chunk) >= 4:
            chunk[:4] ^= np.frombuffer(crc.to_bytes(4, "little"), dtype=np.uint8)
            crc = 0
        for byte in fold(chunk).tobytes():
            crc = crc >> 8 ^ TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def fold(data: np.ndarray) -> np.ndarray:
    """Shorten data (n,) of uint8 to at most 5275 bytes with the same remainder; data are overwritten.

    Modulo CRC-32C's polynomial, x^5275 = x^4508 + x^2751 + 1 (found by search; a
    test divides it out), and squaring any such equation gives another: (a + b)^2
    is a^2 + b^2 over {0, 1}. Squared three times it is one about whole bytes:
    a byte may be removed if it is added (xor) to those 5275 - 4508 = 767,
    5275 - 2751 = 2524 and 5275 bytes further on. Squared more often it moves
    larger blocks further, so that a few long xors do most of the work.
    """
    step = 1 << 20
    while step:
        while (n := min(767 * step, len(data) - 5275 * step)) > 0:
            head, data = data[:n], data[n:]
            for distance in (767, 2524, 5275):
                start = distance * step - n
                data[start : start + n] ^= head
        step //= 2
    return data
