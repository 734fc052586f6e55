"""BPE: find the tokens of a vocabulary, and put words together from them."""

CHAPTER, PLACE = "electives", 1
