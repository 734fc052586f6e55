"""The tied head: a token is likely to come next if its embedding is like x."""

CHAPTER, PLACE = "the model", 3
