"""Strangers of every kind, given our weights: they must compute what we do, and give the numbers back."""

from dataclasses import replace

import pytest
import torch
from conftest import randomize
from torch import nn
from torch.nn import functional as F
from transformers import GPT2Config, GPT2LMHeadModel
from weights.strangers import STRANGERS, Annotated, Fused, Lens, Nameless, Plain, Separate, SmallHeads

from nextword.errors import WeightsError
from nextword.model import GPT
from nextword.model.block import LayerNorm
from nextword.weights.matching import MatchingError, match_parameters
from nextword.weights.names import tensor_names


def logits_of(stranger, ids):
    with torch.no_grad():
        result = stranger.eval()(ids)
    return result[0] if isinstance(result, tuple) else getattr(result, "logits", result)


def weights_for(model, matching):
    """The model's tensors, after what the stranger has no place for was set to nothing in the model itself."""
    with torch.no_grad():
        for name in matching.missing:
            model.get_parameter(name).zero_()
    return {name: parameter.detach().clone() for name, parameter in model.named_parameters()}


def check(stranger, model, ids):
    """Load the model's weights into the stranger, compare logits, and take them out again."""
    matching = match_parameters(stranger, model.config)
    tensors = weights_for(model, matching)
    matching.load(tensors)
    torch.testing.assert_close(logits_of(stranger, ids), logits_of(model, ids), rtol=1e-4, atol=1e-4)
    found = matching.export()
    assert found.keys() == tensors.keys() - set(matching.missing)
    for name, tensor in found.items():
        assert torch.equal(tensor, tensors[name]), name
    return matching


@pytest.mark.parametrize("stranger", STRANGERS, ids=lambda c: c.__name__)
def test_a_stranger_with_our_weights_gives_our_logits_and_gives_them_back(stranger, model, ids, config):
    torch.manual_seed(5)
    check(stranger(config), model, ids)


@pytest.mark.parametrize("shape", [{"n_ctx": 12}, {"n_ctx": 61}, {"n_ctx": 48, "n_vocab": 36}, {"n_head": 1}], ids=str)
@pytest.mark.parametrize("stranger", STRANGERS, ids=lambda c: c.__name__)
def test_sizes_that_happen_to_be_equal_confuse_nothing(stranger, shape, config):
    config = replace(config, **shape)
    torch.manual_seed(5)
    model = GPT(config).eval()
    randomize(model)
    check(stranger(config), model, torch.arange(22).view(2, 11))


@pytest.mark.parametrize("stranger", [s for s in STRANGERS if s is not Annotated], ids=lambda c: c.__name__)
@pytest.mark.parametrize("n_layer", [1, 3])
def test_other_numbers_of_blocks(stranger, n_layer, config):
    config = replace(config, n_layer=n_layer)
    model = GPT(config).eval()
    randomize(model)
    check(stranger(config), model, torch.arange(22).view(2, 11))


def test_transformers_own(model, ids, config):
    shape = GPT2Config(vocab_size=61, n_positions=16, n_embd=12, n_head=3, n_layer=2)
    matching = check(GPT2LMHeadModel(shape), model, ids)
    assert (matching.notes, matching.missing, matching.own_head, matching.extra) == ((), (), None, ())
    assert "h.*.attn.c_attn.weight <- transformer.h.*.attn.c_attn.weight (transposed)" in matching.describe()


def test_our_own(model, ids):
    matching = check(GPT(model.config), model, ids)
    assert matching.describe()[0] == "wte.weight <- wte.weight"


def test_what_is_peculiar_is_told(config):
    separate = match_parameters(Separate(config), config)
    assert separate.own_head == "out_head.weight"
    assert separate.notes == ("the head has weights of its own (out_head.weight)",)
    heads = match_parameters(SmallHeads(config), config)
    assert heads.missing == ("h.0.attn.c_attn.bias", "h.1.attn.c_attn.bias")
    assert "no bias for q, k, v (query, key, value)" in heads.notes
    assert "the head has a bias (lm_head.bias)" in heads.notes
    assert "h.*.attn.c_attn.bias has no place" in heads.describe()
    attn = next(line for line in heads.describe() if line.startswith("h.*.attn.c_attn.weight"))
    assert attn == (
        "h.*.attn.c_attn.weight <- blocks.*.sa.heads.*.query.weight, blocks.*.sa.heads.*.key.weight, "
        "blocks.*.sa.heads.*.value.weight"
    )
    assert any("plain list" in note for note in match_parameters(Plain(config), config).notes)


def test_adopting_changes_no_number_no_mode_and_draws_nothing(config):
    stranger = Nameless(config)
    stranger.cells[0].train(False)
    before = {name: tensor.clone() for name, tensor in stranger.state_dict().items()}
    random = torch.get_rng_state()
    match_parameters(stranger, config)
    assert torch.equal(torch.get_rng_state(), random)
    assert stranger.training
    assert not stranger.cells[0].training
    assert all(p.requires_grad and p.grad is None for p in stranger.parameters())
    for name, tensor in stranger.state_dict().items():
        assert torch.equal(tensor, before[name]), name


def test_what_a_stranger_does_wrong_is_not_made_right(model, ids, config):
    class Swapped(Separate):
        def __init__(self, c):
            super().__init__(c)
            for block in self.trf_blocks:  # the author uses the one as the other
                block.att.forward = lambda x, att=block.att: Separate.MultiHeadAttention.forward(swap(att), x)

    def swap(att):
        other = nn.Module()
        other.num_heads, other.W_value, other.out_proj = att.num_heads, att.W_value, att.out_proj
        other.W_query, other.W_key = att.W_key, att.W_query
        return other

    stranger = Swapped(config)
    matching = match_parameters(stranger, config)
    matching.load(dict(model.named_parameters()))
    C = config.n_embd
    assert torch.equal(stranger.trf_blocks[1].att.W_query.weight, model.h[1].attn.c_attn.weight[:C])
    assert not torch.allclose(logits_of(stranger, ids), logits_of(model, ids), atol=1e-3)


def test_a_forward_that_fails_leaves_names_and_order(model, config):
    class Failing(Fused):
        def forward(self, idx):
            raise RuntimeError("not written yet")

    stranger = Failing(config)
    match_parameters(stranger, config).load(dict(model.named_parameters()))
    assert torch.equal(stranger.transformer["h"][1].attn.c_proj.weight, model.h[1].attn.c_proj.weight)


def test_one_block_for_all_holds_the_first_ones_numbers(model, config):
    class Shared(Fused):
        def __init__(self, c):
            super().__init__(c)
            self.transformer["h"] = nn.ModuleList([self.Block(c)] * c.n_layer)

    stranger = Shared(config)
    matching = match_parameters(stranger, config)
    matching.load(dict(model.named_parameters()))
    assert torch.equal(stranger.transformer["h"][1].attn.c_attn.weight, model.h[0].attn.c_attn.weight)
    assert any("share" in note for note in matching.notes)
    assert torch.equal(matching.export()["h.1.mlp.c_fc.bias"], model.h[0].mlp.c_fc.bias)


def test_one_norm_in_the_place_of_two(model, config):
    class OneNorm(Fused):
        def __init__(self, c):
            super().__init__(c)
            for block in self.transformer["h"]:
                del block.ln_2
                block.norm = block.ln_1
                del block.ln_1

    stranger = OneNorm(config)
    matching = match_parameters(stranger, config)
    matching.load(dict(model.named_parameters()))
    assert torch.equal(stranger.transformer["h"][1].norm.weight, model.h[1].ln_1.weight)
    assert matching.missing == ()
    assert any("in the place of two" in note for note in matching.notes)


def test_what_is_missing_is_named_and_left_out(model, config):
    class Bare(Fused):
        def __init__(self, c):
            super().__init__(c)
            del self.transformer["ln_f"], self.transformer["wpe"]
            for block in self.transformer["h"]:
                del block.attn.c_proj

    stranger = Bare(config)
    matching = match_parameters(stranger, config)
    gone = {"ln_f.weight", "ln_f.bias", "wpe.weight"}
    assert set(matching.missing) == gone | {f"h.{i}.attn.c_proj.{part}" for i in (0, 1) for part in ("weight", "bias")}
    matching.load(dict(model.named_parameters()))
    assert "positions are not learned: there is no table for them" in matching.notes
    assert matching.export().keys() == {name.ours for name in tensor_names(2)} - set(matching.missing)


def test_a_forgotten_bias_is_adopted_all_the_same(model, ids, config):
    class Forgets(Fused):
        def forward(self, idx):
            for block in self.transformer["h"]:
                block.mlp["c_fc"].forward = lambda x, fc=block.mlp["c_fc"]: F.linear(x, fc.weight)
            return super().forward(idx)

    stranger = Forgets(config)
    match_parameters(stranger, config).load(dict(model.named_parameters()))
    assert torch.equal(stranger.transformer["h"][0].mlp["c_fc"].bias, model.h[0].mlp.c_fc.bias)
    assert not torch.allclose(logits_of(stranger, ids), logits_of(model, ids), atol=1e-3)


def test_numbers_go_into_the_strangers_own_format(model, config):
    stranger = Lens(config).to(torch.float64)
    matching = match_parameters(stranger, config)
    matching.load(dict(model.named_parameters()))
    assert stranger.W_E.dtype == torch.float64
    assert matching.export()["h.0.attn.c_attn.weight"].dtype == torch.float64


def test_a_refusal_says_what_was_expected_and_found(config):
    with pytest.raises(MatchingError, match=r"expected token and position tables of 61 x 12.*found .*weight \(7, 12\)"):
        match_parameters(nn.Linear(12, 7), config)
    with pytest.raises(MatchingError, match=r"found 2 blocks instead of 3"):
        match_parameters(Fused(config), replace(config, n_layer=3))
    with pytest.raises(MatchingError, match=r"Check that it was built with these sizes \(n_vocab 60,"):
        match_parameters(Fused(config), replace(config, n_vocab=60))
    with pytest.raises(ValueError, match="kind must be one of"):
        match_parameters(Fused(config), config, "transformer")


def test_what_is_loaded_must_be_whole_and_fit(model, config):
    matching = match_parameters(Fused(config), config)
    tensors = dict(model.named_parameters())
    with pytest.raises(WeightsError, match=r"There is no wpe.weight, of the shape \(16, 12\)"):
        matching.load({name: tensor for name, tensor in tensors.items() if name != "wpe.weight"})
    with pytest.raises(WeightsError, match=r"wte.weight must have the shape \(61, 12\), and has \(12, 61\)"):
        matching.load(tensors | {"wte.weight": tensors["wte.weight"].T})


def part(model, kind):
    block = model.h[1]
    return {"block": block, "attention": block.attn, "mlp": block.mlp, "layer_norm": block.ln_2}[kind]


def parts_of(stranger):
    block = stranger.trf_blocks[0]
    return {"block": block, "attention": block.att, "mlp": block.ff, "layer_norm": block.norm1}


@pytest.mark.parametrize("kind", ["block", "attention", "mlp", "layer_norm"])
def test_parts(kind, model, config):
    stranger, ours = parts_of(Separate(config))[kind], part(model, kind)
    matching = match_parameters(stranger, config, kind)
    tensors = {name: parameter.detach() for name, parameter in ours.named_parameters()}
    matching.load(tensors)
    x = torch.randn(2, 7, config.n_embd, generator=torch.Generator().manual_seed(2))
    torch.testing.assert_close(stranger(x), ours(x), rtol=1e-4, atol=1e-5)
    found = matching.export()
    assert found.keys() == tensors.keys()
    assert all(torch.equal(found[name], tensors[name]) for name in tensors)


def test_parts_of_the_same_name_as_ours(model, config):
    ours = LayerNorm(config.n_embd, model.ops)
    match_parameters(ours, config, "layer_norm").load({"weight": model.ln_f.weight, "bias": model.ln_f.bias})
    assert torch.equal(ours.bias, model.ln_f.bias)
    with pytest.raises(MatchingError, match="is not recognised as GPT-2's attention of this shape"):
        match_parameters(ours, config, "attention")


def test_norms_and_masks_that_gpt2_does_not_have_are_left_alone(model, config):
    class More(Fused):
        def __init__(self, c):
            super().__init__(c)
            self.norm_of_embedding = nn.LayerNorm(c.n_embd)
            for block in self.transformer["h"]:
                block.attn.mask = nn.Parameter(torch.ones(c.n_ctx, c.n_ctx))
                block.ln_3 = nn.LayerNorm(c.n_embd)

    stranger = More(config)
    matching = match_parameters(stranger, config)
    matching.load(dict(model.named_parameters()))
    assert torch.equal(stranger.transformer["h"][1].ln_2.bias, model.h[1].ln_2.bias)
    assert torch.equal(stranger.transformer["ln_f"].bias, model.ln_f.bias)
    assert set(matching.extra) == {
        f"{name}.{part}"
        for name in ("norm_of_embedding", "transformer.h.0.ln_3", "transformer.h.1.ln_3")
        for part in ("weight", "bias")
    }


def test_within_something_else_and_one_after_the_other(model, ids, config):
    class Embed(nn.Module):
        def __init__(self, c):
            super().__init__()
            self.place, self.token = nn.Embedding(c.n_ctx, c.n_embd), nn.Embedding(c.n_vocab, c.n_embd)

        def forward(self, ids):
            return self.token(ids) + self.place.weight[: ids.size(1)]

    class Wrapper(nn.Module):
        def __init__(self, c):
            super().__init__()
            head = nn.Linear(c.n_embd, c.n_vocab, bias=False)
            blocks = [Fused.Block(c) for _ in range(c.n_layer)]
            self.net = nn.Sequential(Embed(c), *blocks, nn.LayerNorm(c.n_embd), head)

        def forward(self, ids):
            return {"loss": None, "logits": self.net(ids)}["logits"]

    check(Wrapper(config), model, ids)
