"""Decoding: from ids back to the text."""

CHAPTER, PLACE = "data", 2
