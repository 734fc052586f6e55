"""Dropout: numbers are set to zero at random, so that the model leans on none of them."""

CHAPTER, PLACE = "attention", 5
