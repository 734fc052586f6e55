"""How fast nextword and transformers write."""

import time
from typing import Any

import numpy as np
import torch

from benchmarks.gpu.device import wait, writing_limit
from benchmarks.gpu.models import fresh_model, peer, random_ids
from benchmarks.gpu.plan import SAMPLING
from benchmarks.gpu.run import Run
from nextword.decode import TorchEngine, generate_batch_ids


def measure_writing(run: Run, rows: int, by: str) -> None:
    """Tokens a second that are written on so many rows, after prompts that are already read."""
    plan, work = run.plan, writing_on(rows)
    with run.attempt(f"{work}, by {by}"):
        engine = TorchEngine(fresh_model(run).bfloat16(), rows, compiled=by == "compile")
        prompts = random_ids(run, rows, plan.prompt_tokens).tolist()
        numbers = np.random.default_rng(0).random((plan.new_tokens, rows))
        rates = []
        for _ in range(4):  # the first time graphs are captured
            for row, ids in enumerate(prompts):
                engine.read(row, ids)
            engine.next_logits([0])  # a prompt is read when something is wanted of it
            wait(run.device)
            began = time.perf_counter()
            engine.write(range(rows), SAMPLING, numbers)
            rates.append(rows * plan.new_tokens / (time.perf_counter() - began))
        run.add(work, named(by), rates[1:], writing_limit(run, rows))


def measure_many(run: Run, rows: int, by: str) -> None:
    """Tokens a second from prompts of different lengths to whole texts: twice as many as there are rows."""
    plan, work = run.plan, f"{2 * rows} prompts on {rows} rows, reading included"
    with run.attempt(f"{work}, by {by}"):
        engine = TorchEngine(fresh_model(run).bfloat16(), rows, compiled=by == "compile")
        lengths = [1 + i % (2 * plan.prompt_tokens) for i in range(2 * rows)]
        prompts = [random_ids(run, length).tolist() for length in lengths]
        limits = [plan.new_tokens * (1 + i % 4) // 4 for i in range(2 * rows)]  # they end at different times
        rates = []
        for _ in range(3):
            left = list(limits)

            def take(index: int, id: int, left: list[int] = left) -> bool:
                left[index] -= 1
                return left[index] > 0

            wait(run.device)
            began = time.perf_counter()
            generate_batch_ids(engine, prompts, SAMPLING, take, max_new_tokens=plan.new_tokens, seed=0)
            rates.append(sum(limits) / (time.perf_counter() - began))
        run.add(work, named(by), rates[1:], writing_limit(run, rows))


def measure_peer_writing(run: Run, rows: int, cache: str) -> None:
    """The same by transformers' generate, with the cache that grows or the static one, which it compiles for."""
    plan, work = run.plan, writing_on(rows)
    with run.attempt(f"{work}, transformers, {cache} cache"):
        model = peer(run).bfloat16().eval()
        ids = random_ids(run, rows, plan.prompt_tokens).to(run.device)
        settings: dict[str, Any] = {
            "min_new_tokens": plan.new_tokens,
            "max_new_tokens": plan.new_tokens,
            "do_sample": True,
            "temperature": SAMPLING.temperature,
            "top_k": SAMPLING.top_k,
            "pad_token_id": 0,
            "attention_mask": torch.ones_like(ids),
        }
        if cache == "static":
            settings["cache_implementation"] = "static"
        rates = []
        for _ in range(3):
            wait(run.device)
            began = time.perf_counter()
            model.generate(ids, **settings)
            wait(run.device)
            rates.append(rows * plan.new_tokens / (time.perf_counter() - began))
        run.add(work, f"transformers, {cache} cache", rates[1:], writing_limit(run, rows))


def writing_on(rows: int) -> str:
    """The table's name for the work."""
    return f"writing, {rows} {'row' if rows == 1 else 'rows'}"


def named(by: str) -> str:
    """The table's name for a way of nextword's; what a user gets without asking for it has no mark."""
    return f"nextword, by {by}" + (" (opt-in)" if by != "torch" else "")
