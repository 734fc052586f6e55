"""The attention log: the weights of every head on one text, again and again as a run learns.

attention/step-00000100.safetensors   ids (T,), and weights (L, H, T, T) in float16
"""

from pathlib import Path

import torch
from safetensors import SafetensorError
from torch import Tensor

from nextword.errors import RunError
from nextword.model import GPT
from nextword.model.eval_mode import eval_mode
from nextword.runtime import replacing
from nextword.weights import save_tensors
from nextword.weights.tensor_file import load_tensors

TOKENS = 48
"""Of the text, at most: enough to see a pattern, and for GPT-2 124M 0.7 MB a look."""

KEPT = 64
"""Looks, at most: of more, every second is let go, but never the first or the newest."""


class AttentionLog:
    """The folder of a run's attention weights. It is there when the first are kept."""

    def __init__(self, folder: Path):
        self._folder = folder

    def add(self, step: int, model: GPT, ids: Tensor) -> None:
        """Keep every head's attention weights on the beginning of a text (T,), after so many updates."""
        ids = ids[: min(TOKENS, model.config.n_ctx)].to(model.wte.weight.device, torch.int64)
        with torch.no_grad(), eval_mode(model):
            blocks = map(model.block, range(model.config.n_layer))
            stream = model.residual_stream(ids.unsqueeze(0))  # one more than blocks
            layers = [block.attn.weights(block.ln_1(x))[0] for block, x in zip(blocks, stream, strict=False)]
        self._folder.mkdir(exist_ok=True)
        with replacing(self._file(step)) as file:
            save_tensors({"ids": ids.cpu(), "weights": torch.stack(layers).half().cpu()}, file)
        if len(self.steps()) > KEPT:
            for old in self.steps()[1:-1:2]:
                self._file(old).unlink()

    def steps(self) -> list[int]:
        """List the steps that were kept, the earliest first."""
        return sorted(int(file.stem[5:]) for file in self._folder.glob("step-????????.safetensors"))

    def text(self) -> list[int]:
        """Load the ids of the text, (T,); empty before the first step that was kept."""
        steps = self.steps()
        if not steps:
            return []
        return self._load(steps[-1])["ids"].tolist()

    def read(self, step: int, layer: int, head: int) -> Tensor:
        """Load one head's attention weights (T, T) at one of the `steps`. Raises RunError where there are none."""
        weights = self._load(step)["weights"]
        L, H, _, _ = weights.shape
        if not (0 <= layer < L and 0 <= head < H):
            raise RunError(f"There is no head {head} in layer {layer}: there are {L} layers of {H} heads.")
        return weights[layer, head].float()

    def rewind(self, step: int) -> None:
        """Forget the steps after this one: a run that resumes there will keep them again."""
        for later in self.steps():
            if later > step:
                self._file(later).unlink()

    def _load(self, step: int) -> dict[str, Tensor]:
        try:
            return load_tensors(self._file(step))
        except FileNotFoundError:
            there = ", ".join(map(str, self.steps())) or "none"
            raise RunError(f"Nobody looked at the attention after step {step}; steps that are kept: {there}.") from None
        except SafetensorError as error:
            raise RunError(f"{self._file(step)} cannot be read ({error}).") from error

    def _file(self, step: int) -> Path:
        return self._folder / f"step-{step:08d}.safetensors"
