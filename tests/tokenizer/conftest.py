from hypothesis import settings

# No deadline for a single example: the first one loads the vocabulary, and a busy machine is not a bug.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")
