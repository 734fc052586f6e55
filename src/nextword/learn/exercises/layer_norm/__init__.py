"""LayerNorm: bring every token's numbers to mean 0 and variance 1."""

CHAPTER, PLACE = "parts", 2
