"""Batches: an epoch of windows in a new order, some at a time."""

CHAPTER, PLACE = "data", 5
