def n_params(config):
    C = config.n_embd

    def linear(n_in, n_out):
        return n_in * n_out + n_out
        #~ biases-missing: return n_in * n_out

    ln = 2 * C
    #~ norms-without-bias: ln = C
    #~ norms-missing: ln = 0
    attention = linear(C, 3 * C) + linear(C, C)
    #~ qkv-once: attention = linear(C, C) + linear(C, C)
    #~ projection-missing: attention = linear(C, 3 * C)
    #~ times-heads: attention = config.n_head * linear(C, 3 * C) + linear(C, C)
    mlp = linear(C, 4 * C) + linear(4 * C, C)
    #~ mlp-square: mlp = linear(C, C) + linear(C, C)
    #~ mlp-one-layer: mlp = linear(C, 4 * C)
    block = ln + attention + ln + mlp
    #~ masks-counted: block = ln + attention + ln + mlp + config.n_ctx * config.n_ctx
    embeddings = config.n_vocab * C + config.n_ctx * C
    #~ positions-missing: embeddings = config.n_vocab * C
    #~ tokens-missing: embeddings = config.n_ctx * C
    #~ embeddings-missing: embeddings = 0
    #~ head-counted: embeddings = config.n_vocab * C + config.n_ctx * C + config.n_vocab * C
    return embeddings + config.n_layer * block + ln
    #~ final-norm-missing: return embeddings + config.n_layer * block
    #~ one-block: return embeddings + block + ln
