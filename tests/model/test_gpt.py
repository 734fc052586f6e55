"""The whole model, against transformers' GPT-2 and against what OpenAI's paper says of it."""

import copy
import math
import pickle

import pytest
import torch
from reference import IN_OUT, theirs
from torch import Tensor

from nextword.model import CONFIGS, GPT, GPTConfig, fused, plain


@pytest.mark.parametrize("ops", [fused, plain])
def test_logits_and_gradients_equal_those_of_transformers(
    config: GPTConfig, model: GPT, ids: Tensor, ops: object
) -> None:
    ours = GPT(config, ops=ops).eval()  # type: ignore[arg-type]
    ours.load_state_dict(model.state_dict())
    other = theirs(ours)
    torch.testing.assert_close(ours(ids), other(ids).logits, rtol=1e-4, atol=1e-5)

    ours.ops.cross_entropy(ours(ids[:, :-1]), ids[:, 1:]).backward()
    other(ids, labels=ids).loss.backward()
    expected = {name: p.grad for name, p in other.transformer.named_parameters()}
    for name, p in ours.named_parameters():
        gradient = expected[name].T if name.endswith(IN_OUT) else expected[name]
        torch.testing.assert_close(p.grad, gradient, rtol=1e-3, atol=1e-5, msg=lambda m, name=name: f"{name}: {m}")


def test_names_are_openais(config: GPTConfig) -> None:
    names = [name for name, _ in GPT(config).named_parameters()]
    assert names[:2] == ["wte.weight", "wpe.weight"]
    assert names[-2:] == ["ln_f.weight", "ln_f.bias"]
    assert [name.removeprefix("h.1.") for name in names if name.startswith("h.1.")] == [
        f"{part}.{kind}"
        for part in ("ln_1", "attn.c_attn", "attn.c_proj", "ln_2", "mlp.c_fc", "mlp.c_proj")
        for kind in ("weight", "bias")
    ]


def test_future_tokens_change_nothing(model: GPT, ids: Tensor) -> None:
    changed = ids.clone()
    changed[:, 9:] = (changed[:, 9:] + 1) % 61
    assert torch.equal(model(ids)[:, :9], model(changed)[:, :9])


def test_the_head_is_the_embedding(model: GPT, ids: Tensor) -> None:
    x = model.trunk(ids)
    torch.testing.assert_close(model.head(x), x @ model.wte.weight.T)
    with torch.no_grad():
        model.wte.weight[5] = 0.0
    assert (model(ids)[..., 5] == 0).all()


def test_blocks_do_not_share_weights(config: GPTConfig) -> None:
    model = GPT(config)
    assert model.h[0].attn.c_attn.weight is not model.h[1].attn.c_attn.weight
    assert len({id(p) for p in model.parameters()}) == 4 + 12 * config.n_layer


def test_initialisation_is_gpt2s() -> None:
    torch.manual_seed(0)
    config = GPTConfig(n_vocab=500, n_ctx=200, n_embd=120, n_head=4, n_layer=8)
    deviation = {"wte.weight": 0.02, "wpe.weight": 0.02}
    for layer in range(8):
        deviation[f"h.{layer}.attn.c_attn.weight"] = deviation[f"h.{layer}.mlp.c_fc.weight"] = 0.02
        deviation[f"h.{layer}.attn.c_proj.weight"] = deviation[f"h.{layer}.mlp.c_proj.weight"] = 0.02 / math.sqrt(16)
    for name, p in GPT(config).named_parameters():
        if name in deviation:
            assert p.std().item() == pytest.approx(deviation[name], rel=0.04), name
            assert abs(p.mean().item()) < 0.001, name
        else:
            assert (p == (0 if name.endswith("bias") else 1)).all(), name


def test_an_untrained_model_knows_nothing() -> None:
    torch.manual_seed(0)
    model = GPT(CONFIGS["nano"]).eval()
    ids = torch.randint(50257, (2, 65))
    loss = fused.cross_entropy(model(ids[:, :-1]), ids[:, 1:])
    assert loss.item() == pytest.approx(math.log(50257), abs=0.05)


@pytest.mark.parametrize("ops", [fused, plain])
def test_dropout_works_in_training_and_only_there(config: GPTConfig, ids: Tensor, ops: object) -> None:
    model = GPT(GPTConfig(**{**vars(config), "dropout": 0.5}), ops=ops)  # type: ignore[arg-type]
    assert not torch.equal(model(ids), model(ids))
    model.eval()
    assert torch.equal(model(ids), model(ids))


def test_dropout_stands_where_gpt2_has_it(config: GPTConfig, ids: Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the embedding, on the attention weights, and after both halves of each block."""
    calls: list[tuple[str, float]] = []
    ours = GPT(GPTConfig(**{**vars(config), "dropout": 0.1})).train()

    def drop(x: Tensor, p: float) -> Tensor:
        calls.append(("drop", p))
        return x

    def attention(q: Tensor, k: Tensor, v: Tensor, dropout: float = 0.0, visible: Tensor | None = None) -> Tensor:
        calls.append(("attention", dropout))
        return fused.causal_attention(q, k, v)

    monkeypatch.setattr(ours.ops, "drop", drop)
    monkeypatch.setattr(ours.ops, "causal_attention", attention)
    ours(ids)
    assert calls == [("drop", 0.1)] + [("attention", 0.1), ("drop", 0.1), ("drop", 0.1)] * config.n_layer


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (torch.tensor([[3, 61]]), r"id 61 is outside the vocabulary, 0 to 60"),
        (torch.tensor([[-1, 3]]), r"id -1 is outside the vocabulary"),
        (
            torch.zeros(1, 17, dtype=torch.long),
            r"17 tokens are more than n_ctx = 16: keep the last ones, ids\[:, -16:\]",
        ),
        (torch.tensor([[1, 2]], dtype=torch.int32), r"ids must be int64 .* not torch.int32: .*ids.long\(\)"),
        (torch.tensor([[1.0, 2.0]]), "ids must be int64"),
        (torch.tensor([1, 2]), r"shape \(batch, tokens\) .* not \(2,\): .*unsqueeze"),
        (torch.zeros(1, 0, dtype=torch.long), "at least one token"),
    ],
)
def test_ids_that_cannot_be_read_are_refused(model: GPT, wrong: Tensor, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        model(wrong)


def test_a_model_can_be_copied_and_pickled_between_processes(model: GPT, ids: Tensor) -> None:
    assert torch.equal(copy.deepcopy(model)(ids), model(ids))
    assert torch.equal(pickle.loads(pickle.dumps(model))(ids), model(ids))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU here")
def test_a_gpu_computes_the_same_and_refuses_the_same(model: GPT, ids: Tensor) -> None:
    expected = model(ids)
    model.cuda()
    torch.testing.assert_close(model(ids.cuda()).cpu(), expected, rtol=1e-3, atol=1e-3)
    with pytest.raises(ValueError, match="id 61 is outside the vocabulary"):
        model(torch.tensor([[61]]).cuda())
