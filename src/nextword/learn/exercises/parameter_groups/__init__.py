"""Parameter groups: what AdamW pulls toward zero, and the rest."""

CHAPTER, PLACE = "training", 3
