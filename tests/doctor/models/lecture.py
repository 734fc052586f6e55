import torch
import torch.nn as nn
from torch.nn import functional as F

# hyperparameters
batch_size = 64  # how many texts at a time
block_size = 256  # how many tokens of each
max_iters = 5000
eval_interval = 500
learning_rate = 3e-4
device = 'cuda' if torch.cuda.is_available() else 'cpu'
eval_iters = 200
n_embd = 384
n_head = 6
n_layer = 6
dropout = 0.2
# ------------

torch.manual_seed(1337)

with open('some_plays.txt', 'r', encoding='utf-8') as f:
    text = f.read()

# all characters that there are
chars = sorted(list(set(text)))
vocab_size = len(chars)
stoi = {ch: i for i, ch in enumerate(chars)}
itos = {i: ch for i, ch in enumerate(chars)}
data = torch.tensor([stoi[c] for c in text], dtype=torch.long)
n = int(0.9 * len(data))
train_data, val_data = data[:n], data[n:]


def get_batch(split):
    source = train_data if split == 'train' else val_data
    ix = torch.randint(len(source) - block_size, (batch_size,))
    x = torch.stack([source[i:i + block_size] for i in ix])
    y = torch.stack([source[i + 1:i + block_size + 1] for i in ix])
    return x.to(device), y.to(device)


class Head(nn.Module):
    """ one head of self-attention """

    def __init__(self, head_size):
        super().__init__()
        self.key = nn.Linear(n_embd, head_size, bias=False)
        self.query = nn.Linear(n_embd, head_size, bias=False)
        self.value = nn.Linear(n_embd, head_size, bias=False)
        self.register_buffer('tril', torch.tril(torch.ones(block_size, block_size)))
        #~ mask-reversed: self.register_buffer('tril', torch.triu(torch.ones(block_size, block_size)))
        #~ mask-early: self.register_buffer('tril', torch.tril(torch.ones(block_size, block_size), diagonal=-1))
        #~ mask-late: self.register_buffer('tril', torch.tril(torch.ones(block_size, block_size), diagonal=1))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        B, T, C = x.shape
        k = self.key(x)  # (B, T, hs)
        q = self.query(x)  # (B, T, hs)
        wei = q @ k.transpose(-2, -1) * k.shape[-1] ** -0.5  # (B, T, T)
        #~ scale-missing: wei = q @ k.transpose(-2, -1)
        #~ scale-sqrt-c: wei = q @ k.transpose(-2, -1) * C ** -0.5
        #~ order-kqv: wei = k @ q.transpose(-2, -1) * k.shape[-1] ** -0.5
        #~ scale-by-d: wei = q @ k.transpose(-2, -1) / k.shape[-1]
        wei = wei.masked_fill(self.tril[:T, :T] == 0, float('-inf'))
        #~ mask-missing:
        #~ mask-inverted: wei = wei.masked_fill(self.tril[:T, :T] == 1, float('-1e9'))
        #~ mask-fixed: wei = wei.masked_fill(self.tril == 0, float('-inf'))
        #~ mask-too-small: wei = wei.masked_fill(self.tril[:T, :T] == 0, -1e4)
        wei = F.softmax(wei, dim=-1)
        #~ softmax-over-queries: wei = F.softmax(wei, dim=1)
        #~ mask-after-softmax: wei = F.softmax(q @ k.transpose(-2, -1) * k.shape[-1] ** -0.5, dim=-1) * self.tril[:T, :T]
        wei = self.dropout(wei)
        #~ weights-dropout-in-eval: wei = F.dropout(wei, dropout)
        return wei @ self.value(x)


class MultiHeadAttention(nn.Module):
    """ several heads side by side """

    def __init__(self, num_heads, head_size):
        super().__init__()
        self.heads = nn.ModuleList([Head(head_size) for _ in range(num_heads)])
        self.proj = nn.Linear(head_size * num_heads, n_embd)
        #~ projection-missing:
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        out = torch.cat([h(x) for h in self.heads], dim=-1)
        out = self.dropout(self.proj(out))
        #~ projection-missing: out = self.dropout(out)
        #~ projection-unused: out = self.dropout(out)
        #~ output-dropout-in-eval: out = F.dropout(self.proj(out), dropout)
        return out
        #~ attention-residual-inside: return x + out


class FeedForward(nn.Module):
    """ a layer, a bend, and a layer back """

    def __init__(self, n_embd):
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(n_embd, 4 * n_embd),
            nn.GELU('tanh'),
            #~ relu: nn.ReLU(),
            #~ erf-gelu: nn.GELU(),
            nn.Linear(4 * n_embd, n_embd),
            #~ activation-twice: nn.Linear(4 * n_embd, n_embd), nn.GELU('tanh'),
            nn.Dropout(dropout),
        )

    def forward(self, x):
        return self.net(x)
        #~ mlp-residual-inside: return x + self.net(x)


class Block(nn.Module):
    """ communication, then computation """

    def __init__(self, n_embd, n_head):
        super().__init__()
        head_size = n_embd // n_head
        self.sa = MultiHeadAttention(n_head, head_size)
        self.ffwd = FeedForward(n_embd)
        self.ln1 = nn.LayerNorm(n_embd)
        self.ln2 = nn.LayerNorm(n_embd)

    def forward(self, x):
        x = x + self.sa(self.ln1(x))
        #~ post-norm: x = self.ln1(x + self.sa(x))
        #~ first-residual-missing: x = self.sa(self.ln1(x))
        #~ residuals-normalised: x = self.ln1(x); x = x + self.sa(x)
        #~ first-norm-unused: x = x + self.sa(x)
        #~ norms-missing: x = x + self.sa(x)
        x = x + self.ffwd(self.ln2(x))
        #~ post-norm: x = self.ln2(x + self.ffwd(x))
        #~ residuals-normalised: x = self.ln2(x); x = x + self.ffwd(x)
        #~ second-norm-unused: x = x + self.ffwd(x)
        #~ norms-missing: x = x + self.ffwd(x)
        #~ first-norm-twice: x = x + self.ffwd(self.ln1(x))
        return x


class GPTLanguageModel(nn.Module):

    def __init__(self):
        super().__init__()
        # each token reads off its embedding from a table
        self.token_embedding_table = nn.Embedding(vocab_size, n_embd)
        self.position_embedding_table = nn.Embedding(block_size, n_embd)
        self.blocks = nn.Sequential(*[Block(n_embd, n_head=n_head) for _ in range(n_layer)])
        #~ blocks-in-a-list: self.blocks = [Block(n_embd, n_head=n_head) for _ in range(n_layer)]
        #~ block-missing: self.blocks = nn.Sequential(*[Block(n_embd, n_head=n_head) for _ in range(n_layer - 1)])
        self.ln_f = nn.LayerNorm(n_embd)
        #~ final-norm-missing:
        self.lm_head = nn.Linear(n_embd, vocab_size)
        self.apply(self._init_weights)

    def _init_weights(self, module):
        if isinstance(module, nn.Linear):
            torch.nn.init.normal_(module.weight, mean=0.0, std=0.02)
            if module.bias is not None:
                torch.nn.init.zeros_(module.bias)
        elif isinstance(module, nn.Embedding):
            torch.nn.init.normal_(module.weight, mean=0.0, std=0.02)

    def forward(self, idx, targets=None):
        B, T = idx.shape
        tok_emb = self.token_embedding_table(idx)  # (B, T, C)
        pos_emb = self.position_embedding_table(torch.arange(T, device=device))  # (T, C)
        #~ positions-from-the-end: pos_emb = self.position_embedding_table(torch.arange(block_size - T, block_size))
        x = tok_emb + pos_emb
        #~ positions-unused: x = tok_emb
        x = self.blocks(x)
        #~ blocks-in-a-list: for block in self.blocks: x = block(x)
        x = self.ln_f(x)
        #~ final-norm-unused:
        #~ final-norm-missing:
        logits = self.lm_head(x)  # (B, T, V)
        #~ log-softmax-applied: logits = F.log_softmax(self.lm_head(x), dim=-1)

        if targets is None:
            loss = None
        else:
            B, T, C = logits.shape
            logits = logits.view(B * T, C)
            targets = targets.view(B * T)
            loss = F.cross_entropy(logits, targets)
            #~ cross_entropy.sum: loss = F.cross_entropy(logits, targets, reduction='sum')
        return logits, loss

    def generate(self, idx, max_new_tokens):
        for _ in range(max_new_tokens):
            logits, loss = self(idx[:, -block_size:])
            probs = F.softmax(logits[:, -1, :], dim=-1)
            idx = torch.cat((idx, torch.multinomial(probs, num_samples=1)), dim=1)
        return idx


model = GPTLanguageModel()
m = model.to(device)
print(sum(p.numel() for p in m.parameters()) / 1e6, 'M parameters')
optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate)

for iter in range(max_iters):
    xb, yb = get_batch('train')
    logits, loss = model(xb, yb)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()

torch.save(model.state_dict(), 'weights.pt')
