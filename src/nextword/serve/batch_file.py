"""Many requests from a file, answered offline: prompts line by line, or OpenAI's batch files.

A line of a batch file is {"custom_id": ..., "method": "POST", "url": "/v1/completions", "body": {...}}, and its answer
{"id": ..., "custom_id": ..., "response": {"status_code": ..., "body": {...}}, "error": null}.
Source: OpenAI, "Batch API" (2024).
"""

import asyncio
import json
import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from nextword.data.parts import Part
from nextword.errors import DataError
from nextword.serve.completions import Completions
from nextword.serve.refusals import Refusal, error_body
from nextword.serve.requests import CompletionRequest

URL = "/v1/completions"

MARKS = (b'{"line"', b'{"id"')
"""How an answer begins."""


@dataclass(frozen=True)
class FileRequest:
    """A line to answer. key: what its answer is known by; is_batch: whether it is of OpenAI's form."""

    key: str | int
    body: dict[str, Any]
    is_batch: bool


def read_requests(file: Path, part: Part, usual: Mapping[str, Any]) -> Iterator[FileRequest]:
    """Read the lines of a part, every count-th of the file.

    usual: the body of a request that is only a prompt. Raises DataError, with its line, for one that cannot be read, or
    whose custom_id another had.
    """
    keys: set[str] = set()
    with file.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines):
            if not line.strip():
                continue
            try:
                said = json.loads(line)
            except ValueError as error:
                raise DataError(f"{file}: line {number + 1} is no JSON ({error}). Mend it, or take it out.") from error
            request = request_of(said, number, usual)
            if request is None:
                raise DataError(
                    f'{file}: line {number + 1} has neither a "prompt", a text, nor a "custom_id" and a "body" for '
                    f"{URL}. Mend it, or take it out."
                )
            if isinstance(request.key, str):
                if request.key in keys:
                    raise DataError(f"{file}: line {number + 1} has the custom_id {request.key!r} of another line.")
                keys.add(request.key)
            if part.has(number):
                yield request


def request_of(said: Any, number: int, usual: Mapping[str, Any]) -> FileRequest | None:
    """Make a request of a line's value, or None of one that is none."""
    if not isinstance(said, dict):
        return None
    if isinstance(said.get("prompt"), str):
        own_seed = {} if usual.get("seed") is None else {"seed": (usual["seed"] + number) % 2**64}
        return FileRequest(number, {**usual, **own_seed, "prompt": said["prompt"]}, is_batch=False)
    if isinstance(said.get("custom_id"), str) and isinstance(said.get("body"), dict) and said.get("url") == URL:
        return FileRequest(said["custom_id"], said["body"], is_batch=True)
    return None


def answered(out: Path) -> set[str | int]:
    """Read the keys of the answers in a file, and cut off a broken last line.

    Raises DataError for a file of something else.
    """
    if not out.exists():
        return set()
    *lines, rest = out.read_bytes().split(b"\n")
    try:
        rows = [json.loads(line) for line in lines]
        keys: set[str | int] = {row["custom_id"] if "custom_id" in row else row["line"] for row in rows}
        if not any(rest.startswith(mark) or mark.startswith(rest) for mark in MARKS):
            raise ValueError(rest)
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"{out} holds something else than answers: name another file.") from error
    if rest:
        with out.open("r+b") as file:
            file.truncate(sum(len(line) + 1 for line in lines))
    return keys


async def answer_all(
    completions: Completions,
    requests: Iterator[FileRequest],
    out: Path,
    together: int,
    tell: Callable[[int], None] = lambda done: None,
) -> int:
    """Answer requests, so many of them at a time, and append each answer to a file. -> how many were refused.

    What has an answer there already is not answered again. tell: is called with the number of answers.
    """
    done = answered(out)
    n_done, n_refused = len(done), 0
    running: set[asyncio.Task[dict[str, Any]]] = set()
    with out.open("a", encoding="utf-8") as file:

        async def collect(least: int) -> None:
            """Write down what is answered, until at most so many are running."""
            nonlocal n_done, n_refused
            while len(running) > least:
                finished, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                running.difference_update(finished)
                rows = [task.result() for task in finished]
                file.write("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
                file.flush()
                os.fsync(file.fileno())
                n_done += len(rows)
                n_refused += sum(row.get("error") is not None or status(row) >= 400 for row in rows)
                tell(n_done)

        for request in requests:
            if request.key not in done:
                running.add(asyncio.create_task(answer(completions, request)))
                await collect(together - 1)
        await collect(0)
    return n_refused


def status(row: dict[str, Any]) -> int:
    """Read the status of an answer of OpenAI's form; 200 of another."""
    response = row.get("response")
    return int(response["status_code"]) if isinstance(response, dict) else 200


async def answer(completions: Completions, request: FileRequest) -> dict[str, Any]:
    """Answer one request, or say in its answer why not."""
    code, body = 200, dict[str, Any]()
    try:
        settings = {name: value for name, value in request.body.items() if name not in ("model", "stream")}
        body = await completions.write(CompletionRequest.model_validate(settings))
    except Refusal as error:
        code, body = error.status, error_body(str(error), error.status, error.param, error.code)
    except ValidationError as error:
        [first, *_] = error.errors()
        param = str(first["loc"][0]) if first["loc"] else None
        code, body = 400, error_body(f"{param}: {first['msg']}", 400, param)
    if request.is_batch:
        return {
            "id": f"batch_req_{secrets.token_hex(12)}",
            "custom_id": request.key,
            "response": {"status_code": code, "request_id": f"req_{secrets.token_hex(12)}", "body": body},
            "error": None,
        }
    if code != 200:
        return {"line": request.key, "prompt": request.body["prompt"], "error": body["error"]["message"]}
    [choice] = body["choices"]
    said = {"text": choice["text"], "finish_reason": choice["finish_reason"]}
    return {"line": request.key, "prompt": request.body["prompt"], **said}
