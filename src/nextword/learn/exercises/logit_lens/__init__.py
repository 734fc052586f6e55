"""The logit lens: what each layer would say next."""

CHAPTER, PLACE = "electives", 4
