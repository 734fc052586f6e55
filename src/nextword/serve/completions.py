"""/v1/completions: give a request's generations to the scheduler, and answer with what they write."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import Any, TypeVar

from fastapi import Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from nextword.serve.detokenizer import Piece
from nextword.serve.generation import Deliver, Event, Failed, Generation, PromptRead
from nextword.serve.openai_form import Form, sse
from nextword.serve.refusals import DisconnectedError, Refusal, error_body
from nextword.serve.request_parser import Choice, RequestParser
from nextword.serve.requests import CompletionRequest
from nextword.serve.scheduler import ClosedError, QueueFullError, Scheduler
from nextword.tokenizer import Tokenizer

T = TypeVar("T")


class Completions:
    """Answers requests for completions. name: the model's. strict: see `RequestParser`."""

    def __init__(self, scheduler: Scheduler, tokenizer: Tokenizer, name: str, strict: bool = False):
        self._scheduler, self._tokenizer, self._name = scheduler, tokenizer, name
        self._parser = RequestParser(scheduler, tokenizer, name, strict)
        self._inboxes: dict[Generation, asyncio.Queue[tuple[Generation, Event]]] = {}
        self._deliver: Deliver | None = None

    async def answer(self, asked: CompletionRequest, request: Request) -> Response:
        """Answer one request. Raises Refusal where that cannot be done.

        A stream begins with its first event, so that a failure before that is
        told by the status.
        """
        choices = await self._parser.parse(asked, self._deliverer())
        running = RunningRequest(choices)
        form = Form(asked, self._tokenizer, self._name)
        self._submit(running)
        events, goes_on = stream(running, form), False
        try:
            if not asked.stream:
                await unless_disconnected(running.finished(), request)
                return JSONResponse(form.whole(choices))
            first = await unless_disconnected(anext(events), request)
            goes_on = True
            return WatchedStream(after(first, events), lambda: self._abort(running))
        except FailedError as error:
            raise Refusal(str(error), status=500) from None
        except DisconnectedError:
            return Response(status_code=499)  # nobody reads it
        finally:
            if not goes_on:
                self._abort(running)

    async def write(self, asked: CompletionRequest) -> dict[str, Any]:
        """Answer a request that nobody waits for by HTTP. Raises Refusal where that cannot be done, or fails."""
        choices = await self._parser.parse(asked, self._deliverer())
        running = RunningRequest(choices)
        self._submit(running)
        try:
            await running.finished()
        except FailedError as error:
            raise Refusal(str(error), status=500) from None
        finally:
            self._abort(running)
        return Form(asked, self._tokenizer, self._name).whole(choices)

    def _deliverer(self) -> Deliver:
        """Make the callback of all requests: a step's events cross from the scheduler's thread together."""
        if self._deliver is None:
            loop = asyncio.get_running_loop()
            self._deliver = lambda events: loop.call_soon_threadsafe(self._sort, events)
        return self._deliver

    def _sort(self, events: list[tuple[Generation, Event]]) -> None:
        for generation, event in events:
            inbox = self._inboxes.get(generation)
            if inbox is not None:
                inbox.put_nowait((generation, event))

    def _submit(self, running: "RunningRequest") -> None:
        """Submit a request to the scheduler, and listen for its events."""
        self._inboxes |= dict.fromkeys(running.choices, running.inbox)
        try:
            self._scheduler.submit(list(running.choices))
        except (QueueFullError, ClosedError) as error:
            self._abort(running)
            if isinstance(error, ClosedError):
                raise Refusal(str(error), status=503, headers={"Retry-After": "10"}) from None
            raise Refusal(f"{error} Try again in a moment.", status=429, headers={"Retry-After": "1"}) from None

    def _abort(self, running: "RunningRequest") -> None:
        """Cancel what is not finished of a request, and listen no more."""
        unfinished = [key for key, choice in running.choices.items() if choice.finish_reason is None]
        self._scheduler.cancel(unfinished)
        for key in running.choices:
            self._inboxes.pop(key, None)


class FailedError(Exception):
    """The scheduler gave up a text, and says why."""


class RunningRequest:
    """The choices of one request while they are generated, and their events."""

    def __init__(self, choices: Iterable[Choice]):
        self.choices = {choice.generation: choice for choice in choices}
        self.inbox: asyncio.Queue[tuple[Generation, Event]] = asyncio.Queue()

    async def pieces(self) -> AsyncIterator[tuple[Choice, Piece]]:
        """Yield the pieces of all choices until they are finished. Raises FailedError."""
        left = len(self.choices)
        while left:
            generation, event = await self.inbox.get()
            if isinstance(event, Failed):
                raise FailedError(f"The engine failed: {event.message}")
            choice = self.choices[generation]
            if isinstance(event, PromptRead):
                choice.prompt_logprobs = event.logprobs
            if isinstance(event, Piece):
                choice.text += event.text
                choice.n_written += choice.generation.max_tokens > 0
                choice.tokens += event.tokens
                choice.finish_reason = event.finish_reason
                left -= event.finish_reason is not None
                yield choice, event

    async def finished(self) -> None:
        """Wait until all choices are finished. Raises FailedError."""
        async for _ in self.pieces():
            pass


async def stream(running: RunningRequest, form: Form) -> AsyncIterator[str]:
    """Yield the events of a stream. Raises FailedError before the first; later a failure is an event."""
    begun: set[int] = set()
    try:
        async for choice, piece in running.pieces():
            if event := form.part(choice, piece, is_first=choice.index not in begun):
                begun.add(choice.index)
                yield event
    except FailedError as error:
        if not begun:
            raise
        yield sse(error_body(str(error), 500))
        return
    yield form.end(list(running.choices.values()))


async def after(first: str, events: AsyncIterator[str]) -> AsyncIterator[str]:
    """Yield the first event, which is there already, and the others."""
    yield first
    async for event in events:
        yield event


class WatchedStream(StreamingResponse):
    """A stream that calls back when it is over, even if the client left at once."""

    def __init__(self, content: AsyncIterator[str], over: Callable[[], object]):
        super().__init__(content, media_type="text/event-stream", headers={"Cache-Control": "no-cache"})
        self._over = over

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the stream."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._over()


async def unless_disconnected(work: Awaitable[T], request: Request) -> T:
    """Await the work, or raise DisconnectedError as soon as the client has gone."""
    done = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(disconnected(request))
    try:
        await asyncio.wait((done, gone), return_when=asyncio.FIRST_COMPLETED)
        if not done.done():
            raise DisconnectedError
        return await done
    finally:
        done.cancel()
        gone.cancel()


async def disconnected(request: Request) -> None:
    """Wait until the client has gone."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
