"""`nextword learn`: exercises that end with a GPT-2 of one's own. Finds the command; without one, watches."""

from nextword.cli.subcommands import run_command
from nextword.commands import command

COMMANDS = {
    "init": ("learn_folder:init", "begin: write the folder my_gpt2 with a file for each exercise"),
    "read": ("learn_help:read", "the chapter of the book on an exercise, here in the terminal"),
    "check": ("learn_check:check", "check an exercise: its number or name, the current one, or all"),
    "hint": ("learn_help:hint", "a hint; each time that you ask, one that says more"),
    "solution": ("learn_help:solution", "code that passes an exercise; the certificate counts these"),
    "list": ("learn_folder:show_list", "the exercises, and how far you are"),
    "reset": ("learn_folder:reset", "begin an exercise anew; a backup of your file is kept"),
    "graduate": ("learn_graduate:graduate", "examine the whole model that your exercises make, for a certificate"),
    "interview": ("learn_interview:interview", "find a planted mistake against the clock, then answer questions"),
    "doctor": ("learn_doctor:doctor", "a review of a GPT-2 that you have already: path/to/model.py:GPT"),
    "audit": ("learn_audit:audit", "the proof that the checker is right: every known mistake, planted and found"),
}
"""A command -> the function that runs it, "file:name" in cli/, and what it is for."""


def run(arguments: list[str]) -> int:
    """Leave the rest to the command's own file."""
    is_help = bool(arguments) and arguments[0] in ("-h", "--help")
    if not arguments or (arguments[0].startswith("-") and not is_help):
        from nextword.cli.learn_watch import watch

        return watch(arguments)
    return run_command("learn", COMMANDS, arguments, help_text())


def help_text() -> str:
    """List the commands, and say how to call them from here."""
    learn, wide = command("learn"), max(map(len, COMMANDS)) + 2
    return f"""\
usage: {learn} [COMMAND] [options]        {learn} COMMAND --help says more

Write GPT-2 yourself, in small exercises. Each is checked as you save it, and your mistake is named.
Without a command: watch the folder of exercises, from the first that has not passed.

{chr(10).join(f"  {name:<{wide}}{meaning}" for name, (_, meaning) in COMMANDS.items())}

options of {learn} itself:
  --dir DIR          the folder of exercises, if it is not here, below or above
  --time-limit S     how many seconds a check may take (20)

for a start: {learn} init"""
