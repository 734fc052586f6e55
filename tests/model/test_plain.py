"""The written-out functions against formulas and loops in float64, one number at a time."""

import math

import pytest
import torch

from nextword.model import GPT, GPTConfig, plain


def randn(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(len(shape)))


def test_embed_is_the_models_own_and_knows_its_limit() -> None:
    model = GPT(GPTConfig(n_vocab=61, n_ctx=16, n_embd=12, n_head=3, n_layer=1, dropout=0.0)).eval()
    wte, wpe = model.wte.weight, model.wpe.weight
    for T in (1, 5, 16):
        ids = torch.randint(61, (2, T), generator=torch.Generator().manual_seed(T))
        torch.testing.assert_close(plain.embed(ids, wte, wpe), model.embed(ids))
    with pytest.raises(IndexError):
        plain.embed(torch.zeros(1, 17, dtype=torch.int64), wte, wpe)


def test_layer_norm_one_number_at_a_time() -> None:
    x, weight, bias = randn(3, 5), randn(5), randn(2, 5)[0]
    y = plain.layer_norm(x, weight, bias, eps=0.1)  # so large an eps that its place matters
    for row, out in zip(x.tolist(), y.tolist(), strict=True):
        mean = math.fsum(row) / 5
        variance = math.fsum((number - mean) ** 2 for number in row) / 5
        for i in range(5):
            expected = (row[i] - mean) / math.sqrt(variance + 0.1) * weight[i].item() + bias[i].item()
            assert math.isclose(out[i], expected, rel_tol=1e-12)


def test_gelu_is_the_tanh_form_and_not_the_exact_one() -> None:
    for x in (-3.0, -1.0, -0.1, 0.0, 0.5, 2.0, 5.0):
        tanh_form = 0.5 * x * (1 + math.tanh(0.7978845608028654 * (x + 0.044715 * x * x * x)))
        assert math.isclose(plain.gelu(torch.tensor(x, dtype=torch.float64)).item(), tanh_form, rel_tol=1e-12)
    exact = 0.5 * 2.0 * (1 + math.erf(2.0 / math.sqrt(2)))
    assert abs(plain.gelu(torch.tensor(2.0, dtype=torch.float64)).item() - exact) > 5e-5


def test_softmax_sums_to_one_and_survives_large_scores() -> None:
    p = plain.softmax(torch.tensor([[1000.0, 1001.0, -1000.0], [0.0, 0.0, 0.0]]))
    torch.testing.assert_close(p[0], torch.tensor([1 / (1 + math.e), math.e / (1 + math.e), 0.0]))
    torch.testing.assert_close(p[1], torch.full((3,), 1 / 3))


def test_scores_one_pair_at_a_time() -> None:
    q, k = randn(2, 3, 4, 5), randn(2, 3, 6, 5) * 2
    scores = plain.attention_scores(q, k)
    assert scores.shape == (2, 3, 4, 6)
    for index in ((0, 0, 0, 0), (1, 2, 3, 5), (0, 1, 2, 4)):
        *head, t, s = index
        products = (a * b for a, b in zip(q[(*head, t)].tolist(), k[(*head, s)].tolist(), strict=True))
        assert math.isclose(scores[index].item(), math.fsum(products) / math.sqrt(5), rel_tol=1e-12)


def test_weights_sum_to_one_and_leave_out_the_future() -> None:
    weights = plain.causal_weights(randn(2, 3, 4, 6) * 1000)
    torch.testing.assert_close(weights.sum(-1), torch.ones(2, 3, 4, dtype=torch.float64))
    for t in range(4):
        assert not weights[..., t, 3 + t :].any()
    torch.testing.assert_close(
        plain.causal_weights(torch.zeros(1, 1, 3, 3)).diagonal(dim1=-2, dim2=-1).flatten(), 1 / torch.arange(1.0, 4.0)
    )


def test_causal_attention_one_query_at_a_time() -> None:
    B, H, T, S, D = 2, 3, 4, 6, 5
    q, k, v = randn(B, H, T, D), randn(B, H, S, D) * 2, randn(B, H, S, D) + 1
    y = plain.causal_attention(q, k, v)
    for b in range(B):
        for h in range(H):
            for t in range(T):
                visible = S - T + t + 1  # itself and all before it
                scores = [q[b, h, t].dot(k[b, h, s]).item() / math.sqrt(D) for s in range(visible)]
                exps = [math.exp(score) for score in scores]
                expected = sum(e / sum(exps) * v[b, h, s] for s, e in enumerate(exps))
                torch.testing.assert_close(y[b, h, t], expected)


def test_the_last_key_does_not_reach_earlier_queries() -> None:
    q, k, v = randn(1, 1, 5, 4), randn(1, 1, 5, 4), randn(1, 1, 5, 4)
    before = plain.causal_attention(q, k, v)
    k[..., -1, :], v[..., -1, :] = 100.0, 100.0
    after = plain.causal_attention(q, k, v)
    assert torch.equal(before[..., :-1, :], after[..., :-1, :])
    assert not torch.equal(before[..., -1, :], after[..., -1, :])


def test_attention_drops_weights_and_keeps_their_mean() -> None:
    torch.manual_seed(0)
    q, k = torch.zeros(1, 1, 1, 2), torch.zeros(1, 1, 10_000, 2)
    v = torch.ones(1, 1, 10_000, 2)
    y = plain.causal_attention(q, k, v, dropout=0.3)
    assert abs(y.mean().item() - 1.0) < 0.03
    assert y.mean().item() != 1.0


def test_cross_entropy_of_known_probabilities() -> None:
    logits = torch.log(torch.tensor([[0.1, 0.2, 0.7], [0.5, 0.25, 0.25]], dtype=torch.float64)) + 500.0
    loss = plain.cross_entropy(logits, torch.tensor([2, 1]))
    assert math.isclose(loss.item(), -(math.log(0.7) + math.log(0.25)) / 2, rel_tol=1e-9)


def test_cross_entropy_of_knowing_nothing_is_ln_v() -> None:
    assert math.isclose(
        plain.cross_entropy(torch.zeros(2, 3, 50257), torch.zeros(2, 3).long()).item(),
        math.log(50257),
        rel_tol=1e-6,
    )


def test_drop_zeroes_the_right_share_and_keeps_the_mean() -> None:
    torch.manual_seed(0)
    y = plain.drop(torch.ones(100_000), 0.2)
    assert abs((y == 0).float().mean().item() - 0.2) < 0.01
    assert set(y.unique().tolist()) == {0.0, 1.25}


def test_head_scores_each_token_by_the_product_with_its_embedding() -> None:
    x, wte = randn(2, 3, 5), randn(7, 5)
    logits = plain.head(x, wte)
    assert logits.shape == (2, 3, 7)
    expected = sum(x[1, 2, c].item() * wte[4, c].item() for c in range(5))
    assert math.isclose(logits[1, 2, 4].item(), expected, rel_tol=1e-9)


def test_the_models_head_is_the_plain_one() -> None:
    config = GPTConfig(n_vocab=7, n_ctx=3, n_embd=4, n_head=2, n_layer=1)
    model, x = GPT(config).double(), randn(2, 3, 4)
    torch.testing.assert_close(model.head(x), plain.head(x, model.wte.weight))
