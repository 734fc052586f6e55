"""The frequencies of a text's tokens, their entropy, and bytes a token."""

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from nextword.data.mixture import Mixture
from nextword.data.windows import Ids, Windows

if TYPE_CHECKING:
    from nextword.tokenizer import Tokenizer

AT_ONCE = 1 << 22  # ids counted at once, so that a text on the disk stays there
MOST = 1 << 28  # ids counted at all: of a longer text the beginning tells enough


def frequencies(windows: Windows | Mixture, n_vocab: int) -> Tensor:
    """Compute the frequency of each token as training meets it: (V,) float64, together 1."""
    if isinstance(windows, Mixture):
        return torch.stack(
            [share * frequencies(part, n_vocab) for part, share in zip(windows.parts, windows.shares, strict=True)]
        ).sum(0)
    counts = token_counts(windows.ids, n_vocab)
    return counts.double() / counts.sum()


def token_counts(ids: Ids, n_vocab: int) -> Tensor:
    """Count each token of a text: ids (N,) of any integer type -> (V,) int64."""
    parts = (ids[start : start + AT_ONCE] for start in range(0, min(len(ids), MOST), AT_ONCE))
    counts = torch.zeros(n_vocab, dtype=torch.int64)
    for part in parts:
        counts += torch.bincount(part.long(), minlength=n_vocab)
    return counts


def frequency_entropy(shares: Tensor) -> float:
    """Compute the entropy of frequencies (V,), in nats: the loss of knowing them and nothing else."""
    p = shares[shares > 0]
    return -(p * p.log()).sum().item()


def bytes_per_token(shares: Tensor, tokenizer: "Tokenizer") -> float:
    """Average the UTF-8 bytes of tokens with these frequencies (V,). What ends a document counts as none."""
    used = shares.nonzero().flatten().tolist()
    return sum(shares[id].item() * len(tokenizer.decode_bytes([id])) for id in used if id != tokenizer.eot_id)
