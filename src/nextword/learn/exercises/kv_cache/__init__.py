"""The KV cache: a token that has been read need not be read again."""

CHAPTER, PLACE = "electives", 2
