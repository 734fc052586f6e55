"""Is this GPT-2 exact? A list of checks, each of which can fail by itself."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from nextword.decode import Engine, generate
from nextword.decode.engines import ENGINES, engine_for
from nextword.errors import NextwordError
from nextword.evaluate.references import LayerReference, layers_of
from nextword.model import GPT, KVCache
from nextword.tokenizer import Tokenizer, bpe

TORTURE = (
    "The goat's bridge wasn't wide: they'd waited, we'll see; I'M it's 'tis.",
    "  two spaces,\t\ttabs,\r\nline ends\n\n\nand trailing ones   ",
    "1234567890 3.14159 1,000,000 0x7f ２０２４ ½ Ⅻ",
    "Übergrößenträger naïve façade Ελληνικά Русский العربية עברית हिन्दी ไทย 中文 日本語 한국어",
    "e\u0301 vs é, ﬁ, a\u200bb, \ufeff, \u202eright-to-left",
    "🙂 👩‍👩‍👧‍👦 🏳️‍🌈 🇩🇪 \U0001f9ff",
    "def f(x):\n    return x**2  # ¯\\_(ツ)_/¯\n<html>&amp;</html> https://example.org/?q=a%20b",
    "<|endoftext|> as text, \x00 and \x7f",
    "a" * 50 + " " * 50 + "!" * 50,
)
"""Texts that tokenizers fall over."""

ROUNDING = 1e-4
"""What float32 may differ by, as a share of the largest number."""

BOUNDS = {"float32": 1e-4, "bfloat16": 0.05, "int8": 0.05, "int4": 0.35}
"""What the logits of a format may be off by: the root mean square, as a share of the exact ones'."""

TURING = "Alan Turing theorized that computers would one day become"
WRITES = " the most powerful machines on the planet."
"""What gpt2, the 124M, goes on with greedily. Source: the README of jaymody/picoGPT."""


@dataclass(frozen=True)
class Check:
    """A finding. passed: whether it is as it should be, None where that cannot be told."""

    name: str
    found: str
    passed: bool | None = True
    numbers: dict[str, float] = field(default_factory=dict)


def verify(
    name: str, model: GPT, tokenizer: Tokenizer, references: Sequence[LayerReference], files: Sequence[Path] = ()
) -> Iterator[Check]:
    """Look at a model from all sides, and yield each finding.

    name: `gpt2` for the official 124M, whose greedy text is known. references: what to compare each layer with. files:
    those of the weights, to be told by their SHA-256.
    """
    model.eval()
    yield parameters(model)
    for file in files:
        yield Check(f"SHA-256 of {file.name}", digest(file), None)
    yield from tokenizing(tokenizer)
    ids = some_ids(tokenizer, model.config.n_ctx)
    for reference in references:
        yield from by_layer(model, reference, ids)
    yield causality(model, ids)
    yield cache(model, ids)
    yield batch(model, ids)
    yield from engines(model, ids)
    if name == "gpt2":
        said = generate(model, tokenizer, TURING, max_new_tokens=8, temperature=0.0).removeprefix(TURING)
        yield Check("greedy text of the official 124M", repr(said), said == WRITES)


def parameters(model: GPT) -> Check:
    """Count the parameters, and look for numbers that are none."""
    c, n = model.config, sum(p.numel() for p in model.parameters())
    finite = all(bool(p.isfinite().all()) for p in model.parameters())
    found = f"{n:,}: {c.n_layer} blocks, width {c.n_embd}, {c.n_head} heads, context {c.n_ctx}, {c.n_vocab:,} tokens"
    return Check("parameters", found + ("" if finite else "; some are NaN or infinite"), finite and n == c.n_params)


def digest(file: Path) -> str:
    """Compute a file's SHA-256, as `sha256sum` prints it."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def some_ids(tokenizer: Tokenizer, n_ctx: int) -> Tensor:
    """Encode some of the texts: (T,), at most 64 and a context."""
    return torch.tensor(tokenizer.encode(" ".join(TORTURE[:4]))[: min(64, n_ctx)])


def tokenizing(tokenizer: Tokenizer) -> Iterator[Check]:
    """Compare the tokenizer with byte-pair encoding written out, and decode its ids."""
    ids = [tokenizer.encode(text) for text in TORTURE]
    back = [tokenizer.decode(one) for one in ids]
    wrong = [text for text, there in zip(TORTURE, back, strict=True) if text != there]
    n = sum(map(len, ids))
    yield Check("tokenizer: decodes what it encodes", f"{n} tokens of {len(TORTURE)} texts", not wrong)
    vocabulary = tokenizer.vocabulary
    if vocabulary.pattern == "gpt2" and vocabulary.merges:
        written_out = [bpe.encode(text, vocabulary=vocabulary) for text in TORTURE]
        n_wrong = sum(a != b for a, b in zip(ids, written_out, strict=True))
        yield Check("tokenizer: the ids of byte-pair encoding written out", f"{n_wrong} texts differ", n_wrong == 0)


def by_layer(model: GPT, reference: LayerReference, ids: Tensor) -> Iterator[Check]:
    """Compare what each layer makes with another implementation's."""
    ours = layers_of(model, ids.to(model.wte.weight.device))
    theirs = reference.run(ids)
    for (name, a), (_, b) in zip(ours, theirs, strict=True):
        a, b = a.double().cpu(), b.double().cpu()
        if a.shape != b.shape:
            yield Check(f"{name}, beside {reference.name}", f"{tuple(a.shape)} and {tuple(b.shape)}", False)
            return
        gap, scale = (a - b).abs(), float(b.abs().max())
        numbers = {"largest": float(gap.max()), "mean": float(gap.mean()), "scale": scale}
        found = f"largest difference {numbers['largest']:.1e}, mean {numbers['mean']:.1e}, of numbers up to {scale:.3g}"
        yield Check(f"{name}, beside {reference.name}", found, numbers["largest"] <= ROUNDING * scale, numbers)


@torch.inference_mode()
def causality(model: GPT, ids: Tensor) -> Check:
    """Look whether a token changes what is said before it."""
    ids = ids.to(model.wte.weight.device)
    changed, place = ids.clone(), len(ids) // 2
    changed[place:] = (changed[place:] + 1) % model.config.n_vocab
    before, after = (model(one[None])[0].double() for one in (ids, changed))
    gap = float((before - after)[:place].abs().max())
    moved = float((before - after)[place:].abs().max())
    passed = gap <= ROUNDING * float(before.abs().max()) and moved > gap
    return Check("no token sees a later one", f"changing the second half moves the first by {gap:.1e}", passed)


@torch.inference_mode()
def cache(model: GPT, ids: Tensor) -> Check:
    """Compare reading token by token, with a KV cache, with reading all at once."""
    weight = model.wte.weight
    ids = ids.to(weight.device)
    whole = model(ids[None])[0].double()
    kept = KVCache(model.config, 1, weight.dtype, weight.device)
    parts = torch.cat([model(part[None], kept)[0] for part in ids.split(max(1, len(ids) // 5))]).double()
    return same("with a KV cache as without", parts, whole)


@torch.inference_mode()
def batch(model: GPT, ids: Tensor) -> Check:
    """Compare a text among others with the same text alone."""
    ids = ids.to(model.wte.weight.device)
    alone = model(ids[None])[0].double()
    among = model(torch.stack([ids.flip(0), ids, ids.roll(1)]))[1].double()
    return same("in a batch as alone", among, alone)


def same(name: str, found: Tensor, expected: Tensor) -> Check:
    """Compare logits that should be equal but for rounding."""
    gap = float((found - expected).abs().max())
    return Check(name, f"largest difference {gap:.1e}", gap <= ROUNDING * float(expected.abs().max()), {"largest": gap})


def engines(model: GPT, ids: Tensor) -> Iterator[Check]:
    """Compare the logits of each engine, in each format that it has, with the model's own."""
    exact = layers_of(model, ids.to(model.wte.weight.device))[-1][1].double().cpu().numpy()
    for engine in ENGINES:
        formats = ("float32", "bfloat16", "int8", "int4") if engine == "native" else ("float32", "bfloat16")
        for format in formats:
            label = f"engine {engine}, {format}"
            try:
                made = engine_in(model, engine, format)
                made.read(0, ids.tolist())
                logits = made.advance([0], scored=[0])[0].astype(np.float64)
            except (NextwordError, ValueError, NotImplementedError) as error:
                yield Check(label, f"not here: {str(error).partition('. ')[0]}", None)
                continue
            off = float(np.sqrt(np.mean((logits - exact) ** 2) / np.mean(exact**2)))
            same_choice = float((logits.argmax(-1) == exact.argmax(-1)).mean())
            found = f"off by {off:.1e} of the logits, {same_choice:.0%} of the likeliest tokens the same"
            yield Check(label, found, off <= BOUNDS[format], {"off": off, "same": same_choice})


def engine_in(model: GPT, engine: str, format: str) -> Engine:
    """Make an engine for a model, in one of its formats. Raises ValueError where there is none here."""
    from nextword.decode.engines import check_engine

    on_cpu = model.wte.weight.device.type == "cpu"
    check_engine(engine, on_cpu)
    if engine == "native":
        from nextword.decode.native_engine import NativeEngine

        tensors = {name: p.detach().float().contiguous().numpy() for name, p in model.named_parameters()}
        return NativeEngine(model.config, tensors, 1, format)
    copied = GPT(model.config, ops=model.ops)
    copied.load_state_dict(model.state_dict())
    copied = copied.to(model.wte.weight.device, getattr(torch, format)).eval()
    copied.engine = engine
    return engine_for(copied)
