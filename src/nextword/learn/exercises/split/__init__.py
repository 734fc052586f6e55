"""The split: set the end of the text aside, to measure what the model has learned rather than remembered."""

CHAPTER, PLACE = "data", 4
