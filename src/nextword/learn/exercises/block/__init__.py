"""The block: gather, then think, and add what comes of it to what was there."""

CHAPTER, PLACE = "the model", 2
