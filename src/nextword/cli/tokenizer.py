"""`nextword tokenizer`: train a vocabulary, look at tokens, compare tokenizers. Finds the command."""

from nextword.cli.subcommands import list_commands, run_command
from nextword.commands import command

COMMANDS = {
    "train": ("tokenizer_train:train", "learn a vocabulary from your own texts, in any language"),
    "show": ("tokenizer_show:show", "a text as its tokens, with their ids and bytes"),
    "compare": ("tokenizer_compare:compare", "bytes a token and tokens a word of several tokenizers, by script"),
}
PURPOSE = "What a model reads and writes are tokens. GPT-2's 50,257 were learned from English; here are yours."


def run(arguments: list[str]) -> int:
    """Leave the rest to the command's own file."""
    return run_command("tokenizer", COMMANDS, arguments, help_text())


def help_text() -> str:
    """List the commands, and say how to call them from here."""
    return list_commands("tokenizer", COMMANDS, PURPOSE, command("tokenizer", "show", "Every effort moves you"))
