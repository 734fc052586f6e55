"""Temperature: drawing the next token by its probability, more or less daringly."""

CHAPTER, PLACE = "writing", 2
