"""What is measured on a GPU."""

from dataclasses import dataclass, replace

from nextword.decode import Sampling
from nextword.model import CONFIGS, GPTConfig

TINY = GPTConfig(n_vocab=211, n_ctx=64, n_embd=32, n_head=2, n_layer=2, dropout=0.0)
SAMPLING = Sampling(temperature=0.8, top_k=40)


@dataclass(frozen=True)
class Plan:
    """The sizes of the work.

    writing and many (prompts): (rows, what computes the step). training: (batch
    size, window, whether compiled). For the peer, writing has the kind of cache.
    """

    config: GPTConfig
    training: tuple[tuple[int, int, bool], ...]
    writing: tuple[tuple[int, str], ...]
    many: tuple[tuple[int, str], ...]
    peer_training: tuple[tuple[int, int, bool], ...]
    peer_writing: tuple[tuple[int, str], ...]
    prompt_tokens: int = 32
    new_tokens: int = 224
    seconds: float = 3.0
    gemm_width: int = 8192
    copy_bytes: int = 4 * 2**30


FULL = Plan(
    replace(CONFIGS["gpt2"], dropout=0.0),
    training=((16, 1024, False), (32, 1024, True), (64, 1024, True)),
    writing=((1, "torch"), (32, "torch"), (256, "torch"), (1, "compile"), (256, "compile")),
    many=((32, "torch"), (256, "torch")),
    peer_training=((16, 1024, False), (32, 1024, True)),
    peer_writing=((1, "dynamic"), (1, "static"), (32, "dynamic"), (256, "dynamic")),
)
QUICK = Plan(
    TINY,
    training=((2, 32, False),),
    writing=((1, "torch"), (3, "torch")),
    many=((3, "torch"),),
    peer_training=((2, 32, False),),
    peer_writing=((1, "dynamic"), (3, "dynamic")),
    prompt_tokens=8,
    new_tokens=12,
    seconds=0.1,
    gemm_width=64,
    copy_bytes=2**22,
)
