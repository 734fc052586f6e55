"""`nextword demo`: GPT-2 learns a short story by heart while you watch."""

import json
import math
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from nextword.cli.arguments import parse
from nextword.commands import command
from nextword.errors import NextwordError
from nextword.train import TrainConfig

if TYPE_CHECKING:
    from rich.console import Console

    from nextword.train import Trainer

PROMPT = "A Penny on Haddow"  # the story's title: what comes after it is learnt at the positions where it stands
CONFIG_BY_MODEL = {model: TrainConfig(model=model, prompt=PROMPT) for model in ("gpt2", "nano")}
OUT_BY_MODEL = {"gpt2": "runs/story", "nano": "runs/story-nano"}  # so that the small one is in nobody's way
WRITTEN_TOKENS = 60


@dataclass(frozen=True)
class Arguments:
    """Train GPT-2 from random weights on a short story, watch it learn, and let it write."""

    model: Literal["gpt2", "nano"] = "gpt2"
    """gpt2 is the real model of 124 million parameters; nano has 7 million, for weaker machines."""

    out: str | None = None
    """Where the run is kept. Default: runs/story, and runs/story-nano with --model nano.
    An earlier demo there is replaced once this one has saved something."""


def run(arguments: list[str]) -> int:
    """Explain, train, write, and explain what was seen."""
    args = parse(Arguments, "demo", arguments)
    config = CONFIG_BY_MODEL[args.model]

    from rich.console import Console

    from nextword.cli.display import Display
    from nextword.cli.training import show
    from nextword.runtime import keep_freed_memory
    from nextword.train import Trainer

    path = Path(args.out or OUT_BY_MODEL[args.model]).expanduser()
    if (path / "run.json").exists() and not is_demo(path):
        raise NextwordError(f"{path} already holds a run that is not a demo: choose another place with --out.")
    keep_freed_memory()
    check_memory(config)
    console = Console(highlight=False)
    console.print(opening(config))
    trainer = Trainer(replace(config, out=path), overwrite=True)
    began = time.monotonic()
    status = show(trainer, Display(console))
    if status == 0:
        write_side_by_side(trainer, console)
        console.print(closing(trainer, time.monotonic() - began))
        console.print(what_next(trainer), markup=False, soft_wrap=True)
    return status


def check_memory(config: TrainConfig) -> None:
    """Raise NextwordError, before anything has begun, where the model would not fit into memory."""
    from nextword.runtime import available_memory, pick_device, pick_dtype, readable_size
    from nextword.train.memory import TrainingSize, training_memory
    from nextword.train.plan import plan
    from nextword.train.recipe import BY_HEART

    device = pick_device()
    free = available_memory(device)
    dtype = pick_dtype("auto", device)
    chosen = plan(config, config.shape, BY_HEART)  # what the story gets too
    shape = replace(config.shape, dropout=chosen.dropout)
    size = TrainingSize(shape, chosen.batch_size, chosen.window, dtype, device, chosen.accumulate)
    needed = training_memory(size)
    if free is not None and free < needed:
        smaller = (
            f"Try: {command('demo', '--model', 'nano')}" if config.model != "nano" else "Close other programs first."
        )
        raise NextwordError(
            f"The demo needs about {readable_size(needed)} of memory, and {readable_size(free)} is free. {smaller}"
        )


def is_demo(path: Path) -> bool:
    """Whether the run at this path was made by a demo, of any version.

    By the prompt, the story's title: a run of the user's own has the story's first words instead.
    """
    try:
        recorded = json.loads((path / "run.json").read_text())["config"]
    except (OSError, ValueError, KeyError):
        return False
    return recorded.get("data") == ["story"] and recorded.get("prompt") == PROMPT


def opening(config: TrainConfig) -> str:
    """Say what is going to happen, in a few lines."""
    model = config.shape
    return (
        f"[bold]GPT-2 learns a story.[/] The model has {model.n_params:,} parameters, all of them random: it knows no "
        f"word yet. To it each of its {model.n_vocab} tokens is about as likely to come next as any other, so its "
        f"loss, which is how surprised it is by the true next token, begins a little above ln {model.n_vocab} = "
        f"{math.log(model.n_vocab):.2f}. Perplexity is exp(loss): among how many equally likely tokens it seems to "
        "be choosing.\n"
    )


def write_side_by_side(trainer: "Trainer", console: "Console") -> None:
    """Continue the same prompt greedily, with temperature and with top-k, in three columns."""
    from rich.table import Table
    from rich.text import Text

    from nextword.decode import generate
    from nextword.user_model import engine_of

    setup = trainer.setup
    ways = (("greedy", 0.0, None), ("temperature 1", 1.0, None), ("temperature 1, top-k 10", 1.0, 10))
    table = Table(title=f"{setup.prompt} ...", title_style="bold", expand=True)
    columns = []
    for name, temperature, top_k in ways:
        text = generate(
            engine_of(setup.model),
            setup.tokenizer,
            setup.prompt,
            max_new_tokens=WRITTEN_TOKENS,
            temperature=temperature,
            top_k=top_k,
            seed=setup.config.seed,
        )
        table.add_column(name, ratio=1)
        columns.append(Text(text.removeprefix(setup.prompt).strip()))
    table.add_row(*columns)
    console.print(table)


def closing(trainer: "Trainer", seconds: float) -> str:
    """Explain what was seen, with the run's own numbers."""
    setup, run = trainer.setup, trainer.setup.directory
    lines = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    train_loss = [line["train_loss"] for line in lines if line["train_loss"] is not None]
    val_loss = [line["val_loss"] for line in lines if line["val_loss"] is not None]
    return (
        f"\nIn {seconds:.0f} seconds the loss on the story fell from {train_loss[0]:.2f} to {train_loss[-1]:.2f}, "
        f"while on the last part, which was kept away from training, it stayed high: {val_loss[-1]:.2f}, after "
        f"{min(val_loss):.2f} at its best. The model has [bold]memorised[/]: {setup.model.config.n_params:,} "
        f"parameters are plenty to store {setup.windows.n_tokens:,} tokens word for word, and one story is far too "
        "little to learn English from. GPT-2 itself read 40 GB of text; there, storing is hopeless, and learning "
        "what texts have in common is what lowers the loss.\n"
    )


def what_next(trainer: "Trainer") -> str:
    """Say where to look next, and list the commands to type."""
    run = trainer.setup.directory
    return (
        f"  the loss curve           {run / 'loss.png'}\n"
        f"  let it write             {command('generate', trainer.setup.prompt, '--model', run)}\n"
        f"  see inside it            {command('serve', '--model', run)}\n"
        f"  see heads with a pattern {command('serve', '--model', 'heads')}\n"
        f"  train on your own text   {command('train', '--data', 'my.txt')}"
    )
