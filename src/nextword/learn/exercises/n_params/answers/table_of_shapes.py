from math import prod


def n_params(cfg):
    C = cfg.n_embd
    once = [(cfg.n_vocab, C), (cfg.n_ctx, C), (C,), (C,)]
    each = [(C,), (C,), (3 * C, C), (3 * C,), (C, C), (C,), (C,), (C,), (4 * C, C), (4 * C,), (C, 4 * C), (C,)]
    return sum(map(prod, once)) + cfg.n_layer * sum(map(prod, each))
