import math

import torch


def frequency_loss(ids):
    counts = torch.bincount(ids)
    counts = counts[counts > 0]
    #~ zero-times-log: pass
    p = counts.double() / len(ids)
    #~ uniform: p = torch.ones(len(counts), dtype=torch.float64) / len(counts)
    return -(p * p.log()).sum().item()
    #~ unweighted: return -p.log().mean().item()
    #~ entropy-in-bits: return -(p * p.log2()).sum().item()
    #~ sign: return (p * p.log()).sum().item()
    #~ sum: return -(p * p.log()).sum().item() * len(ids)


def bits_per_byte(loss, n_tokens, n_bytes):
    return loss / math.log(2.0) * n_tokens / n_bytes
    #~ nats-kept: return loss * n_tokens / n_bytes
    #~ times-ln-2: return loss * math.log(2.0) * n_tokens / n_bytes
    #~ bytes-over-tokens: return loss / math.log(2.0) * n_bytes / n_tokens
    #~ per-token: return loss / math.log(2.0)
    #~ base-10: return loss / math.log10(2.0) * n_tokens / n_bytes
