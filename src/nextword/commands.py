"""Commands in messages, to be pasted into the shell that nextword was called from."""

import os
import shlex
import shutil
import sys
from pathlib import Path

NAME = "nextword"


def command(*words: object) -> str:
    """Write a command of nextword's, quoted for the shell: `command("train", "--out", path)`."""
    return " ".join((*program(), *map(quoted, words)))


def program() -> tuple[str, ...]:
    """Name this program as the shell finds it, by its path if need be.

    Who called `python -m nextword` is told that. In a notebook, or in a program
    of a user's own, it is the script beside the Python that runs.
    """
    called = Path(sys.argv[0])
    if called.name == "__main__.py" and called.parent.name == NAME:
        return quoted(sys.orig_argv[0]), "-m", NAME
    script = called if called.stem == NAME else Path(sys.executable).with_name(NAME)
    found = shutil.which(NAME)
    if not script.is_file() or (found and os.path.abspath(found) == os.path.abspath(script)):
        return (NAME,)
    if script.is_absolute() and script.is_relative_to(Path.cwd()):
        script = script.relative_to(Path.cwd())
    return (quoted(script if script.parent.name else os.path.join(os.curdir, script)),)


def quoted(word: object) -> str:
    """Quote a word for the shell if need be, in double quotes if they do."""
    text = str(word)
    quotes = shlex.quote(text)
    return f'"{text}"' if quotes != text and not set(text) & set('$`"\\!\n') else quotes
