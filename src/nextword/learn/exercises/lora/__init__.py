"""LoRA: finetuning with few numbers, beside weights that stay as they are."""

CHAPTER, PLACE = "electives", 3
