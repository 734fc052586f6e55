"""The training loop: one batch after another, each update at its own learning rate."""

CHAPTER, PLACE = "training", 7
