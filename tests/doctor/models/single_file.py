"""
The whole of a GPT in one file, to be read from top to bottom; the trainer is another file.
"""

import inspect
import math
from dataclasses import dataclass

import torch
import torch.nn as nn
from torch.nn import functional as F


class LayerNorm(nn.Module):
    """LayerNorm whose bias can be left out"""

    def __init__(self, ndim, bias):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(ndim))
        self.bias = nn.Parameter(torch.zeros(ndim)) if bias else None

    def forward(self, input):
        return F.layer_norm(input, self.weight.shape, self.weight, self.bias, 1e-5)
        #~ eps=1e-6: return F.layer_norm(input, self.weight.shape, self.weight, self.bias, 1e-6)
        #~ layer_norm.weight-ignored: return F.layer_norm(input, self.weight.shape, None, self.bias, 1e-5)
        #~ layer_norm.bias-ignored: return F.layer_norm(input, self.weight.shape, self.weight, None, 1e-5)


class CausalSelfAttention(nn.Module):
    def __init__(self, config):
        super().__init__()
        assert config.n_embd % config.n_head == 0
        # query, key and value of all heads, in one layer
        self.c_attn = nn.Linear(config.n_embd, 3 * config.n_embd, bias=config.bias)
        self.c_proj = nn.Linear(config.n_embd, config.n_embd, bias=config.bias)
        self.resid_dropout = nn.Dropout(config.dropout)
        self.n_head = config.n_head
        self.n_embd = config.n_embd
        self.dropout = config.dropout

    def forward(self, x):
        B, T, C = x.size()
        q, k, v = self.c_attn(x).split(self.n_embd, dim=2)
        #~ order-kqv: k, q, v = self.c_attn(x).split(self.n_embd, dim=2)
        #~ order-vkq: v, k, q = self.c_attn(x).split(self.n_embd, dim=2)
        #~ qkv-per-head: q, k, v = (p.reshape(B, T, C) for p in self.c_attn(x).view(B, T, self.n_head, -1).chunk(3, dim=-1))
        k = k.view(B, T, self.n_head, C // self.n_head).transpose(1, 2)  # (B, nh, T, hs)
        #~ split-without-transpose: k = k.reshape(B, self.n_head, T, C // self.n_head)
        #~ heads-strided: k = k.view(B, T, C // self.n_head, self.n_head).permute(0, 3, 1, 2)
        q = q.view(B, T, self.n_head, C // self.n_head).transpose(1, 2)  # (B, nh, T, hs)
        #~ split-without-transpose: q = q.reshape(B, self.n_head, T, C // self.n_head)
        #~ heads-strided: q = q.view(B, T, C // self.n_head, self.n_head).permute(0, 3, 1, 2)
        v = v.view(B, T, self.n_head, C // self.n_head).transpose(1, 2)  # (B, nh, T, hs)
        #~ split-without-transpose: v = v.reshape(B, self.n_head, T, C // self.n_head)
        #~ heads-strided: v = v.view(B, T, C // self.n_head, self.n_head).permute(0, 3, 1, 2)
        y = F.scaled_dot_product_attention(
            q, k, v, attn_mask=None, dropout_p=self.dropout if self.training else 0, is_causal=True
            #~ mask-missing: q, k, v, attn_mask=None, dropout_p=self.dropout if self.training else 0, is_causal=False
            #~ weights-dropout-in-eval: q, k, v, attn_mask=None, dropout_p=self.dropout, is_causal=True
            #~ scale-missing: q, k, v, attn_mask=None, dropout_p=self.dropout if self.training else 0, is_causal=True, scale=1.0
            #~ mask-reversed: q, k, v, attn_mask=torch.ones(T, T, dtype=torch.bool).triu(), dropout_p=self.dropout if self.training else 0
            #~ mask-inverted: q, k, v, attn_mask=torch.ones(T, T, dtype=torch.bool).triu(1), dropout_p=self.dropout if self.training else 0
            #~ mask-early: q, k, v, attn_mask=torch.ones(T, T, dtype=torch.bool).tril(-1), dropout_p=self.dropout if self.training else 0
        )
        y = y.transpose(1, 2).contiguous().view(B, T, C)
        #~ merge-without-transpose: y = y.contiguous().view(B, T, C)
        #~ heads-strided: y = y.permute(0, 2, 3, 1).contiguous().view(B, T, C)
        return self.resid_dropout(self.c_proj(y))


class MLP(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.c_fc = nn.Linear(config.n_embd, 4 * config.n_embd, bias=config.bias)
        #~ width-2c: self.c_fc = nn.Linear(config.n_embd, 2 * config.n_embd, bias=config.bias)
        self.gelu = nn.GELU(approximate="tanh")
        #~ erf-gelu: self.gelu = nn.GELU()
        #~ silu: self.gelu = nn.SiLU()
        #~ quick-gelu: self.gelu = lambda x: x * torch.sigmoid(1.702 * x)
        self.c_proj = nn.Linear(4 * config.n_embd, config.n_embd, bias=config.bias)
        #~ width-2c: self.c_proj = nn.Linear(2 * config.n_embd, config.n_embd, bias=config.bias)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x):
        x = self.c_fc(x)
        x = self.gelu(x)
        x = self.c_proj(x)
        #~ activation-twice: x = self.gelu(self.c_proj(x))
        return self.dropout(x)
        #~ mlp-dropout-in-eval: return F.dropout(x, self.dropout.p)


class Block(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.ln_1 = LayerNorm(config.n_embd, bias=config.bias)
        self.attn = CausalSelfAttention(config)
        self.ln_2 = LayerNorm(config.n_embd, bias=config.bias)
        #~ one-norm:
        self.mlp = MLP(config)

    def forward(self, x):
        x = x + self.attn(self.ln_1(x))
        #~ post-norm: x = self.ln_1(x + self.attn(x))
        #~ norm-after: x = x + self.ln_1(self.attn(x))
        #~ residuals-missing: x = self.attn(self.ln_1(x))
        #~ mlp-first: x = x + self.mlp(self.ln_2(x))
        #~ norms-swapped: x = x + self.attn(self.ln_2(x))
        #~ parallel: x = x + self.attn(self.ln_1(x)) + self.mlp(self.ln_2(x))
        x = x + self.mlp(self.ln_2(x))
        #~ post-norm: x = self.ln_2(x + self.mlp(x))
        #~ norm-after: x = x + self.ln_2(self.mlp(x))
        #~ residuals-missing: x = self.mlp(self.ln_2(x))
        #~ mlp-first: x = x + self.attn(self.ln_1(x))
        #~ norms-swapped: x = x + self.mlp(self.ln_1(x))
        #~ parallel:
        #~ one-norm: x = x + self.mlp(self.ln_1(x))
        #~ second-norm-unused: x = x + self.mlp(x)
        #~ second-residual-missing: x = self.mlp(self.ln_2(x))
        return x


@dataclass
class GPTConfig:
    block_size: int = 1024
    vocab_size: int = 50304  # 50257, rounded up to a multiple of 64
    n_layer: int = 12
    n_head: int = 12
    n_embd: int = 768
    dropout: float = 0.0
    bias: bool = True


class GPT(nn.Module):
    def __init__(self, config):
        super().__init__()
        assert config.vocab_size is not None
        self.config = config
        self.transformer = nn.ModuleDict(
            dict(
                wte=nn.Embedding(config.vocab_size, config.n_embd),
                wpe=nn.Embedding(config.block_size, config.n_embd),
                drop=nn.Dropout(config.dropout),
                h=nn.ModuleList([Block(config) for _ in range(config.n_layer)]),
                #~ blocks-shared: h=nn.ModuleList([Block(config)] * config.n_layer),
                ln_f=LayerNorm(config.n_embd, bias=config.bias),
            )
        )
        self.lm_head = nn.Linear(config.n_embd, config.vocab_size, bias=False)
        self.transformer.wte.weight = self.lm_head.weight
        #~ head-untied:
        #~ initial-loss: self.lm_head.weight = self.transformer.wte.weight
        #~ head-copied: self.transformer.wte.weight = nn.Parameter(self.lm_head.weight.clone())
        self.apply(self._init_weights)
        #~ head-copied:
        #~ initial-loss:
        for name, p in self.named_parameters():
            if name.endswith("c_proj.weight"):
                nn.init.normal_(p, mean=0.0, std=0.02 / math.sqrt(2 * config.n_layer))

    def _init_weights(self, module):
        if isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, mean=0.0, std=0.02)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.Embedding):
            nn.init.normal_(module.weight, mean=0.0, std=0.02)

    def forward(self, idx, targets=None):
        b, t = idx.size()
        assert t <= self.config.block_size, f"{t} tokens are more than {self.config.block_size}"
        #~ keeps-the-last: idx = idx[:, -self.config.block_size :]; t = idx.size(1)
        #~ keeps-the-first: idx = idx[:, : self.config.block_size]; t = idx.size(1)
        #~ positions-wrapped:
        #~ positions-clamped:
        pos = torch.arange(0, t, dtype=torch.long, device=idx.device)
        #~ positions-wrapped: pos = torch.arange(0, t, dtype=torch.long, device=idx.device) % self.config.block_size
        #~ positions-clamped: pos = torch.arange(0, t, device=idx.device).clamp(max=self.config.block_size - 1)
        #~ positions-reversed: pos = torch.arange(t - 1, -1, -1, dtype=torch.long, device=idx.device)
        #~ positions-from-the-end: pos = torch.arange(0, t, dtype=torch.long, device=idx.device) + self.config.block_size - t
        x = self.transformer.drop(self.transformer.wte(idx) + self.transformer.wpe(pos))
        #~ embedding-dropout-in-eval: x = F.dropout(self.transformer.wte(idx) + self.transformer.wpe(pos), self.config.dropout)
        for block in self.transformer.h:
            #~ last-block-skipped: for block in self.transformer.h[:-1]:
            #~ blocks-reversed: for block in reversed(self.transformer.h):
            x = block(x)
            #~ blocks-not-chained: y = block(x)
        x = self.transformer.ln_f(x)
        #~ blocks-not-chained: x = self.transformer.ln_f(y)
        if targets is not None:
            logits = self.lm_head(x)
            loss = F.cross_entropy(logits.view(-1, logits.size(-1)), targets.view(-1), ignore_index=-1)
            #~ cross_entropy.shifted-again: loss = F.cross_entropy(logits[:, :-1].flatten(0, 1), targets[:, 1:].flatten())
            #~ cross_entropy.double-softmax: loss = F.cross_entropy(logits.softmax(-1).flatten(0, 1), targets.flatten())
        else:
            # in writing only the last position counts
            logits = self.lm_head(x[:, [-1], :])
            loss = None
        return logits, loss

    def configure_optimizers(self, weight_decay, learning_rate, betas, device_type):
        params = {n: p for n, p in self.named_parameters() if p.requires_grad}
        decay = [p for p in params.values() if p.dim() >= 2]
        rest = [p for p in params.values() if p.dim() < 2]
        groups = [{"params": decay, "weight_decay": weight_decay}, {"params": rest, "weight_decay": 0.0}]
        fused = "fused" in inspect.signature(torch.optim.AdamW).parameters and device_type == "cuda"
        return torch.optim.AdamW(groups, lr=learning_rate, betas=betas, **({"fused": True} if fused else {}))
