"""The MLP: each token works by itself on what it has gathered."""

CHAPTER, PLACE = "the model", 1
