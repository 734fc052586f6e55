"""`nextword VERB ...`: finds the verb, and turns errors into one line each."""

import difflib
import io
import os
import sys
from importlib import import_module
from keyword import iskeyword

import nextword
from nextword.commands import command
from nextword.errors import FollowedError, NextwordError

VERBS = {
    "demo": "train GPT-2 (124M) on a short story, watch it learn, and let it write",
    "train": "train on your own text, from random weights or from the official ones",
    "plan": "say what a training will take: time, memory, cost, and the batch that fits",
    "tune": "find the batch that this machine holds and a learning rate, by short trials",
    "watch": "show a run that goes on: its losses, its speed, its newest sample",
    "compare": "say whether the losses of runs, or of other programs' logs, are normal",
    "eval": "measure a model on any text, and on the tasks of the literature",
    "verify": "prove that a model is exact: layer by layer, tokenizer, cache, engines",
    "generate": "continue a prompt with a trained model, or with the official GPT-2",
    "trace": "see inside: surprise, what each layer would say, where a head looks",
    "serve": "an API that OpenAI's clients know, and a page that shows a model at work",
    "tokenizer": "learn a vocabulary from your own texts, and look at tokens",
    "data": "turn texts of any size into token shards to train on, and look at them",
    "import": "make a model of nanoGPT's, LLMs-from-scratch's, llm.c's or llama.cpp's file one of ours",
    "export": "write a trained model in another program's format",
    "push": "send a model to the Hugging Face hub, with a card that says how it was made",
    "onefile": "write GPT-2, the whole of it, as one Python file to read, run and change",
    "bench": "measure how fast this machine is, and nextword on it",
    "learn": "write GPT-2 yourself, in small exercises whose checker names your mistake",
}


def main() -> None:
    """Run the command line and exit. 0 is success, 2 a user's mistake, 1 another failure."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # it was closed: nextword ... >&-
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115
    for output in (sys.stdout, sys.stderr):
        if isinstance(output, io.TextIOWrapper):
            output.reconfigure(errors="replace")  # a terminal without emoji is no reason to stop writing
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command; give back the exit status. NEXTWORD_DEBUG=1 shows tracebacks."""
    try:
        status = dispatch(arguments)
        sys.stdout.flush()
        return status
    except BrokenPipeError:
        # Whoever read our output (head, less) has gone: nothing is wrong. Python would
        # complain once more when it flushes at exit, so give it nothing to flush to.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except FollowedError as error:
        return error.exit_code
    except NextwordError as error:
        return fail(error, error.exit_code)
    except ValueError as error:
        return fail(error, 2)
    except OSError as error:
        return fail(in_words(error), 1)
    except KeyboardInterrupt:
        print("nextword: interrupted", file=sys.stderr)
        return 130


def dispatch(arguments: list[str]) -> int:
    """Answer the questions about nextword itself, and leave the rest to the verb's own file."""
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(help_text())
        return 0
    if arguments[0] == "--version":
        print(f"nextword {nextword.__version__}")
        return 0
    verb, rest = arguments[0], arguments[1:]
    if verb not in VERBS:
        near = difflib.get_close_matches(verb, VERBS, n=1)
        hint = f"Did you mean {near[0]}?" if near else f"There are {', '.join(VERBS)}."
        raise ValueError(f"There is no verb {verb!r}. {hint}")
    module = f"{verb}_" if iskeyword(verb) else verb
    status: int = import_module(f"nextword.cli.{module}").run(rest)
    return status


def help_text() -> str:
    """List the verbs, and say how to call them from here."""
    return f"""\
nextword: GPT-2 from first principles. Train it, run it, take it apart.

usage: {command("VERB")} [options]        {command("VERB", "--help")} says more

{chr(10).join(f"  {verb:<10}{meaning}" for verb, meaning in VERBS.items())}

for a start: {command("demo")}"""


def in_words(error: OSError) -> Exception:
    """Describe a refusal of the operating system."""
    if error.filename is None:
        return error
    advice = "Check that the path exists, that you may read and write there, and that the disk has room."
    return OSError(f"{error.filename}: {error.strerror}. {advice}")


def fail(error: Exception, status: int) -> int:
    """Say what went wrong in one line on standard error; give back the status."""
    if os.environ.get("NEXTWORD_DEBUG"):
        raise error
    from nextword.cli.arguments import error_in_flags  # tyro takes a while, which only a mistake has to wait for

    print(f"nextword: {error_in_flags(error)}", file=sys.stderr)
    return status
