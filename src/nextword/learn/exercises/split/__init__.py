"""The split: set the end of the text aside to measure learning rather than memory."""

CHAPTER, PLACE = "data", 4
