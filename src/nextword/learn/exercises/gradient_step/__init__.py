"""One update: the gradient of several small batches, shortened where it is too long."""

CHAPTER, PLACE = "training", 5
