def n_params(config):
    d, L = config.n_embd, config.n_layer
    squares, singles = 12, 13
    #~ biases-missing: squares, singles = 12, 4
    #~ norms-without-bias: squares, singles = 12, 11
    #~ norms-missing: squares, singles = 12, 9
    #~ mlp-square: squares, singles = 6, 10
    #~ mlp-one-layer: squares, singles = 8, 12
    #~ qkv-once: squares, singles = 10, 11
    #~ projection-missing: squares, singles = 11, 12
    #~ times-heads: squares, singles = 9 + 3 * config.n_head, 10 + 3 * config.n_head
    total = d * (config.n_vocab + config.n_ctx)
    #~ tokens-missing: total = d * config.n_ctx
    #~ positions-missing: total = d * config.n_vocab
    #~ embeddings-missing: total = 0
    #~ head-counted: total = d * (2 * config.n_vocab + config.n_ctx)
    total += L * (squares * d**2 + singles * d)
    #~ one-block: total += squares * d**2 + singles * d
    #~ masks-counted: total += L * (squares * d**2 + singles * d + config.n_ctx**2)
    total += 2 * d
    #~ final-norm-missing:
    #~ norms-missing:
    #~ norms-without-bias: total += d
    return total
