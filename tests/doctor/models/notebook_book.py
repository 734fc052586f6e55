# %% [markdown]
# A GPT model, step by step, as in a book's notebooks.

# %%
import torch
import torch.nn as nn

GPT_CONFIG_TINY = {
    "vocab_size": 1000,
    "context_length": 256,
    "emb_dim": 48,
    "n_heads": 4,
    "n_layers": 2,
    "drop_rate": 0.1,
    "qkv_bias": False,
}


# %%
class LayerNorm(nn.Module):
    def __init__(self, emb_dim):
        super().__init__()
        self.eps = 1e-5
        #~ eps=1e-8: self.eps = 1e-8
        self.scale = nn.Parameter(torch.ones(emb_dim))
        self.shift = nn.Parameter(torch.zeros(emb_dim))

    def forward(self, x):
        mean = x.mean(dim=-1, keepdim=True)
        var = x.var(dim=-1, keepdim=True, unbiased=False)
        #~ layer_norm.unbiased-variance: var = x.var(dim=-1, keepdim=True)
        norm_x = (x - mean) / torch.sqrt(var + self.eps)
        #~ layer_norm.eps-outside: norm_x = (x - mean) / (torch.sqrt(var) + self.eps)
        #~ layer_norm.mean-kept: norm_x = x / torch.sqrt(var + mean**2 + self.eps)
        return self.scale * norm_x + self.shift
        #~ layer_norm.bias-ignored: return self.scale * norm_x


class GELU(nn.Module):
    def forward(self, x):
        inner = torch.sqrt(torch.tensor(2.0 / torch.pi)) * (x + 0.044715 * torch.pow(x, 3))
        #~ gelu.root-missing: inner = torch.tensor(2.0 / torch.pi) * (x + 0.044715 * torch.pow(x, 3))
        #~ gelu.square: inner = torch.sqrt(torch.tensor(2.0 / torch.pi)) * (x + 0.044715 * torch.pow(x, 2))
        return 0.5 * x * (1 + torch.tanh(inner))
        #~ erf-gelu: return nn.functional.gelu(x)
        #~ gelu.half-missing: return x * (1 + torch.tanh(inner))


# %%
class MultiHeadAttention(nn.Module):
    def __init__(self, d_in, d_out, context_length, dropout, num_heads, qkv_bias=False):
        super().__init__()
        assert d_out % num_heads == 0, "the width has to be a multiple of the number of heads"
        self.d_out = d_out
        self.num_heads = num_heads
        self.head_dim = d_out // num_heads
        self.W_query = nn.Linear(d_in, d_out, bias=qkv_bias)
        self.W_key = nn.Linear(d_in, d_out, bias=qkv_bias)
        self.W_value = nn.Linear(d_in, d_out, bias=qkv_bias)
        self.out_proj = nn.Linear(d_out, d_out)
        self.dropout = nn.Dropout(dropout)
        self.register_buffer("mask", torch.triu(torch.ones(context_length, context_length), diagonal=1))
        #~ mask-early: self.register_buffer("mask", torch.triu(torch.ones(context_length, context_length)))
        #~ mask-late: self.register_buffer("mask", torch.triu(torch.ones(context_length, context_length), diagonal=2))
        #~ mask-inverted: self.register_buffer("mask", torch.tril(torch.ones(context_length, context_length)))

    def forward(self, x):
        b, num_tokens, d_in = x.shape
        keys = self.W_key(x)
        queries = self.W_query(x)
        #~ order-kqv: queries, keys = keys, self.W_query(x)
        values = self.W_value(x)

        keys = keys.view(b, num_tokens, self.num_heads, self.head_dim).transpose(1, 2)
        queries = queries.view(b, num_tokens, self.num_heads, self.head_dim).transpose(1, 2)
        values = values.view(b, num_tokens, self.num_heads, self.head_dim).transpose(1, 2)

        attn_scores = queries @ keys.transpose(2, 3)
        hidden = self.mask.bool()[:num_tokens, :num_tokens]
        #~ mask-fixed: hidden = self.mask.bool()
        attn_scores.masked_fill_(hidden, -torch.inf)
        #~ mask-missing:
        #~ mask-too-small: attn_scores.masked_fill_(hidden, -1e4)
        #~ mask-with-zero: attn_scores.masked_fill_(hidden, 0.0)
        attn_weights = torch.softmax(attn_scores / keys.shape[-1] ** 0.5, dim=-1)
        #~ scale-missing: attn_weights = torch.softmax(attn_scores, dim=-1)
        #~ scale-sqrt-c: attn_weights = torch.softmax(attn_scores / self.d_out**0.5, dim=-1)
        #~ softmax-over-heads: attn_weights = torch.softmax(attn_scores / keys.shape[-1] ** 0.5, dim=1)
        attn_weights = self.dropout(attn_weights)
        #~ weights-dropout-in-eval: attn_weights = nn.functional.dropout(attn_weights, self.dropout.p)

        context = (attn_weights @ values).transpose(1, 2)
        #~ merge-without-transpose: context = attn_weights @ values
        context = context.reshape(b, num_tokens, self.d_out)
        return self.out_proj(context)
        #~ projection-unused: return context


class FeedForward(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(cfg["emb_dim"], 4 * cfg["emb_dim"]),
            GELU(),
            #~ relu: nn.ReLU(),
            #~ activation-missing:
            nn.Linear(4 * cfg["emb_dim"], cfg["emb_dim"]),
        )

    def forward(self, x):
        return self.layers(x)


class TransformerBlock(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.att = MultiHeadAttention(
            d_in=cfg["emb_dim"],
            d_out=cfg["emb_dim"],
            context_length=cfg["context_length"],
            num_heads=cfg["n_heads"],
            #~ one-head: num_heads=1,
            dropout=cfg["drop_rate"],
            qkv_bias=cfg["qkv_bias"],
        )
        self.ff = FeedForward(cfg)
        self.norm1 = LayerNorm(cfg["emb_dim"])
        self.norm2 = LayerNorm(cfg["emb_dim"])
        self.drop_shortcut = nn.Dropout(cfg["drop_rate"])

    def forward(self, x):
        shortcut = x
        x = self.norm1(x)
        #~ first-norm-unused:
        #~ first-residual-normalised: x = shortcut = self.norm1(x)
        x = self.att(x)
        x = self.drop_shortcut(x)
        x = x + shortcut
        #~ first-residual-missing:

        shortcut = x
        #~ parallel: x, shortcut = shortcut, x
        x = self.norm2(x)
        #~ first-norm-twice: x = self.norm1(x)
        x = self.ff(x)
        x = self.drop_shortcut(x)
        x = x + shortcut
        return x


# %%
class GPTModel(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.tok_emb = nn.Embedding(cfg["vocab_size"], cfg["emb_dim"])
        self.pos_emb = nn.Embedding(cfg["context_length"], cfg["emb_dim"])
        self.drop_emb = nn.Dropout(cfg["drop_rate"])
        self.trf_blocks = nn.Sequential(*[TransformerBlock(cfg) for _ in range(cfg["n_layers"])])
        #~ blocks-shared: self.trf_blocks = nn.Sequential(*[TransformerBlock(cfg)] * cfg["n_layers"])
        #~ block-missing: self.trf_blocks = nn.Sequential(*[TransformerBlock(cfg) for _ in range(1, cfg["n_layers"])])
        self.final_norm = LayerNorm(cfg["emb_dim"])
        self.out_head = nn.Linear(cfg["emb_dim"], cfg["vocab_size"], bias=False)

    def forward(self, in_idx):
        batch_size, seq_len = in_idx.shape
        tok_embeds = self.tok_emb(in_idx)
        pos_embeds = self.pos_emb(torch.arange(seq_len, device=in_idx.device))
        #~ positions-all-zero: pos_embeds = self.pos_emb(torch.zeros(seq_len, dtype=torch.long, device=in_idx.device))
        #~ positions-shifted: pos_embeds = self.pos_emb(torch.arange(1, seq_len + 1, device=in_idx.device))
        x = tok_embeds + pos_embeds
        #~ positions-unused: x = tok_embeds
        #~ embedding-scaled: x = tok_embeds * tok_embeds.shape[-1] ** 0.5 + pos_embeds
        x = self.drop_emb(x)
        x = self.trf_blocks(x)
        x = self.final_norm(x)
        #~ final-norm-unused:
        logits = self.out_head(x)
        #~ softmax-applied: logits = torch.softmax(self.out_head(x), dim=-1)
        return logits


# %%
torch.manual_seed(123)
batch = torch.stack([torch.tensor([610, 362, 100, 345]), torch.tensor([610, 111, 662, 257])])
model = GPTModel(GPT_CONFIG_TINY)
out = model(batch)
print("Output shape:", out.shape)


# %%
def generate_text_simple(model, idx, max_new_tokens, context_size):
    for _ in range(max_new_tokens):
        with torch.no_grad():
            logits = model(idx[:, -context_size:])
        idx = torch.cat((idx, logits[:, -1, :].argmax(dim=-1, keepdim=True)), dim=1)
    return idx


# %%
print(generate_text_simple(model, batch[:1], 6, GPT_CONFIG_TINY["context_length"]))
