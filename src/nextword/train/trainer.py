"""The training loop: steps, and validation, samples, logs and checkpoints between them.

`Trainer.run` is a generator of events (`train/events.py`): it trains while
someone listens, and whoever listens decides what to show.
"""

import gc
import inspect
import threading
import time
import weakref
from collections.abc import Generator, Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial

from nextword.data.sharded_corpus import Tell
from nextword.decode import generate
from nextword.errors import NotFiniteError, TrainingError
from nextword.evaluate import evaluate, perplexity
from nextword.model import GPT
from nextword.runtime import available_memory
from nextword.train.background import Background
from nextword.train.checkpoint import Snapshot, in_memory, training_tensors, write_checkpoint
from nextword.train.compilation import COMPILE_SECONDS, TRIAL_STEPS, can_compile
from nextword.train.config import TrainConfig
from nextword.train.events import (
    Compiling,
    Event,
    Finished,
    Judged,
    Prolonged,
    Sampled,
    Saved,
    Stepped,
    Validated,
    Warned,
)
from nextword.train.following_ranks import END, MOMENTS, STEP, WEIGHTS, lead, leading
from nextword.train.health import CurveWatch, LossWatch, PassedBest
from nextword.train.heartbeat import heartbeat
from nextword.train.loss_scale import all_skipped, first_skipped
from nextword.train.memory import CPU, out_of_memory, ran_out
from nextword.train.opened_run import open_run
from nextword.train.plot import plot_loss
from nextword.train.prolongation import rate
from nextword.train.ranks import ALONE, Ranks, lost_connection
from nextword.train.recorded_run import MAY_DIFFER
from nextword.train.steps import Steps
from nextword.user_model import UserModel, as_gpt, engine_of
from nextword.weights import save_huggingface

SAVE_SECONDS = 600.0  # between checkpoints, where no save_every is given
FIRST_SAVE_SECONDS = 60.0  # until the first, so that a crash soon after does not lose all
SAMPLE_TOKENS = 40

LONG_TO_WRITE = 256 * 2**20
"""Bytes of a checkpoint from which on it is written while training goes on: some 20M parameters."""

ROOM = 1.5
"""How much of a checkpoint's size must be free to copy it first."""


class Trainer:
    """One training run, from its first step or from its newest checkpoint.

        for event in Trainer(TrainConfig(data=("notes.txt",))).run():
            print(event)

    Everything is checked before anything is written, which `run` does first; only a text that is too long for
    memory is encoded to the disk before, and `tell` is told so. Raises DataError,
    WeightsError, RunError and ValueError for what cannot be used; `run` raises
    TrainingError where numbers stop being finite or memory runs out.

    Of several ranks this is the first; the others are `FollowingRank`s.
    """

    def __init__(
        self,
        config: TrainConfig,
        *,
        resume: bool = False,
        overwrite: bool = False,
        tell: Tell = lambda said: None,
        ranks: Ranks = ALONE,
    ):
        with leading(ranks):
            self._opened = open_run(config, resume, overwrite, tell, ranks.count)
        self.setup, self._state = self._opened.setup, self._opened.state
        self._optimizer = self._opened.optimizer
        self._sharded = lead(ranks, self.setup, self._optimizer, self._state)
        optimizer = self._optimizer if self._sharded is None else self._sharded.optimizer
        self._steps = Steps(self.setup, optimizer, self._state, ranks, self._sharded)
        self._put_away()
        self._ranks = ranks
        self._watch, self._passed_best = LossWatch(), PassedBest()
        self._curve_watch = CurveWatch(self.setup.directory)
        self._writing: Background[Saved] = Background("checkpoint")
        self._best: GPT | None = None  # the best weights so far, where they are not on the disk yet

    @property
    def step(self) -> int:
        """The number of updates made."""
        return self._state.step

    def stop(self) -> None:
        """Ask the run to end after this step, with a checkpoint. Safe in a signal handler.

        A run that has made no step yet makes one, since there would be nothing to resume from.
        With several ranks it is the step after.
        """
        self._steps.stop()

    def run(self) -> Iterator[Event]:
        """Train to the plan's end, or until `stop` is called, yielding events."""
        events = self._locked_run()
        self._events, self._thread = weakref.ref(events), threading.get_ident()
        return events

    def suspended(self) -> Generator[Event, None, None] | None:
        """Find the run's generator, if this thread began it and left it in the middle."""
        events = self._events()
        if events is None or threading.get_ident() != self._thread:
            return None
        return events if inspect.getgeneratorstate(events) == inspect.GEN_SUSPENDED else None

    def _locked_run(self) -> Generator[Event, None, None]:
        """Run with the directory locked, from the first event until the last or until nobody listens."""
        run = self._directory = self._opened.begin(self)
        self._opened.warnings += run.weaknesses()
        gc.freeze()  # what is there by now stays: no use in looking through it again and again
        try:
            with heartbeat(self._ranks, self._steps):
                yield from self._run()
        except (RuntimeError, MemoryError, TrainingError, NotFiniteError) as error:
            if isinstance(error, TrainingError | NotFiniteError):
                said = str(error)
            elif self._ranks.several and lost_connection(error):
                said = "Another process of this run has ended, so this one cannot go on: `resume=True` does."
            elif ran_out(error):
                said = out_of_memory(self._opened.size, self._opened.free_memory)
            else:
                raise
            raise TrainingError(said + (" The older run is back in its place." if run.settle() else "")) from error
        finally:
            gc.unfreeze()
            with suppress(Exception):  # what happened first was said
                self._writing.result(wait=True)
            run.settle()
            run.release()

    def _run(self) -> Iterator[Event]:
        opened, plan, state = self._opened, self.setup.plan, self._state
        yield opened.started(self._directory.path)
        if opened.prolonged is not None:
            now, last = plan.prolonged[-1], rate(plan, plan.steps - 1)
            lr = rate(plan, self.step)
            yield Prolonged(self.step, now.steps_before, plan.steps, lr, last, plan.schedule, now.fall)
            opened.prolonged = None
        for message in opened.warnings:
            yield Warned(self.step, message)
        if self.step == 0:
            self._gather()
            untrained = self._validate()
            self._log(validated=untrained)
            self._log_attention()
            yield untrained
            yield from self._judge()
            yield self._sample()  # so that later ones can be held against it
            self._put_away()
        self._began = self._saved_at = time.monotonic()
        self._first = self._saved_step = self.step
        if state.compiled_from is not None and self._steps.go_on and self._sharded is None:
            yield self._compile_again(state.compiled_from)
        while self._steps.go_on:
            if self.step == self._first + TRIAL_STEPS:
                yield from self._perhaps_compile()
            self._order(STEP)
            if warning := self._steps.launch():
                yield Warned(self.step, warning)
            yield from self._read_steps(all_but=self._steps.not_yet_due)
            if saved := self._writing.result():
                yield saved
            if self.step < plan.steps and self._save_is_due():
                yield from self._read_steps()
                yield from self._save()
        yield from self._read_steps()  # if the run was asked to stop meanwhile
        if self._saved_step != self.step:
            yield from self._save()
        if saved := self._writing.result(wait=True):
            yield saved
        self._order(END)
        if isinstance(self.setup.model, UserModel):
            for message in self.setup.model.not_exported():
                yield Warned(self.step, message)
        if state.loss_scale is not None and state.loss_scale.skipped > 1:
            yield Warned(self.step, all_skipped(self.step, state.loss_scale))
        if self.step > self._first:
            yield from self._judge(at_the_end=True)
        yield Finished(self.step, self.step == plan.steps, self._directory.path, state.best_step)

    def _perhaps_compile(self) -> Iterator[Event]:
        """Compile the model, if by the steps made so far that saves time."""
        saves = self._steps.saved_by_compiling()
        if saves > 0:
            yield from self._read_steps()
            yield Compiling(self.step, COMPILE_SECONDS, saves)
            self._steps.compile()

    def _compile_again(self, since: int) -> Event:
        """Compile at once, as before the run stopped, or warn that it cannot be done."""
        if not can_compile(self.setup.device):
            message = f"From step {since} on this run was compiled, which cannot be done here: {MAY_DIFFER}"
            return Warned(self.step, message)
        self._steps.compile()
        return Compiling(self.step, COMPILE_SECONDS, None)

    def _read_steps(self, all_but: int = 0) -> Iterator[Event]:
        """Yield the events of steps that were launched, oldest first, but for the last `all_but`."""
        while self._steps.unread > all_but:
            yield from self._events_after(self._steps.read())

    def _events_after(self, stepped: Stepped) -> Iterator[Event]:
        """Yield the events of a step: validate, log and sample where they are due."""
        plan, step, state = self.setup.plan, stepped.step, self._state
        last = step == plan.steps
        validates = last or step % plan.eval_every == 0
        samples = last or step % plan.sample_every == 0
        if validates or samples:
            self._gather()
        validated = self._validate() if validates else None
        self._log(stepped, validated)
        if validated is not None:
            self._log_attention()
        seconds_a_step = (time.monotonic() - self._began) / (step - self._first)
        yield replace(stepped, seconds_left=seconds_a_step * (plan.steps - step))
        scale = state.loss_scale
        if stepped.skipped and scale is not None and scale.skipped == 1:
            yield Warned(step, first_skipped(step, scale))
        if warning := self._watch.warning(stepped.train_loss, state.start_loss or stepped.train_loss):
            yield Warned(step, warning)
        if validated is not None:
            yield validated
            passes = step * plan.tokens_per_step / self.setup.windows.n_tokens
            if passed := self._passed_best.warning(validated.val_loss, state, passes):
                yield Warned(step, passed)
            yield from self._judge()
        if samples:
            yield self._sample()
        self._put_away()

    def _order(self, said: str) -> None:
        """Tell the other ranks of a sharded model what comes next."""
        if self._sharded is not None:
            self._ranks.tell(said)

    def _gather(self, what: str = WEIGHTS) -> None:
        """Gather the whole model in this rank, where it is sharded, and with MOMENTS its optimizer too."""
        if self._sharded is not None:
            self._order(what)
            self.setup.model.to(self.setup.device)
            self._sharded.gather(self.setup.model, self._optimizer, with_moments=what == MOMENTS)

    def _put_away(self) -> None:
        """Move the whole model of a sharded run out of the GPU's memory."""
        if self._sharded is not None:
            self.setup.model.to("cpu")

    def _validate(self) -> Validated:
        """Measure the loss on the whole validation text, and keep the weights if they are the best yet."""
        setup, state = self.setup, self._state
        loss = evaluate(setup.model, setup.val_ids, setup.plan.window, setup.plan.batch_size, setup.dtype)
        is_best = self.step > 0 and (state.best_val_loss is None or loss < state.best_val_loss)
        if is_best:
            state.best_val_loss, state.best_step = loss, self.step
            self._best = in_memory(as_gpt(setup.model))
        return Validated(self.step, loss, perplexity(loss), is_best)

    def _judge(self, at_the_end: bool = False) -> Iterator[Event]:
        """Say what is wrong with the losses, once; at the end also that nothing is."""
        verdict = self._curve_watch.verdict(at_the_end)
        if verdict is not None:
            yield Judged(self.step, verdict)

    def _log_attention(self) -> None:
        """Log every head's attention weights on the beginning of the validation text."""
        self._directory.attention.add(self.step, as_gpt(self.setup.model), self.setup.val_ids)

    def _sample(self) -> Sampled:
        """Generate a sample, with the same random numbers each time, and keep it."""
        setup = self.setup
        text = generate(
            engine_of(setup.model), setup.tokenizer, setup.prompt, max_new_tokens=SAMPLE_TOKENS, seed=setup.config.seed
        ).removeprefix(setup.prompt)
        self._directory.add_sample(self.step, setup.prompt, text)
        return Sampled(self.step, setup.prompt, text)

    def _save_is_due(self) -> bool:
        """Whether a checkpoint is due: by the step where the plan says so, else by the clock."""
        if self.setup.plan.save_every is not None:
            return self.step % self.setup.plan.save_every == 0
        nothing_yet = self._saved_step == 0
        return time.monotonic() - self._saved_at > (FIRST_SAVE_SECONDS if nothing_yet else SAVE_SECONDS)

    def _save(self) -> Iterator[Saved]:
        """Save a checkpoint: at once, or from a copy of everything, while training goes on.

        That pays where writing takes long, and needs memory for the copy.
        """
        if before := self._writing.result(wait=True):
            yield before
        setup, best = self.setup, self._best
        self._gather(MOMENTS)
        snapshot = Snapshot(setup.model, training_tensors(setup.model, self._optimizer), self._state)
        self._best = None
        self._saved_at, self._saved_step = time.monotonic(), self.step
        is_last = self.step == setup.plan.steps or not self._steps.go_on
        free = available_memory(CPU)
        has_room = free is None or free > ROOM * snapshot.size
        if isinstance(setup.model, GPT) and snapshot.size >= LONG_TO_WRITE and has_room and not is_last:
            self._writing.begin(partial(self._write, snapshot.copied(), best))
        else:
            yield self._write(snapshot, best)
        self._put_away()

    def _write(self, snapshot: Snapshot, best: GPT | None) -> Saved:
        """Write a checkpoint, the run's own weights, the best ones, and the picture."""
        run = self._directory
        path = write_checkpoint(run.checkpoints, snapshot)
        run.publish(path)
        if best is not None:
            save_huggingface(best, run.path / "best")
        plot_loss(run.path / "log.jsonl", run.path / "loss.png", snapshot.model.config.n_vocab)
        run.settle()
        return Saved(snapshot.state.step, path)

    def _log(self, stepped: Stepped | None = None, validated: Validated | None = None) -> None:
        """Write a step's line into log.jsonl, with null for values that were not measured."""
        step = stepped.step if stepped else self.step
        self._directory.log(
            step=step,
            tokens=step * self.setup.plan.tokens_per_step,
            train_loss=stepped.train_loss if stepped else None,
            val_loss=validated.val_loss if validated else None,
            perplexity=validated.perplexity if validated else None,
            lr=stepped.lr if stepped else None,
            grad_norm=stepped.grad_norm if stepped and not stepped.skipped else None,
            tok_per_s=round(stepped.tok_per_s, 1) if stepped else None,
        )
