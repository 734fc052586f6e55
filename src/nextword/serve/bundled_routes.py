"""/heads: the small model that comes with nextword, with a page and an /api of its own."""

from fastapi import APIRouter

from nextword.decode.engines import EngineName
from nextword.loading import load
from nextword.serve.app import token_routes
from nextword.serve.inside import router
from nextword.serve.lens_worker import LensWorker
from nextword.serve.watched_run import WatchedRun
from nextword.weights.bundled import BUNDLED, DIRECTORY


def bundled_routers(beside: str, engine: EngineName | None = None) -> list[APIRouter]:
    """Make the routes of the small model's page, below /heads.

    beside: the model to which that page leads back. engine: see `nextword.load`.
    """
    run = WatchedRun(DIRECTORY)
    model, tokenizer = load(BUNDLED, engine=engine)
    worker = LensWorker(model, BUNDLED, run.saved_step())
    below = f"/{BUNDLED}"
    tokens = APIRouter(prefix=below)
    tokens.include_router(token_routes(tokenizer))
    return [tokens, router(worker, run, below, other={"name": beside, "path": "../"})]
