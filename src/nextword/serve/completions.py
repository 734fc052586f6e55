"""/v1/completions: hands a request's orders to the scheduler, and answers with what becomes of them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import TypeVar

from fastapi import Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from nextword.serve.jobs import Deliver, Event, Failed, Job, PromptRead
from nextword.serve.openai_form import Form, sse
from nextword.serve.orders import Order, Orders
from nextword.serve.refusals import Refusal, error_body
from nextword.serve.requests import CompletionRequest
from nextword.serve.scheduler import ClosedError, QueueFullError, Scheduler
from nextword.serve.text import Piece
from nextword.tokenizer import Tokenizer

T = TypeVar("T")


class Completions:
    """Answers requests for completions with a scheduler and its tokenizer. name: the model's. strict: see `Orders`."""

    def __init__(self, scheduler: Scheduler, tokenizer: Tokenizer, name: str, strict: bool = False):
        self._scheduler, self._tokenizer, self._name = scheduler, tokenizer, name
        self._orders = Orders(scheduler, tokenizer, name, strict)
        self._inboxes: dict[Job, asyncio.Queue[tuple[Job, Event]]] = {}
        self._deliver: Deliver | None = None

    async def answer(self, asked: CompletionRequest, request: Request) -> Response:
        """The answer to one request. Raises Refusal where it cannot be had.

        A stream begins with its first event, so that a failure before that is
        told by the status.
        """
        orders = await self._orders.of(asked, self._deliverer())
        writing = Writing(orders)
        form = Form(asked, self._tokenizer, self._name)
        self._begin(writing)
        events, goes_on = stream(writing, form), False
        try:
            if not asked.stream:
                await unless_gone(writing.ended(), request)
                return JSONResponse(form.whole(orders))
            first = await unless_gone(anext(events), request)
            goes_on = True
            return WatchedStream(after(first, events), lambda: self._forget(writing))
        except FailedError as error:
            raise Refusal(str(error), status=500) from None
        except GoneError:
            return Response(status_code=499)  # nobody reads it
        finally:
            if not goes_on:
                self._forget(writing)

    def _deliverer(self) -> Deliver:
        """One for all requests: what happened in a step comes over from the scheduler's thread in one piece."""
        if self._deliver is None:
            loop = asyncio.get_running_loop()
            self._deliver = lambda events: loop.call_soon_threadsafe(self._sort, events)
        return self._deliver

    def _sort(self, events: list[tuple[Job, Event]]) -> None:
        for job, event in events:
            inbox = self._inboxes.get(job)
            if inbox is not None:
                inbox.put_nowait((job, event))

    def _begin(self, writing: "Writing") -> None:
        """Have the scheduler write, and listen."""
        self._inboxes |= dict.fromkeys(writing.orders, writing.inbox)
        try:
            self._scheduler.submit(list(writing.orders))
        except (QueueFullError, ClosedError) as error:
            self._forget(writing)
            if isinstance(error, ClosedError):
                raise Refusal(str(error), status=503, headers={"Retry-After": "10"}) from None
            raise Refusal(f"{error} Try again in a moment.", status=429, headers={"Retry-After": "1"}) from None

    def _forget(self, writing: "Writing") -> None:
        """Write no more of this, and listen no more."""
        self._scheduler.cancel(job for job, order in writing.orders.items() if order.finish_reason is None)
        for job in writing.orders:
            self._inboxes.pop(job, None)


class FailedError(Exception):
    """The scheduler gave up a text, and says why."""


class GoneError(Exception):
    """Whoever asked does not wait for the answer any more."""


class Writing:
    """The orders of one request while they are being written, by their jobs; and what the scheduler says of them."""

    def __init__(self, orders: Iterable[Order]):
        self.orders = {order.job: order for order in orders}
        self.inbox: asyncio.Queue[tuple[Job, Event]] = asyncio.Queue()

    async def pieces(self) -> AsyncIterator[tuple[Order, Piece]]:
        """What is written, piece by piece, until all texts are over. Raises FailedError."""
        left = len(self.orders)
        while left:
            job, event = await self.inbox.get()
            if isinstance(event, Failed):
                raise FailedError(f"The engine failed: {event.message}")
            order = self.orders[job]
            if isinstance(event, PromptRead):
                order.prompt_logprobs = event.prompt_logprobs
            if isinstance(event, Piece):
                order.text += event.text
                order.n_told += order.job.max_tokens > 0
                order.tokens += event.tokens
                order.finish_reason = event.finish_reason
                left -= event.finish_reason is not None
                yield order, event

    async def ended(self) -> None:
        """Wait until all texts are over. Raises FailedError."""
        async for _ in self.pieces():
            pass


async def stream(writing: Writing, form: Form) -> AsyncIterator[str]:
    """The events of a stream. Raises FailedError where there is none to come; later the failure is an event."""
    begun: set[int] = set()
    try:
        async for order, piece in writing.pieces():
            if event := form.part(order, piece, is_first=order.index not in begun):
                begun.add(order.index)
                yield event
    except FailedError as error:
        if not begun:
            raise
        yield sse(error_body(str(error), 500))
        return
    yield form.end(list(writing.orders.values()))


async def after(first: str, events: AsyncIterator[str]) -> AsyncIterator[str]:
    """The events of a stream of which the first is there already."""
    yield first
    async for event in events:
        yield event


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


async def unless_gone(work: Awaitable[T], request: Request) -> T:
    """What the work gives, unless whoever asked has gone before. Raises GoneError then."""
    done = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(disconnected(request))
    try:
        await asyncio.wait((done, gone), return_when=asyncio.FIRST_COMPLETED)
        if not done.done():
            raise GoneError
        return await done
    finally:
        done.cancel()
        gone.cancel()


async def disconnected(request: Request) -> None:
    """Wait until the other side has gone."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
