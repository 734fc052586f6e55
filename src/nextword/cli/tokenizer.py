"""`nextword tokenizer`: train a vocabulary, look at tokens, compare tokenizers. Finds the command."""

import difflib
from importlib import import_module

from nextword.commands import command

COMMANDS = {
    "train": ("tokenizer_train:train", "learn a vocabulary from your own texts, in any language"),
    "show": ("tokenizer_show:show", "a text as its tokens, with their ids and bytes"),
    "compare": ("tokenizer_compare:compare", "bytes a token and tokens a word of several tokenizers, by script"),
}
"""A command -> the function that runs it, "file:name" in cli/, and what it is for."""


def run(arguments: list[str]) -> int:
    """Leave the rest to the command's own file."""
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(help_text())
        return 0
    name, rest = arguments[0], arguments[1:]
    if name not in COMMANDS:
        near = difflib.get_close_matches(name, COMMANDS, n=1)
        hint = f"Did you mean {near[0]}?" if near else f"There are {', '.join(COMMANDS)}."
        raise ValueError(f"tokenizer has no command {name!r}. {hint}")
    file, _, function = COMMANDS[name][0].partition(":")
    status: int = getattr(import_module(f"nextword.cli.{file}"), function)(rest)
    return status


def help_text() -> str:
    """List the commands, and say how to call them from here."""
    tokenizer, wide = command("tokenizer"), max(map(len, COMMANDS)) + 2
    return f"""\
usage: {tokenizer} COMMAND [options]        {tokenizer} COMMAND --help says more

What a model reads and writes are tokens. GPT-2's 50,257 were learned from English; here are yours.

{chr(10).join(f"  {name:<{wide}}{meaning}" for name, (_, meaning) in COMMANDS.items())}

for a start: {command("tokenizer", "show", "Every effort moves you")}"""
