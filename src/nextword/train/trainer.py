"""The training loop: a step, and when to validate, sample, log and save. `train/steps.py` makes the steps.

`Trainer.run` is a generator of events (`train/events.py`): it trains while
someone listens, and whoever listens decides what to show.
"""

import copy
import gc
import inspect
import json
import math
import threading
import time
import weakref
from collections.abc import Generator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from nextword.commands import quoted
from nextword.data import Corpus, read_corpus
from nextword.decode import generate
from nextword.errors import NotFiniteError, RunError, TrainingError
from nextword.evaluate import evaluate, perplexity
from nextword.model import GPT, GPTConfig
from nextword.runtime import available_memory, pick_device
from nextword.train.checkpoint import Progress, checkpoints, newest_sound_checkpoint, restore, save_checkpoint
from nextword.train.compiling import COMPILE_SECONDS, TRIAL_STEPS, can_compile
from nextword.train.config import TrainConfig
from nextword.train.estimate import expected_seconds
from nextword.train.events import (
    Compiling,
    Event,
    Finished,
    Prolonged,
    Sampled,
    Saved,
    Started,
    Stepped,
    Validated,
    Warned,
)
from nextword.train.health import LossWatch, PassedBest
from nextword.train.job import (
    AT_FIRST,
    MAY_DIFFER,
    Job,
    as_begun,
    changes_in_numerics,
    check_unchanged,
    how_to_read,
    prepare,
    run_path,
)
from nextword.train.memory import out_of_memory, ran_out, shortage
from nextword.train.optimizer import make_optimizer
from nextword.train.plot import plot_loss
from nextword.train.prolonging import prolonged_description, rate, resumed_plan
from nextword.train.run_directory import RunDirectory, check_free, check_idle, description
from nextword.train.steps import Steps
from nextword.user_model import UserModel, as_gpt, engine_of
from nextword.weights import save_huggingface

SAVE_SECONDS = 600.0  # between checkpoints, where no --save-every is given
FIRST_SAVE_SECONDS = 60.0  # until the first, so that a crash soon after does not lose all
SAMPLE_TOKENS = 40


class Trainer:
    """One training run, from its first step or from where it stopped.

        for event in Trainer(TrainConfig(data=("notes.txt",))).run():
            print(event)

    Everything is checked before anything is written, which `run` does first. Raises DataError,
    WeightsError, RunError and ValueError for what cannot be used; `run` raises
    TrainingError where numbers stop being finite or memory runs out.
    """

    def __init__(self, config: TrainConfig, *, resume: bool = False, overwrite: bool = False):
        self._warnings: list[str] = []
        self._stopping = False
        self._best: GPT | None = None  # the best weights so far, where they are not on the disk yet
        self._free_at_start = available_memory(pick_device(config.device))
        path = run_path(config)
        put_back = check_idle(path)
        recorded = description(path) if resume and not put_back else None
        if recorded is not None:  # what was not asked when the run began is as it was then
            config = replace(config, **{name: was for name, was in AT_FIRST.items() if name not in recorded["config"]})
        corpus = read_corpus(config.data, how_to_read(config, recorded))
        self._overwrite = overwrite
        self._checkpoint: Path | None = None  # to resume from
        self._prolonged: dict[str, Any] | None = None  # what run.json is to say, if the run gets more steps
        if resume:
            if put_back:
                raise RunError(
                    f"The run that was begun in {path} ended before it had saved anything, and the older one, which it "
                    "was to replace, is back: go on with that by --resume, or replace it with --overwrite."
                )
            self.job, self._optimizer, self._progress = self._take_up(path, config, corpus)
        else:
            check_free(path, overwrite)
            self.job = prepare(config, corpus)
            self._optimizer = make_optimizer(self.job.model, self.job.plan.lr, config.weight_decay, config.beta2)
            self._progress = Progress()
        self._steps = Steps(self.job, self._optimizer, self._progress)
        self._watch, self._passed_best = LossWatch(), PassedBest()
        if isinstance(self.job.model, UserModel):
            self._warnings += self.job.model.warnings()
        short = shortage(*self._memory_settings())
        self._warnings += [short] if short else []

    @property
    def step(self) -> int:
        """How many updates have been made."""
        return self._progress.step

    def stop(self) -> None:
        """Ask the run to end after the step that it is at, with a checkpoint. Safe in a signal handler.

        A run that has made no step yet makes one, since there would be nothing to resume from.
        """
        self._stopping = True

    def run(self) -> Iterator[Event]:
        """Train to the plan's end, or until `stop` is called, telling what happens as it happens."""
        events = self._hold_and_run()
        self._events, self._thread = weakref.ref(events), threading.get_ident()
        return events

    def left(self) -> Generator[Event, None, None] | None:
        """The run, if it stands still in the middle and this thread is the one that began it."""
        events = self._events()
        if events is None or threading.get_ident() != self._thread:
            return None
        return events if inspect.getgeneratorstate(events) == inspect.GEN_SUSPENDED else None

    def _hold_and_run(self) -> Generator[Event, None, None]:
        """Run, with the directory held from the first event until the last, or until nobody listens any more."""
        run = self._directory = self._begin()
        self._warnings += run.weaknesses()
        gc.freeze()  # what is there by now stays: no use in looking through it again and again
        try:
            yield from self._run()
        except (RuntimeError, MemoryError, TrainingError, NotFiniteError) as error:
            is_told = isinstance(error, TrainingError | NotFiniteError)
            if not (is_told or ran_out(error)):
                raise
            said = str(error) if is_told else out_of_memory(*self._memory_settings())
            raise TrainingError(said + (" The older run is back in its place." if run.settle() else "")) from error
        finally:
            gc.unfreeze()
            run.settle()
            run.release()

    def _begin(self) -> RunDirectory:
        """Hold the run's directory, and write there what a run begins with, or take up the one that stopped."""
        path = self.job.directory
        if self._checkpoint is None and self.step == 0:
            return RunDirectory.create(path, self.job.describe(), self._overwrite, self)
        run = RunDirectory.reopen(path, self)
        if self._checkpoint is not None:
            if checkpoints(run.checkpoints) != self._states:
                run.release()
                raise RunError(f"The run in {path} has gone on since this trainer was made: resume it anew.")
            run.rewind(self.step)
            run.publish(self._checkpoint)  # a kill may have come between the checkpoint and this
            self._checkpoint = None
        if self._prolonged is not None:
            run.describe(json.dumps(self._prolonged, indent=1) + "\n")
        return run

    def _run(self) -> Iterator[Event]:
        plan, progress = self.job.plan, self._progress
        yield self._started()
        if self._prolonged is not None:
            now, last = plan.prolonged[-1], rate(plan, plan.steps - 1)
            lr = rate(plan, self.step)
            yield Prolonged(self.step, now.steps_before, plan.steps, lr, last, plan.schedule, now.fall)
            self._prolonged = None
        for message in self._warnings:
            yield Warned(self.step, message)
        if self.step == 0:
            untrained = self._validate()
            self._log(validated=untrained)
            self._look()
            yield untrained
            yield self._sample()  # so that later ones can be held against it
        self._began = self._saved_at = time.monotonic()
        self._first = self._saved_step = self.step
        if progress.compiled_from is not None and self._goes_on():
            yield self._compile_again(progress.compiled_from)
        while self._goes_on():
            if self.step == self._first + TRIAL_STEPS:
                yield from self._perhaps_compile()
            if warning := self._steps.launch():
                yield Warned(self.step, warning)
            # A GPU is never waited for without need: a step's numbers are read while the next one is computed.
            yield from self._tell(all_but=0 if self._steps.waits or self._something_is_due() else 1)
            if self.step < plan.steps and self._save_is_due():
                yield from self._tell()
                yield self._save()
        yield from self._tell()  # if the run was asked to stop meanwhile
        if self._saved_step != self.step:
            yield self._save()
        if isinstance(self.job.model, UserModel):
            for message in self.job.model.not_exported():
                yield Warned(self.step, message)
        yield Finished(self.step, self.step == plan.steps, self._directory.path, progress.best_step)

    def _goes_on(self) -> bool:
        return self.step < self.job.plan.steps and not (self._stopping and self.step > 0)

    def _something_is_due(self) -> bool:
        """Whether the step that was launched last is one to look at."""
        plan = self.job.plan
        return self.step == plan.steps or self.step % plan.eval_every == 0 or self.step % plan.sample_every == 0

    def _perhaps_compile(self) -> Iterator[Event]:
        """Compile the model from here on, if by the steps made so far that saves more time than it takes."""
        saves = self._steps.saved_by_compiling()
        if saves > 0:
            yield from self._tell()
            yield Compiling(self.step, COMPILE_SECONDS, saves)
            self._steps.compile()

    def _compile_again(self, since: int) -> Event:
        """Go on with compiled code at once, as before the run stopped, or tell why not."""
        if not can_compile(self.job.device):
            message = f"From step {since} on this run was compiled, which cannot be done here: {MAY_DIFFER}"
            return Warned(self.step, message)
        self._steps.compile()
        return Compiling(self.step, COMPILE_SECONDS, None)

    def _tell(self, all_but: int = 0) -> Iterator[Event]:
        """What happened in the steps that were launched, oldest first, but for so many."""
        while self._steps.unread > all_but:
            yield from self._after(self._steps.read())

    def _after(self, stepped: Stepped) -> Iterator[Event]:
        """What is to be told of a step, and looked at after it."""
        plan, step = self.job.plan, stepped.step
        last = step == plan.steps
        validated = self._validate() if last or step % plan.eval_every == 0 else None
        self._log(stepped, validated)
        if validated is not None:
            self._look()
        seconds_a_step = (time.monotonic() - self._began) / (step - self._first)
        yield replace(stepped, seconds_left=seconds_a_step * (plan.steps - step))
        if warning := self._watch.warning(stepped.train_loss, self._progress.start_loss or stepped.train_loss):
            yield Warned(step, warning)
        if validated is not None:
            yield validated
            if passed := self._passed_best.warning(validated.val_loss, self._progress):
                yield Warned(step, passed)
        if last or step % plan.sample_every == 0:
            yield self._sample()

    def _validate(self) -> Validated:
        """Measure the loss on the whole validation text, and remember the weights if they are the best yet."""
        job, progress = self.job, self._progress
        loss = evaluate(job.model, job.val_ids, job.plan.window, job.plan.batch_size, job.dtype)
        is_best = self.step > 0 and (progress.best_val_loss is None or loss < progress.best_val_loss)
        if is_best:
            progress.best_val_loss, progress.best_step = loss, self.step
            self._best = copy.deepcopy(as_gpt(job.model)).cpu()
        return Validated(self.step, loss, perplexity(loss), is_best)

    def _look(self) -> None:
        """Keep where each head looks in the beginning of the validation text."""
        self._directory.attention.add(self.step, as_gpt(self.job.model), self.job.val_ids)

    def _sample(self) -> Sampled:
        """Let the model write, with the same random numbers each time, and keep what it wrote."""
        job = self.job
        text = generate(
            engine_of(job.model), job.tokenizer, job.prompt, max_new_tokens=SAMPLE_TOKENS, seed=job.config.seed
        ).removeprefix(job.prompt)
        self._directory.add_sample(self.step, job.prompt, text)
        return Sampled(self.step, job.prompt, text)

    def _save_is_due(self) -> bool:
        """By the step where the plan says so, else by the clock."""
        if self.job.plan.save_every is not None:
            return self.step % self.job.plan.save_every == 0
        nothing_yet = self._saved_step == 0
        return time.monotonic() - self._saved_at > (FIRST_SAVE_SECONDS if nothing_yet else SAVE_SECONDS)

    def _save(self) -> Saved:
        """Write a checkpoint to resume from, the run's own weights, the best ones, and the picture."""
        job, run = self.job, self._directory
        path = save_checkpoint(run.checkpoints, job.model, self._optimizer, self._progress)
        run.publish(path)
        if self._best is not None:
            save_huggingface(self._best, run.path / "best")
            self._best = None
        plot_loss(run.path / "log.jsonl", run.path / "loss.png", job.model.config.n_vocab)
        run.settle()
        self._saved_at, self._saved_step = time.monotonic(), self.step
        return Saved(self.step, path)

    def _log(self, stepped: Stepped | None = None, validated: Validated | None = None) -> None:
        """Write a step's line into log.jsonl; what was not measured at this step is null."""
        step = stepped.step if stepped else self.step
        self._directory.log(
            step=step,
            tokens=step * self.job.plan.tokens_per_step,
            train_loss=stepped.train_loss if stepped else None,
            val_loss=validated.val_loss if validated else None,
            perplexity=validated.perplexity if validated else None,
            lr=stepped.lr if stepped else None,
            grad_norm=stepped.grad_norm if stepped else None,
            tok_per_s=round(stepped.tok_per_s, 1) if stepped else None,
        )

    def _memory_settings(self) -> tuple[GPTConfig, int, int, torch.dtype, int | None, torch.device, int]:
        """What decides on how much memory is needed, and what was free."""
        job, plan = self.job, self.job.plan
        model = job.model.config
        return model, plan.batch_size, plan.window, job.dtype, self._free_at_start, job.device, plan.accumulate

    def _started(self) -> Started:
        job, plan = self.job, self.job.plan
        steps = plan.steps - self.step
        validations = math.ceil(steps / plan.eval_every) + 1
        return Started(
            directory=self._directory.path,
            step=self.step,
            plan=plan,
            data_name=job.corpus.name,
            account=job.corpus.account,
            n_params=sum(parameter.numel() for parameter in job.model.parameters()),
            n_vocab=job.model.config.n_vocab,
            n_train_tokens=len(job.windows.ids),
            n_val_tokens=len(job.val_ids),
            tokens_per_step=plan.tokens_per_step,
            dtype=str(job.dtype).removeprefix("torch."),
            device=str(job.device),
            expected_seconds=expected_seconds(
                job.model.config,
                steps * plan.tokens_per_step,
                validations * len(job.val_ids),
                plan.batch_size * plan.window,
                job.dtype,
                job.device,
            ),
        )

    def _take_up(self, path: Path, config: TrainConfig, corpus: Corpus) -> tuple[Job, torch.optim.AdamW, Progress]:
        """The job, optimizer and progress of a run that stopped, as they were at its newest sound checkpoint."""
        recorded = description(path)
        self._states = checkpoints(path / "checkpoints")
        checkpoint, faults = newest_sound_checkpoint(path / "checkpoints")
        if checkpoint is None:
            faults_in_words = f" ({' '.join(faults)})" if faults else ""
            raise RunError(
                f"{path} has no checkpoint to resume from{faults_in_words}: begin anew with --overwrite, "
                f"or go on from its weights, if it has some, with --init {quoted(path)} and another --out."
            )
        check_unchanged(path, config, corpus, recorded)
        job = replace(prepare(as_begun(config, recorded), corpus, checkpoint), config=config)
        optimizer = make_optimizer(job.model, job.plan.lr, config.weight_decay, config.beta2)
        progress = restore(checkpoint, job.model, optimizer)
        job = replace(job, plan=resumed_plan(path, config, job.plan, recorded, progress.step))
        if len(job.plan.prolonged) > len(recorded.get("plan", {}).get("prolonged", ())):
            self._prolonged = prolonged_description(recorded, config, job.plan)
        self._checkpoint = checkpoint
        self._warnings += [f"{fault} Resuming from {checkpoint.name}." for fault in faults]
        self._warnings += changes_in_numerics(job, recorded)
        return job, optimizer, progress
