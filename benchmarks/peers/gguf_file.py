"""A GPT-2 directory as a GGUF file in float32, which llama.cpp reads and makes its other formats from."""

import json
from pathlib import Path

# ours -> GGUF's; the file holds them as (out, in)
WHOLE = {"wte.weight": "token_embd.weight", "wpe.weight": "position_embd.weight", "ln_f": "output_norm"}
IN_BLOCK = {
    "ln_1": "attn_norm",
    "attn.c_attn": "attn_qkv",
    "attn.c_proj": "attn_output",
    "ln_2": "ffn_norm",
    "mlp.c_fc": "ffn_up",
    "mlp.c_proj": "ffn_down",
}


def write_gguf(model, file):
    """model: a directory in Hugging Face's layout, with its tokenizer."""
    import gguf
    import numpy as np
    from safetensors.numpy import load_file

    model = Path(model)
    config = json.loads((model / "config.json").read_text(encoding="utf-8"))
    writer = gguf.GGUFWriter(str(file), "gpt2")
    writer.add_context_length(config["n_positions"])
    writer.add_embedding_length(config["n_embd"])
    writer.add_block_count(config["n_layer"])
    writer.add_feed_forward_length(4 * config["n_embd"])
    writer.add_head_count(config["n_head"])
    writer.add_layer_norm_eps(config.get("layer_norm_epsilon", 1e-5))
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)

    vocabulary = json.loads((model / "vocab.json").read_text(encoding="utf-8"))
    tokens = sorted(vocabulary, key=vocabulary.get)
    end = vocabulary["<|endoftext|>"]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    writer.add_token_types(
        [gguf.TokenType.CONTROL if id == end else gguf.TokenType.NORMAL for id in range(len(tokens))]
    )
    merges = (model / "merges.txt").read_text(encoding="utf-8").splitlines()
    writer.add_token_merges([line for line in merges if line and not line.startswith("#version")])
    writer.add_bos_token_id(end)
    writer.add_eos_token_id(end)

    for key, values in load_file(model / "model.safetensors").items():
        name, values = key.removeprefix("transformer."), values.astype(np.float32)
        if name == "lm_head.weight" or name.endswith((".attn.bias", ".attn.masked_bias")):
            continue  # the head is wte again, and the mask is not learned
        if values.ndim == 2 and name.startswith("h."):
            values = np.ascontiguousarray(values.T)  # Hugging Face's are (in, out)
        writer.add_tensor(gguf_name(name), values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def gguf_name(name):
    """h.3.attn.c_attn.weight -> blk.3.attn_qkv.weight"""
    if name in WHOLE:
        return WHOLE[name]
    module, _, kind = name.rpartition(".")
    if module in WHOLE:
        return f"{WHOLE[module]}.{kind}"
    _, layer, part = module.split(".", 2)
    return f"blk.{layer}.{IN_BLOCK[part]}.{kind}"
