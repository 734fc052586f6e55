"""The parameter count: where GPT-2's 124,439,808 numbers are."""

CHAPTER, PLACE = "the model", 6
