"""Format the answers to requests for completions as OpenAI does.

Source: OpenAI's API reference, "Completions (legacy)".
"""

import json
import secrets
import time
from collections.abc import Sequence
from typing import Any

from nextword.serve.detokenizer import Piece, Token
from nextword.serve.logprobs import Logprobs
from nextword.serve.request_parser import Choice, Prompt
from nextword.serve.requests import CompletionRequest
from nextword.tokenizer import Tokenizer


class Form:
    """Formats the answer to one request."""

    def __init__(self, asked: CompletionRequest, tokenizer: Tokenizer, name: str):
        self._asked, self._tokenizer = asked, tokenizer
        self._head = {
            "id": f"cmpl-{asked.request_id or secrets.token_hex(12)}",
            "object": "text_completion",
            "created": int(time.time()),
            "model": name,
        }

    def whole(self, choices: Sequence[Choice]) -> dict[str, Any]:
        """Format all choices at once."""
        bodies = [self._choice(choice, choice.text, choice.tokens, choice.finish_reason, True) for choice in choices]
        return {**self._head, "choices": bodies, "usage": self.usage(choices)}

    def part(self, choice: Choice, piece: Piece, is_first: bool) -> str | None:
        """Format a piece of one choice as an event; None where it has nothing to tell."""
        if not (piece.text or piece.tokens or piece.finish_reason or (is_first and self._asked.echo)):
            return None
        body = self._choice(choice, piece.text, piece.tokens, piece.finish_reason, is_first)
        return sse({**self._head, "choices": [body], **self._usage_by_now(choice)})

    def end(self, choices: Sequence[Choice]) -> str:
        """Format the last events of a stream."""
        counted = sse({**self._head, "choices": [], "usage": self.usage(choices)}) if self._with_usage else ""
        return f"{counted}data: [DONE]\n\n"

    def usage(self, choices: Sequence[Choice]) -> dict[str, int]:
        """Count the tokens of the prompts, each once, and of the completions."""
        read = sum(len(choice.prompt.ids) for choice in choices[:: self._asked.n or 1])
        written = sum(choice.n_written for choice in choices)
        return {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}

    def _usage_by_now(self, choice: Choice) -> dict[str, Any]:
        """Format an event's usage: nothing, null, or, as vLLM does, its choice's so far."""
        if not self._with_usage:
            return {}
        options = self._asked.stream_options
        return {"usage": self.usage([choice]) if options and options.continuous_usage_stats else None}

    @property
    def _with_usage(self) -> bool:
        return self._asked.stream_options is not None and bool(self._asked.stream_options.include_usage)

    def _choice(
        self, choice: Choice, text: str, tokens: list[Token], finish_reason: str | None, is_first: bool
    ) -> dict[str, Any]:
        with_prompt = bool(self._asked.echo) and is_first
        return {
            "text": choice.prompt.text + text if with_prompt else text,
            "index": choice.index,
            "logprobs": self._logprobs(choice, tokens, with_prompt),
            "finish_reason": finish_reason,
        }

    def _logprobs(self, choice: Choice, tokens: list[Token], with_prompt: bool) -> dict[str, Any] | None:
        """Fill OpenAI's four lists, for the prompt's tokens where it is echoed, and these."""
        if self._asked.logprobs is None:
            return None
        entries: list[tuple[int, int, Logprobs | None]] = []
        if with_prompt and not choice.prompt.is_empty:  # its <|endoftext|> is not in the text that is given
            offsets = self._offsets(choice.prompt)
            prompt_logprobs: list[Logprobs | None] = [None, *choice.prompt_logprobs]
            entries += list(zip(choice.prompt.ids, offsets, prompt_logprobs, strict=True))
        entries += list(tokens)
        return {
            "tokens": [self._name_of(id) for id, _, _ in entries],
            "token_logprobs": [known and known.logprob for _, _, known in entries],
            "top_logprobs": [known and self._top(id, known) for id, _, known in entries],
            "text_offset": [offset for _, offset, _ in entries],
        }

    def _offsets(self, prompt: Prompt) -> list[int]:
        """Find where each of the prompt's tokens begins, in characters."""
        decoder, offsets, place = self._tokenizer.stream(), [], 0
        for id in prompt.ids:
            offsets.append(place)
            place += len(decoder.feed(id))
        return offsets

    def _top(self, id: int, known: Logprobs) -> dict[str, float]:
        """List the likeliest tokens and, as OpenAI does, the one that stands there."""
        return {self._name_of(other): logprob for other, logprob in known.top} | {self._name_of(id): known.logprob}

    def _name_of(self, id: int) -> str:
        """Name a token by its text, or its bytes where it is no text alone."""
        raw = self._tokenizer.decode_bytes([id])
        try:
            return raw.decode()
        except UnicodeDecodeError:
            return "bytes:" + "".join(f"\\x{byte:02x}" for byte in raw)


def sse(body: dict[str, Any]) -> str:
    """Format an event of a stream, on one line even for clients with Unicode's line ends."""
    return f"data: {json.dumps(body, ensure_ascii=False, separators=(',', ':')).translate(LINE_ENDS)}\n\n"


LINE_ENDS = {ord(end): f"\\u{ord(end):04x}" for end in "\x85\u2028\u2029"}
