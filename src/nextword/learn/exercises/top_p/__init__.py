"""Top-p: drawing among the fewest tokens that hold a share p of the probability."""

CHAPTER, PLACE = "writing", 4
