"""Data parallelism: one update by several processes."""

CHAPTER, PLACE = "electives", 9
