"""Perplexity: among how many equally likely tokens the model seems to be choosing."""

CHAPTER, PLACE = "training", 2
