from collections import Counter
from math import log, log2, log10


def frequency_loss(ids):
    found = Counter(ids.tolist())
    #~ uniform: found = Counter(set(ids.tolist()))
    n = sum(found.values())
    total = 0.0
    for count in found.values():
        total -= count / n * log(count / n)
        #~ entropy-in-bits: total -= count / n * log2(count / n)
        #~ sign: total += count / n * log(count / n)
        #~ unweighted: total -= log(count / n) / len(found)
        #~ sum: total -= count * log(count / n)
    return total


def bits_per_byte(loss, n_tokens, n_bytes):
    bytes_per_token = n_bytes / n_tokens
    #~ bytes-over-tokens: bytes_per_token = n_tokens / n_bytes
    #~ per-token: bytes_per_token = 1
    bits = loss / log(2)
    #~ nats-kept: bits = loss
    #~ times-ln-2: bits = loss * log(2)
    #~ base-10: bits = loss / log10(2)
    return bits / bytes_per_token
