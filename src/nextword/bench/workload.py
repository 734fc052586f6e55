"""The workload of a benchmark, and the number of rounds."""

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Workload:
    """The sizes of the work. Every figure is the median of `repeats` rounds, in which all programs take turns.

    Decoding reads prompt_tokens and writes new_tokens after them;
    batch_new_tokens where several texts are written side by side. Prefill reads
    prefill_tokens and chooses one. training: (batch size, window) pairs, with
    n_updates timed ones each time, after one to warm up.
    """

    repeats: int = 3
    precisions: tuple[str, ...] = ("float32", "bfloat16", "int8", "int4")
    prompt_tokens: int = 32
    new_tokens: int = 128
    prefill_tokens: int = 512
    batches: tuple[int, ...] = (8, 32)
    batch_new_tokens: int = 32
    training: tuple[tuple[int, int], ...] = ((8, 1024), (2, 256))
    n_updates: int = 2
    cold_precisions: tuple[str, ...] = ("float32", "int8")
    cold_prompt: str = "Every effort moves you"

    def within(self, n_ctx: int) -> "Workload":
        """Shorten what is longer than the model can read: the longest of several prompts is 1.5 prompt_tokens."""
        prompt_tokens = min(self.prompt_tokens, max(n_ctx // 4, 1))
        room = max(n_ctx - 2 * prompt_tokens - 1, 1)
        return replace(
            self,
            prompt_tokens=prompt_tokens,
            new_tokens=min(self.new_tokens, room),
            batch_new_tokens=min(self.batch_new_tokens, room),
            prefill_tokens=min(self.prefill_tokens, max(n_ctx - 2, 1)),  # two tokens are written after it
            training=tuple((batch_size, min(window, n_ctx)) for batch_size, window in self.training),
        )


USUAL = Workload(batches=(8,), training=((2, 256),), n_updates=4)
"""What a user waits for: a minute or two."""

QUICK = Workload(repeats=1, new_tokens=32, batches=(8,), batch_new_tokens=8, training=((2, 256),), cold_precisions=())
"""A first impression."""
