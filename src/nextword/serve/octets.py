"""Arrays as answers: bytes, little endian, row after row."""

from fastapi import Response
from torch import Tensor


class Octets(Response):
    """Numbers as bytes."""

    media_type = "application/octet-stream"


def floats(x: Tensor) -> Octets:
    """Numbers as float32."""
    return Octets(x.float().cpu().numpy().astype("<f4").tobytes())
