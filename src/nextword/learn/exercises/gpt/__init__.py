"""GPT: embeddings, blocks, a last LayerNorm, and the embedding once more as the head."""

CHAPTER, PLACE = "the model", 4
