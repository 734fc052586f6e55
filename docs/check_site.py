"""Checks a built site: `python docs/check_site.py build/docs`.

Every link leads to a page and a place on it that are there, and no page loads anything from another host, so that the
book can be read offline and nobody learns who reads it.
"""

import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

LOADS = {("script", "src"), ("img", "src"), ("source", "src"), ("iframe", "src"), ("audio", "src"), ("video", "src"),
         ("embed", "src"), ("object", "data"), ("link", "href"), ("image", "href"), ("use", "href")}  # fmt: skip
"""Where an address in HTML is loaded unasked."""

ELSEWHERE = re.compile(r"^(?:[a-z][a-z0-9+.-]*:)?//", re.IGNORECASE)
IN_CSS = re.compile(r"""url\(\s*["']?([^"')]+)|@import\s+["']([^"']+)""")


class Page(HTMLParser):
    """What one page loads, where it links to, and which places it has."""

    def __init__(self, text: str):
        super().__init__()
        self.loads: list[str] = []
        self.links: list[str] = []
        self.places: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the element's addresses and its id."""
        for name, value in attrs:
            if name == "id" and value:
                self.places.add(value)
            elif (tag, name) in LOADS and value:
                self.loads.append(value)
            elif (tag, name) == ("a", "href") and value:
                self.links.append(value)
            elif name == "style" and value:
                self.loads += in_css(value)
            elif name == "srcset" and value:
                self.loads += [part.split()[0] for part in value.split(",")]


def in_css(text: str) -> list[str]:
    """The addresses that a style sheet loads."""
    return [first or second for first, second in IN_CSS.findall(text)]


def faults(site: Path) -> list[str]:
    """All that is wrong with a site, in words."""
    pages = {file: Page(file.read_text(encoding="utf-8")) for file in sorted(site.rglob("*.html"))}
    found = []
    for file, page in pages.items():
        name = file.relative_to(site)
        for address in page.loads:
            if ELSEWHERE.match(address):
                found.append(f"{name} loads {address} from another host")
            elif not address.startswith("data:") and not resolve(file, address).exists():
                found.append(f"{name} loads {address}, which is not there")
        for address in page.links:
            parts = urlsplit(address)
            if parts.scheme or parts.netloc:
                continue
            target = resolve(file, address)
            if not target.exists():
                found.append(f"{name} links to {address}, which is not there")
            elif parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].places:
                found.append(f"{name} links to {address}: the page is there, but not that place on it")
    for file in sorted(site.rglob("*.css")):
        for address in in_css(file.read_text(encoding="utf-8")):
            if ELSEWHERE.match(address):
                found.append(f"{file.relative_to(site)} loads {address} from another host")
    return found if pages else [f"{site} holds no page"]


def resolve(file: Path, address: str) -> Path:
    """The file that an address on a page means."""
    path = unquote(urlsplit(address).path)
    target = (file.parent / path).resolve() if path else file
    return target / "index.html" if target.is_dir() else target


if __name__ == "__main__":
    site = Path(sys.argv[1])
    wrong = faults(site.resolve())
    sys.exit("\n".join(wrong) if wrong else 0)
