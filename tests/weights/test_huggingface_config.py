import json

import pytest
import torch
from transformers import GPT2Config
from transformers.activations import ACT2FN

from nextword.errors import WeightsError
from nextword.model import CONFIGS, GPTConfig
from nextword.weights.huggingface_config import SWITCHES, config_values, read_config


@pytest.fixture
def write(tmp_path):
    """Write a `config.json` as transformers does, with some values changed or left out."""

    def write_config(changes=None, without=()):
        values = GPT2Config(vocab_size=61, n_positions=16, n_embd=12, n_head=3, n_layer=2).to_dict()
        values = values | (changes or {})
        path = tmp_path / "config.json"
        path.write_text(json.dumps({key: value for key, value in values.items() if key not in without}))
        return path

    return write_config


def test_a_byte_order_mark_is_no_part_of_json(write):
    path = write()
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert read_config(path) == TINY


TINY = GPTConfig(n_vocab=61, n_ctx=16, n_embd=12, n_head=3, n_layer=2, dropout=0.1)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"n_ctx": 16},
        {"n_inner": 48},
        *({"activation_function": name} for name in ("gelu_pytorch_tanh", "gelu_fast", "gelu_accurate")),
        {"layer_norm_epsilon": "1e-05"},
        {"reorder_and_upcast_attn": True},
        {"tie_word_embeddings": False},
        {"architectures": ["GPT2DoubleHeadsModel"]},
        {"architectures": None},
        {"task_specific_params": {"text-generation": {"max_length": 50}}},
    ],
)
def test_gpt2_in_other_words(changes, write):
    assert read_config(write(changes)) == TINY


def test_a_configuration_need_not_say_that_it_is_gpt2s(write):
    assert read_config(write(without=("model_type", "architectures"))) == TINY


@pytest.mark.parametrize("name", ["gelu_pytorch_tanh", "gelu_fast", "gelu_accurate"])
def test_the_tanh_form_has_several_names_in_transformers(name):
    x = torch.linspace(-6, 6, 1001, dtype=torch.float64)
    torch.testing.assert_close(ACT2FN[name](x), ACT2FN["gelu_new"](x), rtol=0, atol=1e-8)


def test_old_configurations_have_n_ctx_alone_and_few_switches(write):
    assert read_config(write({"n_ctx": 16}, without=("n_positions", *SWITCHES))) == TINY


def test_the_dropout_rate(write):
    assert read_config(write({"resid_pdrop": 0.25})).dropout == 0.25


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("activation_function", "gelu"),
        ("add_cross_attention", True),
        ("layer_norm_epsilon", 1e-6),
        ("n_inner", 24),
        ("attention_head_type", "multiquery"),
        ("scale_attn_by_inverse_layer_idx", True),
        ("scale_attn_weights", False),
    ],
)
def test_a_switch_that_nextword_does_not_compute_is_named(key, value, write):
    with pytest.raises(WeightsError, match=rf"config\.json: {key} is {value!r}, and in GPT-2, .* it is "):
        read_config(write({key: value}))


def test_the_switches_are_transformers_defaults():
    defaults = GPT2Config()
    assert {key: getattr(defaults, key) for key in SWITCHES} == SWITCHES


@pytest.mark.parametrize(
    ("changes", "without", "message"),
    [
        ({"model_type": "llama"}, (), "model_type is 'llama', and nextword computes 'gpt2' and no other"),
        ({"architectures": ["GPT2ForSequenceClassification"]}, (), "it is a GPT2ForSequenceClassification, which says"),
        ({"architectures": ["GPT2ForTokenClassification"]}, (), "it is a GPT2ForTokenClassification, which says"),
        ({"architectures": ["GPT2ForQuestionAnswering"]}, (), "it is a GPT2ForQuestionAnswering, which says"),
        ({}, ("n_head",), "has no 'n_head': is it a GPT-2's"),
        ({"n_head": 5}, (), "n_embd = 12 cannot be divided among n_head = 5"),
        ({"n_layer": "2"}, (), "n_layer must be a whole number"),
        ({"resid_pdrop": 1.5}, (), "dropout must be at least 0 and below 1"),
    ],
)
def test_wrong_values_are_named(changes, without, message, write):
    with pytest.raises(WeightsError, match=message):
        read_config(write(changes, without))


@pytest.mark.parametrize("name", CONFIGS)
def test_transformers_understands_what_is_written(name, tmp_path):
    config = CONFIGS[name]
    (tmp_path / "config.json").write_text(json.dumps(config_values(config)))
    theirs = GPT2Config.from_pretrained(tmp_path)
    assert theirs.n_positions == config.n_ctx
    assert (theirs.vocab_size, theirs.n_embd, theirs.n_head) == (config.n_vocab, config.n_embd, config.n_head)
    assert theirs.num_hidden_layers == config.n_layer
    assert (theirs.embd_pdrop, theirs.attn_pdrop, theirs.resid_pdrop) == (config.dropout,) * 3
    assert theirs.eos_token_id == 50256
    assert read_config(tmp_path / "config.json") == config
