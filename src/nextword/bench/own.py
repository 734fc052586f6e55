"""nextword as a measured program, called as a user would."""

import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from nextword.bench.program import TrainingProgram, WritingProgram

if TYPE_CHECKING:
    from nextword.decode.engines import EngineName


class Nextword(WritingProgram):
    """nextword writing by the fastest engine on a CPU."""

    name = "nextword"
    precisions: ClassVar[tuple[str, ...]] = ("float32", "bfloat16", "int8", "int4")
    engine_name: "ClassVar[EngineName | None]" = None

    def load(self, model: str, scratch: str, precision: str, threads: int, n_rows: int) -> None:
        """Load the weights once, with room for n_rows texts."""
        from nextword.loading import load_engine

        quantized = precision in ("int8", "int4")
        self.engine, _ = load_engine(
            model,
            device="cpu",
            dtype=None if quantized else precision,
            quantize=precision if quantized else None,
            n_rows=n_rows,
            engine=self.engine_name,
        )

    def write(self, prompts: Sequence[Sequence[int]], n_tokens: int) -> list[list[int]]:
        """Read the prompts on rows of their own, and write on all rows together."""
        import numpy as np

        from nextword.decode import Sampling

        for row, ids in enumerate(prompts):
            self.engine.read(row, ids)
        numbers = np.zeros((n_tokens, len(prompts)))
        return self.engine.write(range(len(prompts)), Sampling(temperature=0), numbers).T.tolist()

    def logits(self, ids: Sequence[int]) -> list[float]:
        """Compute the logits after a text, on the first row."""
        self.engine.read(0, ids)
        return self.engine.next_logits([0])[0].tolist()

    @classmethod
    def cold_start(cls, model: str, scratch: str, precision: str, prompt: str, threads: int) -> list[str] | None:
        """`nextword generate`, as a user types it."""
        if precision not in cls.precisions:
            return None
        how = ("--quantize" if precision in ("int8", "int4") else "--dtype", precision)
        command = [sys.executable, "-c", "from nextword.cli.main import main; main()", "generate", prompt]
        command += ["--model", model, "--device", "cpu", "--max-new-tokens", "8", "--temperature", "0"]
        return [*command, *how, *(("--engine", cls.engine_name) if cls.engine_name else ())]


class NextwordNative(Nextword):
    """nextword writing by the engine in C."""

    engine_name = "native"


class NextwordTorch(Nextword):
    """nextword writing by PyTorch."""

    precisions = ("float32", "bfloat16")
    engine_name: "ClassVar[EngineName | None]" = "torch"


class NextwordPlain(NextwordTorch):
    """nextword writing by the plain functions."""

    engine_name = "plain"


class PlainTwin(WritingProgram):
    """The plain twin in float32, the reference of all outputs."""

    name = "nextword's plain twin"
    precisions = ("float32",)

    def load(self, model: str, scratch: str, precision: str, threads: int, n_rows: int) -> None:
        """Load the weights with `plain`'s functions."""
        from nextword.loading import load
        from nextword.model import plain

        self.model, _ = load(model, ops=plain)

    def write(self, prompts: Sequence[Sequence[int]], n_tokens: int) -> list[list[int]]:
        """Write without a cache: all is read anew for each token."""
        texts = [list(ids) for ids in prompts]
        for text in texts:
            for _ in range(n_tokens):
                scores = self.logits(text)
                text.append(scores.index(max(scores)))
        return [text[-n_tokens:] for text in texts]

    def logits(self, ids: Sequence[int]) -> list[float]:
        """Compute the logits after a text."""
        import torch

        with torch.inference_mode():
            return self.model(torch.tensor([list(ids)]))[0, -1].tolist()


class NextwordTraining(TrainingProgram):
    """nextword training by the Trainer, with everything around an update."""

    name = "nextword"

    def train(
        self, model: str, text: str, scratch: str, batch_size: int, window: int, n_steps: int, threads: int
    ) -> dict[str, list[float]]:
        """Run the trainer for so many updates, and time each."""
        from nextword.runtime import keep_freed_memory
        from nextword.train import TrainConfig, Trainer
        from nextword.train.events import Stepped

        keep_freed_memory()  # as `nextword train` does
        endless = 10**6
        config = TrainConfig(
            data=(text,),
            init=model,
            out=f"{scratch}/run",
            device="cpu",
            dtype="bfloat16",  # as everybody else's products
            window=window,
            batch_size=batch_size,
            dropout=0.0,
            steps=endless,
            eval_every=endless,
            save_every=endless,
            val_fraction=0.03,
        )
        seconds: list[float] = []
        losses: list[float] = []
        began = time.perf_counter()
        for event in Trainer(config, overwrite=True).run():
            if isinstance(event, Stepped):
                seconds.append(time.perf_counter() - began)
                losses.append(event.train_loss)
                if len(seconds) == n_steps:
                    break  # so that no checkpoint is written
            began = time.perf_counter()
        return {"seconds": seconds, "losses": losses}
