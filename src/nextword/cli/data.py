"""`nextword data`: token shards to train on, prepared and looked at. Finds the command."""

import difflib
from importlib import import_module

from nextword.commands import command

COMMANDS = {
    "prepare": ("data_prepare:prepare", "encode texts of any size into token shards; goes on after a kill"),
    "show": ("data_show:show", "what a folder of token shards holds, and the beginning of a document"),
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
        raise ValueError(f"data has no command {name!r}. {hint}")
    file, _, function = COMMANDS[name][0].partition(":")
    status: int = getattr(import_module(f"nextword.cli.{file}"), function)(rest)
    return status


def help_text() -> str:
    """List the commands, and say how to call them from here."""
    wide = max(map(len, COMMANDS)) + 2
    return f"""\
usage: {command("data")} COMMAND [options]        {command("data")} COMMAND --help says more

A text is encoded once, into files that llm.c and modded-nanogpt read as well, and trained on without being in memory.

{chr(10).join(f"  {name:<{wide}}{meaning}" for name, (_, meaning) in COMMANDS.items())}

for a start: {command("data", "prepare", "story", "--out", "story_tokens")}"""
