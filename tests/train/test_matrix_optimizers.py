"""The optimizers for matrices against their papers' formulas in float64."""

import math

import numpy as np
import pytest
import torch

from nextword.model import GPT, GPTConfig
from nextword.train.chosen_optimizer import MAKERS
from nextword.train.config import OPTIMIZERS
from nextword.train.matrix_optimizers.matrix_optimizer import MatrixOptimizer, matrices_of, parts_of
from nextword.train.matrix_optimizers.muon import Muon, orthogonal
from nextword.train.matrix_optimizers.soap import EVERY
from nextword.train.optimizer import make_optimizer, set_learning_rate

SMALL = GPTConfig(n_vocab=61, n_ctx=16, n_embd=12, n_head=3, n_layer=2, dropout=0.0)
LR, DECAY, BETA2 = 0.01, 0.3, 0.95
STEPS = 2 * EVERY + 3


@pytest.fixture
def model():
    torch.manual_seed(0)
    return GPT(SMALL)


def test_each_name_has_a_maker_and_a_learning_rate():
    assert set(MAKERS) == set(OPTIMIZERS)


def test_matrices_are_those_of_the_blocks(model):
    found = {id(matrix) for matrix in matrices_of(model)}
    names = {name for name, parameter in model.named_parameters() if id(parameter) in found}
    projections = ("attn.c_attn", "attn.c_proj", "mlp.c_fc", "mlp.c_proj")
    assert names == {f"h.{i}.{p}.weight" for i in range(2) for p in projections}


def test_a_head_of_its_own_is_no_matrix():
    untied = torch.nn.Sequential(torch.nn.Embedding(61, 12), torch.nn.Linear(12, 12), torch.nn.Linear(12, 61))
    assert list(matrices_of(untied)) == [untied[1].weight]


def test_parts_are_queries_keys_and_values_whichever_way_they_are_stored():
    q, k, v = torch.randn(3, 4, 4).unbind()
    stored = torch.cat([q, k, v])
    assert torch.equal(parts_of(stored), torch.stack([q, k, v]))
    assert torch.equal(parts_of(stored.T.contiguous()), torch.stack([q.T, k.T, v.T]))
    assert parts_of(torch.randn(16, 4)).shape == (1, 16, 4)


@pytest.mark.parametrize("shape", [(8, 8), (32, 8), (8, 32), (3, 8, 8)])
def test_singular_values_come_near_one(shape):
    torch.manual_seed(1)
    matrices = torch.randn(shape)
    made = orthogonal(matrices)
    assert made.shape == matrices.shape
    u, _, v = torch.linalg.svd(matrices.double(), full_matrices=False)
    ours = torch.linalg.svdvals(made.double())
    assert ours.min() > 0.5, ours
    assert ours.max() < 1.3, ours
    aligned = u.mT @ made.double() @ v.mT  # in its own directions it is diagonal
    assert torch.allclose(aligned, torch.diag_embed(torch.diagonal(aligned, dim1=-2, dim2=-1)), atol=1e-4)


def run(model, name, steps=STEPS, seed=1):
    """Make some steps by random gradients; -> these, by parameter name, in float64."""
    optimizer = MAKERS[name](model, 99.0, DECAY, BETA2)
    generator, seen = torch.Generator().manual_seed(seed), []
    for t in range(1, steps + 1):
        for parameter in model.parameters():
            parameter.grad = torch.randn(parameter.shape, generator=generator)
        seen.append({n: p.grad.double().numpy().copy() for n, p in model.named_parameters()})
        set_learning_rate(optimizer, LR * t / steps)
        optimizer.step()
    return seen


@pytest.mark.parametrize("name", sorted(set(OPTIMIZERS) - {"adamw"}))
def test_all_but_the_matrices_are_moved_by_adamw(model, name):
    torch.manual_seed(0)
    other = GPT(SMALL)
    run(model, name)
    run(other, "adamw")
    matrices = {id(matrix) for matrix in matrices_of(model)}
    for (key, ours), theirs in zip(model.named_parameters(), other.parameters(), strict=True):
        assert torch.equal(ours, theirs) == (id(ours) not in matrices), key


def test_muon_by_torchs_own(model):
    """torch.optim.Muon on queries, keys and values apart, as three parameters."""
    torch.manual_seed(0)
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    apart = {
        name: [torch.nn.Parameter(part.clone()) for part in parts_of(value)]
        for name, value in before.items()
        if value.dim() == 2 and name.startswith("h.")
    }
    theirs = torch.optim.Muon(
        [p for parts in apart.values() for p in parts],
        lr=99.0,
        weight_decay=DECAY,
        adjust_lr_fn="match_rms_adamw",
    )
    for t, gradients in enumerate(run(model, "muon"), 1):
        for name, parts in apart.items():
            for part, gradient in zip(parts, parts_of(torch.tensor(gradients[name]).float()), strict=True):
                part.grad = gradient.contiguous()
        theirs.param_groups[0]["lr"] = LR * t / STEPS
        theirs.step()
    for name, parts in apart.items():
        ours = parts_of(dict(model.named_parameters())[name].detach())
        moved = parts_of(before[name]) - ours
        away = torch.stack([part.detach() for part in parts]) - ours
        assert away.norm() < 0.03 * moved.norm(), name  # theirs is in bfloat16


def test_mars_by_the_formula(model):
    name = "h.1.attn.c_attn.weight"
    x = dict(model.named_parameters())[name].detach().double().numpy().copy()
    m, v, last = np.zeros_like(x), np.zeros_like(x), None
    for t, gradients in enumerate(run(model, "mars"), 1):
        g = gradients[name]
        last = g if last is None else last
        c = g + 0.025 * 0.95 / 0.05 * (g - last)
        c = c / max(1.0, np.sqrt((c**2).sum()))
        last = g
        m, v = 0.95 * m + 0.05 * c, 0.99 * v + 0.01 * c**2
        m_hat, v_hat = m / (1 - 0.95**t), v / (1 - 0.99**t)
        x = x - LR * t / STEPS * (m_hat / (np.sqrt(v_hat) + 1e-8) + DECAY * x)
    np.testing.assert_allclose(dict(model.named_parameters())[name].detach().numpy(), x, rtol=1e-4, atol=1e-6)


def test_soap_by_the_formula(model):
    name = "h.0.attn.c_proj.weight"  # square: of others the first covariance has many sets of eigenvectors
    x = dict(model.named_parameters())[name].detach().double().numpy().copy()
    left = right = ql = qr = None
    m, v = np.zeros_like(x), np.zeros_like(x)
    t = 0
    for step, gradients in enumerate(run(model, "soap"), 1):
        g, lr = gradients[name], LR * step / STEPS
        if left is None:
            left, right = g @ g.T, g.T @ g
            ql, qr = (np.linalg.eigh(side)[1][:, ::-1] for side in (left, right))
            continue
        t += 1
        m = 0.95 * m + 0.05 * g
        v = 0.95 * v + 0.05 * (ql.T @ g @ qr) ** 2
        direction = ql @ ((ql.T @ m @ qr) / (np.sqrt(v / (1 - 0.95**t)) + 1e-8)) @ qr.T / (1 - 0.95**t)
        x = x - lr * (direction + DECAY * x)
        left, right = 0.95 * left + 0.05 * g @ g.T, 0.95 * right + 0.05 * g.T @ g
        if t % 10 == 0:
            order = np.argsort(-np.diag(ql.T @ left @ ql))
            v, ql = v[order], np.linalg.qr(left @ ql[:, order])[0]
            order = np.argsort(-np.diag(qr.T @ right @ qr))
            v, qr = v[:, order], np.linalg.qr(right @ qr[:, order])[0]
    np.testing.assert_allclose(dict(model.named_parameters())[name].detach().numpy(), x, rtol=1e-3, atol=1e-5)


def test_a_first_direction_of_muon_is_as_large_as_adamws(model):
    """Root mean square 0.2 for any shape, so that the learning rates of the two go together."""
    optimizer = Muon(model, 1.0, 0.0, BETA2)
    for matrix in matrices_of(model):
        matrix.grad = torch.randn_like(matrix)
    for matrix, direction in optimizer.directions({m: m.grad for m in matrices_of(model)}):
        rms = direction.square().mean().sqrt().item()
        assert math.isclose(rms, 0.2, rel_tol=0.25), (matrix.shape, rms)


def test_adamw_itself_is_none_of_them(model):
    assert not isinstance(make_optimizer(model, LR, DECAY, BETA2), MatrixOptimizer)
