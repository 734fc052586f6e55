"""`nextword data`: token shards to train on, prepared and looked at. Finds the command."""

from nextword.cli.subcommands import list_commands, run_command
from nextword.commands import command

COMMANDS = {
    "prepare": ("data_prepare:prepare", "encode texts of any size into token shards; goes on after a kill"),
    "show": ("data_show:show", "what a folder of token shards holds, and the beginning of a document"),
}
PURPOSE = (
    "A text is encoded once, into files that llm.c and modded-nanogpt read as well, and trained on without being "
    "in memory."
)


def run(arguments: list[str]) -> int:
    """Leave the rest to the command's own file."""
    return run_command("data", COMMANDS, arguments, help_text())


def help_text() -> str:
    """List the commands, and say how to call them from here."""
    return list_commands("data", COMMANDS, PURPOSE, command("data", "prepare", "story", "--out", "story_tokens"))
