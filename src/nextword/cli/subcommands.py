"""The commands of a verb that has several, such as `nextword data prepare`."""

import difflib
from collections.abc import Mapping
from importlib import import_module

from nextword.commands import command

Commands = Mapping[str, tuple[str, str]]
"""A command -> the function that runs it, "file:name" in cli/, and what it is for."""


def run_command(verb: str, commands: Commands, arguments: list[str], help_text: str) -> int:
    """Run the command that the first argument names; print the help without one.

    Raises ValueError, with the name probably meant, for a command that is not there.
    """
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(help_text)
        return 0
    name, rest = arguments[0], arguments[1:]
    if name not in commands:
        near = difflib.get_close_matches(name, commands, n=1)
        hint = f"Did you mean {near[0]}?" if near else f"There are {', '.join(commands)}."
        raise ValueError(f"{verb} has no command {name!r}. {hint}")
    file, _, function = commands[name][0].partition(":")
    status: int = getattr(import_module(f"nextword.cli.{file}"), function)(rest)
    return status


def list_commands(verb: str, commands: Commands, purpose: str, start: str) -> str:
    """List a verb's commands, with its purpose and a first call."""
    wide = max(map(len, commands)) + 2
    return f"""\
usage: {command(verb)} COMMAND [options]        {command(verb)} COMMAND --help says more

{purpose}

{chr(10).join(f"  {name:<{wide}}{meaning}" for name, (_, meaning) in commands.items())}

for a start: {start}"""
