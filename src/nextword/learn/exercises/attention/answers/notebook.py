import torch
import torch.nn as nn


class CausalSelfAttention(nn.Module):
    def __init__(self, cfg, qkv_bias=True):
        #~ qkv-bias-missing: def __init__(self, cfg, qkv_bias=False):
        super().__init__()
        d_in = d_out = cfg.n_embd
        self.d_out = d_out
        self.num_heads = cfg.n_head
        #~ one-head: self.num_heads = 1
        self.head_dim = d_out // self.num_heads
        self.W_query = nn.Linear(d_in, d_out, bias=qkv_bias)
        self.W_key = nn.Linear(d_in, d_out, bias=qkv_bias)
        self.W_value = nn.Linear(d_in, d_out, bias=qkv_bias)
        self.out_proj = nn.Linear(d_out, d_out)
        #~ projection-missing:
        #~ projection-bias-missing: self.out_proj = nn.Linear(d_out, d_out, bias=False)
        self.dropout = nn.Dropout(cfg.dropout)
        self.resid_dropout = nn.Dropout(cfg.dropout)
        self.register_buffer("mask", torch.triu(torch.ones(cfg.n_ctx, cfg.n_ctx), diagonal=1))
        #~ mask-reversed: self.register_buffer("mask", torch.tril(torch.ones(cfg.n_ctx, cfg.n_ctx), diagonal=-1))
        #~ mask-inverted: self.register_buffer("mask", torch.tril(torch.ones(cfg.n_ctx, cfg.n_ctx)))
        #~ mask-early: self.register_buffer("mask", torch.triu(torch.ones(cfg.n_ctx, cfg.n_ctx)))
        #~ mask-late: self.register_buffer("mask", torch.triu(torch.ones(cfg.n_ctx, cfg.n_ctx), diagonal=2))

    def forward(self, x):
        b, num_tokens, d_in = x.shape
        keys = self.W_key(x)
        #~ order-kqv: keys = self.W_query(x)
        #~ order-vkq: keys = self.W_key(x)
        queries = self.W_query(x)
        #~ order-kqv: queries = self.W_key(x)
        #~ order-vkq: queries = self.W_value(x)
        values = self.W_value(x)
        #~ order-vkq: values = self.W_query(x)
        keys = keys.view(b, num_tokens, self.num_heads, self.head_dim).transpose(1, 2)
        #~ split-without-transpose: keys = keys.view(b, self.num_heads, num_tokens, self.head_dim)
        queries = queries.view(b, num_tokens, self.num_heads, self.head_dim).transpose(1, 2)
        #~ split-without-transpose: queries = queries.view(b, self.num_heads, num_tokens, self.head_dim)
        values = values.view(b, num_tokens, self.num_heads, self.head_dim).transpose(1, 2)
        #~ split-without-transpose: values = values.view(b, self.num_heads, num_tokens, self.head_dim)
        attn_scores = queries @ keys.transpose(2, 3)
        mask_bool = self.mask.bool()[:num_tokens, :num_tokens]
        #~ mask-fixed: mask_bool = self.mask.bool()
        attn_scores.masked_fill_(mask_bool, -torch.inf)
        #~ mask-missing:
        #~ mask-after-softmax:
        #~ softmax-over-heads-finite: attn_scores.masked_fill_(mask_bool, -1e9)
        #~ mask-with-zero: attn_scores.masked_fill_(mask_bool, 0.0)
        #~ mask-too-small: attn_scores = attn_scores - 1e4 * mask_bool
        scale = keys.shape[-1] ** 0.5
        #~ scale-missing: scale = 1.0
        #~ scale-sqrt-c: scale = self.d_out ** 0.5
        #~ scale-by-d: scale = keys.shape[-1]
        #~ scale-multiplied: scale = self.head_dim ** -0.5
        #~ scale-sqrt-tokens: scale = num_tokens ** 0.5
        #~ scale-sqrt-heads: scale = keys.shape[1] ** 0.5
        attn_weights = torch.softmax(attn_scores / scale, dim=-1)
        #~ softmax-over-queries: attn_weights = torch.softmax(attn_scores / scale, dim=-2)
        #~ softmax-over-heads: attn_weights = torch.softmax(attn_scores / scale, dim=1)
        #~ softmax-over-heads-finite: attn_weights = torch.softmax(attn_scores / scale, dim=1)
        #~ mask-after-softmax: attn_weights = torch.softmax(attn_scores / scale, dim=-1) * (1 - self.mask[:num_tokens, :num_tokens])
        attn_weights = self.dropout(attn_weights)
        #~ weights-dropout-in-eval: attn_weights = nn.functional.dropout(attn_weights, self.dropout.p)
        #~ weights-dropout-missing:
        #~ dropout-missing:
        context_vec = (attn_weights @ values).transpose(1, 2)
        #~ merge-without-transpose: context_vec = attn_weights @ values
        context_vec = context_vec.contiguous().view(b, num_tokens, self.d_out)
        context_vec = self.out_proj(context_vec)
        #~ projection-missing:
        #~ projection-unused:
        return self.resid_dropout(context_vec)
        #~ output-dropout-in-eval: return nn.functional.dropout(context_vec, self.resid_dropout.p)
        #~ output-dropout-missing: return context_vec
        #~ dropout-missing: return context_vec
        #~ attention-residual-inside: return self.resid_dropout(context_vec) + x
