"""The README's tour of the code, with its rows numbered and their files' lines counted: `make tour`."""

import re
from itertools import count
from pathlib import Path

PROJECT = Path(__file__).parent.parent
README = PROJECT / "README.md"
ROW = re.compile(r"^\| \d+ \| (\[\S+\]\((src/\S+)\)) \| \d+ \|", re.MULTILINE)


def counted(text: str) -> str:
    """Write into a text's rows of the tour which they are, and how many lines their files have."""
    number = count(1)

    def row(found: re.Match[str]) -> str:
        link, path = found.groups()
        lines = (PROJECT / path).read_text(encoding="utf-8").splitlines()
        return f"| {next(number)} | {link} | {len(lines)} |"

    return ROW.sub(row, text)


if __name__ == "__main__":
    README.write_text(counted(README.read_text(encoding="utf-8")), encoding="utf-8")
