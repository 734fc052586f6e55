"""Read loss curves: a run's directory, and what other programs print while they train."""

import json
import math
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from nextword.curves.curve import Circumstances, Curve, Point
from nextword.errors import DataError

NUMBER = r"(-?[\d.]+(?:e[-+]?\d+)?|-?nan|-?inf)"

BOTH = re.compile(rf"step (\d+): train loss {NUMBER}, val loss {NUMBER}")
"""nanoGPT and llama2.c, where they validate."""

TRAINED = tuple(
    re.compile(pattern)
    for pattern in (
        rf"iter (\d+): loss {NUMBER}",  # nanoGPT
        rf"^(\d+) \| loss {NUMBER}",  # llama2.c
        rf"step\s+(\d+)(?:/\d+)?(?: \||:) (?:train )?loss {NUMBER}",  # llm.c, in C, CUDA and Python
        rf"^s:(\d+) trl:{NUMBER}",  # llm.c's main.log
        rf"^(\d+) train {NUMBER}$",  # build-nanogpt
        rf"step:(\d+)/\d+ train_loss:{NUMBER}",  # modded-nanogpt
        rf"step\s+(\d+)\s*[|,:]\s*(?:train )?loss:? {NUMBER}",  # many of one's own
    )
)
VALIDATED = tuple(
    re.compile(pattern)
    for pattern in (
        rf"^s:(\d+) tel:{NUMBER}",
        rf"^(\d+) val {NUMBER}$",
        rf"step:(\d+)/\d+ val_loss:{NUMBER}",
    )
)
VALIDATED_NOW = re.compile(rf"^val(?:idation)? loss:? {NUMBER}")
"""llm.c: a validation between the step above it and the one below it."""

SAID: dict[str, re.Pattern[str]] = {
    "n_params": re.compile(r"(?:number of parameters: |num_parameters\s*[|:]\s*)([\d.,]+[MB]?)"),
    "n_vocab": re.compile(r"(?<!padded_)vocab_size(?: V)?(?: of GPT-2 to |\s*[|:=]\s*)(\d+)"),
    "tokens_per_step": re.compile(
        r"(?:tokens per iteration will be: |total[ _](?:desired )?batch[ _]size\s*[|:]\s*)([\d,]+)"
    ),
    "warmup": re.compile(r"(?:warmup_iters = |LR warmup iterations\s*\|\s*)(\d+)"),
}
FINE_TUNED = re.compile(r"Initializing from OpenAI GPT-2 weights|load_filename\s*\|\s*\S+\.bin")

DATA_SETS = {
    "shakespeare_char": Circumstances(n_vocab=65, train_tokens=1_003_854, bytes_per_token=1.0, frequencies=3.31),
    "shakespeare": Circumstances(train_tokens=301_966, bytes_per_token=3.3),
    "openwebtext": Circumstances(train_tokens=9_035_582_198, bytes_per_token=4.5),
}
"""nanoGPT's data sets, as its own pages count their tokens."""

DATA_SET = re.compile(r"(?:data/|dataset = )['\"]?(\w+)")


def read_curve(path: Path) -> Curve:
    """Read the losses of a run's directory, of its log.jsonl, or of another program's log.

    Raises DataError for what is none of them.
    """
    if path.is_dir():
        path = path / "log.jsonl"
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError as error:
        raise DataError(
            f"{path} is not there. Expected a run's directory, or a file with a training's output."
        ) from error
    if path.suffix == ".jsonl":
        return curve_of_run(path, text)
    points = by_step(foreign_points(text))
    if not points:
        raise DataError(
            f"{path}: no losses found. Expected a run of nextword, or the output of nanoGPT (`step 250: train loss "
            "4.2, val loss 4.3`), llm.c (`step 80/18865 | loss 7.5 ...`, or its main.log), llama2.c or modded-nanogpt."
        )
    return Curve(path.stem, points, foreign_circumstances(text, points))


def curve_of_run(log: Path, text: str) -> Curve:
    """Make the curve of a log.jsonl, and of the run.json beside it, if there is one."""
    points = []
    for line in text.splitlines():
        try:
            entry = json.loads(line)
            points.append(Point(int(entry["step"]), entry.get("train_loss"), entry.get("val_loss")))
        except (ValueError, KeyError, TypeError):  # half a line, which is being written
            continue
    try:
        described = json.loads(log.with_name("run.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        described = {}
    name = log.parent.resolve().name if described else log.stem
    return Curve(name, by_step(points), circumstances_of_run(described))


def circumstances_of_run(described: Any) -> Circumstances:
    """Take a run's circumstances from its run.json; those of an older version may lack some."""
    described = described if isinstance(described, dict) else {}
    parts = {name: part if isinstance(part := described.get(name), dict) else {} for name in PARTS}
    model, data, plan, config = (parts[name] for name in PARTS)
    sizes = [plan.get(name) for name in ("batch_size", "window", "accumulate")]
    try:
        from nextword.config import GPTConfig

        n_params = GPTConfig(**model).n_params
    except (TypeError, ValueError):
        n_params = None
    return Circumstances(
        n_params=n_params,
        n_vocab=model.get("n_vocab"),
        tokens_per_step=math.prod(sizes) if all(isinstance(size, int) for size in sizes) else None,  # type: ignore[arg-type]
        train_tokens=data.get("train_tokens"),
        bytes_per_token=data.get("bytes_per_token"),
        frequencies=data.get("frequencies"),
        warmup=plan.get("warmup") or 0,
        fine_tuned=config.get("init") is not None,
        own_score=own_score(model, plan, config),
    )


def own_score(model: dict[str, Any], plan: dict[str, Any], config: dict[str, Any]) -> float:
    """Compute a token's first score for itself, where the recipe has drawn wide embeddings.

    The head is the embedding again, and the last LayerNorm makes a vector about as long as the root of its width.
    """
    deviation, width = plan.get("embedding_std"), model.get("n_embd")
    if config.get("embedding_std") is not None or not isinstance(deviation, float) or not isinstance(width, int):
        return 0.0
    return deviation * width if deviation > GPT2_STD else 0.0


GPT2_STD = 0.02
"""The deviation of GPT-2's first weights."""

PARTS = ("model", "data", "plan", "config")
"""Of run.json."""


def foreign_points(text: str) -> Iterator[Point]:
    """Find the losses in another program's output."""
    step = 0
    for line in text.splitlines():
        if found := BOTH.search(line):
            step = int(found[1])
            yield Point(step, number(found[2]), number(found[3]))
        elif found := first_match(TRAINED, line):
            step = int(found[1])
            yield Point(step, number(found[2]))
        elif found := first_match(VALIDATED, line):
            step = int(found[1])
            yield Point(step, None, number(found[2]))
        elif found := VALIDATED_NOW.search(line.strip()):
            yield Point(step, None, number(found[1]))


def first_match(patterns: tuple[re.Pattern[str], ...], line: str) -> re.Match[str] | None:
    """Find the first of these patterns that is in a line."""
    return next((found for pattern in patterns if (found := pattern.search(line))), None)


def by_step(points: Iterator[Point] | list[Point]) -> tuple[Point, ...]:
    """Join the measurements of one step. Of two values the first counts: nanoGPT's mean over many batches."""
    found: dict[int, Point] = {}
    for point in points:
        known = found.get(point.step, Point(point.step))
        train = known.train if known.train is not None else point.train
        val = known.val if known.val is not None else point.val
        found[point.step] = Point(point.step, train, val)
    return tuple(found[step] for step in sorted(found))


def foreign_circumstances(text: str, points: tuple[Point, ...]) -> Circumstances:
    """Take what another program's output says of the run; the vocabulary, if need be, from its first loss."""
    data_set = next((DATA_SETS[name] for name in DATA_SET.findall(text) if name in DATA_SETS), Circumstances())
    said = {name: count(found[1]) for name, pattern in SAID.items() if (found := pattern.search(text))}
    known = replace(data_set, fine_tuned=FINE_TUNED.search(text) is not None, **said)
    first = points[0]
    begins = first.val if first.val is not None else first.train
    if known.n_vocab is None and first.step <= 1 and begins is not None and 2.5 < begins < 12.0:
        is_gpt2s = math.log(50_257) - 0.2 < begins < math.log(50_257) + 0.4
        known = replace(known, n_vocab=50_257 if is_gpt2s else round(math.exp(begins)))
    return known


def number(text: str) -> float:
    """Read a loss, which may be no number."""
    return float(text)


def count(text: str) -> int:
    """Read a count: 124475904, 491,520 or 123.59M."""
    scale = {"M": 1e6, "B": 1e9}.get(text[-1], 1.0)
    return round(float(text.rstrip("MB").replace(",", "").rstrip(".")) * scale)
