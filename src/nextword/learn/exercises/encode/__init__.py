"""Encoding: from a text to the numbers that a network can compute with."""

CHAPTER, PLACE = "data", 1
