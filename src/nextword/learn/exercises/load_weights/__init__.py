"""Loading: every tensor into the parameter of its name, and nothing passed over in silence."""

CHAPTER, PLACE = "weights", 2
