"""Both fixtures were written by TensorFlow 2.21; see make_openai_fixture.py."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from weights.make_openai_fixture import SIZES, shapes, values

from nextword.errors import WeightsError
from nextword.weights import tensor_bundle
from nextword.weights.tensor_bundle import read_index

HERE = Path(__file__).parent
SHARDS = {"openai_tiny": 1, "openai_sharded": 2}


@pytest.mark.parametrize("fixture", SHARDS)
def test_reads_what_tensorflow_wrote(fixture):
    entries = read_index(HERE / fixture / "model.ckpt.index")
    expected = shapes(**SIZES["tiny"])
    assert {name: entry.shape for name, entry in entries.items()} == expected
    assert len({entry.file for entry in entries.values()}) == SHARDS[fixture]
    for name, shape in expected.items():
        tensor = entries[name].read()
        assert tensor.dtype == np.float32
        assert np.array_equal(tensor, values(name, shape)), name


@pytest.fixture
def checkpoint(tmp_path):
    return Path(shutil.copytree(HERE / "openai_tiny", tmp_path / "openai"))


DATA = "model.ckpt.data-00000-of-00001"


def test_writing_to_a_tensor_leaves_the_file_alone(checkpoint):
    before = (checkpoint / DATA).read_bytes()
    read_index(checkpoint / "model.ckpt.index")["model/wte"].read().fill(0)
    assert (checkpoint / DATA).read_bytes() == before


def test_a_damaged_index_is_noticed(checkpoint):
    index = checkpoint / "model.ckpt.index"
    intact = index.read_bytes()
    for at in range(0, 800, 7):
        index.write_bytes(intact[:at] + bytes([intact[at] ^ 1]) + intact[at + 1 :])
        with pytest.raises(WeightsError, match=r"model\.ckpt\.index .* is damaged: the block .* its checksum"):
            read_index(index)
    index.write_bytes(intact[:-1])
    with pytest.raises(WeightsError, match="is damaged: it does not end as a LevelDB table does"):
        read_index(index)


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        ([(b"model/wte", b"")], "it has no header"),
        ([(b"", b"\x08\x01\x10\x01")], "its numbers are big-endian"),
    ],
)
def test_what_no_checkpoint_of_gpt2_has(pairs, message, monkeypatch, checkpoint):
    monkeypatch.setattr(tensor_bundle, "read_table", lambda data: pairs)
    with pytest.raises(WeightsError, match=message):
        read_index(checkpoint / "model.ckpt.index")


def test_a_partitioned_variable_is_named_and_not_called_damaged(monkeypatch, checkpoint):
    sliced = (b"\x00model/wte\x00\x01\x01\x02\x80\xff", b"\x08\x01")  # its key is no UTF-8
    pairs = [(b"", b"\x08\x01"), sliced, (b"model/wte", b"\x3a\x02\x0a\x00")]
    monkeypatch.setattr(tensor_bundle, "read_table", lambda data: pairs)
    with pytest.raises(WeightsError, match="model/wte is a partitioned variable") as error:
        read_index(checkpoint / "model.ckpt.index")
    assert "damaged" not in str(error.value)


def test_types_that_are_no_numbers_and_sizes_that_do_not_fit(checkpoint):
    entry = read_index(checkpoint / "model.ckpt.index")["model/wte"]
    with pytest.raises(WeightsError, match="model/wte is of TensorFlow's type 7"):
        replace(entry, dtype=7).read()
    with pytest.raises(WeightsError, match=r"model/wte has 2928 bytes, which do not fill \(61, 13\)"):
        replace(entry, shape=(61, 13)).read()


def test_damaged_data_name_the_tensor(checkpoint):
    entry = read_index(checkpoint / "model.ckpt.index")["model/h1/mlp/c_fc/w"]
    data = bytearray((checkpoint / DATA).read_bytes())
    data[entry.offset + 100] ^= 1
    (checkpoint / DATA).write_bytes(data)
    entry = read_index(checkpoint / "model.ckpt.index")["model/h1/mlp/c_fc/w"]
    with pytest.raises(WeightsError, match=rf"{DATA}: model/h1/mlp/c_fc/w does not match its checksum"):
        entry.read()


def test_data_cut_off_or_missing(checkpoint):
    entry = max(read_index(checkpoint / "model.ckpt.index").values(), key=lambda entry: entry.offset)
    data = (checkpoint / DATA).read_bytes()
    (checkpoint / DATA).write_bytes(data[:-1])
    with pytest.raises(WeightsError, match=rf"{entry.name} should reach to byte 18864, and the file has 18863"):
        entry.read()
    (checkpoint / DATA).unlink()
    with pytest.raises(WeightsError, match=rf"{DATA} is missing, and {entry.name} lies in it"):
        entry.read()
