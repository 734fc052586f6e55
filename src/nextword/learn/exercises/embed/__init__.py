"""Embeddings: each token's vector plus its position's."""

CHAPTER, PLACE = "parts", 1
