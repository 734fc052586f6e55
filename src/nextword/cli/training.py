"""A trainer's events on the screen, and signals that lose nothing, for `train` and `demo`."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from nextword.cli.display import Display
from nextword.cli.tracking import Tracking
from nextword.train.events import Finished
from nextword.train.following_ranks import FollowingRank
from nextword.train.trainer import Trainer


def show(trainer: Trainer | FollowingRank, display: Display, track: str | None = None) -> int:
    """Run a training and show it; return the exit status. It is 0, or 128 + the signal that ended the run.

    track: a tracker that its events are sent to as well. What a follower does is shown nowhere.
    """
    tracking = Tracking(track)
    is_shown = isinstance(trainer, Trainer)
    with display, stopping_on_signals(trainer, display) as signals:
        try:
            for event in trainer.run():
                if is_shown:
                    display.show(event)
                    tracking.take(event)
                finished = event
        finally:
            tracking.end()
    assert isinstance(finished, Finished)
    return 0 if finished.complete or not signals else 128 + signals[0]


@contextmanager
def stopping_on_signals(trainer: Trainer | FollowingRank, display: Display) -> Iterator[list[int]]:
    """End the run after its step, with a checkpoint, on Ctrl-C, SIGTERM or SIGHUP.

    SIGHUP tells that the terminal was closed. It often comes twice, from the system and from the shell, so it never
    is the second one; and who is to live on without a terminal (nohup) keeps ignoring it. Nor is SIGTERM, which
    torchrun and schedulers repeat: who means it sends SIGKILL.
    Lends the list of the signals that came.
    """
    came: list[int] = []
    hangup = getattr(signal, "SIGHUP", None)  # Windows has none

    def handle(number: int, _frame: FrameType | None) -> None:
        if came and number in (hangup, signal.SIGTERM):
            return
        if came:
            with suppress(OSError):
                print("\nStopped at once. The newest checkpoint is as it was.", file=sys.stderr, flush=True)
            os._exit(128 + number)
        came.append(number)
        trainer.stop()
        display.say("Finishing this step, then saving. Ctrl-C now stops at once.")

    handled = [signal.SIGINT, signal.SIGTERM]
    if hangup is not None and signal.getsignal(hangup) is not signal.SIG_IGN:
        handled.append(hangup)
    previous = {number: signal.signal(number, handle) for number in handled}
    try:
        yield came
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
