"""Make the web application: all endpoints, with the guard before them."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import JSONResponse, PlainTextResponse

from nextword.serve import refusals
from nextword.serve.completions import Completions
from nextword.serve.guard import BODY_SECONDS, MAX_BODY, Guard
from nextword.serve.page_files import page_routes
from nextword.serve.refusals import Refusal
from nextword.serve.request_parser import encoded
from nextword.serve.requests import CompletionRequest, DetokenizeRequest, TokenizeRequest
from nextword.serve.scheduler import Scheduler
from nextword.tokenizer import Tokenizer

PAGE = Path(__file__).parent / "page"


def create_app(
    scheduler: Scheduler,
    tokenizer: Tokenizer,
    name: str,
    *,
    routers: Sequence[APIRouter] = (),
    page: Path | None = PAGE,
    page_below: Sequence[str] = ("",),
    api_key: str | None = None,
    hosts: Sequence[str] | None = None,
    origins: Sequence[str] = (),
    max_body: int = MAX_BODY,
    body_seconds: float = BODY_SECONDS,
    strict: bool = False,
    root_path: str = "",
) -> FastAPI:
    """Make the ASGI application: the API, and the page if its files are there.

    name: what the model is called in answers, and in requests that name one.
    routers: further endpoints, such as those that the page asks. page_below:
    the paths at which the page is shown, one for each model. strict: see
    `RequestParser`. The rest: see `Guard`.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        await asyncio.to_thread(scheduler.close)

    # Its usual pages of documentation would be loaded from elsewhere.
    app = FastAPI(title="nextword", docs_url=None, redoc_url=None, lifespan=lifespan, responses=refusals.DOCUMENTED)
    refusals.install(app)
    app.include_router(completion_routes(scheduler, tokenizer, name, strict))
    app.include_router(token_routes(tokenizer))
    app.include_router(state_routes(scheduler))
    for router in routers:
        app.include_router(router)
    has_page = page is not None and (page / "index.html").exists()
    of_page = [route for below in page_below for route in page_routes(page, below)] if page and has_page else []
    app.routes.extend(of_page)
    app.add_middleware(
        Guard,
        metrics=scheduler.metrics,
        api_key=api_key,
        open_paths={"/health", *([""] if of_page else []), *(route.path for route in of_page)},
        hosts=hosts,
        origins=origins,
        max_body=max_body,
        body_seconds=body_seconds,
        root_path=root_path,
    )
    if origins:  # outermost, so that pages that may ask may also read why they were refused
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(origins),
            allow_methods=["*"],
            allow_headers=["*"],
            expose_headers=["Retry-After"],
            max_age=600,
        )
    return app


def completion_routes(scheduler: Scheduler, tokenizer: Tokenizer, name: str, strict: bool) -> APIRouter:
    """Make the endpoints of OpenAI's clients."""
    router = APIRouter()
    completions = Completions(scheduler, tokenizer, name, strict)
    model = {
        "id": name,
        "object": "model",
        "created": int(time.time()),
        "owned_by": "nextword",
        "max_model_len": scheduler.config.n_ctx,
    }

    stream = {
        "content": {"application/json": {}, "text/event-stream": {}},
        "description": "The texts, or a stream of them",
    }

    @router.post("/v1/completions", response_model=None, responses={200: stream})
    async def complete(asked: CompletionRequest, request: Request) -> Response:
        return await completions.answer(asked, request)

    @router.get("/v1/models")
    async def list_models() -> dict[str, Any]:
        return {"object": "list", "data": [model]}

    @router.get("/v1/models/{id:path}")
    async def describe_model(id: str) -> dict[str, Any]:
        if id != name:
            raise Refusal(
                f"There is no model {id[:200]!r} here: this server has {name!r}.", "model", 404, "model_not_found"
            )
        return model

    return router


def token_routes(tokenizer: Tokenizer) -> APIRouter:
    """Text to ids and back."""
    router = APIRouter()

    # These run in other threads, and so does making JSON of what may be a hundred thousand tokens: token by token,
    # since json.dumps lets no other thread work while it is at something.

    @router.post("/tokenize", response_model=None, response_class=JSONResponse)
    def tokenize(asked: TokenizeRequest) -> Response:
        known: dict[int, str] = {}
        for id in (ids := encoded(asked.text, tokenizer, "text", asked.allow_special)):
            if id not in known:
                token = {"id": id, "text": tokenizer.decode([id]), "bytes": tokenizer.decode_bytes([id]).hex()}
                known[id] = json.dumps(token, ensure_ascii=False, separators=(",", ":"))
        tokens = ",".join(known[id] for id in ids)
        return Response(f'{{"tokens":[{tokens}]}}', media_type="application/json")

    @router.post("/detokenize", response_model=None)
    def detokenize(asked: DetokenizeRequest) -> JSONResponse:
        for n, id in enumerate(asked.ids):
            if id >= tokenizer.n_vocab:
                raise Refusal(f"ids[{n}]: {id} is outside the vocabulary, 0 to {tokenizer.n_vocab - 1}.", f"ids[{n}]")
        return JSONResponse({"text": tokenizer.decode(asked.ids)})

    return router


def state_routes(scheduler: Scheduler) -> APIRouter:
    """Make the endpoints of the server's state."""
    router = APIRouter()

    @router.get("/health")
    async def health() -> JSONResponse:
        if not scheduler.is_alive:
            return JSONResponse({"status": "stopped"}, 503)
        return JSONResponse({"status": "ok", "running": scheduler.running, "waiting": scheduler.waiting})

    @router.get("/metrics", response_class=PlainTextResponse)
    async def metrics() -> PlainTextResponse:
        text = scheduler.metrics.render(scheduler.running, scheduler.waiting, scheduler.n_rows)
        return PlainTextResponse(text, media_type="text/plain; version=0.0.4")

    return router
