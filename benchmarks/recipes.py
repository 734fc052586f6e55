"""Which recipe learns most from the same tokens? Trainings by several recipes, each with several seeds.

    python -m benchmarks.recipes run jobs.txt results.jsonl
    python -m benchmarks.recipes table results.jsonl --seeds 5

A line of jobs.txt is flags of `nextword train`. What is in results.jsonl already is not run again, so that a long list
may be broken off at any time. Besides the weights as they are at the end, averages of them are validated, which
cost no training of their own.
"""

import argparse
import json
import os
import shlex
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import torch
from torch import Tensor

from nextword.cli.arguments import parse
from nextword.cli.train import Arguments
from nextword.evaluate import evaluate
from nextword.train.checkpoint import TrainerState
from nextword.train.chosen_optimizer import chosen_optimizer
from nextword.train.setup import Setup, prepare
from nextword.train.steps import Steps

DECAYS = (0.95, 0.98, 0.99, 0.995)
TAILS = (0.1, 0.2)
"""The averages: exponential ones by their decay a step, and plain ones over the last share of the steps."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run")
    run.add_argument("jobs", type=Path)
    run.add_argument("results", type=Path)
    run.add_argument("--threads", type=int, default=1)
    table = commands.add_parser("table")
    table.add_argument("results", type=Path, nargs="+")
    table.add_argument("--seeds", type=int, default=1, help="show recipes with at least so many")
    table.add_argument("--kind", default="last", help="which weights: last, best, ema 0.98, tail 0.2, ...")
    table.add_argument("--against", default="--optimizer adamw", help="the recipe whose best row p-values are against")
    args = parser.parse_args()
    if args.command == "run":
        torch.set_num_threads(args.threads)
        run_all(args.jobs, args.results)
    else:
        print(as_table(read(args.results), args.kind, args.seeds, args.against))


def run_all(jobs: Path, results: Path) -> None:
    """Run the jobs that have no result yet. The list is read anew after each, since it may have grown."""
    while True:
        done = {row["flags"] for row in read([results])}
        lines = (line.partition("#")[0].strip() for line in jobs.read_text().splitlines())
        flags = next((line for line in lines if line and line not in done), None)
        if flags is None:
            return
        row = train(flags)
        with results.open("a") as file:
            file.write(json.dumps(row) + "\n")
        print(f"{row['losses']['last']:.4f} {row['losses']['best']:.4f} {row['seconds']:5.0f} s  {flags}", flush=True)


def read(files: list[Path]) -> list[dict[str, Any]]:
    return [json.loads(line) for file in files if file.exists() for line in file.read_text().splitlines()]


def train(flags: str) -> dict[str, Any]:
    """Train as `nextword train` with these flags would, and validate. -> what is known of it."""
    config = parse(Arguments, "train", shlex.split(flags)).config()
    began, setup, state = time.process_time(), prepare(config), TrainerState()
    optimizer = chosen_optimizer(setup.model, config, setup.plan)
    steps = Steps(setup, optimizer, state)
    averages = Averages(setup.model, setup.plan.steps)
    curve, validated = [], {}
    while steps.go_on:
        steps.launch()
        curve.append(round(steps.read().train_loss, 4))
        averages.add(state.step)
        if state.step % setup.plan.eval_every == 0 or state.step == setup.plan.steps:
            validated[state.step] = round(validate(setup), 5)
    losses = {"last": validated[state.step], "best": min(validated.values())}
    own = {name: tensor.detach().clone() for name, tensor in setup.model.named_parameters()}
    for name, weights in averages.named():
        set_weights(setup, weights)
        losses[name] = round(validate(setup), 5)
    set_weights(setup, own)
    return {
        "flags": flags,
        "losses": losses,
        "validated": validated,
        "curve": [round(mean(curve[i : i + 10]), 4) for i in range(0, len(curve), 10)],
        "tokens": setup.plan.steps * setup.plan.tokens_per_step,
        "lr": setup.plan.lr,
        "parameters": setup.model.config.n_params,
        "seconds": round(time.process_time() - began),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
    }


def validate(setup: Setup) -> float:
    return evaluate(setup.model, setup.val_ids, setup.plan.window, setup.plan.batch_size, setup.dtype)


@torch.no_grad()
def set_weights(setup: Setup, weights: dict[str, Tensor]) -> None:
    for name, parameter in setup.model.named_parameters():
        parameter.copy_(weights[name])


class Averages:
    """Averages of a model's weights over the steps."""

    def __init__(self, model: torch.nn.Module, steps: int):
        self._parameters = dict(model.named_parameters())
        self._names = [f"ema {decay}" for decay in DECAYS] + [f"tail {share}" for share in TAILS]
        self._sums = {name: [torch.zeros_like(p) for p in self._parameters.values()] for name in self._names}
        self._steps = steps

    @torch.no_grad()
    def add(self, step: int) -> None:
        """Count the weights after a step in."""
        now = [parameter.detach() for parameter in self._parameters.values()]
        for decay in DECAYS:
            weight = (1 - decay) / (1 - decay**step)  # the first counts fully, and zeros not at all
            torch._foreach_lerp_(self._sums[f"ema {decay}"], now, weight)
        for share in TAILS:
            first = self._steps - int(share * self._steps)
            if step > first:
                torch._foreach_lerp_(self._sums[f"tail {share}"], now, 1 / (step - first))

    def named(self) -> list[tuple[str, dict[str, Tensor]]]:
        return [(name, dict(zip(self._parameters, self._sums[name], strict=True))) for name in self._names]


@dataclass(frozen=True)
class Recipe:
    """All runs of one recipe: the losses by seed."""

    flags: str
    tokens: int
    losses: dict[int, float]


def recipes(rows: list[dict[str, Any]], kind: str) -> list[Recipe]:
    """Sort the rows by recipe: what is equal but for the seed."""
    found: dict[tuple[str, int], dict[int, float]] = defaultdict(dict)
    for row in rows:
        words = shlex.split(row["flags"])
        at = words.index("--seed") if "--seed" in words else len(words)
        seed = int(words[at + 1]) if at < len(words) else 1
        found[shlex.join(words[:at] + words[at + 2 :]), row["tokens"]][seed] = row["losses"][kind]
    return [Recipe(flags, tokens, losses) for (flags, tokens), losses in found.items()]


def as_table(rows: list[dict[str, Any]], kind: str, seeds: int, against: str) -> str:
    """Write the recipes of each text, best first, with the p-value of a paired t-test against the best of one kind."""
    from scipy.stats import ttest_rel

    by_text = defaultdict(list)
    for recipe in recipes(rows, kind):
        if len(recipe.losses) >= seeds:
            words = shlex.split(recipe.flags)
            by_text[words[words.index("--data") + 1]].append(recipe)
    lines = []
    for text, found in by_text.items():
        found.sort(key=lambda recipe: mean(recipe.losses.values()))
        base = next((recipe for recipe in found if f"{against} " in f"{recipe.flags} "), None)
        lines += [
            f"{text}",
            "",
            "| validation loss | spread | seeds | p | tokens | recipe |",
            "|---|---|---|---|---|---|",
        ]
        for recipe in found:
            losses = list(recipe.losses.values())
            both = sorted(recipe.losses.keys() & base.losses.keys()) if base is not None else []
            p = ""
            if base is not None and recipe is not base and len(both) > 1:
                pairs = [[r.losses[seed] for seed in both] for r in (recipe, base)]
                p = f"{ttest_rel(*pairs).pvalue:.2g}"
            spread = f"{stdev(losses):.4f}" if len(losses) > 1 else ""
            lines.append(
                f"| {mean(losses):.4f} | {spread} | {len(losses)} | {p} | {recipe.tokens:,} | `{recipe.flags}` |"
            )
        lines.append("")
    return os.linesep.join(lines)


if __name__ == "__main__":
    main()
