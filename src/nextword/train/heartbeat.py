"""Heartbeats: noticing a rank that hangs or has gone.

A process that ends is noticed by torchrun at once. One that is there and does nothing would keep the others waiting
for its numbers, so each rank has a thread that says that it lives and where it is, and hears the others. Who is
furthest behind and does not move, or whoever finds another one silent, says so and ends; torchrun then ends all.
"""

import os
import platform
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import nextword
from nextword.train.ranks import Ranks
from nextword.train.steps import Steps

EVERY = 2.0
"""Seconds from beat to beat."""

SILENT = 20.0
"""Seconds after which a rank that is not heard of has gone: a thread of its own speaks for it, whatever it computes."""

STUCK = 25.0
"""Seconds in one place within a step, or five times the longest step if that is more."""

BETWEEN = 300.0
"""Seconds in one place between steps, where the first rank may be saving."""

OVER = "over"


@contextmanager
def heartbeat(ranks: Ranks, steps: Steps) -> Iterator[None]:
    """Watch over this thread's steps, and over the other ranks."""
    if not ranks.several:
        yield
        return
    watch = Watch(ranks, steps, threading.get_ident())
    watch.start()
    try:
        yield
    finally:
        watch.end()


class Watch(threading.Thread):
    """The thread that beats and listens. watched: the thread that trains."""

    def __init__(self, ranks: Ranks, steps: Steps, watched: int):
        super().__init__(name="heartbeat", daemon=True)
        self._ranks, self._steps, self._watched = ranks, steps, watched
        self._over = threading.Event()
        self._answered = time.monotonic()  # when the store, which is on the first machine, did so last
        self._guard = threading.Thread(target=self._guard_store, name="heartbeat's guard", daemon=True)

    def end(self) -> None:
        """Say that this rank is done."""
        self._over.set()
        self.join(EVERY)

    def start(self) -> None:
        """Begin to beat and to listen."""
        super().start()
        self._guard.start()

    def _guard_store(self) -> None:
        """Give up where the store does not answer: asking it would wait for many minutes."""
        while not self._over.wait(EVERY):
            if (now := time.monotonic()) - self._answered > SILENT and self.is_alive():
                rank, count, seconds = self._ranks.rank, self._ranks.count, now - self._answered
                why = "its network is cut, or that machine has gone"
                give_up(f"Rank {rank} of {count} has not reached the first machine for {seconds:.0f} seconds: {why}")

    def run(self) -> None:
        """Beat and listen until the end, or until one hangs."""
        store, count = self._ranks.store, self._ranks.count
        assert store is not None
        store.set(f"process {self._ranks.rank}", f"{this_machine()} {os.getpid()}")
        others = [rank for rank in range(count) if rank != self._ranks.rank]
        began = time.monotonic()
        heard = dict.fromkeys(others, (b"", began))
        place, since = self._place(), began
        beats = 0
        try:
            while not self._over.wait(EVERY):
                beats += 1
                step, stage = self._steps.place
                store.set(f"beat {self._ranks.rank}", f"{beats} {step} {stage}")
                now = self._answered = time.monotonic()
                if self._place() != place:
                    place, since = self._place(), now
                for rank in others:
                    self._answered = time.monotonic()
                    said = store.get(f"beat {rank}") if store.check([f"beat {rank}"]) else b""
                    if said != heard[rank][0]:
                        heard[rank] = said, now
                    elif said != OVER.encode() and now - heard[rank][1] > SILENT:
                        self._kill(rank)
                        why = "it was stopped, or its machine has gone"
                        give_up(f"Rank {rank} of {count} has not been heard of for {SILENT:.0f} seconds: {why}")
                ahead = [place_in(said) for said, _ in heard.values() if said not in (b"", OVER.encode())]
                patience = max(STUCK if stage else BETWEEN, 5 * self._steps.longest)
                if now - since > patience and all((step, stage) <= other for other in ahead):
                    where = in_words(self._watched)
                    give_up(f"Rank {self._ranks.rank} of {count} has hung for {now - since:.0f} seconds, in {where}")
            store.set(f"beat {self._ranks.rank}", OVER)
        except RuntimeError:  # the store has gone, and with it whoever started the ranks
            return

    def _kill(self, rank: int) -> None:
        """Kill a silent rank on this machine: one that was stopped would not heed any other signal."""
        if self._ranks.store is None or not self._ranks.store.check([f"process {rank}"]):
            return
        machine, process = self._ranks.store.get(f"process {rank}").decode().rsplit(" ", 1)
        if machine == this_machine():
            with suppress(OSError):
                os.kill(int(process), getattr(signal, "SIGKILL", signal.SIGTERM))

    def _place(self) -> tuple[int, ...]:
        """List the code and place of each frame of the training thread."""
        frame = sys._current_frames().get(self._watched)
        place = []
        while frame is not None:
            place += [id(frame.f_code), frame.f_lasti]
            frame = frame.f_back
        return tuple(place)


def this_machine() -> str:
    """Name this machine, so that no other has the name: several may be called localhost."""
    started = Path("/proc/sys/kernel/random/boot_id")
    return f"{platform.node()}-{started.read_text().strip() if started.exists() else ''}"


def place_in(said: bytes) -> tuple[int, int]:
    """Read a rank's step and stage from its beat."""
    _, step, stage = said.split()
    return int(step), int(stage)


def in_words(thread: int) -> str:
    """Name the file and line of ours that a thread is in."""
    package = Path(nextword.__file__).parent
    frame = sys._current_frames().get(thread)
    while frame is not None and not frame.f_code.co_filename.startswith(str(package)):
        frame = frame.f_back
    if frame is None:
        return "code that is not ours"
    return f"{Path(frame.f_code.co_filename).relative_to(package.parent)}, line {frame.f_lineno}"


def give_up(said: str) -> None:
    """End this process at once, whatever its other threads wait for."""
    print(f"nextword: {said}. All ranks end; the newest checkpoint is as it was.", file=sys.stderr, flush=True)
    os._exit(1)
