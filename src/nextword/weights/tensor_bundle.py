"""TensorFlow's checkpoint format, the "tensor bundle", read without TensorFlow.

    model.ckpt.index                  a sorted table (see `sstable`): a tensor's name -> where it lies
    model.ckpt.data-00000-of-00001    the tensors' numbers, one tensor after the other; in one file or several

Under the empty name, which sorts first, stands a header; every other value
is a `BundleEntryProto`. Both are protocol buffers (see `protobuf`).

Source: TensorFlow's tensorflow/core/protobuf/tensor_bundle.proto and
tensorflow/core/util/tensor_bundle/tensor_bundle.h.
"""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from nextword.errors import WeightsError
from nextword.weights.crc32c import crc32c
from nextword.weights.opened_file import OpenedFile, refuse_pointer
from nextword.weights.protobuf import Message, number, raw, read_message
from nextword.weights.sstable import masked, read_table
from nextword.weights.stored import FLOATS

DTYPES = {1: "F32", 2: "F64", 14: "BF16", 19: "F16"}
"""TensorFlow's numbers (types.proto) for the formats that weights may have, and safetensors' names for them."""


@dataclass(frozen=True)
class Entry:
    """One tensor's entry in the index: its file, its bytes there, its type and shape.

    dtype is TensorFlow's number (see DTYPES); checksum is the masked CRC-32C
    of the tensor's bytes.
    """

    name: str
    dtype: int
    shape: tuple[int, ...]
    file: Path
    offset: int
    size: int
    checksum: int

    @property
    def tag(self) -> str:
        """The number format, as in `StoredTensor`."""
        return DTYPES.get(self.dtype, f"TensorFlow's type {self.dtype}")

    def read(self) -> NDArray[Any]:
        """Copy the tensor from its file (see `StoredTensor`).

        Raises WeightsError where the file is missing or too short, or does not
        match the tensor's checksum.
        """
        if self.dtype not in DTYPES:
            raise WeightsError(f"{self.file}: {self.name} is of {self.tag}, which is not read here.")
        dtype = FLOATS[self.tag]
        if self.size != math.prod(self.shape) * dtype.itemsize:
            raise WeightsError(f"{self.file}: {self.name} has {self.size} bytes, which do not fill {self.shape}.")
        end = self.offset + self.size
        if not self.file.is_file():
            raise WeightsError(f"{self.file} is missing, and {self.name} lies in it. Copy the whole checkpoint.")
        opened = OpenedFile(self.file)
        if opened.size < end:
            raise WeightsError(
                f"{self.file}: {self.name} should reach to byte {end}, and the file has "
                f"{opened.size}. It was cut off: copy or download it again."
            )
        data = opened.read(self.offset, end)
        if masked(crc32c(data)) != self.checksum:
            raise WeightsError(
                f"{self.file}: {self.name} does not match its checksum. The file is damaged: copy or download it again."
            )
        return data.view(dtype).reshape(self.shape)


def read_index(index: Path) -> dict[str, Entry]:
    """List the tensors of a checkpoint, by name; `index` is its file `PREFIX.index`.

    Raises WeightsError where that file is damaged or uses what no checkpoint of
    GPT-2 does: big-endian numbers, or tensors that are stored in slices.
    """
    content = index.read_bytes()
    refuse_pointer(index, content)
    try:
        # The key of a variable's slice is no text: it holds numbers, in an order-preserving code.
        messages = {key.decode(errors="surrogateescape"): read_message(value) for key, value in read_table(content)}
        if "" not in messages:
            raise ValueError("it has no header")
        header = messages.pop("")
        if number(header, 2) != 0:
            raise ValueError("its numbers are big-endian")
        return {
            name: read_entry(name, message, index, n_shards=number(header, 1)) for name, message in messages.items()
        }
    except WeightsError:
        raise
    except ValueError as error:
        raise WeightsError(
            f"{index} is not the index of a TensorFlow checkpoint, or is damaged: {error}. Copy or download it again."
        ) from error


def read_entry(name: str, message: Message, index: Path, n_shards: int) -> Entry:
    """Give the fields of a `BundleEntryProto` their names."""
    if message.get(7):
        raise WeightsError(
            f"{index}: {name} is a partitioned variable, stored in slices, and only whole ones are read here. "
            "In TensorFlow, tf.train.load_checkpoint reads it whole: save it in a checkpoint without a partitioner."
        )
    shape = read_message(raw(message, 2))
    shard = f"{index.stem}.data-{number(message, 3):05}-of-{n_shards:05}"
    return Entry(
        name=name,
        dtype=number(message, 1),
        shape=tuple(number(read_message(dim), 1) for dim in shape.get(2, []) if isinstance(dim, bytes)),
        file=index.with_name(shard),
        offset=number(message, 4),
        size=number(message, 5),
        checksum=number(message, 6),
    )
