"""The block: gather, then think, and add each result to the residual stream."""

CHAPTER, PLACE = "the model", 2
