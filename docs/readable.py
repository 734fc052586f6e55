"""The book's pages as a code host shows them: `python -m docs.readable` writes into them what the site fetches.

A directive such as {source} stands in a page as a comment, and below it what it stands for, up to `<!-- end -->`:
code, an exercise, a picture. `fold` makes directives of these regions again, for Sphinx and for the tests.
"""

import ast
import hashlib
import inspect
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

DOCS = Path(__file__).parent
PROJECT = DOCS.parent
IMAGES = DOCS / "images"

REGION = re.compile(
    r"^<!-- \{(?P<name>\w+)\} ?(?P<argument>[^\n]*?)(?: -->|\n(?P<body>.*?)^-->)\n.*?^<!-- end -->$",
    re.MULTILINE | re.DOTALL,
)
DIRECTIVE = re.compile(r"^```\{(?P<name>\w+)\} ?(?P<argument>[^\n]*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)

CODE = re.compile(r"`([^`]+)`|((?:\b[A-Za-z_][\w.]*)\((?!s\))(?:[^()]|\((?:[^()]|\([^()]*\))*\))*\))")
"""What is code in a text for the terminal: `quoted`, or a call such as x.mean(-1, keepdim=True)."""


def fold(text: str) -> str:
    """Make a directive of each region of a page again."""
    return REGION.sub(as_directive, text)


def as_directive(found: re.Match[str]) -> str:
    """The directive that a region was made of."""
    head = f"```{{{found['name']}}} {found['argument']}".rstrip()
    return f"{head}\n{found['body'] or ''}```"


def blanked(text: str) -> str:
    """A page with empty lines in the place of its regions, so that all else stays in its line."""
    return REGION.sub(lambda found: "\n" * found[0].count("\n"), text)


def unfold(page: Path) -> str:
    """A page's text with what each directive stands for now written below it."""
    up = "../" * (len(page.relative_to(DOCS).parts) - 1)
    text = fold(page.read_text(encoding="utf-8"))
    return DIRECTIVE.sub(lambda found: region(found["name"], found["argument"].strip(), found["body"], up), text)


def region(name: str, argument: str, body: str, up: str) -> str:
    """One directive as a comment, what it stands for, and the end of that. up: from the page to docs/."""
    head = f"{{{name}}} {argument}".rstrip()
    comment = f"<!-- {head}\n{body}-->" if body else f"<!-- {head} -->"
    shown = WRITERS[name](argument, body, up).strip("\n")
    return f"{comment}\n\n{shown}\n\n<!-- end -->" if shown else f"{comment}\n<!-- end -->"


def source(argument: str, _body: str, up: str) -> str:
    """Code of the package, below a link to its file."""
    module, _, names = argument.partition(":")
    path = PROJECT / "src" / Path(*module.split("."))
    file = path.with_suffix(".py") if path.with_suffix(".py").exists() else path / "__init__.py"
    text = file.read_text(encoding="utf-8")
    pieces = "\n\n\n".join(definition(text, name.strip()) for name in names.split(","))
    name = file.relative_to(PROJECT).as_posix()
    return f"[{name}]({up}../{name})\n\n{fenced(pieces, 'python')}"


def one_file(_argument: str, _body: str, _up: str) -> str:
    """GPT-2 in one file."""
    from nextword.onefile import onefile

    return fenced(onefile(), "python")


def definition(text: str, name: str) -> str:
    """A function, a class or a method, with its decorators."""
    body: list[ast.stmt] = ast.parse(text).body
    for part in name.split("."):
        node = next(node for node in body if getattr(node, "name", None) == part)
        body = getattr(node, "body", [])
    first = min([node.lineno, *(decorator.lineno for decorator in getattr(node, "decorator_list", []))])
    return inspect.cleandoc("\n" + "\n".join(text.splitlines()[first - 1 : node.end_lineno]))


def exercise(argument: str, _body: str, _up: str) -> str:
    """The task, the file to write it in, and how to have it checked."""
    from nextword.learn.checker.track import TRACK

    number, asked = TRACK.number(argument), TRACK[argument]
    title = f"**Exercise {number}: {asked.title}** in `my_gpt2/ex{number:02}_{argument}.py`"
    commands = fenced(f"nextword learn check {number}\nnextword learn hint {number}", "")
    return "\n\n".join([title, *blocks(asked.task), commands])


def mistakes(argument: str, _body: str, _up: str) -> str:
    """The known mistakes, each with what to do and why."""
    from nextword.learn.checker.track import TRACK

    lines = ["When an answer is wrong, the checker looks for one of these in it. Your answer equals", ""]
    for mistake in TRACK[argument].mistakes:
        lines += [f"- **{marked(mistake.equals)}**. {marked(mistake.remedy)} *{marked(mistake.why)}*"]
    return "\n".join(lines)


def report(argument: str, _body: str, _up: str) -> str:
    """What the checker says to an answer with this mistake."""
    return fenced(said(*argument.split()), "")


def said(name: str, mistake: str) -> str:
    """The checker's words to an answer in which this was planted, no line longer than a page is wide."""
    import textwrap

    from nextword.learn.checker.audit import planters
    from nextword.learn.checker.diagnosis import diagnose
    from nextword.learn.checker.lines import text_of
    from nextword.learn.checker.styles import run_source
    from nextword.learn.checker.track import TRACK
    from nextword.learn.checker.wording import report as worded

    asked = TRACK[name]
    answer = run_source(planters(asked, mistake)[0].source(mistake), "planted")
    text = text_of(worded(asked, diagnose(asked, answer), f"ex{TRACK.number(name):02}_{name}.py").lines)
    wrapped = [[line] if line.startswith(" ") else textwrap.wrap(line, 86) for line in text.splitlines()]
    return "\n".join(line for lines in wrapped for line in lines or [""])


def picture(argument: str, body: str, up: str) -> str:
    """The picture for light pages, and its caption."""
    alt = re.search(r"^:alt: (.+)$", body, re.MULTILINE)
    caption = " ".join(re.sub(r"^:alt: .+$", "", body, flags=re.MULTILINE).split())
    image = f"![{alt[1] if alt else ''}]({up}images/{argument.replace(':', '-')}.png)"
    return f"{image}\n\n{caption}"


def audit(_argument: str, _body: str, _up: str) -> str:
    """Where the tables are to be had: they are long."""
    return "`nextword learn audit --markdown` prints the tables; `make docs` puts them here, on the site."


def questions(_argument: str, _body: str, _up: str) -> str:
    """The interview's questions, each with its answer folded away."""
    from nextword.learn.interview.deck import TOPICS, load_deck

    lines: list[str] = []
    for topic in TOPICS:
        lines += [f"## {topic.capitalize()}", ""]
        for question in load_deck():
            if question.topic == topic:
                asked = CODE.sub(lambda found: f"<code>{found[1] or found[2]}</code>", " ".join(question.ask.split()))
                lines += [f"<details><summary>{asked}</summary>", ""]
                for part in re.split(r"\n\s*\n", question.answer.strip("\n")):
                    as_is = any("  " in line.strip() or line.startswith(" ") for line in part.splitlines())
                    lines += [fenced(part, "") if as_is else marked(" ".join(part.split())), ""]
                for cited in question.cites:
                    lines += [f"`src/nextword/{cited.file}`", "", fenced(cited.text, ""), ""]
                lines += ["</details>", ""]
    return "\n".join(lines)


WRITERS: dict[str, Callable[[str, str, str], str]] = {
    "source": source,
    "onefile": one_file,
    "exercise": exercise,
    "mistakes": mistakes,
    "report": report,
    "picture": picture,
    "audit": audit,
    "questions": questions,
    "toctree": lambda *_: "",
}


def blocks(text: str) -> Iterator[str]:
    """A text for the terminal as paragraphs; what is indented in it becomes a block of code."""
    for part in re.split(r"\n\s*\n", text.strip("\n")):
        if all(line.startswith("    ") for line in part.splitlines()):
            yield fenced("\n".join(line[4:] for line in part.splitlines()), "")
        else:
            yield marked(" ".join(part.split()))


def marked(text: str) -> str:
    """A text for the terminal with what is code in it between backticks, and no other sign of Markdown's."""
    pieces: list[str] = []
    end = 0
    for found in CODE.finditer(text):
        pieces += [escaped(text[end : found.start()]), f"`{found[1] or found[2]}`"]
        end = found.end()
    return "".join([*pieces, escaped(text[end:])])


def escaped(text: str) -> str:
    """A text in which nothing is Markdown."""
    return re.sub(r"(?<!\w)[*_]|[*_](?!\w)|[<`$\[]", r"\\\g<0>", text)


def fenced(text: str, language: str) -> str:
    """A block of code."""
    return f"```{language}\n{text.rstrip()}\n```"


def digest(function: Callable[..., object]) -> str:
    """What a picture was drawn by: the SHA-256 of its module and of what all of them draw with."""
    files = (Path(inspect.getfile(function)), DOCS / "pictures/drawing.py")
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def is_drawn(name: str, function: Callable[..., object]) -> bool:
    """Whether the committed picture was drawn by the code that is there now."""
    file = IMAGES / f"{name}.png"
    return file.exists() and digest(function).encode() in file.read_bytes()


def shrink(file: Path, drawn_by: str) -> None:
    """Write a picture anew in few colours, which makes it less than half as large, and by what it was drawn."""
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo

    about = PngInfo()
    about.add_text("Source", drawn_by)
    with Image.open(file) as image:
        image.convert("RGB").quantize(64).save(file, optimize=True, pnginfo=about)


def pages() -> list[Path]:
    """All pages of the book."""
    return sorted(DOCS.rglob("*.md"))


def main() -> int:
    """Bring all pages up to date, and the pictures that they show."""
    from docs.pictures.drawing import INKS, draw, pictures

    for page in pages():
        if (now := unfold(page)) != page.read_text(encoding="utf-8"):
            page.write_text(now, encoding="utf-8")
            print(page.relative_to(PROJECT))
    IMAGES.mkdir(exist_ok=True)
    for name, function in pictures().items():
        if not is_drawn(name, function):
            draw(function, INKS["light"], file := IMAGES / f"{name}.png")
            shrink(file, digest(function))
            print(file.relative_to(PROJECT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
