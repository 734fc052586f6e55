"""Ranks, the processes that train one model together, and their messages."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import torch
import torch.distributed as dist
from torch import Tensor

from nextword.errors import SettingError, TrainingError
from nextword.runtime import pick_device

if TYPE_CHECKING:
    from torch.distributed.distributed_c10d import Store

TIMEOUT = timedelta(minutes=30)
"""How long a rank waits for the others' numbers. Who hangs is found out sooner, by `heartbeat.py`."""


@dataclass(frozen=True)
class Ranks:
    """This process among those that train together: number `rank` of `count`.

    With one process, nothing is sent and all functions give back what they are given. local: its number on its machine.
    store: what the processes know of each other, besides tensors.
    """

    rank: int = 0
    count: int = 1
    local: int = 0
    store: "Store | None" = None

    @property
    def leads(self) -> bool:
        """Whether this is the rank that validates, writes samples, logs and saves for all."""
        return self.rank == 0

    @property
    def several(self) -> bool:
        """Whether there are others."""
        return self.count > 1

    def share(self, n: int) -> range:
        """Divide n things, of which there are equally many for each rank: the range of this one's."""
        assert n % self.count == 0
        return range(n // self.count * self.rank, n // self.count * (self.rank + 1))

    def tell(self, said: Any = None) -> Any:
        """Broadcast a Python object from the first rank: it is given there, and returned everywhere."""
        if not self.several:
            return said
        box = [said]
        dist.broadcast_object_list(box, 0, device=torch.device("cpu"))
        return box[0]

    def gather(self, numbers: Tensor) -> Tensor:
        """Collect each rank's numbers, without waiting for a GPU: (n,) -> (count, n)."""
        if not self.several:
            return numbers[None]
        gathered = numbers.new_empty(self.count, len(numbers))
        dist.all_gather(list(gathered.unbind()), numbers)
        return gathered

    def said_by(self, rank: int, said: str) -> str:
        """Broadcast what one rank says, with its number in front."""
        if not self.several or self.store is None:
            return said
        if self.rank == rank:
            self.store.set("said", said)
        return f"On rank {rank} of {self.count}: {self.store.get('said').decode()}"

    def send(self, tensors: Sequence[Tensor]) -> None:
        """Overwrite the other ranks' tensors by the first one's, in place."""
        if self.several:
            for tensor in tensors:
                dist.broadcast(tensor, 0)


ALONE = Ranks()


def is_launched() -> bool:
    """Whether torchrun, or what does alike, started this process as one of several."""
    return "RANK" in os.environ and int(os.environ.get("WORLD_SIZE", "1")) > 1


UNNAMED = "none"
"""What torchrun calls a job without --rdzv-id."""


def job() -> str | None:
    """The name of the job that torchrun runs; it is the same after a restart."""
    return os.environ.get("TORCHELASTIC_RUN_ID")


def restarts() -> int:
    """Count how often torchrun has started this job's processes anew, since one had failed."""
    return int(os.environ.get("TORCHELASTIC_RESTART_COUNT", "0"))


@contextmanager
def joined(device: str) -> Iterator[Ranks]:
    """Lend the ranks that torchrun started this process as one of; alone, those of one process.

    device: the setting of that name, by which the numbers travel; the first rank's counts. Raises TrainingError where
    the processes do not reach each other.
    """
    if not is_launched():
        yield ALONE
        return
    from torch.distributed.distributed_c10d import PrefixStore  # which some builds of PyTorch lack
    from torch.distributed.rendezvous import rendezvous

    check_device(device)
    found, rank, count = next(rendezvous("env://"))
    # After a restart it may still hold addresses of processes that died.
    store = PrefixStore(f"attempt {restarts()}", found)
    if rank == 0:
        store.set("device", device)
    device = store.get("device").decode()
    check_device(device)
    local = int(os.environ.get("LOCAL_RANK", "0"))
    on_gpu = device in ("auto", "cuda") and torch.cuda.is_available()
    if on_gpu:
        if local >= torch.cuda.device_count():
            raise SettingError("nproc", f"needs a GPU for each process, and there are {torch.cuda.device_count()}.")
        torch.cuda.set_device(local)
    backend = "cpu:gloo,cuda:nccl" if on_gpu else "gloo"
    try:
        dist.init_process_group(backend, store=store, rank=rank, world_size=count, timeout=TIMEOUT)
    except RuntimeError as error:
        if "connect" not in str(error):
            raise
        said = str(error).strip().partition("\n")[0]
        raise TrainingError(
            f"Rank {rank} of {count} does not reach the others ({said}). Name the network that joins the machines, "
            "GLOO_SOCKET_IFNAME=eth0 (for GPUs NCCL_SOCKET_IFNAME, too): a machine's own name may stand for 127.0.0.1."
        ) from error
    try:
        yield Ranks(rank, count, local, PrefixStore("nextword", store))
    finally:
        dist.destroy_process_group()


def check_device(device: str) -> None:
    """Raise SettingError for a device that there is only one of, for all processes."""
    if pick_device(device).type == "mps" or ":" in device:
        raise SettingError(
            "device", "is one for all processes here: use `device='cpu'`, or `device='cuda'` for a GPU each."
        )


def lost_connection(error: Exception) -> bool:
    """Whether an error says that another rank is not there any more."""
    said = str(error)
    return isinstance(error, RuntimeError) and ("gloo" in said or "NCCL" in said or "Connection " in said)
