"""GPT-2 in one file: tokenizer, model, training, sampling. Needs torch and regex.

    python gpt2.py train my.txt [DIR]         learn from a text, then continue its beginning
    python gpt2.py write "The piano" [DIR]    continue a prompt

DIR holds config.json, model.safetensors and GPT-2's merges.txt, which may also lie beside this file (as vocab.bpe).
"""

import json
import sys
from functools import cache, partial
from itertools import count
from pathlib import Path

import torch
from torch import Tensor

from nextword.config import GPTConfig
from nextword.data.plain import batches, windows
from nextword.decode.plain import generate, sample_top_k
from nextword.model.gpt import GPT
from nextword.tokenizer.bpe import decode, encode
from nextword.tokenizer.vocab import BYTE_TO_CHAR
from nextword.train.optimizer import parameter_groups, set_learning_rate
from nextword.train.plain import gradient_step, learning_rate
from nextword.weights.plain import from_huggingface

DTYPES = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}


@cache
def load_merges() -> dict[tuple[bytes, ...], int]:
    """Read the merges, the most frequent first, from a file in DIR or beside this one."""
    folders = [*map(Path, sys.argv[3:]), Path(__file__).parent]
    files = [folder / name for folder in folders for name in ("merges.txt", "vocab.bpe")]
    file = next(filter(Path.is_file, files), files[-1])
    byte = {char: bytes([byte]) for byte, char in BYTE_TO_CHAR.items()}
    pairs = (line.split(" ") for line in file.read_text(encoding="utf-8").splitlines()[1:])
    return {tuple(b"".join(byte[char] for char in token) for token in pair): rank for rank, pair in enumerate(pairs)}


@cache
def load_tokens() -> list[bytes]:
    """List all tokens in the order of their ids: the 256 bytes, what each merge makes, and <|endoftext|>."""
    return [*(bytes([byte]) for byte in BYTE_TO_CHAR), *map(b"".join, load_merges()), b"<|endoftext|>"]


@cache
def load_ids() -> dict[bytes, int]:
    """Give each token's id."""
    return {token: id for id, token in enumerate(load_tokens())}


def load_model(folder: Path) -> GPT:
    """Load a model: its shape is in config.json, its weights in model.safetensors."""
    config = json.loads((folder / "config.json").read_text())
    if config["vocab_size"] < len(load_tokens()):
        sys.exit(f"{folder} has another vocabulary than {len(load_tokens())} tokens by merges, as this file reads.")
    model = GPT(GPTConfig(*(config[name] for name in ("vocab_size", "n_positions", "n_embd", "n_head", "n_layer"))))
    content = (folder / "model.safetensors").read_bytes()  # the length of a list, the list, and all numbers in a row
    start = 8 + int.from_bytes(content[:8], "little")
    tensors = {}
    for name, info in json.loads(content[8:start]).items():
        if name != "__metadata__":
            begin, end = (start + offset for offset in info["data_offsets"])
            numbers = torch.frombuffer(bytearray(content[begin:end]), dtype=DTYPES[info["dtype"]])
            tensors[name] = numbers.view(info["shape"])
    ours = from_huggingface(tensors)
    model.load_state_dict(ours)
    return model


def train(model: GPT, ids: Tensor, steps: int, window: int, batch_size: int, peak: float) -> None:
    """Train on the ids of a text, and print the loss of every step."""
    x, y = windows(ids, window, window)
    groups = parameter_groups(model, 0.1)
    optimizer = torch.optim.AdamW(groups, betas=(0.9, 0.95))
    stream = (batch for epoch in count() for batch in batches(x, y, batch_size, seed=epoch))
    for step in range(steps):
        set_learning_rate(optimizer, learning_rate(step, steps, steps // 20, peak))
        micro_batches = [next(stream), next(stream)]  # two small ones do what a large one would, in half the memory
        total = gradient_step(model, optimizer, micro_batches, 1.0)
        print(f"step {step + 1} of {steps}: loss {total:.3f}", flush=True)


def main() -> None:
    """Train on a text or continue a prompt, as the command line says."""
    verb, text, *folders = sys.argv[1:] or sys.exit(__doc__)
    model = load_model(Path(folders[0])) if folders else GPT(GPTConfig(n_ctx=256, n_embd=128, n_head=4, n_layer=4))
    if verb == "train":
        text = Path(text).read_text(encoding="utf-8")
        train(model, torch.tensor(encode(text)), steps=200, window=128, batch_size=2, peak=1e-4 if folders else 1e-3)
        text = text[:50]
    choose = partial(sample_top_k, k=40, temperature=0.8)
    ids = generate(model, torch.tensor([encode(text)]), 100, choose, model.config.n_ctx)
    print(decode(ids[0].tolist()))
