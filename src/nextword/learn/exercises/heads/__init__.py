"""Heads: split each token's numbers among them, and put them side by side again."""

CHAPTER, PLACE = "attention", 3
