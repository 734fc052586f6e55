"""/api/run: a training run's losses, samples and attention patterns, for the page."""

from typing import Any

from fastapi import APIRouter, Response
from torch import Tensor

from nextword.errors import RunError
from nextword.serve.refusals import Refusal
from nextword.serve.requests import Id, Strict
from nextword.serve.watched_run import WatchedRun


class Octets(Response):
    """Numbers as bytes, little endian, row after row: an array for the page."""

    media_type = "application/octet-stream"


def floats(x: Tensor) -> Octets:
    """Answer with an array as float32."""
    return Octets(x.float().cpu().numpy().astype("<f4").tobytes())


class LookRequest(Strict):
    """A question about one head after so many steps."""

    step: Id
    layer: Id
    head: Id


def run_routes(run: WatchedRun) -> APIRouter:
    """Make the endpoints about one run, below /run."""
    routes = APIRouter(prefix="/run")

    @routes.get("")
    def describe() -> dict[str, Any]:
        return run.describe()

    @routes.post("/attention", response_class=Octets)
    def attention(asked: LookRequest) -> Response:
        try:
            return floats(run.attention.read(asked.step, asked.layer, asked.head))
        except RunError as error:
            raise Refusal(str(error), status=404) from None

    return routes
