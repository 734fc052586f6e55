"""Hugging Face's names and their Conv1D: which tensors lie the other way round."""

CHAPTER, PLACE = "weights", 1
