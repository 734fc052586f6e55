"""Answers to requests for completions, in OpenAI's form.

Source: OpenAI's API reference, "Completions (legacy)".
"""

import json
import secrets
import time
from collections.abc import Sequence
from typing import Any

from nextword.serve.logprobs import Logprobs
from nextword.serve.orders import Order, Prompt
from nextword.serve.requests import CompletionRequest
from nextword.serve.text import Piece, Token
from nextword.tokenizer import Tokenizer


class Form:
    """How one request is to be answered."""

    def __init__(self, asked: CompletionRequest, tokenizer: Tokenizer, name: str):
        self._asked, self._tokenizer = asked, tokenizer
        self._head = {
            "id": f"cmpl-{asked.request_id or secrets.token_hex(12)}",
            "object": "text_completion",
            "created": int(time.time()),
            "model": name,
        }

    def whole(self, orders: Sequence[Order]) -> dict[str, Any]:
        """All texts at once."""
        choices = [self._choice(order, order.text, order.tokens, order.finish_reason, True) for order in orders]
        return {**self._head, "choices": choices, "usage": self.usage(orders)}

    def part(self, order: Order, piece: Piece, is_first: bool) -> str | None:
        """A piece of one text, as an event of a stream; None where it has nothing to tell."""
        if not (piece.text or piece.tokens or piece.finish_reason or (is_first and self._asked.echo)):
            return None
        choice = self._choice(order, piece.text, piece.tokens, piece.finish_reason, is_first)
        return sse({**self._head, "choices": [choice], **self._usage_by_now(order)})

    def end(self, orders: Sequence[Order]) -> str:
        """The last events of a stream."""
        counted = sse({**self._head, "choices": [], "usage": self.usage(orders)}) if self._with_usage else ""
        return f"{counted}data: [DONE]\n\n"

    def usage(self, orders: Sequence[Order]) -> dict[str, int]:
        """How many tokens were read, each prompt counted once, and written."""
        read = sum(len(order.prompt.ids) for order in orders[:: self._asked.n or 1])
        written = sum(order.n_told for order in orders)
        return {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}

    def _usage_by_now(self, order: Order) -> dict[str, Any]:
        """What an event of a stream says of usage: nothing, or null, or, as vLLM has it, that of its text by now."""
        if not self._with_usage:
            return {}
        options = self._asked.stream_options
        return {"usage": self.usage([order]) if options and options.continuous_usage_stats else None}

    @property
    def _with_usage(self) -> bool:
        return self._asked.stream_options is not None and bool(self._asked.stream_options.include_usage)

    def _choice(
        self, order: Order, text: str, tokens: list[Token], finish_reason: str | None, is_first: bool
    ) -> dict[str, Any]:
        with_prompt = bool(self._asked.echo) and is_first
        return {
            "text": order.prompt.text + text if with_prompt else text,
            "index": order.index,
            "logprobs": self._logprobs(order, tokens, with_prompt),
            "finish_reason": finish_reason,
        }

    def _logprobs(self, order: Order, tokens: list[Token], with_prompt: bool) -> dict[str, Any] | None:
        """The four lists of OpenAI's form, for the prompt's tokens where it is echoed, and these."""
        if self._asked.logprobs is None:
            return None
        entries: list[tuple[int, int, Logprobs | None]] = []
        if (
            with_prompt and not order.prompt.is_empty
        ):  # the lists tell of the text that is given, in which it has no part
            offsets = self._offsets(order.prompt)
            prompt_logprobs: list[Logprobs | None] = [None, *order.prompt_logprobs]
            entries += list(zip(order.prompt.ids, offsets, prompt_logprobs, strict=True))
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

    def _top(self, id: int, known: Logprobs) -> dict[str, float]:
        """The likeliest tokens and, as OpenAI has it, the one that stands there."""
        return {self._name_of(other): logprob for other, logprob in known.top} | {self._name_of(id): known.logprob}

    def _name_of(self, id: int) -> str:
        """A token's text; OpenAI's "bytes:" form for one that is no text alone, so that no two have one name."""
        raw = self._tokenizer.decode_bytes([id])
        try:
            return raw.decode()
        except UnicodeDecodeError:
            return "bytes:" + "".join(f"\\x{byte:02x}" for byte in raw)


def sse(body: dict[str, Any]) -> str:
    """One event of a stream, in one line also for clients that take Unicode's other line ends for such."""
    return f"data: {json.dumps(body, ensure_ascii=False, separators=(',', ':')).translate(LINE_ENDS)}\n\n"


LINE_ENDS = {ord(end): f"\\u{ord(end):04x}" for end in "\x85\u2028\u2029"}
