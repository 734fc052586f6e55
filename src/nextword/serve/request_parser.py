"""Parse a request for completions into choices, each a generation for the scheduler."""

import asyncio
import codecs
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from nextword.decode import Sampling
from nextword.decode.random_numbers import random_numbers
from nextword.errors import TokenizerError
from nextword.serve.detokenizer import Token
from nextword.serve.generation import Deliver, Generation
from nextword.serve.logprobs import Logprobs
from nextword.serve.refusals import OF_SEVERAL_KINDS, Refusal, unknown, whole_characters
from nextword.serve.requests import MAX_TEXTS, CompletionRequest, OpenAIRequest
from nextword.serve.scheduler import Scheduler
from nextword.tokenizer import Tokenizer

LONG_TEXT = 20_000  # characters or ids of all prompts; more are read in another thread, so that nobody has to wait


@dataclass
class Prompt:
    """A prompt as text and as ids.

    The ids of an empty one are <|endoftext|>, after which any text may begin. Ids may end within
    a character, which is then part of what is written after them.
    """

    text: str
    ids: list[int]
    is_empty: bool


@dataclass
class Choice:
    """One of an answer's choices, as far as it is written."""

    index: int
    prompt: Prompt
    generation: Generation
    prompt_logprobs: list[Logprobs] = field(default_factory=list)  # of the prompt's tokens but the first, if asked for
    n_written: int = 0  # tokens
    text: str = ""
    tokens: list[Token] = field(default_factory=list)
    finish_reason: str | None = None


def encoded(text: str, tokenizer: Tokenizer, place: str, allow_special: bool = True) -> list[int]:
    """Encode a text. Raises Refusal where the tokenizer lacks a character of it, as one of characters may."""
    try:
        return tokenizer.encode(text, allow_special)
    except TokenizerError as error:
        raise Refusal(f"{place}: {error}", place) from None


class RequestParser:
    """Parses requests into choices. name: the model's.

    strict: refuse what is not OpenAI's, or has no room; else what changes
    nothing is taken, and a text that would be too long ends where the room does.
    """

    def __init__(self, scheduler: Scheduler, tokenizer: Tokenizer, name: str, strict: bool = False):
        self._scheduler, self._tokenizer, self._name, self._strict = scheduler, tokenizer, name, strict
        self._marks = [] if tokenizer.eot_id is None else [tokenizer.eot_id]

    async def parse(self, asked: CompletionRequest, deliver: Deliver) -> list[Choice]:
        """Make a choice for each text that is asked for. Raises Refusal for what this server or model cannot do."""
        given = several(asked)
        self._check(asked, len(given))  # before any work is done
        sampling, ends = self._sampling(asked), self._ends(asked)
        if sum(map(len, given)) < LONG_TEXT:
            prompts = self._prompts(asked, given)
        else:
            prompts = await asyncio.to_thread(self._prompts, asked, given)
        return self._choices(asked, prompts, sampling, ends, deliver)

    def _check(self, asked: CompletionRequest, n_prompts: int) -> None:
        """Raise Refusal for what can be told without reading the prompts."""
        n = asked.n or 1
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
        if self._strict:
            check_strictly(asked)
        if asked.suffix:
            message = "suffix: GPT-2 only goes on, it cannot fill in before a suffix."
            raise Refusal(message, "suffix", code="unsupported_parameter")
        if asked.most < (asked.min_tokens or 0):
            message = f"min_tokens: {asked.min_tokens} are more than the {asked.most} that may be written at most."
            raise Refusal(message, "min_tokens")
        most = min(MAX_TEXTS, self._scheduler.max_waiting + self._scheduler.n_rows)
        if n * n_prompts > most:
            param = "n" if n > 1 else "prompt"
            raise Refusal(f"{n * n_prompts} texts are too many for one request: ask for {most} at most.", param)

    def _sampling(self, asked: CompletionRequest) -> Sampling:
        self._check_ids(asked.allowed_token_ids or [], "allowed_token_ids")
        return Sampling(
            temperature=asked.temperature or 0.0,
            top_k=asked.top_k if asked.top_k and asked.top_k > 0 else None,
            top_p=asked.top_p or 1.0,
            min_p=asked.min_p or 0.0,
            repetition_penalty=asked.repetition_penalty or 1.0,
            presence_penalty=asked.presence_penalty or 0.0,
            frequency_penalty=asked.frequency_penalty or 0.0,
            logit_bias=self._bias(asked),
            allowed_ids=asked.allowed_token_ids,
        )

    def _ends(self, asked: CompletionRequest) -> frozenset[int]:
        """Collect the ids that end a text. Raises Refusal where nothing else may be drawn before."""
        self._check_ids(asked.stop_token_ids or [], "stop_token_ids")
        ends = frozenset([*(asked.stop_token_ids or ()), *(() if asked.ignore_eos else self._marks)])
        if asked.min_tokens and asked.allowed_token_ids and ends.issuperset(asked.allowed_token_ids):
            message = "allowed_token_ids: each of them ends the text, of which min_tokens are to be written first."
            raise Refusal(message, "allowed_token_ids")
        return ends

    def _prompts(self, asked: CompletionRequest, given: Sequence[str | list[int]]) -> list[Prompt]:
        several = len(given) > 1
        return [self._prompt(asked, one, f"prompt[{n}]" if several else "prompt") for n, one in enumerate(given)]

    def _prompt(self, asked: CompletionRequest, given: str | list[int], place: str) -> Prompt:
        n_ctx = self._scheduler.config.n_ctx
        if isinstance(given, str):
            text = whole_characters(given)
            ids = encoded(text, self._tokenizer, place)
        else:
            ids = given
        if is_cut := asked.truncate_prompt_tokens is not None:
            most = n_ctx if asked.truncate_prompt_tokens == -1 else asked.truncate_prompt_tokens
            ids = ids[max(0, len(ids) - most) :]
        if len(ids) > n_ctx:
            raise too_long(n_ctx, f"the prompt has {len(ids)}", place)
        if is_cut or isinstance(given, list):
            self._check_ids(ids, place)
            text = text_before(self._tokenizer.decode_bytes(ids), is_last=asked.most == 0)
        n_read = len(ids) or 1
        if self._strict and asked.most > self._room(n_read):
            raise too_long(n_ctx, f"the prompt has {n_read}, and max_tokens asks for {asked.most} more", "max_tokens")
        if not (ids or self._marks):
            raise Refusal(
                f"{place}: it is empty, and this model's vocabulary has no <|endoftext|> to begin from.", place
            )
        return Prompt(text, ids or self._marks, is_empty=not ids)

    def _room(self, n_read: int) -> int:
        """Count the tokens that fit after so many; the last one need not be read."""
        return self._scheduler.config.n_ctx + 1 - n_read

    def _check_ids(self, ids: Sequence[int], place: str) -> None:
        """Raise Refusal for an id that the model does not know."""
        n_vocab = self._scheduler.config.n_vocab
        for n, id in enumerate(ids):
            if id >= n_vocab:
                raise Refusal(f"{place}[{n}]: id {id} is outside the vocabulary, 0 to {n_vocab - 1}.", f"{place}[{n}]")

    def _choices(
        self,
        asked: CompletionRequest,
        prompts: list[Prompt],
        sampling: Sampling,
        ends: frozenset[int],
        deliver: Deliver,
    ) -> list[Choice]:
        n = asked.n or 1
        seed = secrets.randbits(64) if asked.seed is None else asked.seed % 2**64
        choices = []
        for index in range(n * len(prompts)):
            prompt = prompts[index // n]
            generation = Generation(
                prompt.ids,
                min(asked.most, self._room(len(prompt.ids))),
                sampling,
                random_numbers(seed, index, len(prompt.ids)),
                deliver,
                ends,
                [] if asked.skip_special_tokens is False else self._marks,
                asked.stops,
                asked.min_tokens or 0,
                asked.logprobs,
                with_prompt_logprobs=bool(asked.echo) and asked.logprobs is not None and len(prompt.ids) > 1,
                offset=len(prompt.text) if asked.echo else 0,
                after=prompt.ids,
                decoder=self._tokenizer.stream(),
            )
            choices.append(Choice(index, prompt, generation))
        return choices

    def _bias(self, asked: CompletionRequest) -> dict[int, float]:
        n_vocab = self._scheduler.config.n_vocab
        bias = {}
        for key, value in (asked.logit_bias or {}).items():
            if not (key.isascii() and key.isdecimal() and len(key) < 10 and int(key) < n_vocab):
                message = f"logit_bias: {key[:40]!r} is no id: they go from 0 to {n_vocab - 1}."
                raise Refusal(message, "logit_bias")
            bias[int(key)] = value
        return bias


def check_strictly(asked: CompletionRequest) -> None:
    """Raise Refusal for parameters that are not OpenAI's, and for empty stop texts."""
    for name in asked.model_fields_set - OpenAIRequest.model_fields.keys():
        raise unknown(name)
    for name in (asked.stream_options.model_fields_set - {"include_usage"}) if asked.stream_options else ():
        raise unknown(f"stream_options.{name}")
    if "" in ([asked.stop] if isinstance(asked.stop, str) else asked.stop or []):
        raise Refusal(f"stop: {OF_SEVERAL_KINDS['stop']}", "stop")


def several(asked: CompletionRequest) -> Sequence[str | list[int]]:
    """List the prompts of a request, which gives one or several, as text or ids. Raises Refusal for none."""
    given: Any = "" if asked.prompt is None else asked.prompt
    if given == []:
        raise Refusal("prompt: an empty list holds no prompt; an empty text is one.", "prompt")
    is_one = isinstance(given, str) or isinstance(given[0], int)
    return [given] if is_one else given


def text_before(raw: bytes, is_last: bool) -> str:
    """Decode a prompt, without the character that it ends within unless nothing follows."""
    return codecs.getincrementaldecoder("utf-8")(errors="replace").decode(raw, final=is_last)


def too_long(n_ctx: int, what: str, param: str) -> Refusal:
    """Make the refusal of a text that has no room in the model."""
    message = f"This model's maximum context length is {n_ctx} tokens: {what}. Give or ask for less."
    return Refusal(message, param, code="context_length_exceeded")
