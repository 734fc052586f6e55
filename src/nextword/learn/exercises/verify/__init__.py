"""Verifying: does a model that was loaded give the logits that it should, or only something like them?"""

CHAPTER, PLACE = "weights", 3
