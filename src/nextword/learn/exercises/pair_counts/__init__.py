"""Pair counts: training a tokenizer without counting the whole text after each merge."""

CHAPTER, PLACE = "electives", 6
