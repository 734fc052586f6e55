"""The errors of nextword, each with its remedy."""


class NextwordError(Exception):
    """An error that names the expected, the found, and the remedy.

    The command line prints it as one line and exits with `exit_code`: 2 where
    the user asked for something impossible, 1 where something else failed.
    """

    exit_code = 2


class DataError(NextwordError, ValueError):
    """A text that cannot be trained on: missing, empty, too short, not UTF-8."""


class WeightsError(NextwordError, ValueError):
    """Weights that cannot be loaded: missing, extra, mis-shaped, corrupt, pickled, unreachable."""


class TokenizerError(NextwordError, ValueError):
    """A tokenizer that cannot be had: of another kind, damaged, or with more ids than its model."""


class SettingError(ValueError):
    """A setting that means nothing, or not beside the others. `name` is its name in Python.

    The command line names its flag instead, as it does for settings in backticks in any message.
    """

    def __init__(self, name: str, fault: str):
        super().__init__(name, fault)
        self.name, self.fault = name, fault

    def __str__(self) -> str:
        return f"{self.name} {self.fault}"


class RunError(NextwordError, ValueError):
    """A run directory that cannot be used as asked: taken, locked, changed, without a checkpoint."""


class TrainingError(NextwordError):
    """Training that had to stop: a number is not finite, or memory ran out."""

    exit_code = 1


class FollowedError(NextwordError):
    """The first of several ranks has failed, and says why: this one ends, and says nothing."""

    def __init__(self, exit_code: int):
        super().__init__("the first rank says why")
        self.exit_code = exit_code


class NotFiniteError(NextwordError, ArithmeticError):
    """Logits or activations that are NaN or infinite."""

    exit_code = 1


class SymbolError(NextwordError, ValueError):
    """Code of a user's own that is not found, fails, or breaks its contract."""
