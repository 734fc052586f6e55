"""`nextword eval`: how good a model is, on any text and on the usual tasks."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from nextword.cli.arguments import parse
from nextword.cli.eval_report import Measured, heading, is_gpt2, report
from nextword.cli.measuring_line import MeasuringLine
from nextword.commands import command
from nextword.errors import SettingError
from nextword.tokenizer.vocab import END_OF_TEXT

if TYPE_CHECKING:
    from nextword.evaluate.task import Task
    from nextword.tokenizer import Tokenizer


@dataclass(frozen=True)
class Arguments:
    """Measure models on a text of yours (--data) or on a task of the literature (--task).

    Each figure comes with the range in which it would lie, at 95 percent, had other items been drawn; several models
    are compared on the same items. What was published of gpt2 stands beside it, with where and by which protocol.
    """

    models: Annotated[tuple[str, ...], tyro.conf.Positional]
    """gpt2 and its siblings, runs, Hugging Face or OpenAI directories. The first is what others are compared with."""

    data: tuple[str, ...] = ()
    """Texts, read as by `nextword train`: files, folders, patterns, hub:OWNER/NAME."""

    stride: int | None = None
    """Tokens that each window predicts. Default: all of them; fewer take longer, and each sees more before it."""

    separator: str = END_OF_TEXT
    """What separates documents within a file of --data. \\n is a line break; "" means no separator."""

    encoding: str | None = None
    """The encoding of --data's files. Default: UTF-8."""

    field: str | None = None
    """The column of --data's records that holds the text. Default: the only one that may be it."""

    as_text: bool = False
    """Take JSON and tables in --data as they stand."""

    task: str | None = None
    """lambada, hellaswag, cbt-cn, cbt-ne, wikitext2, wikitext103, ptb, 1bw, enwik8 or text8."""

    protocol: str | None = None
    """By which custom: paper, last-token, lm-eval, completion or hf-stride, as the task has it. Default: the usual."""

    file: str | None = None
    """The task's data, in one of its usual formats. Default: from the Hugging Face hub."""

    harness: str | None = None
    """Let lm-evaluation-harness measure: the names of its tasks, such as arc_easy,piqa. Needs lm-eval."""

    limit: int | None = None
    """Take the first so many items of a task only."""

    part: str | None = None
    """Take one of several equal parts, such as 3/8, on one of several machines. Needs --out."""

    out: str | None = None
    """A file for each item's outcome, by which the same command goes on after a kill."""

    results: tuple[str, ...] = ()
    """Files that --out wrote, of all parts: tell what they come to together, without a model."""

    plot: str | None = None
    """Draw the loss of --data by how many tokens stand before, into this file (PNG)."""

    json: bool = False
    """Write the figures as JSON."""

    device: str = "auto"
    """Where to compute: cuda, mps or cpu; auto takes the first of them that is there."""

    dtype: Literal["float32", "bfloat16"] = "float32"
    """The format of matrix products."""

    def __post_init__(self) -> None:
        given = [name for name in ("data", "task", "harness", "results") if getattr(self, name)]
        if len(given) != 1:
            raise ValueError("Name one thing to measure on: --data FILE for a text, --task NAME, or --harness TASKS.")
        if not self.results and not self.models:
            raise ValueError(f"Name a model to measure, such as {command('eval', 'gpt2')}, or the directory of a run.")
        if self.results and self.models:
            raise ValueError("--results tells of a model that was measured: leave out the models.")
        if self.part is not None and self.out is None:
            raise SettingError("part", "is kept in a file, to be put together with the others: add `out`.")
        if self.out is not None and len(self.models) > 1:
            raise SettingError("out", "is a file of one model's outcomes: measure one after the other.")
        for name, value in (("stride", self.stride), ("limit", self.limit)):
            if value is not None and value < 1:
                raise SettingError(name, f"must be at least 1, not {value}.")
        if self.plot is not None and not self.data:
            raise SettingError("plot", "shows a text's loss: it goes with `data`.")


Make = Callable[["Tokenizer", int], "Task"]


def run(arguments: list[str]) -> int:
    """Measure, and print a table."""
    args = parse(Arguments, "eval", arguments)
    if args.results:
        report([put_together(args.results)], args.json, None)
        return 0

    if args.harness is not None:
        from nextword.cli.eval_harness import run_harness

        return run_harness(args.models, args.harness, args.limit, args.device, args.dtype, args.json)

    import torch

    from nextword.cli.chosen_model import chosen_model
    from nextword.data.parts import Part, parse_part
    from nextword.evaluate.running import outcomes_of
    from nextword.user_model import checked_gpt

    part = Part(1, 1) if args.part is None else parse_part(args.part)
    out = None if args.out is None else Path(args.out)
    make = text_tasks(args) if args.data else named_tasks(args)
    measured: list[Measured] = []
    for name in args.models:
        model, tokenizer = chosen_model(name, None, args.device)
        gpt = checked_gpt(model, [[0]])
        task = make(tokenizer, gpt.config.n_ctx)
        if not measured:
            print(heading(task), file=sys.stderr if args.json else sys.stdout)
        progress = MeasuringLine(name)
        dtype = getattr(torch, args.dtype)
        outcomes = outcomes_of(gpt, task, name, dtype, part, out, args.limit, progress.tell)
        progress.end()
        if part.count > 1:
            print(f"{len(outcomes):,} items are in {args.out}. When all parts are done: --results with their files.")
            return 0
        measured.append(Measured(name, task.measures, list(outcomes.values()), is_gpt2(gpt.config.n_params)))
    report(measured, args.json, args.plot)
    return 0


def text_tasks(args: Arguments) -> Make:
    """Read --data. -> what makes a task of it, for a tokenizer and n_ctx."""
    from nextword.data import Reading, read_corpus
    from nextword.evaluate.text import TextTask

    reading = Reading(args.separator.replace("\\n", "\n"), args.encoding, args.as_text, field=args.field)
    corpus = read_corpus(args.data, reading)
    return lambda tokenizer, n_ctx: TextTask(corpus.documents, tokenizer, n_ctx, args.stride, sha256=corpus.sha256)


def named_tasks(args: Arguments) -> Make:
    """Read --task's data. -> what makes a task of it, for a tokenizer and n_ctx."""
    from nextword.evaluate.tasks import chosen_protocol, make_task, read_data

    name = args.task or ""
    protocol = chosen_protocol(name, args.protocol)
    data = read_data(name, args.file)
    return lambda tokenizer, n_ctx: make_task(name, data, protocol, tokenizer, n_ctx)


def put_together(files: tuple[str, ...]) -> Measured:
    """Read the outcomes of all parts."""
    from nextword.evaluate.outcome_file import put_together, read_outcomes
    from nextword.evaluate.tasks import measures_by_name

    read = [read_outcomes(Path(file).expanduser()) for file in files]
    outcomes, header = put_together(read), read[0].header
    measures = measures_by_name(header.task, header.protocol)
    return Measured(header.model, measures, list(outcomes.values()), header.model == "gpt2")
