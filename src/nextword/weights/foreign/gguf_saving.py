"""A GPT as a GGUF file, which llama.cpp and Ollama read, written by llama.cpp's own package."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from nextword.errors import WeightsError
from nextword.model import GPT
from nextword.runtime import replacing
from nextword.tokenizer.export import printable_merges, printable_tokens
from nextword.tokenizer.vocab import GPT2, Vocabulary

KINDS = ("f32", "f16", "bf16", "q8_0", "q4_0")
"""How the matrices' numbers may be stored; q8_0 and q4_0 are whole numbers of 8 and 4 bits, 32 to a group."""

WHOLE = {"wte": "token_embd", "wpe": "position_embd", "ln_f": "output_norm"}
IN_BLOCK = {
    "ln_1": "attn_norm",
    "attn.c_attn": "attn_qkv",
    "attn.c_proj": "attn_output",
    "ln_2": "ffn_norm",
    "mlp.c_fc": "ffn_up",
    "mlp.c_proj": "ffn_down",
}
GROUP = 32


def save_gguf(model: GPT, file: Path, kind: str = "f16", name: str = "gpt2") -> None:
    """Write a model with its tokenizer. kind: one of KINDS; vectors and positions stay float32.

    Raises WeightsError where the package is not installed, for a tokenizer that llama.cpp has no name for, and for a
    width that cannot be divided into groups.
    """
    if find_spec("gguf") is None:
        raise WeightsError("GGUF is written by llama.cpp's package: pip install gguf")
    import gguf
    from gguf.quants import quantize

    c = model.config
    vocabulary: Vocabulary = model.vocabulary or GPT2
    if vocabulary.n_vocab != c.n_vocab:
        raise WeightsError(f"The model has {c.n_vocab:,} tokens, and its tokenizer {vocabulary.n_vocab:,}.")
    if vocabulary.pattern != "gpt2" or not vocabulary.merges:
        raise WeightsError(
            f"llama.cpp knows pre-tokenizers by name, and none that cuts texts as this does ({vocabulary.pattern}): "
            "it would refuse the file, or read other tokens. GPT-2's rule can be exported, with any merges."
        )
    if kind.startswith("q") and c.n_embd % GROUP:
        raise WeightsError(
            f"{kind} stores numbers in groups of {GROUP}, and the width {c.n_embd} is no multiple: use f16."
        )
    with replacing(file) as draft:
        writer = gguf.GGUFWriter(str(draft), "gpt2")
        writer.add_name(name)
        writer.add_context_length(c.n_ctx)
        writer.add_embedding_length(c.n_embd)
        writer.add_block_count(c.n_layer)
        writer.add_feed_forward_length(4 * c.n_embd)
        writer.add_head_count(c.n_head)
        writer.add_layer_norm_eps(1e-5)
        writer.add_file_type(getattr(gguf.LlamaFileType, "ALL_F32" if kind == "f32" else f"MOSTLY_{kind.upper()}"))
        add_tokenizer(writer, vocabulary)
        for ours, parameter in model.named_parameters():
            values = np.ascontiguousarray(parameter.detach().float().cpu().numpy())
            as_kind = kind if values.ndim == 2 and ours != "wpe.weight" else "f32"
            stored = getattr(gguf.GGMLQuantizationType, as_kind.upper())
            if as_kind == "f32":
                writer.add_tensor(gguf_name(ours), values)
            elif as_kind == "f16":
                writer.add_tensor(gguf_name(ours), values.astype(np.float16))
            else:
                writer.add_tensor(gguf_name(ours), quantize(values, stored), raw_dtype=stored)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()


def add_tokenizer(writer: Any, vocabulary: Vocabulary) -> None:
    """Write the tokens and merges as GPT-2's files have them, and the name of its rule of cutting."""
    from gguf import TokenType

    tokens = printable_tokens(vocabulary)
    special = set(vocabulary.special.values())
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    writer.add_token_types([TokenType.CONTROL if id in special else TokenType.NORMAL for id in range(len(tokens))])
    writer.add_token_merges(printable_merges(vocabulary))
    if vocabulary.end_of_text is not None:
        writer.add_bos_token_id(vocabulary.end_of_text)
        writer.add_eos_token_id(vocabulary.end_of_text)


def gguf_name(ours: str) -> str:
    """Translate a parameter's name: h.3.attn.c_attn.weight -> blk.3.attn_qkv.weight."""
    module, _, kind = ours.rpartition(".")
    if module in WHOLE:
        return f"{WHOLE[module]}.{kind}"
    _, layer, part = module.split(".", 2)
    return f"blk.{layer}.{IN_BLOCK[part]}.{kind}"
