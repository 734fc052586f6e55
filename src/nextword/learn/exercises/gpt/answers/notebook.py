import torch
import torch.nn as nn


class LayerNorm(nn.Module):
    def __init__(self, emb_dim):
        super().__init__()
        self.eps = 1e-5
        self.scale = nn.Parameter(torch.ones(emb_dim))
        self.shift = nn.Parameter(torch.zeros(emb_dim))

    def forward(self, x):
        mean = x.mean(dim=-1, keepdim=True)
        var = x.var(dim=-1, keepdim=True, unbiased=False)
        return self.scale * (x - mean) / torch.sqrt(var + self.eps) + self.shift


class GELU(nn.Module):
    def forward(self, x):
        return 0.5 * x * (1 + torch.tanh((2 / torch.pi) ** 0.5 * (x + 0.044715 * x**3)))


class FeedForward(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        d = cfg["emb_dim"]
        self.layers = nn.Sequential(nn.Linear(d, 4 * d), GELU(), nn.Linear(4 * d, d))

    def forward(self, x):
        return self.layers(x)


class MultiHeadAttention(nn.Module):
    def __init__(self, d, context_length, dropout, num_heads):
        super().__init__()
        self.num_heads, self.head_dim = num_heads, d // num_heads
        self.W_query = nn.Linear(d, d)
        self.W_key = nn.Linear(d, d)
        self.W_value = nn.Linear(d, d)
        self.out_proj = nn.Linear(d, d)
        self.dropout = nn.Dropout(dropout)
        self.register_buffer("mask", torch.triu(torch.ones(context_length, context_length), diagonal=1))

    def forward(self, x):
        b, n, d = x.shape
        keys = self.W_key(x).view(b, n, self.num_heads, self.head_dim).transpose(1, 2)
        queries = self.W_query(x).view(b, n, self.num_heads, self.head_dim).transpose(1, 2)
        values = self.W_value(x).view(b, n, self.num_heads, self.head_dim).transpose(1, 2)
        scores = queries @ keys.transpose(2, 3)
        scores.masked_fill_(self.mask.bool()[:n, :n], -torch.inf)
        weights = self.dropout(torch.softmax(scores / keys.shape[-1] ** 0.5, dim=-1))
        return self.out_proj((weights @ values).transpose(1, 2).contiguous().view(b, n, d))


class TransformerBlock(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.att = MultiHeadAttention(cfg["emb_dim"], cfg["context_length"], cfg["drop_rate"], cfg["n_heads"])
        self.ff = FeedForward(cfg)
        self.norm1 = LayerNorm(cfg["emb_dim"])
        self.norm2 = LayerNorm(cfg["emb_dim"])
        self.drop_shortcut = nn.Dropout(cfg["drop_rate"])

    def forward(self, x):
        x = x + self.drop_shortcut(self.att(self.norm1(x)))
        return x + self.drop_shortcut(self.ff(self.norm2(x)))


class GPT(nn.Module):
    def __init__(self, config):
        super().__init__()
        cfg = {
            "vocab_size": config.n_vocab,
            "context_length": config.n_ctx,
            "emb_dim": config.n_embd,
            "n_heads": config.n_head,
            "n_layers": config.n_layer,
            #~ block-missing: "n_layers": config.n_layer - 1,
            "drop_rate": config.dropout,
        }
        self.cfg = cfg
        self.tok_emb = nn.Embedding(cfg["vocab_size"], cfg["emb_dim"])
        self.pos_emb = nn.Embedding(cfg["context_length"], cfg["emb_dim"])
        #~ positions-missing: inv = 10000 ** -(torch.arange(0, cfg["emb_dim"], 2) / cfg["emb_dim"])
        #~ positions-missing: self.angles = torch.arange(cfg["context_length"])[:, None] * inv
        self.drop_emb = nn.Dropout(cfg["drop_rate"])
        blocks = [TransformerBlock(cfg) for _ in range(cfg["n_layers"])]
        #~ blocks-shared: blocks = [TransformerBlock(cfg)] * cfg["n_layers"]
        self.trf_blocks = nn.Sequential(*blocks)
        #~ blocks-in-a-list: self.trf_blocks = blocks
        #~ blocks-reversed: self.trf_blocks = nn.Sequential(*blocks)
        self.final_norm = LayerNorm(cfg["emb_dim"])
        #~ final-norm-missing:
        self.out_head = nn.Linear(cfg["emb_dim"], cfg["vocab_size"], bias=False)
        #~ head-bias: self.out_head = nn.Linear(cfg["emb_dim"], cfg["vocab_size"])
        self.out_head.weight = self.tok_emb.weight
        #~ head-untied:
        #~ head-copied: self.out_head.weight = nn.Parameter(self.tok_emb.weight.detach().clone())

    def forward(self, in_idx):
        batch_size, seq_len = in_idx.shape
        #~ keeps-the-last: in_idx = in_idx[:, -self.cfg["context_length"]:]
        #~ keeps-the-last: batch_size, seq_len = in_idx.shape
        #~ keeps-the-first: in_idx = in_idx[:, :self.cfg["context_length"]]
        #~ keeps-the-first: batch_size, seq_len = in_idx.shape
        tok_embeds = self.tok_emb(in_idx)
        #~ embedding-scaled: tok_embeds = self.tok_emb(in_idx) * self.cfg["emb_dim"] ** 0.5
        where = torch.arange(seq_len, device=in_idx.device)
        #~ positions-shifted: where = torch.arange(seq_len, device=in_idx.device) + 1
        #~ positions-reversed: where = torch.arange(seq_len, device=in_idx.device).flip(0)
        #~ positions-from-the-end: where = torch.arange(self.cfg["context_length"], device=in_idx.device)[-seq_len:]
        #~ positions-all-zero: where = torch.zeros(seq_len, dtype=torch.long, device=in_idx.device)
        x = tok_embeds + self.pos_emb(where)
        #~ positions-unused: x = tok_embeds
        #~ positions-missing: x = tok_embeds
        x = self.drop_emb(x)
        #~ embedding-dropout-missing:
        #~ embedding-dropout-in-eval: x = nn.functional.dropout(x, self.cfg["drop_rate"])
        x = self.trf_blocks(x)
        #~ last-block-skipped: x = self.trf_blocks[:-1](x)
        #~ blocks-not-chained: x = self.trf_blocks[-1](x)
        #~ blocks-in-a-list: for block in self.trf_blocks:
        #~ blocks-in-a-list:     x = block(x)
        #~ blocks-reversed: for block in reversed(self.trf_blocks):
        #~ blocks-reversed:     x = block(x)
        x = self.final_norm(x)
        #~ final-norm-unused:
        #~ final-norm-missing:
        logits = self.out_head(x)
        #~ last-position-only: logits = self.out_head(x[:, -1:, :])
        #~ softmax-applied: logits = torch.softmax(self.out_head(x), dim=-1)
        #~ log-softmax-applied: logits = torch.log_softmax(self.out_head(x), dim=-1)
        return logits
        #~ returns-a-pair: return logits, None
