"""The MLP: what a token makes of what it has gathered, by itself."""

CHAPTER, PLACE = "the model", 1
