# mypy: ignore-errors
"""The kernels of `triton_step.py`: what a GPU does for one token, in as few launches as that allows.

`embed` and `product` are for a single row, where every product is a matrix with
a vector: the GPU is done with the numbers as soon as they have arrived, and
what remains is the wait between one launch and the next. There activations are
float32 whatever the weights are. Importing this needs Triton.
"""

import triton
import triton.language as tl

LOWEST = tl.constexpr(-(2**31))  # below the rank of every number, -inf among them


@triton.jit
def embed(pending, lengths, wte, wpe, x, C, BLOCK: tl.constexpr):
    """x (C,) = wte[pending] + wpe[length]. One program."""
    c = tl.arange(0, BLOCK)
    inside = c < C
    token = tl.load(wte + tl.load(pending) * C + c, mask=inside)
    place = tl.load(wpe + tl.load(lengths) * C + c, mask=inside)
    tl.store(x + c, token.to(tl.float32) + place.to(tl.float32), mask=inside)


@triton.jit
def product(
    x,
    y,
    weight,
    bias,
    ln_weight,
    ln_bias,
    N,
    K,
    eps,
    NORM: tl.constexpr,
    BIAS: tl.constexpr,
    GELU: tl.constexpr,
    ADD: tl.constexpr,
    BLOCK_N: tl.constexpr,
    BLOCK_K: tl.constexpr,
    CHUNKS: tl.constexpr,
):
    """y (N,) = weight (N, K) @ x (K,), BLOCK_N numbers a program; CHUNKS * BLOCK_K covers K.

    NORM: x is layer-normalised first (by every program for itself, which costs
    less than a launch). BIAS, GELU: after the product. ADD: y is added to.
    """
    n = tl.program_id(0) * BLOCK_N + tl.arange(0, BLOCK_N)
    if NORM:
        total = tl.zeros([BLOCK_K], tl.float32)
        for chunk in tl.static_range(CHUNKS):
            k = chunk * BLOCK_K + tl.arange(0, BLOCK_K)
            total += tl.load(x + k, mask=k < K, other=0.0)
        mean = tl.sum(total, 0) / K
        total = tl.zeros([BLOCK_K], tl.float32)
        for chunk in tl.static_range(CHUNKS):
            k = chunk * BLOCK_K + tl.arange(0, BLOCK_K)
            deviation = tl.where(k < K, tl.load(x + k, mask=k < K, other=0.0) - mean, 0.0)
            total += deviation * deviation
        scale = 1.0 / tl.sqrt(tl.sum(total, 0) / K + eps)
    sums = tl.zeros([BLOCK_N, BLOCK_K], tl.float32)
    for chunk in tl.static_range(CHUNKS):
        k = chunk * BLOCK_K + tl.arange(0, BLOCK_K)
        w = tl.load(weight + n[:, None] * K + k[None, :], mask=(n < N)[:, None] & (k < K)[None, :], other=0.0)
        v = tl.load(x + k, mask=k < K, other=0.0)
        if NORM:
            by = tl.load(ln_weight + k, mask=k < K, other=0.0).to(tl.float32)
            plus = tl.load(ln_bias + k, mask=k < K, other=0.0).to(tl.float32)
            v = (v - mean) * scale * by + plus
        sums += w.to(tl.float32) * v[None, :]
    out = tl.sum(sums, 1)
    if BIAS:
        out += tl.load(bias + n, mask=n < N, other=0.0).to(tl.float32)
    if GELU:  # 0.5 (1 + tanh u) is the logistic function of 2 u
        out = out * tl.sigmoid(1.5957691216057308 * (out + 0.044715 * out * out * out))
    if ADD:
        out += tl.load(y + n, mask=n < N, other=0.0)
    tl.store(y + n, out, mask=n < N)


@triton.jit
def attend(
    qkv, keys, values, y, lengths, C, n_ctx, scale, D: tl.constexpr, BLOCK_D: tl.constexpr, BLOCK_S: tl.constexpr
):
    """One head of one row a program: store the new key and value, and attend to them and the row's older ones.

    qkv (R, 3 C), keys and values (R, H, n_ctx, D), lengths (R,) -> y (R, C). It
    reads no more of the cache than the row has, BLOCK_S positions at a time,
    with the softmax kept up as it goes.

    Source: Milakov and Gimelshein, "Online normalizer calculation for softmax" (2018), section 3.
    """
    head, row = tl.program_id(0), tl.program_id(1)
    qkv += row * 3 * C
    d = tl.arange(0, BLOCK_D)
    inside = d < D
    q = tl.load(qkv + head * D + d, mask=inside, other=0.0).to(tl.float32) * scale
    k = tl.load(qkv + C + head * D + d, mask=inside, other=0.0).to(keys.dtype.element_ty)
    v = tl.load(qkv + 2 * C + head * D + d, mask=inside, other=0.0).to(values.dtype.element_ty)
    # A row that is full and not at work needs a place to write in vain, and no longer needs its last one.
    length = tl.minimum(tl.load(lengths + row), n_ctx - 1).to(tl.int32)
    begin = (row.to(tl.int64) * tl.num_programs(0) + head) * n_ctx * D
    tl.store(keys + begin + length * D + d, k, mask=inside)
    tl.store(values + begin + length * D + d, v, mask=inside)
    # The new token is taken from here, not from memory: it is what the average begins with.
    highest = tl.sum(q * k.to(tl.float32), 0)
    whole = tl.sum(tl.where(d == 0, 1.0, 0.0), 0)
    average = v.to(tl.float32)
    for start in range(0, length, BLOCK_S):
        s = start + tl.arange(0, BLOCK_S)
        there = (s < length)[:, None] & inside[None, :]
        at = begin + s[:, None] * D + d[None, :]
        older = tl.load(keys + at, mask=there, other=0.0).to(tl.float32)  # (S, D)
        scores = tl.where(s < length, tl.sum(older * q[None, :], 1), -float("inf"))  # (S,)
        new_highest = tl.maximum(highest, tl.max(scores, 0))
        weights = tl.exp(scores - new_highest)
        shrink = tl.exp(highest - new_highest)
        older = tl.load(values + at, mask=there, other=0.0).to(tl.float32)
        average = average * shrink + tl.sum(older * weights[:, None], 0)
        whole = whole * shrink + tl.sum(weights, 0)
        highest = new_highest
    tl.store(y + row * C + head * D + d, average / whole, mask=inside)


@triton.jit
def rank_of(logits):
    """float32 -> int64 in the same order: IEEE 754's bits, those of negative numbers turned round."""
    bits = (logits + 0.0).to(tl.int32, bitcast=True)
    return (bits ^ ((bits >> 31) & 0x7FFFFFFF)).to(tl.int64)


@triton.jit
def kth_highest(ranks, k):
    """The largest threshold that at least k of the ranks reach, found bit by bit."""
    one = tl.full([], 1, tl.int64)
    threshold = one * LOWEST
    for bit in range(32):
        higher = threshold + (one << (31 - bit))
        enough = tl.sum((ranks >= higher).to(tl.int32), 0) >= k
        threshold = tl.where(enough, higher, threshold)
    return threshold


@triton.jit
def first_k(ranks, k):
    """Which of the ranks are the k highest; of equals at the threshold, the first."""
    threshold = kth_highest(ranks, k)
    above = ranks > threshold
    equal = ranks == threshold
    missing = k - tl.sum(above.to(tl.int32), 0)
    return above | (equal & (tl.cumsum(equal.to(tl.int32), 0) <= missing))


@triton.jit
def shortlist(logits, stride, ranks_out, ids_out, V, k, BLOCK: tl.constexpr, SLOTS: tl.constexpr):
    """The k highest of every BLOCK logits, in the order of ids: what top-k can choose from, for each (row, block).

    logits (R, V) -> ranks and ids (R, blocks, SLOTS), filled up with LOWEST.
    """
    row, block = tl.program_id(0), tl.program_id(1)
    id = block * BLOCK + tl.arange(0, BLOCK)
    scores = tl.load(logits + row * stride + id, mask=id < V, other=-float("inf")).to(tl.float32)
    ranks = tl.where(id < V, rank_of(scores), LOWEST)
    listed = first_k(ranks, k) & (id < V)
    place = tl.cumsum(listed.to(tl.int32), 0) - 1
    begin = (row * tl.num_programs(1) + block) * SLOTS
    tl.store(ranks_out + begin + place, ranks, mask=listed)
    tl.store(ids_out + begin + place, id, mask=listed)
    slot = tl.arange(0, SLOTS)
    tl.store(ranks_out + begin + slot, slot.to(tl.int64) * 0 + LOWEST, mask=slot >= tl.sum(listed.to(tl.int32), 0))


@triton.jit
def draw(
    ranks_in,
    ids_in,
    setting,
    numbers,
    turn,
    active,
    pending,
    chosen,
    k,
    R,
    SIZE,
    BLOCK: tl.constexpr,
):
    """From the lists to the token, one row a program; see `choose.choose` for what it means.

    ranks, ids (R, SIZE); setting (2,) of float64: temperature and top_p;
    numbers and chosen (turns, R). The token becomes pending where the row is active.
    """
    row = tl.program_id(0)
    slot = tl.arange(0, BLOCK)
    ranks = tl.load(ranks_in + row * SIZE + slot, mask=slot < SIZE, other=LOWEST)
    kept = first_k(ranks, k) & (ranks > LOWEST)
    bits = ranks.to(tl.int32)
    scores = (bits ^ ((bits >> 31) & 0x7FFFFFFF)).to(tl.float32, bitcast=True).to(tl.float64)
    highest = tl.max(tl.where(kept, scores, -float("inf")), 0)
    weights = tl.where(kept, tl.exp((scores - highest) / tl.load(setting)), 0.0)
    share = tl.load(setting + 1) * tl.sum(weights, 0)
    # top-p: a token stays if the likelier ones weigh less than the share. Find the lowest rank of which that is true.
    one = tl.full([], 1, tl.int64)
    lowest = one * LOWEST
    for bit in range(32):
        higher = lowest + (one << (31 - bit))
        # Where those at or above `higher` weigh enough, the threshold is not below it.
        enough = tl.sum(tl.where(ranks >= higher, weights, 0.0), 0) >= share
        lowest = tl.where(enough, higher, lowest)
    equal = tl.where(ranks == lowest, weights, 0.0)
    before = tl.sum(tl.where(ranks > lowest, weights, 0.0), 0) + tl.cumsum(equal, 0) - equal
    stays = (ranks > lowest) | ((ranks == lowest) & (before < share))
    weights = tl.where(tl.load(setting + 1) >= 1.0, weights, tl.where(stays, weights, 0.0))
    running = tl.cumsum(weights, 0)
    at = tl.load(turn) * R + row
    target = tl.load(numbers + at) * tl.max(running, 0)
    index = tl.sum((running <= target).to(tl.int32), 0)
    index = tl.minimum(index, tl.max(tl.where(weights > 0.0, slot, 0), 0))
    ids = tl.load(ids_in + row * SIZE + slot, mask=slot < SIZE, other=0)
    id = tl.sum(tl.where(slot == index, ids, 0), 0).to(tl.int64)
    tl.store(chosen + at, id)
    tl.store(pending + row, id, mask=tl.load(active + row).to(tl.int1))
