"""Protocol buffers, as far as a checkpoint needs them: a message is a list of numbered fields.

Source: Protocol Buffers documentation, "Encoding".
"""

Message = dict[int, list[int | bytes]]
"""Number of the field -> its values, in order."""


def read_varint(data: bytes, start: int) -> tuple[int, int]:
    """Read one whole number of any size: data, where it starts -> the number, where it ends.

    Seven bits a byte, the lowest seven first; the eighth bit says that more
    bytes follow. Raises ValueError where the data end too early.
    """
    number = shift = 0
    for end in range(start, len(data)):
        number |= (data[end] & 0x7F) << shift
        if data[end] < 0x80:
            return number, end + 1
        shift += 7
    raise ValueError("the data end in the middle of a number")


def read_message(data: bytes) -> Message:
    """Split a message into its fields.

    What a value means is not in the data. A text, an array and an inner message
    all come out as bytes; a field that is 0 or empty is left out when written.
    Raises ValueError for data that are not a message.
    """
    fields: Message = {}
    at = 0
    while at < len(data):
        key, at = read_varint(data, at)
        field, wire_type = key >> 3, key & 7
        value: int | bytes
        if wire_type == 0:
            value, at = read_varint(data, at)
        else:
            if wire_type == 2:
                size, at = read_varint(data, at)
            elif wire_type in (1, 5):
                size = 8 if wire_type == 1 else 4
            else:
                raise ValueError(f"field {field} has the unknown wire type {wire_type}")
            if at + size > len(data):
                raise ValueError(f"the data end in the middle of field {field}")
            content, at = data[at : at + size], at + size
            value = content if wire_type == 2 else int.from_bytes(content, "little")
        fields.setdefault(field, []).append(value)
    return fields


def number(message: Message, field: int) -> int:
    """Return the number in a field; 0 where it was left out."""
    value = message.get(field, [0])[-1]
    if isinstance(value, bytes):
        raise ValueError(f"field {field} should be a number")
    return value


def raw(message: Message, field: int) -> bytes:
    """Return the text, array or inner message in a field, as bytes; empty where it was left out."""
    value = message.get(field, [b""])[-1]
    if isinstance(value, int):
        raise ValueError(f"field {field} should not be a number")
    return value
