"""Verifying: compare a loaded model's logits with the expected ones."""

CHAPTER, PLACE = "weights", 3
