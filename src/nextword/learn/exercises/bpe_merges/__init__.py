"""BPE: how the tokens of a vocabulary are found, and how a word is put together from them."""

CHAPTER, PLACE = "electives", 1
