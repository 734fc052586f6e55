"""Initialisation: what the weights are before anything has been learned."""

CHAPTER, PLACE = "the model", 5
