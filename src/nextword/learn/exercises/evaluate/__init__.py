"""Evaluation: the mean loss on text that the model does not learn from."""

CHAPTER, PLACE = "training", 6
