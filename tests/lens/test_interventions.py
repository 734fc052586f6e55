import pytest
import torch

from nextword.lens import ablate, patch, trace
from nextword.model import GPT

HOWS = ("zero", "mean")


def hooked(model: GPT, ids: torch.Tensor, hooks: dict[torch.nn.Module, object]) -> torch.Tensor:
    """The logits with forward (pre-)hooks on the model itself: another way to the same."""
    handles = []
    for module, hook in hooks.items():
        register = module.register_forward_pre_hook if module.__class__.__name__ == "Linear" else None
        handles.append(register(hook) if register else module.register_forward_hook(hook))
    logits = model(ids)
    for handle in handles:
        handle.remove()
    return logits


def test_a_head_without_a_voice(model: GPT, ids: torch.Tensor) -> None:
    def silent(_module: object, arguments: tuple[torch.Tensor]) -> torch.Tensor:
        y = arguments[0].clone()  # the heads side by side, four numbers each
        y[..., 4:8] = 0
        return y

    expected = hooked(model, ids, {model.h[0].attn.c_proj: silent})
    found = ablate(model, ids, heads=[(0, 1)])
    torch.testing.assert_close(found.logits, expected, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(found.before, model(ids), rtol=1e-4, atol=1e-5)


def test_parts_together_and_their_means(model: GPT, ids: torch.Tensor) -> None:
    def mean_of_head(_module: object, arguments: tuple[torch.Tensor]) -> torch.Tensor:
        y = arguments[0].clone()
        y[..., 8:12] = y[..., 8:12].mean((0, 1))
        return y

    def mean(_module: object, _arguments: object, x: torch.Tensor) -> torch.Tensor:
        return x.mean((0, 1)).expand_as(x)

    expected = hooked(model, ids, {model.h[1].attn.c_proj: mean_of_head, model.h[0].mlp: mean})
    found = ablate(model, ids, heads=[(1, 2)], mlps=[0], how="mean")
    torch.testing.assert_close(found.logits, expected, rtol=1e-4, atol=1e-5)


def test_with_their_means_earlier_logits_depend_on_later_words(model: GPT, ids: torch.Tensor) -> None:
    other = ids.clone()
    other[:, -1] = (other[:, -1] + 1) % 61
    zero, mean = ([ablate(model, text, mlps=[0], how=how).logits[:, 0] for text in (ids, other)] for how in HOWS)
    torch.testing.assert_close(*zero)
    assert not torch.allclose(*mean)


def test_the_other_texts_stream_says_what_the_other_text_says(model: GPT, ids: torch.Tensor) -> None:
    first, second = ids[:1], ids[1:]
    torch.testing.assert_close(patch(model, first, second, names=["h.1.resid_pre"]).logits, model(second))
    last = patch(model, first, second, names=["h.1.resid_post"], positions=[-1]).logits
    torch.testing.assert_close(last[:, -1], model(second)[:, -1])
    torch.testing.assert_close(last[:, :-1], model(first)[:, :-1])


def test_a_patched_head_and_mlp(model: GPT, ids: torch.Tensor) -> None:
    first, second = ids[:1], ids[1:]
    source = trace(model, second)

    def other_head(_module: object, arguments: tuple[torch.Tensor]) -> torch.Tensor:
        y = arguments[0].clone()
        y[:, 3, 0:4] = source["h.0.attn.y"][:, 0, 3]
        return y

    def other_mlp(_module: object, _arguments: object, x: torch.Tensor) -> torch.Tensor:
        x = x.clone()
        x[:, 3] = source["h.1.mlp.out"][:, 3]
        return x

    expected = hooked(model, first, {model.h[0].attn.c_proj: other_head, model.h[1].mlp: other_mlp})
    found = patch(model, first, second, heads=[(0, 0)], mlps=[1], positions=[3])
    torch.testing.assert_close(found.logits, expected, rtol=1e-4, atol=1e-5)


def test_the_next_words_before_and_after(model: GPT, ids: torch.Tensor) -> None:
    found = ablate(model, ids, mlps=[1])
    array = found.next(n=5)
    assert array.shape == (2, 5)
    token = int(array.axes[1].labels[0])
    assert array.values[0, 0] == pytest.approx(model(ids)[0, -1].softmax(-1)[token].item(), rel=1e-4)
    assert array.values[1, 0] == pytest.approx(found.logits[0, -1].softmax(-1)[token].item(), rel=1e-4)
    assert array.title == "without h.1 mlp"
    with pytest.raises(ValueError, match="position 16 is not there: the text has 16 tokens"):
        found.next(position=16)
    with pytest.raises(ValueError, match="text 2 is not there: 2 texts, counted from 0"):
        found.next(text=2)


def test_what_cannot_be_changed(model: GPT, ids: torch.Tensor) -> None:
    with pytest.raises(ValueError, match="There is nothing to change"):
        ablate(model, ids)
    with pytest.raises(ValueError, match="how is zero or mean, not 'half'"):
        ablate(model, ids, mlps=[0], how="half")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="layer 2 is not there"):
        ablate(model, ids, mlps=[2])
    with pytest.raises(ValueError, match="equally long, and have 16 and 5 tokens"):
        patch(model, ids[0], ids[1, :5], mlps=[0])
    with pytest.raises(ValueError, match="ids holds 1 and source_ids 2 side by side: each text needs another"):
        patch(model, ids[0], ids, mlps=[0])
    with pytest.raises(ValueError, match="position 16 is not there"):
        patch(model, ids[0], ids[1], mlps=[0], positions=[16])
    with pytest.raises(ValueError, match=r"Did you mean h.0.mlp.out\?"):
        patch(model, ids[0], ids[1], names=["h.0.mlp.ou"])
