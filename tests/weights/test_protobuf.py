import pytest

from nextword.weights.protobuf import number, raw, read_message, read_varint


# The examples of the format's documentation: 150 in field 1, "testing" in field 2, a message in field 3.
def test_documented_examples():
    assert read_varint(bytes([0x96, 0x01]), 0) == (150, 2)
    assert read_message(bytes([0x08, 0x96, 0x01])) == {1: [150]}
    assert read_message(b"\x12\x07testing") == {2: [b"testing"]}
    outer = read_message(bytes([0x1A, 0x03, 0x08, 0x96, 0x01]))
    assert number(read_message(raw(outer, 3)), 1) == 150


def test_fixed_sizes_and_repeated_fields():
    assert read_message(b"\x35\x01\x02\x03\x04\x39\x01\x00\x00\x00\x00\x00\x00\x00\x08\x05\x08\x06") == {
        6: [0x04030201],
        7: [1],
        1: [5, 6],
    }


def test_a_field_left_out_is_zero_or_empty():
    assert number({}, 4) == 0
    assert raw({}, 4) == b""


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\x08\x96", "end in the middle of a number"),
        (b"\x12\x07test", "end in the middle of field 2"),
        (b"\x35\x01", "end in the middle of field 6"),
        (b"\x0b", "field 1 has the unknown wire type 3"),
    ],
)
def test_damaged_messages(data, message):
    with pytest.raises(ValueError, match=message):
        read_message(data)


def test_fields_of_the_other_kind():
    with pytest.raises(ValueError, match="field 1 should be a number"):
        number({1: [b"one"]}, 1)
    with pytest.raises(ValueError, match="field 1 should not be a number"):
        raw({1: [1]}, 1)
