"""The training loop: batch -> logits -> loss -> gradient -> update, with all that surrounds it.

`Trainer.run` is a generator of events (`train/events.py`): it trains while
someone listens, and whoever listens decides what to show.
"""

import copy
import math
import time
from collections.abc import Iterator
from dataclasses import replace

import torch

from nextword.data import Corpus, batch, read_corpus
from nextword.decode import generate
from nextword.errors import RunError, TrainingError
from nextword.evaluate import evaluate, perplexity
from nextword.model import GPT
from nextword.runtime import available_memory, matmuls_in, pick_device, random_state, set_random_state
from nextword.train.checkpoint import Progress, newest_sound_checkpoint, restore, save_checkpoint
from nextword.train.config import TrainConfig
from nextword.train.events import Event, Finished, Sampled, Saved, Started, Stepped, Validated, Warned
from nextword.train.health import LossWatch, not_finite
from nextword.train.job import Job, changes_in_numerics, check_unchanged, prepare, run_path
from nextword.train.memory import out_of_memory, ran_out, shortage
from nextword.train.optimizer import make_optimizer, set_learning_rate
from nextword.train.plot import plot_loss
from nextword.train.run_directory import RunDirectory, check_free, description
from nextword.train.schedule import learning_rate
from nextword.weights import save_huggingface

SAVE_SECONDS = 600.0  # between checkpoints, where no --save-every is given
SAMPLE_TOKENS = 40


class Trainer:
    """One training run, from its first step or from where it stopped.

        for event in Trainer(TrainConfig(data=("notes.txt",))).run():
            print(event)

    Everything is checked before anything is written. Raises DataError,
    WeightsError, RunError and ValueError for what cannot be used; `run` raises
    TrainingError where numbers stop being finite or memory runs out.
    """

    def __init__(self, config: TrainConfig, *, resume: bool = False, overwrite: bool = False):
        self._warnings: list[str] = []
        self._stopping = False
        self._best: GPT | None = None  # the best weights so far, where they are not on the disk yet
        self._free_at_start = available_memory(pick_device(config.device))
        corpus = read_corpus(config.data)
        path = run_path(config, corpus)
        if resume:
            self._directory = RunDirectory.reopen(path)
            try:
                self.job, self._optimizer, self._progress = self._take_up(config, corpus)
            except BaseException:
                self._directory.release()
                raise
        else:
            check_free(path, overwrite)
            self.job = prepare(config, corpus)
            self._optimizer = make_optimizer(self.job.model, self.job.plan.lr, config.weight_decay, config.beta2)
            self._progress = Progress()
            self._directory = RunDirectory.create(path, self.job.describe(), overwrite)
        self._watch = LossWatch()
        short = shortage(self.job.model.config, config.batch_size, config.window, self.job.dtype, self._free_at_start)
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
        config, model = self.job.config, self.job.model.config
        try:
            yield from self._run()
        except (RuntimeError, MemoryError) as error:
            if not ran_out(error):
                raise
            raise TrainingError(
                out_of_memory(model, config.batch_size, config.window, self.job.dtype, self._free_at_start)
            ) from error
        finally:
            self._directory.release()

    def _run(self) -> Iterator[Event]:
        plan, progress = self.job.plan, self._progress
        yield self._started()
        for message in self._warnings:
            yield Warned(self.step, message)
        if self.step == 0:
            untrained = self._validate()
            self._log(validated=untrained)
            yield untrained
        began = self._saved_at = time.monotonic()
        first = self._saved_step = self.step
        while self.step < plan.steps and not (self._stopping and self.step > 0):
            stepped = self._update()
            last = self.step == plan.steps
            validated = self._validate() if last or self.step % plan.eval_every == 0 else None
            self._log(stepped, validated)
            seconds_a_step = (time.monotonic() - began) / (self.step - first)
            yield replace(stepped, seconds_left=seconds_a_step * (plan.steps - self.step))
            if warning := self._watch.warning(stepped.train_loss, progress.start_loss or stepped.train_loss):
                yield Warned(self.step, warning)
            if validated is not None:
                yield validated
            if last or self.step % plan.sample_every == 0:
                yield self._sample()
            if not last and self._save_is_due():
                yield self._save()
        if self._saved_step != self.step:
            yield self._save()
        yield Finished(self.step, self.step == plan.steps, self._directory.path, progress.best_step)

    def _update(self) -> Stepped:
        """Make one update: forward and backward through its micro-batches, clip, and let AdamW move."""
        job, config, model = self.job, self.job.config, self.job.model
        began = time.perf_counter()
        random = random_state(job.device)
        loss = self._backward()
        grad_norm = torch.nn.utils.clip_grad_norm_(model.parameters(), config.clip).item()
        if not (math.isfinite(loss) and math.isfinite(grad_norm)):
            set_random_state(random, job.device)
            raise TrainingError(not_finite(model, self.step + 1, loss, grad_norm, rerun=self._backward))
        lr = learning_rate(self.step, job.plan.steps, job.plan.warmup, job.plan.lr)
        set_learning_rate(self._optimizer, lr)
        self._optimizer.step()
        self._optimizer.zero_grad()
        if self._progress.start_loss is None:
            self._progress.start_loss = loss
        self._progress.step += 1
        return Stepped(
            step=self.step,
            tokens=self.step * config.tokens_per_step,
            train_loss=loss,
            lr=lr,
            grad_norm=grad_norm,
            tok_per_s=config.tokens_per_step / (time.perf_counter() - began),
            seconds_left=math.nan,
        )

    def _backward(self) -> float:
        """Add up the gradient of the mean loss over the next update's batches; give back that loss."""
        job, config, model = self.job, self.job.config, self.job.model
        model.train()
        total = 0.0
        for micro_step in range(config.accumulate):
            index = self.step * config.accumulate + micro_step
            x, y = batch(job.windows, config.batch_size, config.seed, index)  # (B, T) each
            with matmuls_in(job.dtype, job.device):
                logits = model(x.to(job.device))  # (B, T, V)
            loss = model.ops.cross_entropy(logits.float(), y.to(job.device)) / config.accumulate
            del logits  # the largest tensor of all; the way back does not need it
            loss.backward()
            total += loss.item()
        return total

    def _validate(self) -> Validated:
        """Measure the loss on the whole validation text, and remember the weights if they are the best yet."""
        job, progress = self.job, self._progress
        loss = evaluate(job.model, job.val_ids, job.config.window, job.config.batch_size, job.dtype)
        is_best = self.step > 0 and (progress.best_val_loss is None or loss < progress.best_val_loss)
        if is_best:
            progress.best_val_loss, progress.best_step = loss, self.step
            self._best = copy.deepcopy(job.model).cpu()
        return Validated(self.step, loss, perplexity(loss), is_best)

    def _sample(self) -> Sampled:
        """Let the model write, with the same random numbers each time, and keep what it wrote."""
        job = self.job
        text = generate(
            job.model, job.tokenizer, job.prompt, max_new_tokens=SAMPLE_TOKENS, seed=job.config.seed
        ).removeprefix(job.prompt)
        self._directory.add_sample(self.step, job.prompt, text)
        return Sampled(self.step, job.prompt, text)

    def _save_is_due(self) -> bool:
        """By the step where the plan says so, else by the clock."""
        if self.job.plan.save_every is not None:
            return self.step % self.job.plan.save_every == 0
        return time.monotonic() - self._saved_at > SAVE_SECONDS

    def _save(self) -> Saved:
        """Write a checkpoint to resume from, the run's own weights, the best ones, and the picture."""
        job, run = self.job, self._directory
        path = save_checkpoint(run.checkpoints, job.model, self._optimizer, self._progress)
        run.publish(path)
        if self._best is not None:
            save_huggingface(self._best, run.path / "best")
            self._best = None
        plot_loss(run.path / "log.jsonl", run.path / "loss.png", job.model.config.n_vocab)
        self._saved_at, self._saved_step = time.monotonic(), self.step
        return Saved(self.step, path)

    def _log(self, stepped: Stepped | None = None, validated: Validated | None = None) -> None:
        """Write a step's line into log.jsonl; what was not measured at this step is null."""
        self._directory.log(
            step=self.step,
            tokens=self.step * self.job.config.tokens_per_step,
            train_loss=stepped.train_loss if stepped else None,
            val_loss=validated.val_loss if validated else None,
            perplexity=validated.perplexity if validated else None,
            lr=stepped.lr if stepped else None,
            grad_norm=stepped.grad_norm if stepped else None,
            tok_per_s=round(stepped.tok_per_s, 1) if stepped else None,
        )

    def _started(self) -> Started:
        job = self.job
        return Started(
            directory=self._directory.path,
            step=self.step,
            plan=job.plan,
            data_name=job.corpus.name,
            n_params=job.model.config.n_params,
            n_vocab=job.model.config.n_vocab,
            n_train_tokens=len(job.windows.ids),
            n_val_tokens=len(job.val_ids),
            tokens_per_step=job.config.tokens_per_step,
            dtype=str(job.dtype).removeprefix("torch."),
            device=str(job.device),
        )

    def _take_up(self, config: TrainConfig, corpus: Corpus) -> tuple[Job, torch.optim.AdamW, Progress]:
        """The job, optimizer and progress of a run that stopped, as they were at its newest sound checkpoint."""
        run = self._directory
        checkpoint, faults = newest_sound_checkpoint(run.checkpoints)
        if checkpoint is None:
            faults_in_words = f" ({' '.join(faults)})" if faults else ""
            raise RunError(
                f"{run.path} has no checkpoint to resume from{faults_in_words}: begin anew with --overwrite, "
                f"or go on from its weights, if it has some, with --init {run.path} and another --out."
            )
        recorded = description(run.path)
        check_unchanged(run.path, config, corpus, recorded)
        job = prepare(config, corpus, checkpoint)
        optimizer = make_optimizer(job.model, job.plan.lr, config.weight_decay, config.beta2)
        progress = restore(checkpoint, job.model, optimizer)
        run.rewind(progress.step)
        run.publish(checkpoint)  # a kill may have come between the checkpoint and this
        self._warnings += [f"{fault} Resuming from {checkpoint.name}." for fault in faults]
        self._warnings += changes_in_numerics(job, recorded)
        return job, optimizer, progress
