"""A GPT-2 directory as a GGUF file in float32, which llama.cpp reads and makes its other formats from."""

from pathlib import Path


def write_gguf(model, file):
    """model: a directory in Hugging Face's layout, with its tokenizer."""
    from nextword.loading import load
    from nextword.weights.foreign.gguf_saving import save_gguf

    loaded, tokenizer = load(model)
    loaded.vocabulary = tokenizer.vocabulary
    save_gguf(loaded, Path(file), "f32")
