"""What the page asks of the model: the next word, surprise, attention, the layers' guesses, and what if.

Arrays go out as bytes, little endian, row after row.
"""

import asyncio
import gzip
import json
import math
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from functools import cache, partial
from typing import Annotated, Any

import torch
from fastapi import APIRouter, Request, Response
from pydantic import Field
from torch import Tensor
from torch.nn.functional import adaptive_max_pool2d

from nextword.lens import Trace
from nextword.lens.attribution import contributions
from nextword.lens.changing import off
from nextword.lens.tracing import as_rows
from nextword.model import GPTConfig
from nextword.serve.lens_worker import LensWorker
from nextword.serve.reading import LIKELIEST, Text
from nextword.serve.refusals import Refusal
from nextword.serve.requests import Id, Strict
from nextword.serve.source import sources
from nextword.tokenizer.vocab import load_tokens


class TextRequest(Strict):
    """A question about a text."""

    ids: Annotated[list[Id], Field(min_length=1)]


class HeadRequest(TextRequest):
    """A question about one head."""

    layer: Id
    head: Id


class MapsRequest(TextRequest):
    """All heads, small: size is the most that a map may have of rows and columns."""

    size: Annotated[int, Field(ge=1, le=256)] = 32


class LensRequest(TextRequest):
    """What each layer would say: so many words for each cell, at the positions from first to before last."""

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


class RunHeadRequest(HeadRequest):
    """One head as it was at a checkpoint."""

    step: Id


def router(worker: LensWorker) -> APIRouter:
    """The endpoints below /api; the worker's thread ends when the application does."""

    @asynccontextmanager
    async def lifespan(app: object) -> AsyncIterator[None]:
        yield
        await asyncio.to_thread(worker.close)

    routes = APIRouter(prefix="/api", lifespan=lifespan)
    config = worker.config

    @routes.get("/model")
    async def model() -> dict[str, Any]:
        names = ("n_vocab", "n_ctx", "n_embd", "n_head", "n_layer")
        return {
            "name": worker.name,
            "n_params": config.n_params,
            "config": {name: getattr(config, name) for name in names},
            "run": worker.run is not None,
        }

    @routes.get("/vocabulary")
    async def vocabulary(request: Request) -> Response:
        headers = {"cache-control": "private, max-age=86400", "vary": "accept-encoding"}
        if "gzip" in request.headers.get("accept-encoding", ""):
            return Response(zipped_vocabulary(), media_type=JSON, headers={**headers, "content-encoding": "gzip"})
        return Response(gzip.decompress(zipped_vocabulary()), media_type=JSON, headers=headers)

    @routes.get("/source")
    def source() -> dict[str, Any]:
        return dict(sources())

    @routes.post("/next", response_class=Octets)
    async def next_token(asked: TextRequest) -> Response:
        return floats(await worker.ask(text_of(asked, config), Text.next))

    @routes.post("/surprise")
    async def surprise(asked: TextRequest) -> dict[str, Any]:
        ids = text_of(asked, config)
        await worker.ask_in_parts(ids, [saying(config.n_layer, *part) for part in portions(0, len(ids) - 1)])
        return await worker.ask(ids, surprises)

    @routes.post("/attention", response_class=Octets)
    async def attention(asked: HeadRequest) -> Response:
        check_head(asked, config)
        return floats(await worker.ask(text_of(asked, config), lambda text: weights(text.trace(), asked)))

    @routes.post("/attention_maps", response_class=Octets)
    async def attention_maps(asked: MapsRequest) -> Response:
        layers = [partial(small_maps, layer=layer, size=asked.size) for layer in range(config.n_layer)]
        return Octets(b"".join(await worker.ask_in_parts(text_of(asked, config), layers)))

    @routes.post("/logit_lens")
    async def logit_lens(asked: LensRequest) -> dict[str, Any]:
        last = len(asked.ids) if asked.last is None else min(asked.last, len(asked.ids))
        if asked.first >= last:
            raise Refusal(f"first: {asked.first} is not before the last position that is asked for, {last}.", "first")
        ids, layers = text_of(asked, config), range(config.n_layer + 1)
        await worker.ask_in_parts(ids, [saying(n, *part) for n in layers for part in portions(asked.first, last)])
        return await worker.ask(ids, lambda text: cells(text, asked.first, last, asked.top))

    @routes.post("/knockout", response_class=Octets)
    async def knockout(asked: KnockoutRequest) -> Response:
        for layer, head in asked.heads:
            check_part("heads", layer, config, head)
        for layer in asked.mlps:
            check_part("mlps", layer, config)
        return floats(await worker.ask(text_of(asked, config), lambda text: knocked_out(text, asked)))

    @routes.post("/contributions")
    async def contributed(asked: ContributionsRequest) -> dict[str, Any]:
        if asked.token >= config.n_vocab:
            raise Refusal(f"token: {asked.token} is outside the vocabulary, 0 to {config.n_vocab - 1}.", "token")
        found = await worker.ask(
            text_of(asked, config), lambda text: contributions(text.trace_of_the_end(), asked.token)
        )
        return {"embed": found.embed, "heads": found.heads.tolist(), "mlps": found.mlps.tolist(), "rest": found.rest}

    @routes.get("/run")
    def run() -> dict[str, Any]:
        return the_run().describe()

    @routes.post("/run/attention", response_class=Octets)
    async def run_attention(asked: RunHeadRequest) -> Response:
        watched, ids = the_run(), text_of(asked, config)
        check_head(asked, config)

        def look() -> Tensor:
            try:
                then = watched.model(asked.step)
            except (LookupError, OSError, ValueError):
                there = ", ".join(map(str, watched.checkpoints())) or "none"
                raise Refusal(f"There is no checkpoint of step {asked.step}; kept are: {there}.", "step", 404) from None
            return weights(Trace(then, as_rows(ids), kept=()), asked)

        return floats(await worker.do(look))

    def the_run() -> Any:
        if worker.run is None:
            raise Refusal("The model that is served is no run of nextword's: serve a run's directory.", status=404)
        return worker.run

    return routes


JSON = "application/json"
PORTION = 128  # positions whose logits are made in one turn: a tenth of a second for GPT-2 124M


class Octets(Response):
    """Numbers as bytes."""

    media_type = "application/octet-stream"


def floats(x: Tensor) -> Octets:
    """Numbers as float32."""
    return Octets(x.float().cpu().numpy().astype("<f4").tobytes())


def text_of(asked: TextRequest, config: GPTConfig) -> list[int]:
    """The ids of a request. Raises Refusal for those that the model cannot read."""
    if len(asked.ids) > config.n_ctx:
        raise Refusal(f"ids: {len(asked.ids)} tokens are more than the model's window of {config.n_ctx}.", "ids")
    if (highest := max(asked.ids)) >= config.n_vocab:
        raise Refusal(f"ids: {highest} is outside the vocabulary, 0 to {config.n_vocab - 1}.", "ids")
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


def saying(layer: int, first: int, last: int) -> Callable[[Text], object]:
    """Find out what would be said at some positions, to be remembered."""
    return lambda text: text.said(layer, first, last)


def portions(first: int, last: int) -> list[tuple[int, int]]:
    """Positions, so many at a time that the model's thread is soon free for others."""
    return [(start, min(start + PORTION, last)) for start in range(first, last, PORTION)]


def surprises(text: Text) -> dict[str, Any]:
    """How likely each token was, and what was expected in its place; nothing for the first."""
    own, said = text.surprise()
    perplexity = math.exp(min(-own.double().mean().item(), 700.0)) if len(own) else None
    return {
        "logprob": [None, *own.tolist()],
        "top": [[], *(words("logprob", *row) for row in rows(said.ids, said.logprob))],
        "perplexity": perplexity,
    }


def cells(text: Text, first: int, last: int, top: int) -> dict[str, Any]:
    """What each layer would say at these positions."""
    found = []
    for layer in range(text.n_layer + 1):
        said = text.said(layer, first, last)
        found.append([words("p", *row) for row in rows(said.ids[:, :top], said.logprob[:, :top].exp())])
    return {"layers": text.n_layer + 1, "first": first, "cells": found}


def rows(*arrays: Tensor) -> Iterator[tuple[list[Any], ...]]:
    """The rows of some arrays, side by side, as lists."""
    return zip(*(array.tolist() for array in arrays), strict=True)


def words(name: str, ids: list[int], values: list[float]) -> list[dict[str, float]]:
    """Tokens with a number each."""
    return [{"id": id, name: value} for id, value in zip(ids, values, strict=True)]


def weights(traced: Trace, asked: HeadRequest) -> Tensor:
    """Where one head looks: (T, T)."""
    return traced[f"h.{asked.layer}.attn.weights"][0, asked.head]


def small_maps(text: Text, layer: int, size: int) -> bytes:
    """A layer's attention in few pixels: H maps of size x size bytes, of T x T where the text is shorter.

    Each pixel is the strongest weight in its part of the map, 255 for all of a
    token's attention, so that a single bright spot is not lost.
    """
    large = text.trace()[f"h.{layer}.attn.weights"][0].float()  # (H, T, T)
    small = adaptive_max_pool2d(large, min(size, text.length))
    return (small * 255).round().to(torch.uint8).cpu().numpy().tobytes()


def knocked_out(text: Text, asked: KnockoutRequest) -> Tensor:
    """The next token's logits without some parts: (V,)."""
    if not asked.heads and not asked.mlps:
        return text.next()
    traced = text.trace()
    changed = traced.changed(off(traced, [(layer, head) for layer, head in asked.heads], asked.mlps))
    return traced.model.head(changed["ln_f.out"][0, -1])


@cache
def zipped_vocabulary() -> bytes:
    """The text of every token, as a JSON list, zipped: 0.3 MB."""
    texts = [token.decode("utf-8", errors="replace") for token in load_tokens()]
    return gzip.compress(json.dumps(texts, ensure_ascii=False, separators=(",", ":")).encode(), mtime=0)
