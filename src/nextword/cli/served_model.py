"""The served model, to write with and to look into; a run's newest weights."""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from nextword.cli.chosen_model import chosen_engine, chosen_model

if TYPE_CHECKING:
    from nextword.decode import Engine
    from nextword.decode.engines import EngineName
    from nextword.model import GPT
    from nextword.serve.following import Follower
    from nextword.serve.lens_worker import LensWorker
    from nextword.serve.scheduler import Scheduler
    from nextword.serve.watched_run import WatchedRun
    from nextword.tokenizer import Tokenizer


@dataclass
class ServedModel:
    """A model as the flags of `serve` name it.

    run: the run that it is, if it is one and is to be watched. step: after how
    many updates of that its first weights were saved.
    """

    model: str
    weights: str | None
    device: str
    dtype: str | None
    quantize: str | None
    rows: int
    run: "WatchedRun | None" = None
    engine_name: "EngineName | None" = None
    step: int | None = field(default=None, init=False)
    _begins_at: tuple[int, int] | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        if self.run is not None:
            self._begins_at, self.step = self.run.weights(), self.run.saved_step()

    def engine(self) -> "tuple[Engine, Tokenizer]":
        """Load an engine and its tokenizer, untrained if a run has saved no weights yet."""
        if not self._is_untrained:
            return self._load_engine()
        from nextword.decode import engine_for
        from nextword.loading import tokenizer_for

        print(
            f"[{self.model} has saved no weights yet: until it does, the untrained model is served.]", file=sys.stderr
        )
        model = self._untrained()
        return engine_for(model, self.rows), tokenizer_for(self.engine_name, model.vocabulary)

    def whole(self) -> "GPT":
        """Load the same model in PyTorch, to be looked into."""
        return self._untrained() if self._is_untrained else self._load()

    def follow(self, scheduler: "Scheduler", worker: "LensWorker") -> "Follower":
        """Have what the run saves from now on served, too."""
        from nextword.serve.following import Follower

        def load() -> Callable[[int], None]:
            engine, _ = self._load_engine()
            model = self._load()

            def take(step: int) -> None:
                scheduler.replace(engine)
                worker.replace(model, step)

            return take

        assert self.run is not None
        return Follower(self.run, load, self._begins_at)

    @property
    def _is_untrained(self) -> bool:
        return self.run is not None and self._begins_at is None

    def _load(self) -> "GPT":
        from nextword.user_model import checked_gpt

        shown = None if self.engine_name == "native" else self.engine_name  # which has nothing to look into
        return checked_gpt(chosen_model(self.model, self.weights, self.device, shown)[0])

    def _load_engine(self) -> "tuple[Engine, Tokenizer]":
        return chosen_engine(
            self.model, self.weights, self.device, self.dtype, self.quantize, self.rows, self.engine_name
        )

    def _untrained(self) -> "GPT":
        from nextword.model import GPT, plain
        from nextword.runtime import pick_device
        from nextword.serve.following import first_model

        assert self.run is not None
        model = first_model(self.run.path)
        if self.engine_name == "plain":
            fused, model = model, GPT(model.config, ops=plain).eval()
            model.load_state_dict(fused.state_dict())
            model.vocabulary = fused.vocabulary
        model.engine = self.engine_name
        return model.to(pick_device(self.device))


def watched_run(model: str) -> "WatchedRun | None":
    """Find the run of a model, if it is one."""
    from nextword.serve.watched_run import WatchedRun
    from nextword.weights.bundled import BUNDLED, DIRECTORY
    from nextword.weights.hub import REPOSITORIES

    if model == BUNDLED:
        return WatchedRun(DIRECTORY)

    path = Path(os.path.expanduser(model))
    return WatchedRun(path) if model not in REPOSITORIES and (path / "run.json").exists() else None
