"""Signals end a run with a checkpoint."""

import io
import os
import signal

import pytest
from rich.console import Console

from nextword.cli.display import Display
from nextword.cli.training import stopping_on_signals


class Stopped:
    """As much of a trainer as a signal needs."""

    times = 0

    def stop(self) -> None:
        self.times += 1


@pytest.fixture
def said() -> io.StringIO:
    return io.StringIO()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_asks_the_trainer_to_stop(number: signal.Signals, said: io.StringIO) -> None:
    before, trainer = signal.getsignal(number), Stopped()
    with stopping_on_signals(trainer, Display(Console(file=said))) as came:  # type: ignore[arg-type]
        os.kill(os.getpid(), number)
        os.kill(os.getpid(), signal.SIGHUP)  # from the shell of the terminal that was closed
        os.kill(os.getpid(), signal.SIGTERM)  # repeated by torchrun
        assert came == [number]
    assert trainer.times == 1
    assert said.getvalue().count("Finishing this step, then saving.") == 1
    assert signal.getsignal(number) is before


def test_without_a_terminal_from_the_first_closing_it_ends_nothing(said: io.StringIO) -> None:
    """As nohup starts it."""
    trainer, before = Stopped(), signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with stopping_on_signals(trainer, Display(Console(file=said))) as came:  # type: ignore[arg-type]
            os.kill(os.getpid(), signal.SIGHUP)
        assert came == []
    finally:
        signal.signal(signal.SIGHUP, before)
