"""Softmax: from scores, which may be any numbers, to probabilities."""

CHAPTER, PLACE = "parts", 4
