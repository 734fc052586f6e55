"""Attention in many hands: which square matrix is which, and which way round, though no shape tells."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from weights.strangers import causal, heads

from nextword.weights.matching import match_parameters


def attend(q, k, v, n_head=3):
    return causal(*(heads(x, n_head) for x in (q, k, v))).transpose(1, 2).flatten(2)


class Raw(nn.Module):
    """Parameters of its own, as (in, out) or, `linear`, as (out, in)."""

    def __init__(self, linear):
        super().__init__()
        self.linear = linear
        for name in ("Wq", "Wk", "Wv", "Wo"):
            self.register_parameter(name, nn.Parameter(0.3 * torch.randn(12, 12)))
            self.register_parameter(name.replace("W", "b"), nn.Parameter(torch.zeros(12)))

    def times(self, x, name):
        W, b = getattr(self, f"W{name}"), getattr(self, f"b{name}")
        return F.linear(x, W, b) if self.linear else x @ W + b

    def forward(self, x):
        return self.times(attend(*(self.times(x, name) for name in "qkv")), "o")


class Einsum(Raw):
    def times(self, x, name):
        subscripts = "btc,dc->btd" if self.linear else "btc,cd->btd"
        return torch.einsum(subscripts, x, getattr(self, f"W{name}")) + getattr(self, f"b{name}")


class Upright(Raw):
    """Columns instead of rows: W x for every token."""

    def times(self, x, name):
        W = getattr(self, f"W{name}")
        return ((W if self.linear else W.T) @ x.transpose(1, 2)).transpose(1, 2) + getattr(self, f"b{name}")


class Layer(nn.Module):
    def __init__(self, n_in, n_out, linear):
        super().__init__()
        self.linear = linear
        self.weight = nn.Parameter(0.3 * torch.randn(*((n_out, n_in) if linear else (n_in, n_out))))
        self.bias = nn.Parameter(torch.zeros(n_out))

    def forward(self, x):
        return F.linear(x, self.weight, self.bias) if self.linear else x @ self.weight + self.bias


class OwnLayers(nn.Module):
    """A linear class of its own, and an order that is not q, k, v."""

    def __init__(self, linear):
        super().__init__()
        self.proj = Layer(12, 12, linear)
        self.values, self.keys, self.queries = (Layer(12, 12, linear) for _ in range(3))

    def forward(self, x, mask=None):
        return self.proj(attend(self.queries(x), self.keys(x), self.values(x))), None


class Fused(nn.Module):
    def __init__(self, linear):
        super().__init__()
        self.in_proj, self.out_proj = Layer(12, 36, linear), Layer(12, 12, linear)

    def forward(self, x):
        return self.out_proj(attend(*self.in_proj(x).chunk(3, -1)))


class TwoAndOne(nn.Module):
    """A matrix for the queries, another for keys and values together; `linear` says nothing here."""

    def __init__(self, linear):
        super().__init__()
        self.to_q, self.to_kv, self.to_out = nn.Linear(12, 12), nn.Linear(12, 24), nn.Linear(12, 12)

    def forward(self, x):
        return self.to_out(attend(self.to_q(x), *self.to_kv(x).chunk(2, -1)))


class PerHead(nn.Module):
    """Lists of a small layer a head, one list a role."""

    def __init__(self, linear):
        super().__init__()
        self.ks, self.qs, self.vs = (nn.ModuleList(Layer(12, 4, linear) for _ in range(3)) for _ in range(3))
        self.out = Layer(12, 12, linear)

    def forward(self, x):
        q, k, v = (torch.cat([layer(x) for layer in layers], -1) for layers in (self.qs, self.ks, self.vs))
        return self.out(attend(q, k, v))


class Nameless(nn.Module):
    """The output's first, and the values' before the keys': only what it computes tells."""

    def __init__(self, linear):
        super().__init__()
        self.a, self.b, self.c, self.d = (Layer(12, 12, linear) for _ in range(4))

    def forward(self, x):
        return self.a(attend(self.c(x), self.d(x), self.b(x)))


class OneMatrixAHead(nn.Module):
    """As many numbers as a whole query, since H is 3."""

    def __init__(self, linear):
        super().__init__()
        self.qkv = nn.ModuleList(Layer(12, 12, linear) for _ in range(3))
        self.proj = Layer(12, 12, linear)

    def forward(self, x):
        q, k, v = (torch.cat(parts, -1) for parts in zip(*(f(x).chunk(3, -1) for f in self.qkv), strict=True))
        return self.proj(attend(q, k, v))


class GluedNames(nn.Module):
    def __init__(self, linear):
        super().__init__()
        self.tokeys, self.toqueries, self.tovalues, self.unifyheads = (Layer(12, 12, linear) for _ in range(4))

    def forward(self, x):
        return self.unifyheads(attend(self.toqueries(x), self.tokeys(x), self.tovalues(x)))


class Conv1D(Layer):
    """The name says (in, out), the code may say otherwise."""


class Convolutional(nn.Module):
    def __init__(self, linear):
        super().__init__()
        self.c_attn, self.c_proj = Conv1D(12, 36, linear), Conv1D(12, 12, linear)

    def forward(self, x):
        return self.c_proj(attend(*self.c_attn(x).chunk(3, -1)))


class PyTorchsOwn(nn.Module):
    def __init__(self, linear):
        super().__init__()
        self.attention = nn.MultiheadAttention(12, 3, batch_first=True)

    def forward(self, x):
        mask = torch.ones(x.size(1), x.size(1), dtype=torch.bool).triu(1)
        return self.attention(x, x, x, attn_mask=mask, need_weights=False)


STYLES = [
    Raw,
    Einsum,
    Upright,
    OwnLayers,
    Fused,
    TwoAndOne,
    PerHead,
    Nameless,
    OneMatrixAHead,
    GluedNames,
    Convolutional,
    PyTorchsOwn,
]


def load(stranger, model, config):
    attn = model.h[1].attn
    matching = match_parameters(stranger, config, "attention")
    tensors = {name: parameter.detach() for name, parameter in attn.named_parameters()}
    matching.load(tensors)
    for name, tensor in matching.export().items():
        assert torch.equal(tensor, tensors[name]), name
    x = torch.randn(2, 7, 12, generator=torch.Generator().manual_seed(4))
    return x, attn(x), matching


@pytest.mark.parametrize("linear", [True, False], ids=["out, in", "in, out"])
@pytest.mark.parametrize("style", STYLES, ids=lambda c: c.__name__)
def test_every_way_of_writing_it(style, linear, model, config):
    torch.manual_seed(3)
    stranger = style(linear)
    x, expected, _ = load(stranger, model, config)
    with torch.no_grad():
        found = stranger(x)
    torch.testing.assert_close(found[0] if isinstance(found, tuple) else found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("linear", [True, False], ids=["out, in", "in, out"])
def test_the_way_round_is_seen_whatever_else_is_wrong(linear, model, config):
    class Wrong(Raw):
        def forward(self, x):  # no scale, no mask, keys for queries
            q, k, v = (heads(self.times(x, name), 3) for name in "kqv")
            return self.times(((q @ k.mT).softmax(-1) @ v).transpose(1, 2).flatten(2), "o")

    stranger = Wrong(linear)
    load(stranger, model, config)
    ours = model.h[1].attn.c_proj.weight
    assert torch.equal(stranger.Wo, ours if linear else ours.T)
    assert torch.equal(stranger.bq, model.h[1].attn.c_attn.bias[:12])


def test_a_fused_matrix_is_always_read_as_q_k_v(model, config):
    class Mixed(Fused):
        def forward(self, x):
            k, q, v = self.in_proj(x).chunk(3, -1)
            return self.out_proj(attend(q, k, v))

    stranger = Mixed(False)
    x, expected, _ = load(stranger, model, config)
    assert torch.equal(stranger.in_proj.weight.T, model.h[1].attn.c_attn.weight)
    assert not torch.allclose(stranger(x), expected, atol=1e-3)


def test_without_a_projection(model, config):
    class Headless(Raw):
        def __init__(self):
            super().__init__(True)
            del self.Wo, self.bo

        def forward(self, x):
            return attend(*(self.times(x, name) for name in "qkv"))

    _, _, matching = load(Headless(), model, config)
    assert matching.missing == ("c_proj.weight", "c_proj.bias")
    assert "attention has no projection at its end" in matching.notes


def test_a_forward_pass_that_fails_leaves_how_it_is_usually_written(model, config):
    class Unwritten(Raw):
        def forward(self, x):
            raise NotImplementedError

    stranger = Unwritten(False)
    load(stranger, model, config)
    assert torch.equal(stranger.Wo.T, model.h[1].attn.c_proj.weight)  # x @ Wo


def test_a_bias_of_some_but_not_of_others(model, config):
    class NoKeyBias(Raw):
        def __init__(self):
            super().__init__(True)
            del self.bk

        def times(self, x, name):
            return F.linear(x, getattr(self, f"W{name}"), getattr(self, f"b{name}", None))

    stranger = NoKeyBias()
    attn = model.h[0].attn
    with torch.no_grad():
        attn.c_attn.bias[12:24] = 0
    matching = match_parameters(stranger, config, "attention")
    matching.load({name: parameter.detach() for name, parameter in attn.named_parameters()})
    assert "no bias for q, k, v (k)" in matching.notes
    assert torch.equal(matching.export()["c_attn.bias"], attn.c_attn.bias)
    x = torch.randn(1, 5, 12)
    torch.testing.assert_close(stranger(x), attn(x), rtol=1e-4, atol=1e-5)
