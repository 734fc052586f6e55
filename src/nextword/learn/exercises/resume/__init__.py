"""Resume: a run that stops and goes on as if it had never stopped."""

CHAPTER, PLACE = "training", 8
