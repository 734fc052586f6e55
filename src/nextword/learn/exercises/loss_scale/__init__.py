"""Loss scaling: gradients that float16 can hold."""

CHAPTER, PLACE = "electives", 5
