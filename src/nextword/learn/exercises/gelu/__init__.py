"""GELU: the bend without which a network, however deep, would be one straight line."""

CHAPTER, PLACE = "parts", 3
