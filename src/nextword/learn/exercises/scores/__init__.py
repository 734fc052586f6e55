"""Attention's scores: how well each query matches each key."""

CHAPTER, PLACE = "attention", 1
