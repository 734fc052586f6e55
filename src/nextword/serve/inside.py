"""/api: the page's questions about the model, from the next token to ablations.

Arrays go out as bytes, little endian, row after row.
"""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from functools import lru_cache, partial
from typing import Annotated, Any

import torch
from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute
from pydantic import Field

from nextword.config import GPTConfig
from nextword.errors import NotFiniteError
from nextword.serve import answers
from nextword.serve.lens_worker import BusyError, LensWorker
from nextword.serve.page_files import NO_CACHE, etag, is_known
from nextword.serve.reading import LIKELIEST, ReadText
from nextword.serve.refusals import DisconnectedError, Refusal
from nextword.serve.requests import Id, Strict
from nextword.serve.run_routes import Octets, floats, run_routes
from nextword.serve.source import sources
from nextword.serve.watched_run import WatchedRun
from nextword.tokenizer.vocab import GPT2, Vocabulary

JSON = "application/json"


class TextRequest(Strict):
    """A question about a text."""

    ids: Annotated[list[Id], Field(min_length=1)]


class HeadRequest(TextRequest):
    """A question about one head."""

    layer: Id
    head: Id


class RowRequest(HeadRequest):
    """A question about one head at one token."""

    position: Id


class MapsRequest(TextRequest):
    """All heads of a layer, small: size is a map's largest number of rows and columns."""

    size: Annotated[int, Field(ge=1, le=256)] = 32


class LensRequest(TextRequest):
    """Each layer's top tokens, so many a cell, at the positions from first to before last."""

    top: Annotated[int, Field(ge=1, le=LIKELIEST)] = 1
    first: Id = 0
    last: Annotated[int | None, Field(ge=1)] = None


class KnockoutRequest(TextRequest):
    """Which parts are to be silent: heads as [layer, head], and MLPs by their layer."""

    heads: list[Annotated[list[Id], Field(min_length=2, max_length=2)]] = Field(default_factory=list)
    mlps: list[Id] = Field(default_factory=list)


class ContributionsRequest(TextRequest):
    """Who made this token likely as the next one."""

    token: Id


class Versioned(APIRoute):
    """Names in the header `nextword-weights` the weights that an answer was computed from."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Handle requests as usual, and add the header where `answered` has left a version."""
        handle = super().get_route_handler()

        async def versioned(request: Request) -> Response:
            response = await handle(request)
            if version := getattr(request.state, "weights", None):
                response.headers["nextword-weights"] = version
            return response

        return versioned


def router(
    worker: LensWorker, run: WatchedRun | None = None, below: str = "", other: dict[str, str] | None = None
) -> APIRouter:
    """Make the endpoints below /api; the worker's thread ends when the application does.

    run: the model's, to be watched. below: what stands before /api. other: a
    second model's `name`, and the `path` of its page.
    """

    @asynccontextmanager
    async def lifespan(app: object) -> AsyncIterator[None]:
        yield
        await asyncio.to_thread(worker.close)

    routes = APIRouter(prefix=f"{below}/api", lifespan=lifespan, route_class=Versioned)
    config = worker.config

    @routes.get("/model")
    async def model() -> dict[str, Any]:
        names = ("n_vocab", "n_ctx", "n_embd", "n_head", "n_layer")
        return {
            "name": worker.name,
            "n_params": config.n_params,
            "config": {name: getattr(config, name) for name in names},
            "run": run is not None,
            "step": worker.step,
            "weights": worker.version,
            "other": other,
        }

    @routes.get("/vocabulary")
    async def vocabulary(request: Request) -> Response:
        zipped = zipped_vocabulary(worker.model.vocabulary or GPT2)
        headers = {"cache-control": NO_CACHE, "etag": etag(zipped), "vary": "accept-encoding"}
        if is_known(request, headers["etag"]):
            return Response(status_code=304, headers=headers)
        if "gzip" in request.headers.get("accept-encoding", ""):
            return Response(zipped, media_type=JSON, headers={**headers, "content-encoding": "gzip"})
        return Response(gzip.decompress(zipped), media_type=JSON, headers=headers)

    @routes.get("/source")
    def source() -> dict[str, Any]:
        return dict(sources())

    @routes.post("/next", response_class=Octets)
    async def next_token(asked: TextRequest, request: Request) -> Response:
        [logits] = await answered(worker, request, text_of(asked, config), [ReadText.next])
        return floats(logits)

    @routes.post("/surprise")
    async def surprise(asked: TextRequest, request: Request) -> dict[str, Any]:
        ids = text_of(asked, config)
        parts = answers.top_token_parts([config.n_layer], 0, len(ids) - 1)
        *_, found = await answered(worker, request, ids, [*parts, answers.surprises])
        return found

    @routes.post("/way", response_class=Octets)
    async def way(asked: TextRequest, request: Request) -> Response:
        [stream] = await answered(worker, request, text_of(asked, config), [answers.way])
        return floats(stream)

    @routes.post("/attention", response_class=Octets)
    async def attention(asked: HeadRequest, request: Request) -> Response:
        check_head(asked, config)
        question = partial(answers.attention, layer=asked.layer, head=asked.head)
        [weights] = await answered(worker, request, text_of(asked, config), [question])
        return floats(weights)

    @routes.post("/attention_scores", response_class=Octets)
    async def attention_scores(asked: RowRequest, request: Request) -> Response:
        check_head(asked, config)
        if asked.position >= len(asked.ids):
            raise Refusal(f"position: {asked.position} is behind the last token, {len(asked.ids) - 1}.", "position")
        question = partial(answers.scores, layer=asked.layer, head=asked.head, position=asked.position)
        [scores] = await answered(worker, request, text_of(asked, config), [question])
        return floats(scores)

    @routes.post("/attention_patterns", response_class=Octets)
    async def attention_patterns(asked: TextRequest, request: Request) -> Response:
        layers = [partial(answers.named_patterns, layer=layer) for layer in range(config.n_layer)]
        return floats(torch.stack(await answered(worker, request, text_of(asked, config), layers)))

    @routes.post("/attention_maps", response_class=Octets)
    async def attention_maps(asked: MapsRequest, request: Request) -> Response:
        layers = [partial(answers.small_maps, layer=layer, size=asked.size) for layer in range(config.n_layer)]
        return Octets(b"".join(await answered(worker, request, text_of(asked, config), layers)))

    @routes.post("/logit_lens")
    async def logit_lens(asked: LensRequest, request: Request) -> dict[str, Any]:
        last = len(asked.ids) if asked.last is None else min(asked.last, len(asked.ids))
        if asked.first >= last:
            raise Refusal(f"first: {asked.first} is not before the last position that is asked for, {last}.", "first")
        ids, layers = text_of(asked, config), range(config.n_layer + 1)
        cells = partial(answers.cells, first=asked.first, last=last, top=asked.top)
        *_, found = await answered(worker, request, ids, [*answers.top_token_parts(layers, asked.first, last), cells])
        return found

    @routes.post("/knockout", response_class=Octets)
    async def knockout(asked: KnockoutRequest, request: Request) -> Response:
        for layer, head in asked.heads:
            check_part("heads", layer, config, head)
        for layer in asked.mlps:
            check_part("mlps", layer, config)
        heads = [(layer, head) for layer, head in asked.heads]
        question = partial(answers.knocked_out, heads=heads, mlps=asked.mlps)
        [logits] = await answered(worker, request, text_of(asked, config), [question])
        return floats(logits)

    @routes.post("/contributions")
    async def contributed(asked: ContributionsRequest, request: Request) -> dict[str, Any]:
        if asked.token >= config.n_vocab:
            raise Refusal(f"token: {asked.token} is outside the vocabulary, 0 to {config.n_vocab - 1}.", "token")
        question = partial(answers.contributed, token=asked.token)
        [found] = await answered(worker, request, text_of(asked, config), [question])
        return found

    if run is not None:
        routes.include_router(run_routes(run))
    return routes


async def answered(
    worker: LensWorker, request: Request, ids: list[int], questions: Sequence[Callable[[ReadText], Any]]
) -> list[Any]:
    """Await the answers to some questions about a text. Raises Refusal where nobody waits for them, or too many do."""
    try:
        request.state.weights, answers = await worker.ask_in_parts(ids, questions, request.is_disconnected)
        return answers
    except NotFiniteError as error:
        raise Refusal(f"The engine failed: {error}", status=500) from None
    except DisconnectedError:
        raise Refusal("The client has gone.", status=499) from None
    except BusyError as error:
        raise Refusal(f"{error} Try again in a moment.", status=429, headers={"Retry-After": "1"}) from None


def text_of(asked: TextRequest, config: GPTConfig) -> list[int]:
    """Check the ids of a request. Raises Refusal for those that the model cannot read."""
    if len(asked.ids) > config.n_ctx:
        raise Refusal(f"ids: {len(asked.ids)} tokens are more than the model's window of {config.n_ctx}.", "ids")
    if (highest := max(asked.ids)) >= config.n_vocab:
        place = f"ids[{asked.ids.index(highest)}]"
        raise Refusal(f"{place}: {highest} is outside the vocabulary, 0 to {config.n_vocab - 1}.", place)
    return asked.ids


def check_head(asked: HeadRequest, config: GPTConfig) -> None:
    """Raise Refusal unless the model has the head that is asked about."""
    check_part("layer", asked.layer, config)
    check_part("head", asked.layer, config, asked.head)


def check_part(param: str, layer: int, config: GPTConfig, head: int = 0) -> None:
    """Raise Refusal, about this parameter, unless the model has this layer and head."""
    if layer >= config.n_layer:
        raise Refusal(f"{param}: layer {layer} is not there, layers are 0 to {config.n_layer - 1}.", param)
    if head >= config.n_head:
        raise Refusal(f"{param}: head {head} is not there, heads are 0 to {config.n_head - 1}.", param)


@lru_cache(maxsize=2)  # the served model's, and that of the small one beside it
def zipped_vocabulary(vocabulary: Vocabulary) -> bytes:
    """List every token's text, or its bytes where it is no text alone, in gzipped JSON."""
    tokens = [text_or_bytes(token) for token in vocabulary.tokens]
    return gzip.compress(json.dumps(tokens, ensure_ascii=False, separators=(",", ":")).encode(), mtime=0)


def text_or_bytes(token: bytes) -> str | list[int]:
    """Decode a token, or list its bytes where they are no whole characters."""
    try:
        return token.decode()
    except UnicodeDecodeError:
        return list(token)
