"""Muon: a step of the same size in each of a matrix's directions."""

CHAPTER, PLACE = "electives", 8
