"""`nextword serve` under load, beside a loop of transformers' `generate`: `python -m benchmarks.serving`.

Clients ask again as soon as they are answered, for texts of different lengths after prompts of different lengths. Our
server is a process of its own, asked over HTTP on loopback, as streams. The peer is given its best case: it reads no
HTTP, and takes all clients' prompts as one batch; but a batch is over when its longest text is, and who was ready
before has to wait. Only tokens that were asked for count. Weights are random unless --model names others: how fast a
model writes does not depend on what it says.
"""

import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import tyro

from nextword.cli.arguments import readable_width

READY = "is served at "


@dataclass(frozen=True)
class Arguments:
    """Measure how many tokens a second many clients get together, and how long each waits."""

    model: str | None = None
    """A GPT-2 directory. Default: 124M with random weights."""

    clients: tuple[int, ...] = (1, 8, 32, 128)
    """How many ask at the same time."""

    dtype: Literal["float32", "bfloat16"] = "float32"
    """How both hold the weights."""

    repeats: int = 3
    """How often each of them is measured, in turns; a figure is the median."""


@dataclass(frozen=True)
class Request:
    """A prompt, and how many tokens are to follow."""

    ids: list[int]
    max_tokens: int


@dataclass(frozen=True)
class Times:
    """When a request was made and when its tokens came, in seconds."""

    asked: float
    tokens: list[float]


@dataclass(frozen=True)
class Measured:
    """What the clients saw: tokens a second all together, and the waits of each, in milliseconds."""

    rate: float
    first_median: float
    next_median: float
    next_p99: float


def requests_for(n_clients: int, n_vocab: int = 50000) -> list[list[Request]]:
    """Every client's requests: two each, more where clients are few, and one where they are many; always the same."""
    rng = np.random.default_rng(n_clients)
    each = 6 if n_clients == 1 else 2 if n_clients <= 64 else 1
    return [
        [
            Request(rng.integers(n_vocab, size=rng.integers(8, 65)).tolist(), int(rng.integers(16, 65)))
            for _ in range(each)
        ]
        for _ in range(n_clients)
    ]


def measured(times: list[Times]) -> Measured:
    """What the clients' times come to."""
    began = min(one.asked for one in times)
    ended = max(one.tokens[-1] for one in times)
    gaps = [b - a for one in times for a, b in zip(one.tokens, one.tokens[1:], strict=False)]
    return Measured(
        sum(len(one.tokens) for one in times) / (ended - began),
        1000 * statistics.median(one.tokens[0] - one.asked for one in times),
        1000 * statistics.median(gaps),
        1000 * float(np.quantile(gaps, 0.99)),
    )


@contextmanager
def server(model: str, dtype: str, rows: int) -> Iterator[int]:
    """Our server with so many rows, as a process: gives its port."""
    command = [sys.executable, "-c", "from nextword.cli.main import main; main()", "serve", "--model", model]
    command += ["--api-only", "--port", "0", "--rows", str(rows), "--device", "cpu", "--dtype", dtype]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    try:
        line = next((line for line in process.stderr if READY in line), None)
        if line is None:
            raise RuntimeError(f"the server ended with {process.wait()}")
        yield int(line.split(READY)[1].split(",")[0].rsplit(":", 1)[1])
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


async def ask(port: int, request: Request) -> Times:
    """Ask for a text as a stream, and note when its tokens come."""
    asked = time.perf_counter()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    # Without its end the model writes exactly as much as is asked for; logprobs show each token, also without text.
    settings = {
        "prompt": request.ids,
        "max_tokens": request.max_tokens,
        "temperature": 0,
        "logprobs": 0,
        "stream": True,
    }
    body = json.dumps(settings | {"logit_bias": {"50256": -100}}).encode()
    head = "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nConnection: close\r\n"
    writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    tokens: list[float] = []
    async for line in reader:
        if line.startswith(b'data: {"id"'):
            now = time.perf_counter()
            part = json.loads(line.removeprefix(b"data: "))["choices"][0]
            tokens += [now] * len(part["logprobs"]["tokens"])
    writer.close()
    assert len(tokens) == request.max_tokens
    return Times(asked, tokens)


async def load(port: int, clients: list[list[Request]]) -> list[Times]:
    """All clients at once, each with one request after the other."""

    async def client(requests: list[Request]) -> list[Times]:
        return [await ask(port, request) for request in requests]

    return [one for times in await asyncio.gather(*map(client, clients)) for one in times]


class Loop:
    """transformers' `generate`, batch after batch."""

    def __init__(self, model: str, dtype: str):
        import torch
        from transformers import AutoModelForCausalLM

        self._model = AutoModelForCausalLM.from_pretrained(model, dtype=getattr(torch, dtype)).eval()
        self._model.generation_config.eos_token_id = None

    def load(self, clients: list[list[Request]]) -> list[Times]:
        """All clients' first requests as one batch, then all their second ones."""
        times: list[Times] = []
        ready = [time.perf_counter()] * len(clients)
        for batch in zip(*clients, strict=True):
            steps = self._write(list(batch))
            for client, request in enumerate(batch):
                times.append(Times(ready[client], steps[: request.max_tokens]))
                ready[client] = times[-1].tokens[-1]
        return times

    def _write(self, batch: list[Request]) -> list[float]:
        """Write one batch: when each step's tokens were there."""
        import torch
        from transformers.generation.streamers import BaseStreamer

        steps: list[float] = []

        class Clock(BaseStreamer):
            def put(self, value: object) -> None:
                steps.append(time.perf_counter())

            def end(self) -> None:
                pass

        length = max(len(request.ids) for request in batch)
        padded = torch.tensor([[0] * (length - len(request.ids)) + request.ids for request in batch])
        visible = torch.tensor([[0] * (length - len(r.ids)) + [1] * len(r.ids) for r in batch])
        with torch.inference_mode():
            self._model.generate(
                padded,
                attention_mask=visible,
                max_new_tokens=max(request.max_tokens for request in batch),
                do_sample=False,
                pad_token_id=0,
                streamer=Clock(),
            )
        return steps[1:]  # the first is the prompt's own


def median(several: list[Measured]) -> Measured:
    """Each figure's median."""
    return Measured(*map(statistics.median, zip(*map(astuple, several), strict=True)))


def main() -> None:
    """Measure, and print a table in Markdown."""
    with readable_width():
        args = tyro.cli(Arguments)
    with tempfile.TemporaryDirectory() as scratch:
        model = args.model or random_model(Path(scratch) / "gpt2")
        loop = Loop(model, args.dtype)
        waits = "first token | next token, median / p99"
        print(f"| clients | nextword serve, {args.dtype} | {waits} | transformers | {waits} | ratio |")
        print("|---|---|---|---|---|---|---|---|")
        for n_clients in args.clients:
            clients = requests_for(n_clients)
            ours: list[Measured] = []
            theirs: list[Measured] = []
            with server(model, args.dtype, max(args.clients)) as port:
                asyncio.run(ask(port, Request([1], 2)))
                for _ in range(args.repeats):
                    ours.append(measured(asyncio.run(load(port, clients))))
                    theirs.append(measured(loop.load(clients)))
            ratio = statistics.median(a.rate / b.rate for a, b in zip(ours, theirs, strict=True))
            print(f"| {n_clients} | {cells(median(ours))} | {cells(median(theirs))} | {ratio:.2f} |", flush=True)


def cells(one: Measured) -> str:
    """Three cells of the table."""
    return f"{one.rate:,.0f} tok/s | {one.first_median:,.0f} ms | {one.next_median:,.0f} / {one.next_p99:,.0f} ms"


def random_model(directory: Path) -> str:
    """GPT-2 124M with random weights, saved."""
    from nextword.model import GPT, GPTConfig
    from nextword.weights import save_huggingface

    save_huggingface(GPT(GPTConfig()), directory)
    return str(directory)


if __name__ == "__main__":
    main()
