"""The writing loop: read, choose, put it behind the text, and again."""

CHAPTER, PLACE = "writing", 5
