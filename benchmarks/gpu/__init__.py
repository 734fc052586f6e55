"""How fast GPT-2 124M learns and writes on a GPU: nextword, transformers, and what the GPU itself would allow."""
