"""What the page asks of a training run: its losses, its samples, and where its heads looked as it learned."""

from typing import Any

from fastapi import APIRouter, Response

from nextword.errors import RunError
from nextword.serve.octets import Octets, floats
from nextword.serve.refusals import Refusal
from nextword.serve.requests import Id, Strict
from nextword.serve.watched_run import WatchedRun


class LookRequest(Strict):
    """A question about one head after so many updates."""

    step: Id
    layer: Id
    head: Id


def run_routes(run: WatchedRun) -> APIRouter:
    """The endpoints about one run, below /run."""
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
