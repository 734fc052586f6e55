"""The causal mask: scores become weights, and nobody looks ahead."""

CHAPTER, PLACE = "attention", 2
