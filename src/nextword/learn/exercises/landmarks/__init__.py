"""Landmarks of a loss: what knowing the frequencies alone costs, and bits a byte."""

CHAPTER, PLACE = "electives", 7
