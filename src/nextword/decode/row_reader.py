"""Prompts on their way into the rows of a cache: whole, several together, or a part at a time."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from nextword.model import GPT, KVCache, RowCache


@dataclass
class Prompt:
    """What a row is to read, and how much of it is in the cache."""

    ids: Sequence[int]
    done: int = 0


class RowReader:
    """Reads prompts into a RowCache, each but for its last token, which stays pending: the next step reads that.

    pending (R,): where the last tokens go. tokens_at_once: of prompts that are
    read together, counting what fills up the shorter ones; of those that are
    read alone there is no limit.
    """

    def __init__(self, model: GPT, cache: RowCache, pending: Tensor, tokens_at_once: int):
        self._model, self._cache, self._pending, self._tokens_at_once = model, cache, pending, tokens_at_once
        self._prompts: dict[int, Prompt] = {}

    def begin(self, row: int, ids: Sequence[int]) -> None:
        """Forget what this row was reading, and have it read these ids."""
        self._prompts[row] = Prompt(list(ids))

    def forget(self, row: int) -> None:
        """Have this row read nothing more."""
        self._prompts.pop(row, None)

    def unread(self, row: int) -> int:
        """How many tokens this row is still to read, the last one, too; 0 where it is read to its end."""
        prompt = self._prompts.get(row)
        return 0 if prompt is None else len(prompt.ids) - prompt.done

    def read(self, rows: Sequence[int]) -> None:
        """Read to their ends what these rows are reading, texts of similar lengths together."""
        group: list[int] = []
        for row in sorted((row for row in rows if row in self._prompts), key=lambda row: len(self._prompts[row].ids)):
            if group and (len(group) + 1) * len(self._prompts[row].ids) > self._tokens_at_once:
                self._read_together(group)
                group = []
            group.append(row)
        if group:
            self._read_together(group)

    def read_part(self, row: int, n: int) -> None:
        """Read n tokens more on this row, fewer than are left."""
        prompt = self._prompts[row]
        self._pass(row, prompt.ids[prompt.done : prompt.done + n])
        self._cache.lengths[row] = prompt.done

    def read_scored(self, row: int, n: int) -> Tensor:
        """Read n tokens more on this row, the last one, too, if it is among them -> what follows each (n, V).

        The last one is in the cache then, and does not count yet.
        """
        prompt = self._prompts[row]
        scores = self._model.head(self._pass(row, prompt.ids[prompt.done : prompt.done + n]))[0]
        if prompt.done == len(prompt.ids):
            self._leave_pending([row])
        else:
            self._cache.lengths[row] = prompt.done
        return scores

    def _pass(self, row: int, ids: Sequence[int]) -> Tensor:
        """Take some ids through the blocks, after what this row has read: (1, T, C)."""
        prompt = self._prompts[row]
        x = self._model.trunk(torch.tensor([ids], device=self._pending.device), self._cache.row(row, prompt.done))
        prompt.done += len(ids)
        return x

    def _read_together(self, rows: list[int]) -> None:
        """Read these rows' ids, the longest of which stand last.

        The others are filled up with any id: none looks ahead, so nothing that
        counts sees it, and its keys and values are replaced before they are seen.
        """
        if len(rows) == 1 or any(self._prompts[row].done for row in rows):
            for row in rows:
                prompt = self._prompts[row]
                if left := prompt.ids[prompt.done : -1]:
                    self._pass(row, left)
        elif (T := len(self._prompts[rows[-1]].ids) - 1) > 0:
            weight, device = self._model.wte.weight, self._pending.device
            texts = [self._prompts[row].ids for row in rows]
            padded = [[*ids[:-1], *[0] * (T + 1 - len(ids))] for ids in texts]
            together = KVCache(replace(self._model.config, n_ctx=T), len(rows), weight.dtype, device)
            self._model.trunk(torch.tensor(padded, device=device), together)
            self._cache.fill(torch.tensor(rows, device=device), together)
        self._leave_pending(rows)

    def _leave_pending(self, rows: list[int]) -> None:
        """Let these rows hold all but their last token, which the next step is to read."""
        texts = [self._prompts.pop(row).ids for row in rows]
        device = self._pending.device
        places = torch.tensor(rows, device=device)
        self._cache.lengths[places] = torch.tensor([len(ids) - 1 for ids in texts], device=device)
        self._pending[places] = torch.tensor([ids[-1] for ids in texts], device=device)
