"""A pass taken apart, against the plain twin's functions, and against transformers' own states."""

import pytest
import torch
from reference import theirs
from user_model.conftest import folder  # noqa: F401
from user_model.own import source

from nextword.lens import Trace, trace
from nextword.lens.names import BEFORE, IN_BLOCK
from nextword.model import GPT, KVCache, plain
from nextword.user_model import build, checked_gpt


def plain_intermediates(model: GPT, ids: torch.Tensor) -> dict[str, torch.Tensor]:
    """Written out once more, in float64, with nothing but the plain twin."""
    p = {name: value.detach().double() for name, value in model.named_parameters()}
    H = model.config.n_head
    made = {"embed": plain.embed(ids, p["wte.weight"], p["wpe.weight"])}
    x = made["embed"]
    for i in range(model.config.n_layer):
        b = f"h.{i}."

        def linear(x: torch.Tensor, name: str, b: str = b) -> torch.Tensor:
            return x @ p[f"{b}{name}.weight"].T + p[f"{b}{name}.bias"]

        made[f"{b}resid_pre"] = x
        y = made[f"{b}ln_1.out"] = plain.layer_norm(x, p[f"{b}ln_1.weight"], p[f"{b}ln_1.bias"])
        made[f"{b}ln_1.scale"] = torch.sqrt(x.var(-1, correction=0, keepdim=True) + 1e-5)
        made[f"{b}attn.qkv"] = linear(y, "attn.c_attn")
        q, k, v = (t.unflatten(-1, (H, -1)).transpose(1, 2) for t in made[f"{b}attn.qkv"].chunk(3, -1))
        made |= {f"{b}attn.q": q, f"{b}attn.k": k, f"{b}attn.v": v}
        made[f"{b}attn.scores"] = plain.attention_scores(q, k)
        made[f"{b}attn.weights"] = plain.causal_weights(made[f"{b}attn.scores"])
        made[f"{b}attn.y"] = plain.causal_attention(q, k, v)
        weight, D = p[f"{b}attn.c_proj.weight"], q.size(-1)
        made[f"{b}attn.head_out"] = torch.stack(
            [made[f"{b}attn.y"][:, h] @ weight[:, h * D : (h + 1) * D].T for h in range(H)], 1
        )
        made[f"{b}attn.out"] = linear(made[f"{b}attn.y"].transpose(1, 2).flatten(2), "attn.c_proj")
        x = made[f"{b}resid_mid"] = x + made[f"{b}attn.out"]
        y = made[f"{b}ln_2.out"] = plain.layer_norm(x, p[f"{b}ln_2.weight"], p[f"{b}ln_2.bias"])
        made[f"{b}ln_2.scale"] = torch.sqrt(x.var(-1, correction=0, keepdim=True) + 1e-5)
        made[f"{b}mlp.pre"] = linear(y, "mlp.c_fc")
        made[f"{b}mlp.post"] = plain.gelu(made[f"{b}mlp.pre"])
        made[f"{b}mlp.out"] = linear(made[f"{b}mlp.post"], "mlp.c_proj")
        x = made[f"{b}resid_post"] = x + made[f"{b}mlp.out"]
    made["ln_f.scale"] = torch.sqrt(x.var(-1, correction=0, keepdim=True) + 1e-5)
    made["ln_f.out"] = plain.layer_norm(x, p["ln_f.weight"], p["ln_f.bias"])
    made["logits"] = plain.head(made["ln_f.out"], p["wte.weight"])
    return made


def test_everything_is_what_the_plain_twin_makes(model: GPT, ids: torch.Tensor) -> None:
    traced = trace(model, ids)
    expected = plain_intermediates(model, ids)
    assert traced.names == [name for name in traced.names if name in expected]
    assert set(traced.names) == set(expected)
    for name in reversed(traced.names):  # the last first: each must find its own way back
        torch.testing.assert_close(traced[name].double(), expected[name], rtol=1e-4, atol=1e-5, msg=name)


def test_transformers_has_the_same_states_and_weights(model: GPT, ids: torch.Tensor) -> None:
    with torch.no_grad():
        out = theirs(model)(ids, output_attentions=True, output_hidden_states=True)
    traced = trace(model, ids)
    for layer in range(model.config.n_layer):
        torch.testing.assert_close(traced[f"h.{layer}.attn.weights"], out.attentions[layer], rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(traced.stream(layer), out.hidden_states[layer], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(traced["ln_f.out"], out.hidden_states[-1], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(traced["logits"], out.logits, rtol=1e-4, atol=1e-5)


def test_parts_add_up(model: GPT, ids: torch.Tensor) -> None:
    traced = trace(model, ids)
    added = traced["h.1.attn.head_out"].sum(1) + model.h[1].attn.c_proj.bias
    torch.testing.assert_close(added, traced["h.1.attn.out"], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(traced["h.1.resid_post"], traced["h.1.resid_mid"] + traced["h.1.mlp.out"])


def test_it_is_computed_once(model: GPT, ids: torch.Tensor) -> None:
    traced = trace(model, ids)
    assert traced["h.1.attn.weights"] is traced["h.1.attn.weights"]
    calls: list[int] = []
    model.h[0].mlp.c_fc.register_forward_hook(lambda *_: calls.append(1))
    traced["logits"], traced["h.0.mlp.post"]
    assert calls == []  # the weights of layer 1 had come by there already


def test_what_is_not_kept_is_the_same_anew(model: GPT, ids: torch.Tensor) -> None:
    traced = trace(model, ids)
    sparing = type(traced)(model, ids, kept=["attn.q"])
    torch.testing.assert_close(sparing["logits"], traced["logits"], rtol=0, atol=0)
    held = {name.split(".", 2)[2] for name in sparing._made}
    assert held == {"resid_pre", "resid_post", "attn.q"}
    torch.testing.assert_close(sparing["h.0.attn.weights"], traced["h.0.attn.weights"], rtol=0, atol=0)


def test_dropout_is_off_and_the_mode_stays(model: GPT, ids: torch.Tensor) -> None:
    expected = trace(model, ids)["logits"]
    for module in model.modules():
        if hasattr(module, "dropout"):
            module.dropout = 0.5
    model.train()
    torch.testing.assert_close(trace(model, ids)["logits"], expected)
    assert model.training


def test_a_list_is_one_text(model: GPT, ids: torch.Tensor) -> None:
    assert trace(model, ids[0].tolist())["embed"].shape == (1, 16, 12)
    torch.testing.assert_close(trace(model, ids[0])["logits"][0], trace(model, ids)["logits"][0])


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("h.1.attn.weight", r"Did you mean h.1.attn.weights\?"),
        ("h.0.attention.out", r"Did you mean h.0.attn"),
        ("xyz", "see trace.names"),
        ("h.2.mlp.out", "layers are 0 to 1"),
    ],
)
def test_a_wrong_name_is_told_the_near_one(model: GPT, ids: torch.Tensor, name: str, hint: str) -> None:
    with pytest.raises(ValueError, match=hint):
        trace(model, ids)[name]


def test_a_head_that_is_not_there(model: GPT, ids: torch.Tensor) -> None:
    with pytest.raises(ValueError, match="head 3 is not there: each layer's heads are 0 to 2"):
        trace(model, ids).attention(0, 3)
    with pytest.raises(ValueError, match="outside the vocabulary"):
        trace(model, [61])


def test_a_text_or_a_layer_that_is_not_there(model: GPT, ids: torch.Tensor) -> None:
    traced = trace(model, ids)
    for ask in (lambda: traced.attention(0, 0, text=2), lambda: traced.logit_lens(text=-3), lambda: traced.tokens(2)):
        with pytest.raises(ValueError, match=r"text -?\d is not there: 2 texts, counted from 0, stand side by side"):
            ask()
    for layer in (-1, 3):
        for look in (traced.stream, traced.top_tokens):
            with pytest.raises(ValueError, match=f"no stream after {layer} blocks: .* 0 blocks, the embeddings, to 2"):
                look(layer)


def test_labels_say_what_the_dimensions_are(model: GPT, ids: torch.Tensor) -> None:
    traced = trace(model, ids[0])
    for name in traced.names:
        array = traced.labelled(name)
        assert array.shape == tuple(traced[name].shape)
        assert array.title.startswith(name)
    head = traced.attention(1, 2)
    assert head.shape == (16, 16)
    assert [*head.axes[0].labels] == [str(id) for id in ids[0].tolist()]  # no words: not GPT-2's vocabulary
    assert set(IN_BLOCK) | set(BEFORE) >= {name.split(".", 2)[-1] for name in traced.names if name.startswith("h.")}


def test_the_logit_lens_with_labels(model: GPT, ids: torch.Tensor) -> None:
    from nextword.lens.plain import logit_lens

    expected = logit_lens(model, ids).softmax(-1).max(-1)
    array = trace(model, ids).logit_lens(text=1)
    torch.testing.assert_close(torch.from_numpy(array.values), expected.values[:, 1])
    assert array.words[2, 5] == str(expected.indices[2, 1, 5].item())
    assert [*array.axes[0].labels] == ["embed", "h.0", "h.1"]


def test_a_change_reaches_all_that_follows_and_nothing_before(model: GPT, ids: torch.Tensor) -> None:
    traced = trace(model, ids)
    traced["logits"]
    other = traced.changed({"h.1.attn.weights": lambda weights: torch.eye(16).expand_as(weights)})
    torch.testing.assert_close(other["h.1.attn.y"], other["h.1.attn.v"])
    assert other["h.0.mlp.out"] is traced["h.0.mlp.out"]
    assert not torch.allclose(other["logits"], traced["logits"])
    from_the_start = type(traced)(model, ids, {"h.1.attn.weights": lambda weights: torch.eye(16).expand_as(weights)})
    torch.testing.assert_close(other["logits"], from_the_start["logits"])


def test_a_change_of_nothing_is_refused(model: GPT, ids: torch.Tensor) -> None:
    traced = trace(model, ids)
    with pytest.raises(ValueError, match=r"Nothing is computed from h.0.attn.head_out"):
        traced.changed({"h.0.attn.head_out": torch.zeros_like})
    with pytest.raises(ValueError, match=r"h.0.mlp.out has the shape \(2, 16, 12\), and was given \(12,\)"):
        traced.changed({"h.0.mlp.out": lambda x: x[0, 0]})["logits"]


def test_a_learners_class(folder, config, model: GPT, ids: torch.Tensor) -> None:  # noqa: F811
    (folder / "my_gpt2.py").write_text(source())
    own = build("my_gpt2:GPT", config).eval()
    own.load(model)
    torch.testing.assert_close(trace(checked_gpt(own), ids)["h.1.mlp.out"], trace(model, ids)["h.1.mlp.out"])
    (folder / "exact.py").write_text(source().replace("q.size(-1) ** 0.5", "q.size(-1)"))
    wrong = build("exact:GPT", config)
    wrong.load(model)
    for tried in (ids, None):
        with pytest.raises(ValueError, match=r"GPT gives logits that are up to .* away from those of GPT-2"):
            checked_gpt(wrong, tried)
    own.train()
    with pytest.raises(ValueError, match="id 61 is outside the vocabulary"):
        checked_gpt(own, [[61]])
    assert own.training


def test_the_end_of_a_text_after_what_was_read_before(model: GPT, ids: torch.Tensor) -> None:
    cache = KVCache(model.config, batch_size=2)
    model(ids[:, :13], cache)
    end = Trace(model, ids[:, 13:], past=cache)
    whole = trace(model, ids)
    for name in ("h.1.attn.y", "h.1.mlp.out", "logits"):
        torch.testing.assert_close(end[name], whole[name][..., 13:, :], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(end["h.0.attn.weights"], whole["h.0.attn.weights"][:, :, 13:], rtol=1e-4, atol=1e-5)
    assert cache.length == 13
    assert end.attention(0, 0).shape == (3, 16)
    assert end.labelled("h.0.attn.weights").shape == (2, 3, 3, 16)
