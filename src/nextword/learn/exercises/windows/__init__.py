"""Windows: what the model reads, and the same one token further on, which is what it should say."""

CHAPTER, PLACE = "data", 3
