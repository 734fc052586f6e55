"""`nextword serve`: the API, and the page."""

import os
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from nextword.cli.arguments import parse
from nextword.cli.served_model import ServedModel, watched_run

if TYPE_CHECKING:
    from fastapi import APIRouter
from nextword.commands import quoted


@dataclass(frozen=True)
class Arguments:
    """Serve a model: a page to play with, and an API that OpenAI's clients know."""

    model: str = "gpt2"
    """A run directory, any GPT-2 directory, gpt2, gpt2-medium, gpt2-large, gpt2-xl, or heads, the small one at hand.
    Or a class of your own, my_gpt2:GPT or path/to/file.py:GPTModel, to be filled with --weights."""

    weights: str | None = None
    """What to fill a class of your own with: all that --model takes besides."""

    name: str | None = None
    """What the API calls the model. Default: as --model does."""

    host: str = "127.0.0.1"
    """The address to listen at. Others than this machine reach it only if you give another, such as 0.0.0.0."""

    port: int = 8000
    """The port to listen at; 0 takes any that is free."""

    rows: int = 32
    """How many texts are written side by side. Each has its memory: 72 MiB for the 124M model and a full context."""

    queue: int = 1024
    """How many texts may wait for a row; who comes after them is told to try again later."""

    api_key: str | None = None
    """Answer only those who send this key; the page's files and /health need none. Better given as NEXTWORD_API_KEY,
    since others can see a command line."""

    cors_origin: Annotated[tuple[str, ...], tyro.conf.UseAppendAction, tyro.conf.arg(help_behavior_hint="")] = ()
    """A site whose pages may ask here, such as https://example.org, also that of a proxy before the server; may be
    given several times. Default: none."""

    root_path: str = ""
    """Under which path a proxy shows the server, such as /user/ada/proxy/8000; whether it passes it on or not."""

    strict: bool = False
    """Take OpenAI's parameters only, and refuse a max_tokens that has no room instead of ending there."""

    max_body: int = 1 << 20
    """The longest body of a request, in bytes."""

    drain_seconds: int = 30
    """After SIGTERM or Ctrl-C, how long what has begun may take to end."""

    api_only: bool = False
    """Leave out the page, for which the model is loaded a second time, into PyTorch."""

    device: str = "auto"
    """Where to compute: cuda, mps or cpu; auto takes the first of them that is there."""

    dtype: Literal["float32", "bfloat16"] | None = None
    """How to hold the weights. bfloat16 writes nearly twice as fast. Default: as they are stored."""

    quantize: Literal["int8", "int4"] | None = None
    """Compute in 8 bits, with weights of 8 or 4, on a CPU: faster still, and a little less exact."""

    engine: Literal["native", "torch", "plain"] | None = None
    """What computes: native is C for a CPU, torch is PyTorch, plain is the code of the README's tour, to read along
    with. All write the same text. Default: native where it can be had, else torch."""

    def __post_init__(self) -> None:
        for flag, value, least in (("rows", self.rows, 1), ("queue", self.queue, 0), ("max-body", self.max_body, 1)):
            if value < least:
                raise ValueError(f"--{flag} must be at least {least}, not {value}.")
        if not 0 <= self.port < 65536:
            raise ValueError(f"--port must be from 0 to 65535, not {self.port}.")
        if self.root_path and not (self.root_path.startswith("/") and self.root_path.isprintable()):
            raise ValueError(f"--root-path must begin with /, as /proxy/8000 does, not be {self.root_path!r}.")
        if self.drain_seconds < 0:
            raise ValueError(f"--drain-seconds must be at least 0, not {self.drain_seconds}.")


def run(arguments: list[str]) -> int:
    """Serve until stopped; says on standard error where."""
    args = parse(Arguments, "serve", arguments)
    if missing := [package for package in ("fastapi", "uvicorn") if find_spec(package) is None]:
        raise ValueError(
            f"Serving needs {' and '.join(missing)}. Install {'it' if len(missing) == 1 else 'them'}: "
            f"{quoted(sys.executable)} -m pip install {' '.join(missing)}"
        )

    from nextword.serve.app import PAGE, create_app
    from nextword.serve.scheduler import Scheduler
    from nextword.serve.server import known_names, listen
    from nextword.serve.server import run as serve
    from nextword.weights.bundled import BUNDLED

    key = api_key(args.api_key)
    bound = listen(args.host, args.port)  # what is wrong is told before a model is loaded
    if key is None and known_names(args.host) is None:
        print(
            f"[Whoever reaches {args.host} may use this server: --api-key, or NEXTWORD_API_KEY, lets those in who "
            "have a key.]",
            file=sys.stderr,
        )
    name = args.name or args.model
    run = None if args.api_only else watched_run(args.model)
    served = ServedModel(args.model, args.weights, args.device, args.dtype, args.quantize, args.rows, run, args.engine)
    engine, tokenizer = served.engine()
    scheduler = Scheduler(engine, args.queue)
    routers: list[APIRouter] = []
    worker, small = None, False
    if not args.api_only:
        from nextword.serve.bundled_routes import bundled_routers
        from nextword.serve.inside import router
        from nextword.serve.lens_worker import LensWorker

        worker = LensWorker(served.whole(), name, served.step)
        small = args.model != BUNDLED  # beside any other model there is one in which there is something to see
        routers.append(router(worker, run, other={"name": BUNDLED, "path": f"{BUNDLED}/"} if small else None))
        if small:
            routers += bundled_routers(name, args.engine)
    app = create_app(
        scheduler,
        tokenizer,
        name,
        routers=routers,
        page=None if args.api_only else PAGE,
        page_below=("", f"/{BUNDLED}") if small else ("",),
        api_key=key,
        hosts=known_names(args.host),
        origins=args.cors_origin,
        max_body=args.max_body,
        strict=args.strict,
        root_path=args.root_path.rstrip("/"),
    )
    host, port = bound.getsockname()[:2]
    address = f"http://{f'[{host}]' if ':' in host else host}:{port}"

    def ready() -> None:
        print(
            f"{name} is served at {address}, and its API at {address}/v1. Ctrl-C ends it.", file=sys.stderr, flush=True
        )

    with ExitStack() as followed:
        if run is not None and worker is not None:
            followed.callback(served.follow(scheduler, worker).close)
        serve(app, bound, args.drain_seconds, ready)
    return 0


def api_key(given: str | None) -> str | None:
    """The key that is asked for, from the flag or the environment; None to let everybody ask.

    Raises ValueError for an empty one: somebody meant there to be a key.
    """
    name = "NEXTWORD_API_KEY" if given is None else "--api-key"
    key = os.environ.get(name) if given is None else given
    if key is not None and not key.strip():
        raise ValueError(f"{name} is empty: leave it out to let everybody ask.")
    return key
