"""Greedy writing: of a model's whole answer, the likeliest token after the last position."""

CHAPTER, PLACE = "writing", 1
