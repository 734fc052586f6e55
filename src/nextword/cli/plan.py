"""`nextword plan`: what a training will take, before it is paid for."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from nextword.cli.arguments import parse
from nextword.cli.durations import duration
from nextword.errors import SettingError
from nextword.shape import described, in_millions, parse_size

if TYPE_CHECKING:
    from nextword.bench.gpus import Gpu


@dataclass(frozen=True)
class Arguments:
    """Forecast a training: time, memory by part, cost, and the batch that fits.

    On GPUs that you name, or on this machine, whose rate is measured for a moment.
    """

    tokens: str
    """Tokens to read, all passes together: 300M, 10B."""

    gpu: str | None = None
    """GPUs to train on, and how many: h100, a100:8, 4090:2. Default: this machine."""

    price: float | None = None
    """Price of one GPU for one hour, in any currency."""

    share: float | None = None
    """Share of the GPU's peak rate that training reaches. Default: 0.4; see `nextword bench` for your own."""

    model: str | None = None
    """Size: nano, gpt2 (124M), gpt2-medium, gpt2-large, gpt2-xl. Default: gpt2."""

    params: str | None = None
    """Size of your own, in parameters, such as 30M."""

    depth: int | None = None
    """Size of your own, in blocks."""

    n_vocab: int = 50_257
    """Ids of the vocabulary."""

    window: int = 1024
    """Tokens that the model reads at once."""

    batch_size: int | None = None
    """Windows side by side on each GPU. Default: the most that fit; 4 on a CPU."""

    optimizer: str = "adamw"
    """What moves the weights: adamw, muon, mars or soap. They remember more or less."""

    shard: bool = False
    """Divide weights, gradients and moments among the GPUs, as `nextword train --shard`."""

    recompute: bool = False
    """Compute the blocks again on the way back, as `nextword train --recompute`."""


def run(arguments: list[str]) -> int:
    """Forecast, and print it."""
    args = parse(Arguments, "plan", arguments)
    for name in ("price", "share", "window", "batch_size"):
        value = getattr(args, name)
        if value is not None and not value > 0:
            raise SettingError(name, f"must be above 0, not {value}.")
    tokens = parse_tokens(args.tokens)
    print("\n".join(lines(args, tokens)))
    return 0


def parse_tokens(text: str) -> int:
    """Read a number of tokens such as 10B. Raises SettingError for what is none."""
    try:
        return parse_size(text)
    except ValueError as error:
        raise SettingError("tokens", f"is a number of tokens, and {error}") from None


def lines(args: Arguments, tokens: int) -> list[str]:
    """Write the forecast, line by line."""
    import torch

    from nextword.bench.forecast import forecast, usable
    from nextword.bench.gpus import SHARE
    from nextword.runtime import available_memory, pick_device, pick_dtype
    from nextword.train import TrainConfig
    from nextword.train.estimate import SHARE as OWN_SHARE
    from nextword.train.estimate import product_rate
    from nextword.train.memory import TrainingSize

    config = TrainConfig(
        model=args.model, params=args.params, depth=args.depth, optimizer=args.optimizer, shard=args.shard
    )
    shape = config.shape_with(args.n_vocab)
    shape = replace(shape, n_ctx=max(shape.n_ctx, args.window), dropout=0.0)
    if args.gpu is not None:
        gpu, count = parse_gpu(args.gpu)
        device, dtype = torch.device("cuda"), getattr(torch, gpu.dtype)
        peak, share, memory = gpu.peak, args.share or SHARE, usable(gpu)
        where = f"On {count} x {gpu.name}, {gpu.memory / 1e9:.0f} GB and {peak / 1e12:,.0f} TFLOP/s in {gpu.dtype} each"
    else:
        if args.price is not None:
            raise SettingError("price", "is that of a GPU: name it by --gpu.")
        device, count = pick_device(), 1
        dtype = pick_dtype("auto", device)
        peak, share = product_rate(shape, 1024, dtype, device), args.share or OWN_SHARE
        memory = available_memory(device) or float("inf")
        name = str(dtype).removeprefix("torch.")
        where = f"On this machine, {memory / 1e9:.0f} GB free and {peak / 1e9:,.0f} GFLOP/s in {name}, just measured"
    batch_size = args.batch_size or (4 if device.type == "cpu" else 0)
    shards = count if args.shard else 1
    size = TrainingSize(
        shape, batch_size, args.window, dtype, device, shards=shards, recompute=args.recompute, optimizer=args.optimizer
    )
    found = forecast(size, tokens, peak, share, memory, count, fill=not batch_size)
    windows = batch_size or max(1, found.fits)
    needed = sum(found.parts.values())
    cost = [] if args.price is None else [row("cost", f"{found.seconds / 3600 * count * args.price:,.2f}")]
    return [
        described(shape),
        f"{in_millions(tokens)} tokens, {tokens / shape.n_params:.1f} for each parameter (from 20 on, a larger model "
        f"is the better buy), take {found.operations:.2e} operations.",
        "",
        f"{where}; of that rate training reaches about {share:.0%}:",
        row("tokens a second", f"{found.rate:,.0f}"),
        row("time", duration(found.seconds)),
        *cost,
        "",
        f"Memory, {windows} windows of {args.window} tokens side by side{' on each' if count > 1 else ''}:",
        *(row(part, f"{size / 1e9:.2f} GB") for part, size in found.parts.items()),
        row("in all", f"{needed / 1e9:.2f} of {memory / 1e9:.1f} GB"),
        "",
        verdict(found.fits, windows, needed <= memory, can_shard=count > 1 and not args.shard),
    ]


def parse_gpu(text: str) -> "tuple[Gpu, int]":
    """Read GPUs such as h100:8. Raises SettingError for one that is not known."""
    from nextword.bench.gpus import GPUS

    name, _, count = text.lower().partition(":")
    if name not in GPUS:
        raise SettingError("gpu", f"{name} is not known: choose {', '.join(GPUS)}.")
    if count and not (count.isdecimal() and int(count) > 0):
        raise SettingError("gpu", f"{text} is no number of GPUs: write {name}:8.")
    return GPUS[name], int(count or 1)


def verdict(fits: int, windows: int, is_enough: bool, can_shard: bool = False) -> str:
    """Say whether it fits, and what would."""
    if fits == 0 and can_shard:
        return "It does not fit: try --shard, and --recompute, which takes a third more time."
    if fits == 0:
        return "It does not fit: take a GPU with more memory, a shorter --window, or a smaller model."
    if not is_enough:
        return f"It does not fit. Use --batch-size {fits}, and a higher --accumulate to make up for it."
    return f"It fits; the most is --batch-size {fits}." if fits > windows else "It fits, and twice as many would not."


def row(name: str, value: str) -> str:
    """Write one line of a table."""
    return f"  {name:<34}{value:>16}"
