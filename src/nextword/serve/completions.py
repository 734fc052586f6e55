"""/v1/completions: from a request to jobs of the engine, and from their events to an answer, at once or as a stream."""

import asyncio
import json
import secrets
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from fastapi import Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from nextword.decode import Sampling
from nextword.serve.choice import Likelihood, Wishes
from nextword.serve.engine import ClosedError, Deliver, Engine, Event, Failed, Job, PromptRead, QueueFullError
from nextword.serve.refusals import Refusal, error_body, whole_characters
from nextword.serve.requests import MAX_TEXTS, CompletionRequest
from nextword.serve.text import Piece, Token
from nextword.tokenizer import Tokenizer

LONG_TEXT = 20_000  # characters; longer ones are tokenized in another thread, so that nobody has to wait


@dataclass
class Prompt:
    """A prompt as text and as ids, at least one."""

    text: str
    ids: list[int]


@dataclass
class Choice:
    """One text of an answer, as far as it has come."""

    index: int
    prompt: Prompt
    job: Job
    text: str = ""
    tokens: list[Token] = field(default_factory=list)
    finish_reason: str | None = None


class Completions:
    """Answers requests for completions with an engine and its tokenizer. name: the model's."""

    def __init__(self, engine: Engine, tokenizer: Tokenizer, name: str):
        self._engine, self._tokenizer, self._name = engine, tokenizer, name
        self._inboxes: dict[Job, asyncio.Queue[tuple[Job, Event]]] = {}
        self._deliver: Deliver | None = None

    async def answer(self, asked: CompletionRequest, request: Request) -> Response:
        """The answer to one request. Raises Refusal where it cannot be had."""
        prompts = await self._prompts(asked)
        inbox: asyncio.Queue[tuple[Job, Event]] = asyncio.Queue()
        choices = self._choices(asked, prompts)
        jobs = {choice.job: choice for choice in choices}
        self._inboxes |= dict.fromkeys(jobs, inbox)
        head = {
            "id": f"cmpl-{secrets.token_hex(12)}",
            "object": "text_completion",
            "created": int(time.time()),
            "model": self._name,
        }
        try:
            self._submit(list(jobs))
        except Refusal:
            self._forget(jobs)
            raise
        if asked.stream:
            return WatchedStream(self._stream(asked, jobs, inbox, head), lambda: self._forget(jobs))
        try:
            gathered = asyncio.ensure_future(self._gather(jobs, inbox))
            gone = asyncio.ensure_future(disconnected(request))
            await asyncio.wait((gathered, gone), return_when=asyncio.FIRST_COMPLETED)
            gone.cancel()
            if not gathered.done():
                gathered.cancel()
                return Response(status_code=499)  # nobody reads it
            await gathered
        finally:
            self._forget(jobs)
        body = {"choices": [self._whole(asked, choice) for choice in choices], "usage": usage(asked, choices)}
        return JSONResponse(head | body)

    def _submit(self, jobs: list[Job]) -> None:
        try:
            self._engine.submit(jobs)
        except QueueFullError as error:
            raise Refusal(f"{error} Try again in a moment.", status=429, headers={"Retry-After": "1"}) from None
        except ClosedError as error:
            raise Refusal(str(error), status=503, headers={"Retry-After": "10"}) from None

    def _forget(self, jobs: dict[Job, Choice]) -> None:
        """Write no more of these jobs, and listen to them no more."""
        self._engine.cancel(job for job in jobs if jobs[job].finish_reason is None)
        for job in jobs:
            self._inboxes.pop(job, None)

    async def _prompts(self, asked: CompletionRequest) -> list[Prompt]:
        given = "" if asked.prompt is None else asked.prompt
        several: list[Any] = (
            given if isinstance(given, list) and (not given or not isinstance(given[0], int)) else [given]
        )
        if not several:
            raise Refusal("prompt: an empty list holds no prompt; an empty text is one.", "prompt")
        return [await self._prompt(one) for one in several]

    async def _prompt(self, given: str | list[int]) -> Prompt:
        config = self._engine.config
        if isinstance(given, str):
            given = whole_characters(given)
            encode = self._tokenizer.encode
            ids = encode(given, True) if len(given) < LONG_TEXT else await asyncio.to_thread(encode, given, True)
            text = given
        else:
            ids = given
            if wrong := [id for id in ids if id >= config.n_vocab]:
                raise Refusal(f"prompt: id {wrong[0]} is outside the vocabulary, 0 to {config.n_vocab - 1}.", "prompt")
            text = self._tokenizer.decode(ids)
        if len(ids) > config.n_ctx:
            raise too_long(config.n_ctx, f"the prompt has {len(ids)}", "prompt")
        return Prompt(text, ids or [self._tokenizer.eot_id])

    def _choices(self, asked: CompletionRequest, prompts: list[Prompt]) -> list[Choice]:
        self._check(asked, prompts)
        n = asked.n or 1
        wishes = Wishes(
            Sampling(
                asked.temperature or 0.0, asked.top_k if asked.top_k and asked.top_k > 0 else None, asked.top_p or 1.0
            ),
            asked.min_p or 0.0,
            asked.presence_penalty or 0.0,
            asked.frequency_penalty or 0.0,
            self._bias(asked),
        )
        stop = [asked.stop] if isinstance(asked.stop, str) else asked.stop or []
        seed = secrets.randbits(64) if asked.seed is None else asked.seed % 2**64
        if self._deliver is None:  # one for all requests: what happened in a step comes over in one piece
            loop = asyncio.get_running_loop()
            self._deliver = lambda events: loop.call_soon_threadsafe(self._sort, events)
        choices = []
        for index in range(n * len(prompts)):
            prompt = prompts[index // n]
            job = Job(
                prompt.ids,
                asked.max_tokens or 0,
                wishes,
                np.random.default_rng([seed, index]),
                self._deliver,
                self._tokenizer.eot_id,
                stop,
                asked.logprobs,
                scored=bool(asked.echo) and asked.logprobs is not None and len(prompt.ids) > 1,
                offset=len(prompt.text) if asked.echo else 0,
            )
            choices.append(Choice(index, prompt, job))
        return choices

    def _check(self, asked: CompletionRequest, prompts: list[Prompt]) -> None:
        """Raise Refusal for what this server, or this model, cannot do."""
        n, max_tokens, n_ctx = asked.n or 1, asked.max_tokens or 0, self._engine.config.n_ctx
        if asked.model is not None and asked.model != self._name:
            message = f"There is no model {asked.model[:200]!r} here: this server has {self._name!r}."
            raise Refusal(message, "model", 404, "model_not_found")
        if asked.best_of is not None and asked.best_of != n:
            raise Refusal(
                "best_of: this server does not write more texts than it gives back. "
                "Ask for n texts with logprobs, and keep the best.",
                "best_of",
                code="unsupported_parameter",
            )
        if asked.suffix:
            message = "suffix: GPT-2 only goes on, it cannot fill in before a suffix."
            raise Refusal(message, "suffix", code="unsupported_parameter")
        if n * len(prompts) > min(MAX_TEXTS, self._engine.max_waiting + self._engine.n_rows):
            raise Refusal(f"{n * len(prompts)} texts are too many for one request: ask for {MAX_TEXTS} at most.", "n")
        longest = max(len(prompt.ids) for prompt in prompts)
        if longest + max_tokens > n_ctx + 1:  # the last one need not be read
            raise too_long(n_ctx, f"the prompt has {longest}, and max_tokens asks for {max_tokens} more", "max_tokens")

    def _bias(self, asked: CompletionRequest) -> dict[int, float]:
        n_vocab = self._engine.config.n_vocab
        bias = {}
        for key, value in (asked.logit_bias or {}).items():
            if not (key.isascii() and key.isdecimal() and len(key) < 10 and int(key) < n_vocab):
                message = f"logit_bias: {key[:40]!r} is no id: they go from 0 to {n_vocab - 1}."
                raise Refusal(message, "logit_bias")
            bias[int(key)] = value
        return bias

    def _sort(self, events: list[tuple[Job, Event]]) -> None:
        for job, event in events:
            inbox = self._inboxes.get(job)
            if inbox is not None:
                inbox.put_nowait((job, event))

    async def _gather(self, jobs: dict[Job, Choice], inbox: "asyncio.Queue[tuple[Job, Event]]") -> None:
        left = len(jobs)
        while left:
            job, event = await inbox.get()
            if isinstance(event, Failed):
                raise Refusal(f"The engine failed: {event.message}", status=500)
            if isinstance(event, Piece):
                choice = jobs[job]
                choice.text += event.text
                choice.tokens += event.tokens
                choice.finish_reason = event.finish_reason
                left -= event.finish_reason is not None

    def _whole(self, asked: CompletionRequest, choice: Choice) -> dict[str, Any]:
        text = choice.prompt.text + choice.text if asked.echo else choice.text
        return {
            "text": text,
            "index": choice.index,
            "logprobs": self._logprobs(asked, choice, choice.tokens, with_prompt=bool(asked.echo)),
            "finish_reason": choice.finish_reason,
        }

    async def _stream(
        self,
        asked: CompletionRequest,
        jobs: dict[Job, Choice],
        inbox: "asyncio.Queue[tuple[Job, Event]]",
        head: dict[str, Any],
    ) -> AsyncIterator[str]:
        with_usage = asked.stream_options is not None and bool(asked.stream_options.include_usage)
        empty_usage = {"usage": None} if with_usage else {}
        begun: set[Job] = set()
        left = len(jobs)
        while left:
            job, event = await inbox.get()
            if isinstance(event, Failed):
                yield sse(error_body(f"The engine failed: {event.message}", 500))
                return
            if isinstance(event, PromptRead):
                continue
            choice = jobs[job]
            choice.tokens += event.tokens
            choice.finish_reason = event.finish_reason
            left -= event.finish_reason is not None
            is_first = job not in begun
            echoes = bool(asked.echo) and is_first
            if not (event.text or event.tokens or event.finish_reason or echoes):
                continue
            begun.add(job)
            part = {
                "text": choice.prompt.text + event.text if echoes else event.text,
                "index": choice.index,
                "logprobs": self._logprobs(asked, choice, event.tokens, with_prompt=echoes),
                "finish_reason": event.finish_reason,
            }
            yield sse(head | {"choices": [part]} | empty_usage)
        if with_usage:
            yield sse(head | {"choices": [], "usage": usage(asked, list(jobs.values()))})
        yield "data: [DONE]\n\n"

    def _logprobs(
        self, asked: CompletionRequest, choice: Choice, tokens: list[Token], with_prompt: bool
    ) -> dict[str, Any] | None:
        """The four lists of OpenAI's form, for the prompt's tokens where it is echoed, and these."""
        if asked.logprobs is None:
            return None
        entries: list[tuple[int, int, Likelihood | None]] = []
        if with_prompt:
            offsets = self._offsets(choice.prompt)
            likelihoods: list[Likelihood | None] = [None, *choice.job.likelihoods]
            entries += list(zip(choice.prompt.ids, offsets, likelihoods, strict=True))
        entries += list(tokens)
        return {
            "tokens": [self._name_of(id) for id, _, _ in entries],
            "token_logprobs": [known and known.logprob for _, _, known in entries],
            "top_logprobs": [known and self._top(id, known) for id, _, known in entries],
            "text_offset": [offset for _, offset, _ in entries],
        }

    def _offsets(self, prompt: Prompt) -> list[int]:
        """Where each of the prompt's tokens begins, in characters."""
        decoder, offsets, place = self._tokenizer.stream(), [], 0
        for id in prompt.ids:
            offsets.append(place)
            place += len(decoder.feed(id))
        return offsets

    def _top(self, id: int, known: Likelihood) -> dict[str, float]:
        """The likeliest tokens and, as OpenAI has it, the one that stands there."""
        return {self._name_of(other): logprob for other, logprob in known.top} | {self._name_of(id): known.logprob}

    def _name_of(self, id: int) -> str:
        """A token's text; OpenAI's "bytes:" form for one that is no text alone, so that no two have one name."""
        raw = self._tokenizer.decode_bytes([id])
        try:
            return raw.decode()
        except UnicodeDecodeError:
            return "bytes:" + "".join(f"\\x{byte:02x}" for byte in raw)


class WatchedStream(StreamingResponse):
    """A stream that says when it is over, also where the other side went before its first word."""

    def __init__(self, content: AsyncIterator[str], over: Callable[[], object]):
        super().__init__(content, media_type="text/event-stream", headers={"Cache-Control": "no-cache"})
        self._over = over

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the stream."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._over()


async def disconnected(request: Request) -> None:
    """Wait until the other side has gone."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def too_long(n_ctx: int, what: str, param: str) -> Refusal:
    """Why a text has no room in the model."""
    message = f"This model's maximum context length is {n_ctx} tokens: {what}. Give or ask for less."
    return Refusal(message, param, code="context_length_exceeded")


def usage(asked: CompletionRequest, choices: list[Choice]) -> dict[str, int]:
    """How many tokens were read, each prompt counted once, and written."""
    read = sum(len(choice.prompt.ids) for choice in choices[:: asked.n or 1])
    written = sum(choice.job.n_written for choice in choices)
    return {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}


def sse(body: dict[str, Any]) -> str:
    """One event of a stream."""
    return f"data: {json.dumps(body, ensure_ascii=False, separators=(',', ':'))}\n\n"
