"""Against the safetensors library: what it reads is read the same, and what it refuses is refused."""

import json
import os
import struct

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from nextword.errors import WeightsError
from nextword.weights.safetensors_reader import BITS, open_safetensors

DTYPES = {"F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}
OTHERS = {"I8": torch.int8, "U8": torch.uint8, "BOOL": torch.bool, "I64": torch.int64, "C64": torch.complex64}


def as_torch(tensor):
    values = torch.from_numpy(tensor.read())
    return values.view(torch.bfloat16) if tensor.dtype == "BF16" else values


def write(file, header, data=b"", length=None):
    """A safetensors file by hand; header: JSON's bytes, or what they say."""
    header = header if isinstance(header, bytes) else json.dumps(header).encode()
    file.write_bytes(struct.pack("<Q", len(header) if length is None else length) + header + data)
    return file


def entry(dtype="F32", shape=(2, 3), offsets=(0, 24), **more):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets), **more}


shapes = st.lists(st.integers(0, 5), max_size=4).map(tuple)
names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12).filter(
    lambda name: name != "__metadata__"
)


@settings(max_examples=100)
@given(content=st.dictionaries(names, st.tuples(st.sampled_from([*DTYPES, *OTHERS]), shapes), max_size=6))
def test_what_safetensors_saves_is_read_the_same(content, tmp_path_factory):
    file = tmp_path_factory.getbasetemp() / "any.safetensors"
    saved = {
        name: (torch.randn(shape) * 100).abs().to((DTYPES | OTHERS)[dtype]) for name, (dtype, shape) in content.items()
    }
    save_file(saved, file, metadata={"format": "pt"})
    tensors = {tensor.name: tensor for tensor in open_safetensors(file)}
    assert {name: (tensor.dtype, tensor.shape) for name, tensor in tensors.items()} == content
    for name, tensor in tensors.items():
        assert tensor.file == file
        if tensor.dtype in DTYPES:
            assert torch.equal(as_torch(tensor), saved[name]), name
        else:
            with pytest.raises(WeightsError, match=r"is no weight of a network"):
                tensor.read()


def test_numbers_are_copies_and_what_is_written_to_them_stays_here(tmp_path):
    file = tmp_path / "a.safetensors"
    save_file({"a": torch.arange(5.0), "b": torch.ones(3)}, file)
    before = file.read_bytes()
    a, b = open_safetensors(file)
    a.read().fill(7)
    assert a.read().tolist() == [0, 1, 2, 3, 4]
    assert b.read().tolist() == [1, 1, 1]
    assert file.read_bytes() == before


def test_what_was_read_stays_whatever_becomes_of_the_file(tmp_path):
    file = tmp_path / "a.safetensors"
    save_file({"a": torch.arange(3000.0)}, file)
    (a,) = open_safetensors(file)
    values = a.read()
    with file.open("r+b") as opened:
        opened.write(bytes(12_000))
    os.truncate(file, 10)
    assert values.tolist() == list(range(3000))


@pytest.mark.parametrize("size", [None, 0, 100, 30_000])
def test_a_file_that_is_changed_while_it_is_read_is_refused(size, tmp_path):
    file = tmp_path / "a.safetensors"
    save_file({"a": torch.arange(3000.0)}, file)
    long_ago = file.stat().st_mtime_ns - 10**9
    os.utime(file, ns=(long_ago, long_ago))
    (a,) = open_safetensors(file)
    with file.open("r+b") as opened:
        if size is not None:
            opened.truncate(size)
        opened.write(b"x")
    with pytest.raises(WeightsError, match=r"a\.safetensors was changed while it was being read\. Load it again"):
        a.read()


def test_a_file_that_is_replaced_stays_as_it_was(tmp_path):
    file = tmp_path / "a.safetensors"
    save_file({"a": torch.arange(5.0)}, file)
    (a,) = open_safetensors(file)
    save_file({"a": torch.ones(500)}, tmp_path / "b.safetensors")
    (tmp_path / "b.safetensors").replace(file)
    assert a.read().tolist() == [0, 1, 2, 3, 4]


def test_numbers_at_odd_places(tmp_path):
    """Old files have lists of any length, so that a number may lie across two words of memory."""
    header = json.dumps({"a": entry("U8", (1,), (0, 1)), "b": entry("F32", (2,), (1, 9))}).encode()
    for pad in range(4):
        file = write(tmp_path / f"{pad}.safetensors", header + b" " * pad, b"\x01" + struct.pack("<2f", 2.5, -3))
        b = open_safetensors(file)[1].read()
        assert b.flags.aligned
        assert b.tolist() == [2.5, -3.0]


A, ROOM = entry(), bytes(24)
WHOLE = {"a": A}

DAMAGED = {
    "empty": b"",
    "short": b"\x08\0\0",
    "list longer than the file": (WHOLE, ROOM, 500),
    "absurd list": (WHOLE, ROOM, 2**63 + 5),
    "list beyond the limit": (WHOLE, ROOM, 100_000_001),
    "list cut short": (WHOLE, ROOM, 20),
    "no list": (b"", ROOM),
    "not UTF-8": (b'{"\xff": 1}', b""),
    "no JSON": (b'{"a": ', ROOM),
    "another kind of JSON": (b"[1, 2]", b""),
    "nested without end": (b'{"a":' + b"[" * 200_000, b""),
    "not an object": ({"a": 5}, ROOM),
    "half a character": (b'{"\\ud800": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}}', ROOM),
    "no dtype": ({"a": {"shape": [2, 3], "data_offsets": [0, 24]}}, ROOM),
    "no shape": ({"a": {"dtype": "F32", "data_offsets": [0, 24]}}, ROOM),
    "no place": ({"a": {"dtype": "F32", "shape": [2, 3]}}, ROOM),
    "unknown dtype": ({"a": entry("F33")}, ROOM),
    "dtype that is no word": ({"a": entry(["F32"])}, ROOM),
    "shape that is no list": ({"a": A | {"shape": 6}}, ROOM),
    "negative shape": ({"a": entry(shape=(-2, -3))}, ROOM),
    "broken shape": ({"a": entry(shape=(2.0, 3))}, ROOM),
    "true shape": ({"a": entry(shape=(True, 6))}, ROOM),
    "shape too wide for 64 bits": ({"a": entry(shape=(2**64, 0), offsets=(0, 0))}, b""),
    "shape whose product is": ({"a": entry(shape=(2**40, 2**40, 0), offsets=(0, 0))}, b""),
    "shape that wraps to its size": ({"a": entry(shape=(2**62 + 6,))}, ROOM),
    "many huge sizes": ({"a": entry(shape=(2**63,) * 100_000)}, ROOM),
    "three offsets": ({"a": entry(offsets=(0, 24, 24))}, ROOM),
    "negative offset": ({"a": entry(offsets=(-24, 0))}, ROOM),
    "offsets the wrong way round": ({"a": entry(offsets=(24, 0))}, ROOM),
    "too few bytes": ({"a": entry(offsets=(0, 20))}, bytes(20)),
    "too many bytes": ({"a": entry(offsets=(0, 28))}, bytes(28)),
    "beyond the end": (WHOLE, bytes(23)),
    "left over": (WHOLE, bytes(25)),
    "gap": ({"a": A, "b": entry(offsets=(32, 56))}, bytes(56)),
    "gap before the first": ({"a": entry(offsets=(8, 32))}, bytes(32)),
    "overlap": ({"a": A, "b": entry(offsets=(16, 40))}, bytes(40)),
    "the same place twice": ({"a": A, "b": A}, ROOM),
    "metadata of numbers": ({"__metadata__": {"format": 1}, "a": A}, ROOM),
    "metadata that are no object": ({"__metadata__": ["pt"], "a": A}, ROOM),
    "three half bytes": ({"a": entry("F4", (3,), (0, 2))}, bytes(2)),
}


@pytest.mark.parametrize("kind", DAMAGED)
def test_what_is_damaged_or_hostile_is_refused_by_both(kind, tmp_path):
    file = tmp_path / "a.safetensors"
    if isinstance(DAMAGED[kind], bytes):
        file.write_bytes(DAMAGED[kind])
    else:
        write(file, *DAMAGED[kind])
    with pytest.raises((SafetensorError, OSError)):
        safe_open(file, framework="pt")
    with pytest.raises(WeightsError, match=r"a\.safetensors \(\d+ bytes\) cannot be read as safetensors: .+\. If it"):
        open_safetensors(file)


def test_where_the_format_is_stricter_than_the_library(tmp_path):
    """A name must not stand twice, and the list begins with a brace: so it is written."""
    for header in (b'{"a": 0, ' + json.dumps(WHOLE).encode()[1:], b" " + json.dumps(WHOLE).encode()):
        with pytest.raises(WeightsError, match="cannot be read as safetensors"):
            open_safetensors(write(tmp_path / "a.safetensors", header, ROOM))


@pytest.mark.parametrize(
    ("header", "size"),
    [
        ({}, 0),
        ({"__metadata__": {}}, 0),
        ({"a": entry(shape=(0, 2**62), offsets=(0, 0)), "b": entry(shape=(), offsets=(0, 4))}, 4),
        ({"a": entry(more="of what nobody knows yet")}, 24),
        ({"b": entry(offsets=(24, 48)), "a": A, "none": entry(shape=(0,), offsets=(24, 24))}, 48),
        ({"a": entry("F4", (2, 3), (0, 3)), "b": entry("F6_E2M3", (4,), (3, 6))}, 6),
    ],
)
def test_what_is_odd_but_whole_is_listed_as_the_library_does(header, size, tmp_path):
    file = write(tmp_path / "a.safetensors", header, bytes(size))
    theirs = safe_open(file, framework="pt")
    assert {t.name: list(t.shape) for t in open_safetensors(file)} == {
        name: theirs.get_slice(name).get_shape()
        for name in theirs.keys()  # noqa: SIM118
    }
    for tensor in open_safetensors(file):
        if tensor.dtype in DTYPES and max(tensor.shape, default=0) < 2**60:
            assert tensor.read().shape == tensor.shape


def test_a_shape_that_numpy_cannot_have_is_an_error_and_no_crash(tmp_path):
    file = write(tmp_path / "a.safetensors", {"a": entry(shape=(1,) * 100, offsets=(0, 4))}, bytes(4))
    with pytest.raises(WeightsError, match=r"a of type F32 and shape .* is no weight of a network"):
        open_safetensors(file)[0].read()


def test_every_type_of_the_library_is_known(tmp_path):
    for dtype, bits in BITS.items():
        header = {"a": entry(dtype, (8,), (0, bits))}
        file = write(tmp_path / f"{dtype}.safetensors", header, bytes(bits))
        assert safe_open(file, framework="pt").get_slice("a").get_shape() == [8]
        assert open_safetensors(file)[0].dtype == dtype


@settings(max_examples=300)
@given(data=st.data())
def test_random_damage_gives_a_list_or_an_error_in_words(data, tmp_path_factory):
    whole = json.dumps({"a": A, "b": entry("BF16", (2,), (24, 28))}).encode()
    content = bytearray(struct.pack("<Q", len(whole)) + whole + bytes(28))
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    file = tmp_path_factory.getbasetemp() / "damaged.safetensors"
    file.write_bytes(content)
    try:
        tensors = open_safetensors(file)
    except WeightsError:
        return
    theirs = safe_open(file, framework="pt")  # refuses nothing that is read here
    assert {tensor.name: list(tensor.shape) for tensor in tensors} == {
        name: theirs.get_slice(name).get_shape()
        for name in theirs.keys()  # noqa: SIM118
    }
