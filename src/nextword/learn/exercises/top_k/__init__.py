"""Top-k: drawing among the k likeliest tokens only."""

CHAPTER, PLACE = "writing", 3
