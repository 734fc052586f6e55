"""GPT-2s as other people write them: the same function, in many structures and under many names."""

import math

import torch
from torch import nn
from torch.nn import functional as F


def causal(q, k, v):
    return F.scaled_dot_product_attention(q, k, v, is_causal=True)


def heads(x, n_head):
    return x.unflatten(-1, (n_head, -1)).transpose(1, 2)


def tanh_gelu(x):
    return F.gelu(x, approximate="tanh")


# 1: fused Linear, a ModuleDict called transformer, a tied head.
class Fused(nn.Module):
    class Attention(nn.Module):
        def __init__(self, c):
            super().__init__()
            self.c_attn = nn.Linear(c.n_embd, 3 * c.n_embd)
            self.c_proj = nn.Linear(c.n_embd, c.n_embd)
            self.n_head = c.n_head
            self.register_buffer("bias", torch.ones(c.n_ctx, c.n_ctx).tril())

        def forward(self, x):
            q, k, v = (heads(part, self.n_head) for part in self.c_attn(x).split(x.size(-1), -1))
            scores = (q @ k.mT / math.sqrt(k.size(-1))).masked_fill(self.bias[: x.size(1), : x.size(1)] == 0, -1e9)
            return self.c_proj((scores.softmax(-1) @ v).transpose(1, 2).flatten(2))

    class Block(nn.Module):
        def __init__(self, c):
            super().__init__()
            self.ln_1, self.ln_2 = nn.LayerNorm(c.n_embd), nn.LayerNorm(c.n_embd)
            self.attn = Fused.Attention(c)
            self.mlp = nn.ModuleDict(
                {"c_fc": nn.Linear(c.n_embd, 4 * c.n_embd), "c_proj": nn.Linear(4 * c.n_embd, c.n_embd)}
            )

        def forward(self, x):
            x = x + self.attn(self.ln_1(x))
            return x + self.mlp["c_proj"](tanh_gelu(self.mlp["c_fc"](self.ln_2(x))))

    def __init__(self, c):
        super().__init__()
        self.transformer = nn.ModuleDict(
            {
                "wte": nn.Embedding(c.n_vocab, c.n_embd),
                "wpe": nn.Embedding(c.n_ctx, c.n_embd),
                "h": nn.ModuleList(self.Block(c) for _ in range(c.n_layer)),
                "ln_f": nn.LayerNorm(c.n_embd),
            }
        )
        self.lm_head = nn.Linear(c.n_embd, c.n_vocab, bias=False)
        self.transformer["wte"].weight = self.lm_head.weight

    def forward(self, idx, targets=None):
        t = self.transformer
        x = t["wte"](idx) + t["wpe"](torch.arange(idx.size(1)))
        for block in t["h"]:
            x = block(x)
        logits = self.lm_head(t["ln_f"](x))
        loss = None if targets is None else F.cross_entropy(logits.flatten(0, 1), targets.flatten())
        return logits, loss


# 2: three Linears, a LayerNorm class with scale and shift, nn.Sequential everywhere, a head of its own.
class Scaled(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.eps = 1e-5
        self.scale, self.shift = nn.Parameter(torch.ones(dim)), nn.Parameter(torch.zeros(dim))

    def forward(self, x):
        mean, var = x.mean(-1, keepdim=True), x.var(-1, keepdim=True, unbiased=False)
        return self.scale * (x - mean) / torch.sqrt(var + self.eps) + self.shift


class Separate(nn.Module):
    class MultiHeadAttention(nn.Module):
        def __init__(self, c, bias):
            super().__init__()
            self.num_heads = c.n_head
            self.W_query = nn.Linear(c.n_embd, c.n_embd, bias=bias)
            self.W_key = nn.Linear(c.n_embd, c.n_embd, bias=bias)
            self.W_value = nn.Linear(c.n_embd, c.n_embd, bias=bias)
            self.out_proj = nn.Linear(c.n_embd, c.n_embd)

        def forward(self, x):
            k, q, v = (heads(f(x), self.num_heads) for f in (self.W_key, self.W_query, self.W_value))
            return self.out_proj(causal(q, k, v).transpose(1, 2).flatten(2))

    class FeedForward(nn.Module):
        def __init__(self, c):
            super().__init__()
            self.layers = nn.Sequential(
                nn.Linear(c.n_embd, 4 * c.n_embd), nn.GELU("tanh"), nn.Linear(4 * c.n_embd, c.n_embd)
            )

        def forward(self, x):
            return self.layers(x)

    class TransformerBlock(nn.Module):
        def __init__(self, c, bias):
            super().__init__()
            self.att, self.ff = Separate.MultiHeadAttention(c, bias), Separate.FeedForward(c)
            self.norm1, self.norm2 = Scaled(c.n_embd), Scaled(c.n_embd)
            self.drop_shortcut = nn.Dropout(c.dropout)

        def forward(self, x):
            x = x + self.drop_shortcut(self.att(self.norm1(x)))
            return x + self.drop_shortcut(self.ff(self.norm2(x)))

    def __init__(self, c, bias=True):
        super().__init__()
        self.tok_emb, self.pos_emb = nn.Embedding(c.n_vocab, c.n_embd), nn.Embedding(c.n_ctx, c.n_embd)
        self.trf_blocks = nn.Sequential(*[self.TransformerBlock(c, bias) for _ in range(c.n_layer)])
        self.final_norm = Scaled(c.n_embd)
        self.out_head = nn.Linear(c.n_embd, c.n_vocab, bias=False)

    def forward(self, in_idx):
        x = self.tok_emb(in_idx) + self.pos_emb(torch.arange(in_idx.shape[1]))
        return self.out_head(self.final_norm(self.trf_blocks(x)))


class SeparateWithoutBias(Separate):
    def __init__(self, c):
        super().__init__(c, bias=False)


# 3: a small module for each head, no biases in them, a head with a bias.
class SmallHeads(nn.Module):
    class Head(nn.Module):
        def __init__(self, c):
            super().__init__()
            size = c.n_embd // c.n_head
            self.key, self.query, self.value = (nn.Linear(c.n_embd, size, bias=False) for _ in range(3))
            self.register_buffer("tril", torch.tril(torch.ones(c.n_ctx, c.n_ctx)))

        def forward(self, x):
            k, q = self.key(x), self.query(x)
            wei = q @ k.transpose(-2, -1) * k.shape[-1] ** -0.5
            wei = wei.masked_fill(self.tril[: x.size(1), : x.size(1)] == 0, float("-inf"))
            return wei.softmax(-1) @ self.value(x)

    class MultiHead(nn.Module):
        def __init__(self, c):
            super().__init__()
            self.heads = nn.ModuleList([SmallHeads.Head(c) for _ in range(c.n_head)])
            self.proj = nn.Linear(c.n_embd, c.n_embd)

        def forward(self, x):
            return self.proj(torch.cat([h(x) for h in self.heads], dim=-1))

    class FeedForward(nn.Module):
        def __init__(self, n_embd):
            super().__init__()
            self.net = nn.Sequential(nn.Linear(n_embd, 4 * n_embd), nn.GELU("tanh"), nn.Linear(4 * n_embd, n_embd))

        def forward(self, x):
            return self.net(x)

    class Block(nn.Module):
        def __init__(self, c):
            super().__init__()
            self.sa, self.ffwd = SmallHeads.MultiHead(c), SmallHeads.FeedForward(c.n_embd)
            self.ln1, self.ln2 = nn.LayerNorm(c.n_embd), nn.LayerNorm(c.n_embd)

        def forward(self, x):
            x = x + self.sa(self.ln1(x))
            return x + self.ffwd(self.ln2(x))

    def __init__(self, c):
        super().__init__()
        self.token_embedding_table = nn.Embedding(c.n_vocab, c.n_embd)
        self.position_embedding_table = nn.Embedding(c.n_ctx, c.n_embd)
        self.blocks = nn.Sequential(*[self.Block(c) for _ in range(c.n_layer)])
        self.ln_f = nn.LayerNorm(c.n_embd)
        self.lm_head = nn.Linear(c.n_embd, c.n_vocab)

    def forward(self, idx):
        x = self.token_embedding_table(idx) + self.position_embedding_table(torch.arange(idx.shape[1]))
        return self.lm_head(self.ln_f(self.blocks(x)))


# 4: raw parameters, einsum, no submodules but the blocks; heads have a dimension of their own.
class Lens(nn.Module):
    class Layer(nn.Module):
        def __init__(self, c):
            super().__init__()
            H, C, D = c.n_head, c.n_embd, c.n_embd // c.n_head
            for letter in "QKV":
                self.register_parameter(f"W_{letter}", nn.Parameter(torch.randn(H, C, D)))
                self.register_parameter(f"b_{letter}", nn.Parameter(torch.zeros(H, D)))
            self.W_O, self.b_O = nn.Parameter(torch.randn(H, D, C)), nn.Parameter(torch.zeros(C))
            self.W_in, self.b_in = nn.Parameter(torch.randn(C, 4 * C)), nn.Parameter(torch.zeros(4 * C))
            self.W_out, self.b_out = nn.Parameter(torch.randn(4 * C, C)), nn.Parameter(torch.zeros(C))
            self.ln1_w, self.ln1_b = nn.Parameter(torch.ones(C)), nn.Parameter(torch.zeros(C))
            self.ln2_w, self.ln2_b = nn.Parameter(torch.ones(C)), nn.Parameter(torch.zeros(C))

        def forward(self, x):
            y = F.layer_norm(x, x.shape[-1:], self.ln1_w, self.ln1_b)
            q, k, v = (
                torch.einsum("btc,hcd->bhtd", y, getattr(self, f"W_{n}")) + getattr(self, f"b_{n}")[:, None]
                for n in "QKV"
            )
            x = x + torch.einsum("bhtd,hdc->btc", causal(q, k, v), self.W_O) + self.b_O
            y = F.layer_norm(x, x.shape[-1:], self.ln2_w, self.ln2_b)
            return x + tanh_gelu(y @ self.W_in + self.b_in) @ self.W_out + self.b_out

    def __init__(self, c):
        super().__init__()
        self.W_E = nn.Parameter(torch.randn(c.n_vocab, c.n_embd))
        self.W_pos = nn.Parameter(torch.randn(1, c.n_ctx, c.n_embd))
        self.blocks = nn.ModuleList([self.Layer(c) for _ in range(c.n_layer)])
        self.ln_final_w, self.ln_final_b = nn.Parameter(torch.ones(c.n_embd)), nn.Parameter(torch.zeros(c.n_embd))
        self.W_U, self.b_U = nn.Parameter(torch.randn(c.n_embd, c.n_vocab)), nn.Parameter(torch.zeros(c.n_vocab))

    def forward(self, tokens):
        x = self.W_E[tokens] + self.W_pos[:, : tokens.shape[1]]
        for block in self.blocks:
            x = block(x)
        return F.layer_norm(x, x.shape[-1:], self.ln_final_w, self.ln_final_b) @ self.W_U + self.b_U


# 5: a list of four nameless Linears, connections that hold the norms (a_2, b_2), blocks as separate attributes.
class Annotated(nn.Module):
    class Norm(nn.Module):
        def __init__(self, size):
            super().__init__()
            self.a_2, self.b_2 = nn.Parameter(torch.ones(size)), nn.Parameter(torch.zeros(size))

        def forward(self, x):
            std = (x.var(-1, keepdim=True, correction=0) + 1e-5).sqrt()
            return self.a_2 * (x - x.mean(-1, keepdim=True)) / std + self.b_2

    class Connection(nn.Module):
        def __init__(self, size):
            super().__init__()
            self.norm = Annotated.Norm(size)

        def forward(self, x, sublayer):
            return x + sublayer(self.norm(x))

    class Attention(nn.Module):
        def __init__(self, h, d):
            super().__init__()
            self.h = h
            self.linears = nn.ModuleList([nn.Linear(d, d) for _ in range(4)])

        def forward(self, query, key, value, mask=None):
            q, k, v = (heads(f(x), self.h) for f, x in zip(self.linears, (query, key, value), strict=False))
            return self.linears[-1](causal(q, k, v).transpose(1, 2).flatten(2))

    class Layer(nn.Module):
        def __init__(self, c):
            super().__init__()
            self.self_attn = Annotated.Attention(c.n_head, c.n_embd)
            self.w_1, self.w_2 = nn.Linear(c.n_embd, 4 * c.n_embd), nn.Linear(4 * c.n_embd, c.n_embd)
            self.sublayer = nn.ModuleList([Annotated.Connection(c.n_embd) for _ in range(2)])

        def forward(self, x):
            x = self.sublayer[0](x, lambda x: self.self_attn(x, x, x))
            return self.sublayer[1](x, lambda x: self.w_2(tanh_gelu(self.w_1(x))))

    def __init__(self, c):
        super().__init__()
        self.lut, self.pe = nn.Embedding(c.n_vocab, c.n_embd), nn.Parameter(torch.zeros(1, c.n_ctx, c.n_embd))
        self.layer1, self.layer2 = self.Layer(c), self.Layer(c)
        self.norm = self.Norm(c.n_embd)

    def forward(self, x):
        x = self.lut(x) + self.pe[:, : x.size(1)]
        return self.norm(self.layer2(self.layer1(x))) @ self.lut.weight.T


# 6: raw square matrices, x @ W for some and W @ x for others, names that say nothing, all within the block.
class Nameless(nn.Module):
    class Cell(nn.Module):
        def __init__(self, c):
            super().__init__()
            C = c.n_embd
            self.n = c.n_head
            self.m1, self.m2, self.m3, self.m4 = (nn.Parameter(0.1 * torch.randn(C, C)) for _ in range(4))
            self.m5, self.m6 = nn.Parameter(torch.randn(C, 4 * C)), nn.Parameter(torch.randn(4 * C, C))
            self.first, self.second = nn.LayerNorm(C), nn.LayerNorm(C)

        def forward(self, x):
            y = self.first(x)
            q, k, v = y @ self.m2, y @ self.m3, F.linear(y, self.m4)
            a = causal(heads(q, self.n), heads(k, self.n), heads(v, self.n)).transpose(1, 2).flatten(2)
            x = x + a @ self.m1
            return x + tanh_gelu(self.second(x) @ self.m5) @ self.m6

    def __init__(self, c):
        super().__init__()
        self.words, self.places = nn.Embedding(c.n_vocab, c.n_embd), nn.Embedding(c.n_ctx, c.n_embd)
        self.cells = nn.ModuleList([self.Cell(c) for _ in range(c.n_layer)])
        self.end = nn.LayerNorm(c.n_embd)

    def forward(self, ids):
        x = self.words(ids) + self.places.weight[: ids.size(1)]
        for cell in self.cells:
            x = cell(x)
        return F.linear(self.end(x), self.words.weight)


# 7: PyTorch's own encoder layers, made causal.
class Torch(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.embed = nn.Embedding(c.n_vocab, c.n_embd)
        self.position = nn.Embedding(c.n_ctx, c.n_embd)
        layer = nn.TransformerEncoderLayer(
            c.n_embd, c.n_head, 4 * c.n_embd, dropout=0.0, activation=tanh_gelu, batch_first=True, norm_first=True
        )
        self.encoder = nn.TransformerEncoder(layer, c.n_layer, nn.LayerNorm(c.n_embd), enable_nested_tensor=False)
        self.to_logits = nn.Linear(c.n_embd, c.n_vocab, bias=False)

    def forward(self, ids):
        T = ids.size(1)
        mask = nn.Transformer.generate_square_subsequent_mask(T)
        x = self.encoder(self.embed(ids) + self.position(torch.arange(T)), mask=mask, is_causal=True)
        return self.to_logits(x)


# 8: lists within lists, norms within the halves, a fused matrix without bias, its own linear class (in, out).
class Nested(nn.Module):
    class Dense(nn.Module):
        def __init__(self, n_in, n_out, bias=True):
            super().__init__()
            self.w = nn.Parameter(torch.randn(n_in, n_out))
            self.b = nn.Parameter(torch.zeros(n_out)) if bias else None

        def forward(self, x):
            y = x @ self.w
            return y if self.b is None else y + self.b

    class Attention(nn.Module):
        def __init__(self, c):
            super().__init__()
            self.norm = nn.LayerNorm(c.n_embd)
            self.to_qkv = Nested.Dense(c.n_embd, 3 * c.n_embd, bias=False)
            self.to_out = Nested.Dense(c.n_embd, c.n_embd)
            self.heads = c.n_head

        def forward(self, x):
            q, k, v = (heads(part, self.heads) for part in self.to_qkv(self.norm(x)).chunk(3, dim=-1))
            return self.to_out(causal(q, k, v).transpose(1, 2).flatten(2))

    class Feed(nn.Module):
        def __init__(self, c):
            super().__init__()
            self.norm = nn.LayerNorm(c.n_embd)
            self.a, self.z = Nested.Dense(c.n_embd, 4 * c.n_embd), Nested.Dense(4 * c.n_embd, c.n_embd)

        def forward(self, x):
            return self.z(tanh_gelu(self.a(self.norm(x))))

    def __init__(self, c):
        super().__init__()
        self.emb = nn.Embedding(c.n_vocab, c.n_embd)
        self.pos = nn.Parameter(torch.randn(c.n_ctx, c.n_embd))
        self.layers = nn.ModuleList(nn.ModuleList([self.Attention(c), self.Feed(c)]) for _ in range(c.n_layer))
        self.head = nn.Sequential(nn.LayerNorm(c.n_embd), nn.Linear(c.n_embd, c.n_vocab, bias=False))

    def forward(self, ids):
        x = self.emb(ids) + self.pos[: ids.size(1)]
        for attention, feed in self.layers:
            x = x + attention(x)
            x = x + feed(x)
        return self.head(x)


# 9: the parts of the blocks in lists of their own, and the whole in plain Python.
class Lists(nn.Module):
    def __init__(self, c):
        super().__init__()
        C, n = c.n_embd, range(c.n_layer)
        self.c = c
        self.token, self.position = nn.Embedding(c.n_vocab, C), nn.Embedding(c.n_ctx, C)
        self.norms_attn = nn.ModuleList(nn.LayerNorm(C) for _ in n)
        self.qkvs = nn.ModuleList(nn.Linear(C, 3 * C) for _ in n)
        self.outs = nn.ModuleList(nn.Linear(C, C) for _ in n)
        self.norms_mlp = nn.ModuleList(nn.LayerNorm(C) for _ in n)
        self.ups = nn.ModuleList(nn.Linear(C, 4 * C) for _ in n)
        self.downs = nn.ModuleList(nn.Linear(4 * C, C) for _ in n)
        self.norm = nn.LayerNorm(C)

    def forward(self, ids):
        x = self.token(ids) + self.position(torch.arange(ids.size(1)))
        for i in range(self.c.n_layer):
            q, k, v = (heads(part, self.c.n_head) for part in self.qkvs[i](self.norms_attn[i](x)).chunk(3, -1))
            x = x + self.outs[i](causal(q, k, v).transpose(1, 2).flatten(2))
            x = x + self.downs[i](tanh_gelu(self.ups[i](self.norms_mlp[i](x))))
        return self.norm(x) @ self.token.weight.T


# 10: blocks in a plain list, of which PyTorch knows nothing.
class Plain(Fused):
    def __init__(self, c):
        super().__init__(c)
        blocks = self.transformer.pop("h")
        self.blocks = list(blocks)

    def forward(self, idx):
        t = self.transformer
        x = t["wte"](idx) + t["wpe"](torch.arange(idx.size(1)))
        for block in self.blocks:
            x = block(x)
        return self.lm_head(t["ln_f"](x))


STRANGERS = [Fused, Separate, SeparateWithoutBias, SmallHeads, Lens, Annotated, Nameless, Torch, Nested, Lists, Plain]
