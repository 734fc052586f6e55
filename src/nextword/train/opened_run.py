"""Opening a run: settings, text, weights and optimizer, checked and loaded before anything is written."""

import json
import math
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from nextword.data import Corpus, OpenedCorpus
from nextword.data.sharded_corpus import ShardedCorpus, Tell
from nextword.errors import RunError
from nextword.runtime import available_memory, pick_device
from nextword.shape import described
from nextword.tokenizer import GPT2, save_tokenizer
from nextword.train.checkpoint import TrainerState, checkpoints, newest_sound_checkpoint, restore
from nextword.train.chosen_optimizer import chosen_optimizer
from nextword.train.config import TrainConfig
from nextword.train.estimate import expected_seconds
from nextword.train.events import Started
from nextword.train.health import check_causality
from nextword.train.memory import TrainingSize, shortage
from nextword.train.prolongation import prolonged_description, resumed_plan
from nextword.train.recorded_run import AT_FIRST, as_begun, changes_in_numerics, check_unchanged
from nextword.train.run_directory import RunDirectory, check_free, check_idle, description
from nextword.train.run_lock import Holder
from nextword.train.setup import Setup, open_text, prepare, run_path
from nextword.user_model import UserModel

LOOKED_AT, SHOWN = 10_000, 60
"""Characters of a text that are encoded to see whether they come back, and shown if they do not."""


@dataclass
class OpenedRun:
    """A run with everything loaded, new or from its newest checkpoint.

    free_memory: in bytes, before anything was loaded. checkpoint: the one that
    it is resumed from, until `begin`; found: all that there were. prolonged:
    what run.json is to say, where the run got more steps. warnings: sentences.
    n_ranks: the processes that share each update.
    """

    setup: Setup
    optimizer: torch.optim.AdamW
    state: TrainerState
    free_memory: int | None
    overwrite: bool = False
    checkpoint: Path | None = None
    found: list[Path] = field(default_factory=list)
    prolonged: dict[str, Any] | None = None
    warnings: list[str] = field(default_factory=list)
    n_ranks: int = 1

    @property
    def size(self) -> TrainingSize:
        """What the memory of this rank depends on."""
        setup, plan = self.setup, self.setup.plan
        return TrainingSize(
            model=setup.model.config,
            batch_size=min(plan.batch_size, plan.batch_size * plan.accumulate // self.n_ranks),
            window=plan.window,
            dtype=setup.dtype,
            device=setup.device,
            accumulate=plan.accumulate,
            shards=self.n_ranks if setup.config.shard else 1,
            recompute=setup.config.recompute,
            optimizer=plan.optimizer,
        )

    def started(self, directory: Path) -> Started:
        """Describe the run, with its expected duration, as the first event."""
        setup, plan = self.setup, self.setup.plan
        steps = plan.steps - self.state.step
        validations = math.ceil(steps / plan.eval_every) + 1
        return Started(
            directory=directory,
            step=self.state.step,
            plan=plan,
            data_name=setup.corpus.name,
            account=setup.corpus.account,
            statistics=() if setup.statistics is None else setup.statistics.sentences(),
            shape=described(setup.model.config) if setup.config.has_own_shape else "",
            n_params=sum(parameter.numel() for parameter in setup.model.parameters()),
            n_vocab=setup.model.config.n_vocab,
            n_train_tokens=setup.windows.n_tokens,
            n_val_tokens=len(setup.val_ids),
            tokens_per_step=plan.tokens_per_step,
            dtype=str(setup.dtype).removeprefix("torch."),
            device=str(setup.device),
            expected_seconds=expected_seconds(
                setup.model.config,
                steps * plan.tokens_per_step,
                validations * len(setup.val_ids),
                plan.batch_size * plan.window,
                setup.dtype,
                setup.device,
            ),
        )

    def begin(self, holder: Holder) -> RunDirectory:
        """Lock the run's directory, and write its beginning there or rewind it to the checkpoint."""
        path = self.setup.directory
        if self.checkpoint is None and self.state.step == 0:
            run = RunDirectory.create(path, self.setup.describe(), self.overwrite, holder)
            if self.setup.tokenizer.vocabulary is not GPT2:  # whoever looks in before the first checkpoint wants it
                save_tokenizer(path, self.setup.model.config.n_ctx, self.setup.tokenizer.vocabulary)
            return run
        run = RunDirectory.reopen(path, holder)
        if self.checkpoint is not None:
            if checkpoints(run.checkpoints) != self.found:
                run.release()
                raise RunError(f"The run in {path} has gone on since this trainer was made: resume it anew.")
            run.rewind(self.state.step)
            run.publish(self.checkpoint)  # a kill may have come between the checkpoint and this
            self.checkpoint = None
        if self.prolonged is not None:
            run.describe(json.dumps(self.prolonged, indent=1) + "\n")
        return run


def open_run(
    config: TrainConfig,
    resume: bool = False,
    overwrite: bool = False,
    tell: Tell = lambda said: None,
    n_ranks: int = 1,
) -> OpenedRun:
    """Check and load a new run, or with `resume` one that stopped. `tell` is told what takes long.

    n_ranks: the processes that share each update.

    Raises DataError, WeightsError, RunError and ValueError for what cannot be used.
    """
    free_memory = available_memory(pick_device(config.device))
    path = run_path(config)
    put_back = check_idle(path)
    recorded = description(path) if resume and not put_back else None
    if recorded is not None:  # what was not asked when the run began is as it was then
        config = replace(config, **{name: was for name, was in AT_FIRST.items() if name not in recorded["config"]})
    corpus = open_text(config, recorded)
    if resume:
        if put_back:
            raise RunError(
                f"The run that was begun in {path} ended before it had saved anything, and the older one, which it "
                "was to replace, is back: go on with that by `resume=True`, or replace it with `overwrite=True`."
            )
        run = stopped_run(path, config, corpus, free_memory, tell, n_ranks)
    else:
        check_free(path, overwrite)
        setup = prepare(config, corpus, tell=tell, n_ranks=n_ranks)
        optimizer = chosen_optimizer(setup.model, config, setup.plan)
        run = OpenedRun(setup, optimizer, TrainerState(), free_memory, overwrite)
    run.n_ranks = n_ranks
    if isinstance(run.setup.model, UserModel):
        run.warnings += run.setup.model.warnings()
    run.warnings += [*what_tokens_lose(run.setup), *check_causality(run.setup)]
    short = shortage(run.size, run.free_memory)
    run.warnings += [short] if short else []
    return run


def what_tokens_lose(setup: Setup) -> list[str]:
    """Warn of a tokenizer that does not give the text back, such as one without capital letters."""
    if setup.tokenizer.vocabulary.files is None or not isinstance(setup.corpus, Corpus):
        return []
    text = setup.corpus.documents[0][:LOOKED_AT]
    back = setup.tokenizer.decode(setup.tokenizer.encode(text))
    if back.strip() == text.strip():
        return []
    return [f"The tokenizer loses some of the text: {text[:SHOWN]!r} comes back as {back[:SHOWN]!r}."]


def stopped_run(
    path: Path,
    config: TrainConfig,
    corpus: Corpus | OpenedCorpus | ShardedCorpus,
    free_memory: int | None,
    tell: Tell,
    n_ranks: int,
) -> OpenedRun:
    """Load a run from its newest sound checkpoint."""
    recorded = description(path)
    found = checkpoints(path / "checkpoints")
    checkpoint, faults = newest_sound_checkpoint(path / "checkpoints")
    if checkpoint is None:
        faults_in_words = f" ({' '.join(faults)})" if faults else ""
        raise RunError(
            f"{path} has no checkpoint to resume from{faults_in_words}: begin anew with `overwrite=True`, "
            f"or go on from its weights, if it has some, with `init={str(path)!r}` and another `out`."
        )
    check_unchanged(path, config, corpus, recorded)
    setup = replace(prepare(as_begun(config, recorded), corpus, checkpoint, tell, n_ranks), config=config)
    optimizer = chosen_optimizer(setup.model, config, setup.plan)
    state = restore(checkpoint, setup.model, optimizer)
    setup = replace(setup, plan=resumed_plan(path, config, setup.plan, recorded, state.step))
    run = OpenedRun(setup, optimizer, state, free_memory, checkpoint=checkpoint, found=found)
    if len(setup.plan.prolonged) > len(recorded.get("plan", {}).get("prolonged", ())):
        run.prolonged = prolonged_description(recorded, config, setup.plan)
    run.warnings += [f"{fault} Resuming from {checkpoint.name}." for fault in faults]
    run.warnings += changes_in_numerics(setup, recorded)
    return run
