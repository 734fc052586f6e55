"""The numbers that make one GPT-2 differ from another."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class GPTConfig:
    """The shape of a GPT-2; the defaults are the 124M model's.

    n_vocab: how many different tokens there are. n_ctx: the longest text, in
    tokens, that the model can look at. n_embd (C): numbers per token.
    n_head (H): attention heads per block, each C / H wide. n_layer: blocks.
    dropout: the share of numbers zeroed while training, in the three places
    where GPT-2 has it. Raises ValueError for a shape that cannot be built.

    Source: Radford et al., "Language Models are Unsupervised Multitask
    Learners" (2019), table 2; dropout from GPT (Radford et al. 2018), section 4.1.
    """

    n_vocab: int = 50257
    n_ctx: int = 1024
    n_embd: int = 768
    n_head: int = 12
    n_layer: int = 12
    dropout: float = 0.1

    def __post_init__(self) -> None:
        for name in ("n_vocab", "n_ctx", "n_embd", "n_head", "n_layer"):
            size = getattr(self, name)
            if not isinstance(size, int) or size < 1:
                raise ValueError(f"{name} must be a whole number of at least 1, not {size!r}.")
        if self.n_embd % self.n_head:
            raise ValueError(
                f"n_embd = {self.n_embd} cannot be divided among n_head = {self.n_head} heads: "
                f"choose n_embd as a multiple of n_head, such as {self.n_head * round(self.n_embd / self.n_head)}."
            )
        if not isinstance(self.dropout, int | float) or not 0.0 <= self.dropout < 1.0:
            raise ValueError(f"dropout must be at least 0 and below 1, not {self.dropout!r}.")

    @property
    def n_params(self) -> int:
        """The number of parameters; see the function of that name."""
        return n_params(self)


def n_params(config: GPTConfig) -> int:
    """Count the parameters of a GPT-2 of this shape. The tied head adds none.

    A block has two LayerNorms (4 C), c_attn (3 C^2 + 3 C), attention's
    c_proj (C^2 + C), c_fc (4 C^2 + 4 C) and the MLP's c_proj (4 C^2 + C).
    """
    C = config.n_embd
    block = 12 * C * C + 13 * C
    return (config.n_vocab + config.n_ctx) * C + config.n_layer * block + 2 * C


CONFIGS: Mapping[str, GPTConfig] = MappingProxyType(
    {
        "nano": GPTConfig(n_ctx=256, n_embd=128, n_head=4, n_layer=4),  # 7 million, for small machines
        "gpt2": GPTConfig(),  # 124 million
        "gpt2-medium": GPTConfig(n_embd=1024, n_head=16, n_layer=24),  # 355 million
        "gpt2-large": GPTConfig(n_embd=1280, n_head=20, n_layer=36),  # 774 million
        "gpt2-xl": GPTConfig(n_embd=1600, n_head=25, n_layer=48),  # 1558 million
    }
)
"""The four sizes that OpenAI published, and `nano`, which shares their vocabulary."""
