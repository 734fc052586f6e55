"""Cross-entropy: how surprised the model is by the true next tokens."""

CHAPTER, PLACE = "training", 1
