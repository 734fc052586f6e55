"""The learning rate: a straight rise to the peak, then half a cosine down."""

CHAPTER, PLACE = "training", 4
