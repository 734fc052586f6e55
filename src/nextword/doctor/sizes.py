"""Names that people give the sizes of a GPT-2, and our names for them."""

import re
from collections.abc import Collection
from typing import Any

from nextword.config import GPTConfig

NAMES: dict[str, str] = {
    "n_vocab": (
        "n_vocab vocab_size vocab vocabulary_size vocab_len len_vocab num_tokens n_tokens ntoken ntokens d_vocab "
        "padded_vocab_size num_embeddings vocab_dim size_vocab num_vocab n_words nvocab vocabsize"
    ),
    "n_ctx": (
        "n_ctx block_size context_length context_len ctx_len ctx_length context_size context_window n_positions "
        "max_position_embeddings max_seq_len max_seq_length max_sequence_length seq_len seq_length sequence_length "
        "max_len max_length max_context max_context_length window_size context blocksize n_context num_positions "
        "max_positions maxlen max_tokens ctx"
    ),
    "n_embd": (
        "n_embd n_embed emb_dim embed_dim embedding_dim embd_dim d_model dmodel model_dim dim_model hidden_size "
        "dim emb_size embed_size embedding_size d_embed n_emb embedding_dimension width num_embd n_hidden embd emb "
        "n_state dims"
    ),
    "n_head": (
        "n_head n_heads num_heads num_head nhead nheads heads num_attention_heads attention_heads n_attention_heads "
        "head_num number_of_heads h head_count"
    ),
    "n_layer": (
        "n_layer n_layers num_layers num_layer nlayers nlayer layers depth num_hidden_layers n_blocks num_blocks "
        "num_transformer_blocks num_transformer_layers n_transformer_layers n_block blocks num_decoder_layers "
        "number_of_layers"
    ),
    "dropout": (
        "dropout drop_rate dropout_rate drop p_drop dropout_p drop_prob dropout_prob pdrop resid_pdrop embd_pdrop "
        "attn_pdrop attn_dropout resid_dropout emb_dropout embd_dropout residual_dropout attention_dropout "
        "hidden_dropout hidden_dropout_prob attention_probs_dropout_prob embedding_dropout ff_dropout mlp_dropout p"
    ),
    "head_size": "head_size head_dim d_head dim_head d_k d_v head_width size_head",
    "width": (
        "d_ff d_mlp n_inner ff_dim ffn_dim dim_feedforward intermediate_size mlp_dim mlp_size ffn_hidden "
        "feed_forward_dim ff_size d_inner hidden_dim dim_ff mlp_hidden ffn_hidden_size"
    ),
    "ratio": "mlp_ratio expansion ffn_mult ff_mult expansion_factor widening_factor ff_expansion",
}

MEANING: dict[str, str] = {}
for _kind, _names in NAMES.items():
    for _name in _names.split():
        MEANING.setdefault(_name, _kind)

FLAGS = {"bias", "qkv_bias", "use_bias", "attn_bias", "linear_bias", "bias_qkv", "attention_bias"}
"""What asks whether linear layers have a bias; GPT-2's have."""

OTHERS: dict[str, Any] = {
    "device": "cpu",
    "eps": 1e-5,
    "layer_norm_eps": 1e-5,
    "layer_norm_epsilon": 1e-5,
    "norm_eps": 1e-5,
    "ln_eps": 1e-5,
    "pad_token_id": None,
    "padding_idx": None,
}


def meaning(name: str) -> str | None:
    """Size that a name stands for, such as "n_embd"; None for other names."""
    plain = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower().strip("_")
    plain = re.sub(r"^(cfg|config|gpt|gpt2|model)_(?=.)", "", plain) if plain not in MEANING else plain
    if name in ("T", "C", "V", "H", "N", "L", "D"):
        return {"T": "n_ctx", "C": "n_embd", "V": "n_vocab", "H": "n_head", "L": "n_layer"}.get(name)
    return MEANING.get(plain)


def value(name: str, config: GPTConfig, beside: Collection[str] = ()) -> Any:
    """Number for a name in a model of this config; None for a name that is no size.

    beside: the other names that are asked for: hidden_dim is n_embd unless
    something else is.
    """
    kind = meaning(name)
    if kind == "width" and name.lower() == "hidden_dim" and not any(meaning(other) == "n_embd" for other in beside):
        kind = "n_embd"
    match kind:
        case None:
            return None
        case "head_size":
            return config.n_embd // config.n_head
        case "width":
            return 4 * config.n_embd
        case "ratio":
            return 4
    return getattr(config, kind)


def knows(name: str) -> bool:
    """Whether anything can be said for this name."""
    return meaning(name) is not None or name in OTHERS or name in FLAGS


def answer(name: str, config: GPTConfig, beside: Collection[str] = ()) -> Any:
    """The value for a name that `knows`. Raises KeyError for another."""
    if meaning(name) is not None:
        return value(name, config, beside)
    if name in FLAGS:
        return True
    return OTHERS[name]
