"""`python -m docs.pictures [PART-OF-A-NAME ...]` draws pictures as PNG files into build/pictures, to look at them."""

import difflib
import sys
from pathlib import Path

from docs.pictures.drawing import draw_all, pictures


def main(parts: list[str]) -> int:
    """Draw the pictures whose names have one of these parts in them, all where none is given; 2 for an unknown one."""
    names = list(pictures())
    asked = [part.replace(":", "-") for part in parts]  # a chapter writes attention:mask
    unknown = [part for part in asked if not any(part in name for name in names)]
    if unknown:
        near = difflib.get_close_matches(unknown[0], names, n=1)
        hint = f"Did you mean {near[0]}? " if near else ""
        print(f"There is no picture {unknown[0]!r}. {hint}There are:\n  " + "\n  ".join(names), file=sys.stderr)
        return 2
    for part in asked or [""]:
        for file in draw_all(Path("build/pictures"), part, suffix="png"):
            print(file)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
