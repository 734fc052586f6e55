"""Windows: the model's inputs, and the same one token further on as its targets."""

CHAPTER, PLACE = "data", 3
