"""The safetensors format: a list of tensors and their places, then all numbers in a row.

    8 bytes             how long the list is: n, little-endian
    n bytes             the list, JSON: a tensor's name -> its dtype, its shape, and where it begins and ends
    the rest            the numbers, without a gap; where a tensor lies counts from here

The safetensors library reads the same, but maps the file, which whoever writes
into it then changes or cuts short, and it has no bfloat16 without PyTorch. All
that it checks is checked here, so that a damaged or hostile file gives an error
and nothing else.

Source: github.com/huggingface/safetensors, "Format" in its README.
"""

import json
from functools import partial
from pathlib import Path
from typing import Any, TypeGuard

from numpy.typing import NDArray

from nextword.errors import WeightsError
from nextword.weights.opened_file import OpenedFile
from nextword.weights.stored import FLOATS, StoredTensor

LONGEST = 100_000_000  # bytes that a list may have, for safetensors itself; GPT-2 XL's has 60 thousand
MOST_DIMENSIONS = 32  # that every version of numpy has
LARGEST = 2**64 - 1  # a number in the list; the library's are 64 bits wide

BITS = (
    {"F4": 4, "F6_E2M3": 6, "F6_E3M2": 6, "C64": 64}
    | dict.fromkeys(("BOOL", "U8", "I8", "F8_E5M2", "F8_E4M3", "F8_E8M0", "F8_E4M3FNUZ", "F8_E5M2FNUZ"), 8)
    | dict.fromkeys(("I16", "U16", "F16", "BF16"), 16)
    | dict.fromkeys(("I32", "U32", "F32"), 32)
    | dict.fromkeys(("I64", "U64", "F64"), 64)
)
"""How wide one number is, of every type that the format has."""


def open_safetensors(file: Path) -> list[StoredTensor]:
    """List the tensors of one safetensors file, in the order of their places; each can then be read.

    Raises WeightsError where the file is damaged or cut off: the list says how
    long it must be.
    """
    size = 0
    try:
        opened = OpenedFile(file)
        size = opened.size
        entries, start = read_header(opened)
    except WeightsError:
        raise
    except (OSError, ValueError, RecursionError) as error:
        raise WeightsError(
            f"{file} ({size} bytes) cannot be read as safetensors: {error}. "
            "If it was cut off or damaged, copy or download it again."
        ) from error
    return [
        StoredTensor(name, file, shape, dtype, partial(read, opened, start + begin, start + end, name, shape, dtype))
        for name, (dtype, shape, begin, end) in entries.items()
    ]


Entry = tuple[str, tuple[int, ...], int, int]
"""A tensor's dtype, its shape, and where its bytes begin and end."""


def read_header(file: OpenedFile) -> tuple[dict[str, Entry], int]:
    """Read all tensors by name, in the order of their places, and the place where the numbers begin.

    Raises ValueError, in words, for anything but a whole safetensors file.
    """
    if file.size < 8:
        raise ValueError("it is shorter than the 8 bytes with which all begin")
    length = int.from_bytes(file.read(0, 8).tobytes(), "little")
    if length > min(file.size - 8, LONGEST):
        raise ValueError(f"its list of tensors should have {length} bytes")
    header = file.read(8, 8 + length).tobytes()
    if not header.startswith(b"{"):
        raise ValueError("it does not begin with a list of tensors")
    content = json.loads(header.decode("utf-8"), object_pairs_hook=without_doubles)
    metadata = content.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise ValueError("its metadata are not words")
    unsorted = {name: read_entry(name, fields) for name, fields in content.items()}
    entries = dict(sorted(unsorted.items(), key=lambda item: item[1][2:]))
    reached = 0
    for name, (_, _, begin, end) in entries.items():
        if begin != reached:
            raise ValueError(f"{name} begins at byte {begin}, and what is before it ends at {reached}")
        reached = end
    if 8 + length + reached != file.size:
        raise ValueError(f"it should have {8 + length + reached} bytes")
    return entries, 8 + length


def read_entry(name: str, fields: Any) -> Entry:
    """Check one tensor's entry in the list."""
    name.encode("utf-8")  # half a character, which JSON can spell, could not even be printed
    if not isinstance(fields, dict):
        raise ValueError(f"{name} is not described")
    dtype, shape, offsets = fields.get("dtype"), fields.get("shape"), fields.get("data_offsets")
    if not isinstance(dtype, str) or dtype not in BITS:
        raise ValueError(f"{name} is of no known type")
    if not is_numbers(shape) or not is_numbers(offsets) or len(offsets) != 2:
        raise ValueError(f"the shape or the place of {name} is not given in whole numbers")
    bits = BITS[dtype]
    for size in shape:
        bits *= size
        if bits > LARGEST:
            raise ValueError(f"{name} is too large for any machine")
    begin, end = offsets
    if end < begin or bits != 8 * (end - begin):
        raise ValueError(f"{name} does not fill the bytes from {begin} to {end}")
    return dtype, tuple(shape), begin, end


def is_numbers(values: Any) -> TypeGuard[list[int]]:
    """Whether this is a list of whole numbers from 0 on, of at most 64 bits."""
    return isinstance(values, list) and all(type(value) is int and 0 <= value <= LARGEST for value in values)


def without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Build a JSON object, and refuse one with a name that stands twice, as the format does."""
    content = dict(pairs)
    if len(content) < len(pairs):
        raise ValueError("a name stands twice in its list of tensors")
    return content


def read(file: OpenedFile, begin: int, end: int, name: str, shape: tuple[int, ...], dtype: str) -> NDArray[Any]:
    """Copy one tensor's numbers from the file."""
    if dtype not in FLOATS or len(shape) > MOST_DIMENSIONS:
        raise WeightsError(f"{file.path}: {name} of type {dtype} and shape {shape} is no weight of a network.")
    return file.read(begin, end).view(FLOATS[dtype]).reshape(shape)
