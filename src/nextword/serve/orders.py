"""What a request asks for: its prompts, and the texts after them, each of which is a job for the engine."""

import asyncio
import secrets
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from nextword.decode import Sampling
from nextword.serve.choice import Likelihood, Wishes
from nextword.serve.engine import Deliver, Engine, Job
from nextword.serve.refusals import Refusal, whole_characters
from nextword.serve.requests import MAX_TEXTS, CompletionRequest
from nextword.serve.text import Token
from nextword.tokenizer import Tokenizer

LONG_TEXT = 20_000  # characters; longer ones are tokenized in another thread, so that nobody has to wait


@dataclass
class Prompt:
    """A prompt as text and as ids, at least one."""

    text: str
    ids: list[int]


@dataclass
class Order:
    """One text of an answer, as far as it has come."""

    index: int
    prompt: Prompt
    job: Job
    likelihoods: list[Likelihood] = field(default_factory=list)  # of the prompt's tokens but the first, if asked for
    text: str = ""
    tokens: list[Token] = field(default_factory=list)
    finish_reason: str | None = None


class Orders:
    """Makes orders of requests, for an engine, its tokenizer and the name of its model."""

    def __init__(self, engine: Engine, tokenizer: Tokenizer, name: str):
        self._engine, self._tokenizer, self._name = engine, tokenizer, name

    async def of(self, asked: CompletionRequest, deliver: Deliver) -> list[Order]:
        """One for each text that is asked for. Raises Refusal for what this server, or this model, cannot do."""
        prompts = await self._prompts(asked)
        self._check(asked, prompts)
        return self._orders(asked, prompts, deliver)

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

    def _orders(self, asked: CompletionRequest, prompts: list[Prompt], deliver: Deliver) -> list[Order]:
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
        orders = []
        for index in range(n * len(prompts)):
            prompt = prompts[index // n]
            job = Job(
                prompt.ids,
                asked.max_tokens or 0,
                wishes,
                np.random.default_rng([seed, index]),
                deliver,
                self._tokenizer.eot_id,
                stop,
                asked.logprobs,
                scored=bool(asked.echo) and asked.logprobs is not None and len(prompt.ids) > 1,
                offset=len(prompt.text) if asked.echo else 0,
            )
            orders.append(Order(index, prompt, job))
        return orders

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


def too_long(n_ctx: int, what: str, param: str) -> Refusal:
    """Why a text has no room in the model."""
    message = f"This model's maximum context length is {n_ctx} tokens: {what}. Give or ask for less."
    return Refusal(message, param, code="context_length_exceeded")
