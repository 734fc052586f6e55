"""Serve a training run's newest weights as they come."""

import logging
import threading
from collections.abc import Callable
from pathlib import Path

import torch

from nextword.loading import load
from nextword.model import GPT, GPTConfig
from nextword.serve.watched_run import WatchedRun
from nextword.symbols import is_symbol
from nextword.tokenizer.directory import load_vocabulary
from nextword.tokenizer.vocab import GPT2
from nextword.train.run_directory import description
from nextword.train.setup import fresh_model
from nextword.weights.directory import open_model

SECONDS = 2.0  # between two looks at the run
LONGEST = 32  # looks until weights are tried again that could not be taken up

log = logging.getLogger("nextword.serve")


class Follower:
    """Polls a run for new weights, and has them served, in a thread of its own.

    load: loads them, and gives what puts them in the place of the old ones when
    it is called with their step. Where that fails, the old ones stay, and it is
    tried again: after twice as many looks each time, or at once when there are
    newer ones. The same trouble is told once. known: what `run.weights` said of
    those that are served at first.
    """

    def __init__(
        self,
        run: WatchedRun,
        load: Callable[[], Callable[[int], object]],
        known: tuple[int, int] | None,
        seconds: float = SECONDS,
    ):
        self._run, self._load, self._known, self._seconds = run, load, known, seconds
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="nextword-follower", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Look no more."""
        self._ended.set()
        self._thread.join()

    def _follow(self) -> None:
        failed, said, pause, looks = self._known, "", 1, 0
        while not self._ended.wait(self._seconds):
            found, step = self._run.weights(), self._run.saved_step()
            if found is None or found == self._known:
                continue
            looks += 1
            if found == failed and looks < pause:
                continue
            try:
                take = self._load()
                if self._run.weights() != found:  # those of another step may have been loaded
                    continue
                take(step)
            except Exception as error:  # whatever it is: what is saved after it is to be looked at, too
                if str(error) != said:
                    log.warning("The weights of %s could not be taken up: %s", self._run.path, error)
                pause = min(2 * pause, LONGEST) if found == failed else 1
                failed, said, looks = found, str(error), 0
                continue
            self._known, said = found, ""


def first_model(run: Path) -> GPT:
    """Make the model that a run begins with, to be served until it has saved weights.

    Raises RunError where there is no run, and WeightsError for a user model,
    whose first weights only its class can make.
    """
    about = description(run)
    settings = about["config"]
    if is_symbol(str(settings.get("model"))):
        open_model(run)  # which says that there are none yet
    if settings.get("init"):
        return load(settings["init"])[0]
    torch.manual_seed(settings["seed"])
    model = fresh_model(GPTConfig(**about["model"]), about.get("plan", {}).get("embedding_std")).eval()
    model.vocabulary = load_vocabulary(run) or GPT2
    return model
