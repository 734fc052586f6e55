from parts import GPTConfig


def n_params(config: GPTConfig) -> int:
    """How many numbers a GPT-2 of this shape learns. The tied head adds none."""
    ...
