from torch import nn

from parts import MLP, CausalSelfAttention, LayerNorm


class Block(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.ln_1 = LayerNorm(config.n_embd)
        #~ norms-missing: self.ln_1 = nn.Identity()
        self.attn = CausalSelfAttention(config)
        self.ln_2 = LayerNorm(config.n_embd)
        #~ one-norm: self.ln_2 = self.ln_1
        #~ norms-missing: self.ln_2 = nn.Identity()
        #~ parallel-one-norm:
        self.mlp = MLP(config)

    def forward(self, x):
        x = x + self.attn(self.ln_1(x))
        #~ post-norm: x = self.ln_1(x + self.attn(x))
        #~ norm-after: x = x + self.ln_1(self.attn(x))
        #~ parallel: return x + self.attn(self.ln_1(x)) + self.mlp(self.ln_2(x))
        #~ parallel-one-norm: y = self.ln_1(x)
        #~ parallel-one-norm: return x + self.attn(y) + self.mlp(y)
        #~ mlp-first: x = x + self.mlp(self.ln_2(x))
        #~ residuals-missing: x = self.attn(self.ln_1(x))
        #~ first-residual-missing: x = self.attn(self.ln_1(x))
        #~ residuals-normalised: x = self.ln_1(x)
        #~ residuals-normalised: x = x + self.attn(x)
        #~ first-residual-normalised: x = self.ln_1(x)
        #~ first-residual-normalised: x = x + self.attn(x)
        #~ norms-swapped: x = x + self.attn(self.ln_2(x))
        #~ first-norm-unused: x = x + self.attn(x)
        #~ block-dropout-in-eval: x = x + nn.functional.dropout(self.attn(self.ln_1(x)), self.mlp.dropout)
        x = x + self.mlp(self.ln_2(x))
        #~ post-norm: x = self.ln_2(x + self.mlp(x))
        #~ norm-after: x = x + self.ln_2(self.mlp(x))
        #~ mlp-first: x = x + self.attn(self.ln_1(x))
        #~ residuals-missing: x = self.mlp(self.ln_2(x))
        #~ second-residual-missing: x = self.mlp(self.ln_2(x))
        #~ residuals-normalised: x = self.ln_2(x)
        #~ residuals-normalised: x = x + self.mlp(x)
        #~ second-residual-normalised: x = self.ln_2(x)
        #~ second-residual-normalised: x = x + self.mlp(x)
        #~ first-norm-twice: x = x + self.mlp(self.ln_1(x))
        #~ norms-swapped: x = x + self.mlp(self.ln_1(x))
        #~ second-norm-unused: x = x + self.mlp(x)
        return x
