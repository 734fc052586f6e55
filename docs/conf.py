"""How Sphinx makes the book: `make docs` calls it."""

import sys
from pathlib import Path

DOCS = Path(__file__).parent
sys.path[:0] = [str(DOCS), str(DOCS / "_ext")]

project = "nextword"
author = "the nextword authors"
copyright = "the nextword authors"
language = "en"

extensions = ["myst_parser", "mathml", "book", "exercises", "audit_table", "questions"]
myst_enable_extensions = ["dollarmath", "deflist", "attrs_inline"]
myst_heading_anchors = 3
html_math_renderer = "mathml"  # drawn by the browser itself, so that no script and no font comes from elsewhere

exclude_patterns = ["_ext", "_static", "pictures"]
nitpicky = True

html_theme = "furo"
html_title = "nextword: the book"
html_static_path = ["_static"]
html_css_files = ["book.css"]
html_copy_source = False
html_show_sourcelink = False
html_show_copyright = False
html_permalinks_icon = "#"
smartquotes = False
highlight_language = "text"
pygments_style = "friendly"
pygments_dark_style = "github-dark"
html_theme_options = {
    "light_css_variables": {
        "color-brand-primary": "#1d5fbf",
        "color-brand-content": "#1d5fbf",
        "color-brand-visited": "#1d5fbf",
        "font-stack": "system-ui, -apple-system, Segoe UI, Roboto, Helvetica Neue, Arial, sans-serif",
        "font-stack--monospace": "ui-monospace, SFMono-Regular, Menlo, Consolas, DejaVu Sans Mono, monospace",
    },
    "dark_css_variables": {
        "color-brand-primary": "#7fb2ff",
        "color-brand-content": "#7fb2ff",
        "color-brand-visited": "#7fb2ff",
    },
}
