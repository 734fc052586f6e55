import pytest
import torch
from transformers import GPT2Config, GPT2LMHeadModel

from nextword.lens.plain import logit_lens
from nextword.model import GPT
from nextword.weights import save_huggingface


def test_it_is_what_transformers_makes_of_its_hidden_states(model: GPT, ids: torch.Tensor, tmp_path: object) -> None:
    save_huggingface(model, tmp_path)  # type: ignore[arg-type]
    other = GPT2LMHeadModel.from_pretrained(tmp_path, config=GPT2Config.from_pretrained(tmp_path)).eval()
    with torch.no_grad():
        states = other(ids, output_hidden_states=True).hidden_states  # the last of them is normalised already
        expected = [other.lm_head(other.transformer.ln_f(state)) for state in states[:-1]]
        expected.append(other.lm_head(states[-1]))
    torch.testing.assert_close(logit_lens(model, ids), torch.stack(expected), rtol=1e-4, atol=1e-4)


def test_the_last_layer_says_what_the_model_says(model: GPT, ids: torch.Tensor) -> None:
    torch.testing.assert_close(logit_lens(model, ids)[-1], model(ids))


def test_the_mode_is_put_back(model: GPT, ids: torch.Tensor) -> None:
    model.train()
    logit_lens(model, ids)
    assert model.training
    with pytest.raises(ValueError, match="outside the vocabulary"):
        logit_lens(model, ids + 61)
    assert model.training
