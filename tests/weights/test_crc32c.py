import numpy as np
import pytest

from nextword.weights.crc32c import TABLE, crc32c


def bytewise(data: bytes) -> int:
    """The definition, one byte at a time."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


# The first is the customary check of a CRC; the others are RFC 3720's examples, section B.4.
@pytest.mark.parametrize(
    ("data", "crc"),
    [
        (b"123456789", 0xE3069283),
        (bytes(32), 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (bytes(reversed(range(32))), 0x113FDB5C),
        (b"", 0),
    ],
)
def test_published_examples(data, crc):
    assert crc32c(data) == crc


@pytest.mark.parametrize("size", [1, 3, 4, 5, 5275, 5276, 6041, 6042, 6043, 10549, 100_003, (1 << 22) + 3])
def test_folding_changes_nothing(size):
    data = np.random.default_rng(size).integers(0, 256, size, dtype=np.uint8)
    before = data.copy()
    assert crc32c(data) == bytewise(data.tobytes())
    assert np.array_equal(data, before)


def test_one_flipped_bit_shows():
    data = np.zeros(20_000, dtype=np.uint8)
    intact = crc32c(data)
    data[12_345] ^= 0x10
    assert crc32c(data) != intact


def test_the_equation_that_folding_rests_on():
    """x^5275 = x^4508 + x^2751 + 1, modulo CRC-32C's polynomial."""
    polynomial, power, powers = 0x11EDC6F41, 1, {}
    for exponent in range(5276):
        powers[exponent] = power
        power <<= 1
        if power >> 32:
            power ^= polynomial
    assert powers[5275] == powers[4508] ^ powers[2751] ^ 1
