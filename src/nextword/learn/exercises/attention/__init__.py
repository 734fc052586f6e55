"""Multi-head attention: the one place where a token learns of the others."""

CHAPTER, PLACE = "attention", 4
