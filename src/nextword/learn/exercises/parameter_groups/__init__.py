"""Parameter groups: what AdamW pulls toward zero, and what not."""

CHAPTER, PLACE = "training", 3
