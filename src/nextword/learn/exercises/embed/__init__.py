"""Embeddings: what each token is, plus where it stands."""

CHAPTER, PLACE = "parts", 1
