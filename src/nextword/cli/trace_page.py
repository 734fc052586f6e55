"""A prompt, seen from inside, as a page that needs nothing but itself."""

import math
from html import escape

from nextword.lens.unembed import layer_names
from nextword.lens.view import PromptToken, View, Word, percent

MOST = 48  # tokens along the map of one head, at most

STYLE = """
:root { color-scheme: light dark; --ink: #1b1b1b; --paper: #fff; --hot: 200 30 30; --cold: 30 90 180; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8e8e8; --paper: #151515; --hot: 230 70 60; --cold: 90 150 240; }
}
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); margin: 2rem; }
h1 { font-size: 1.3rem; } h2 { font-size: 1.05rem; margin-top: 2rem; }
.text { font-size: 1.1rem; line-height: 2; white-space: pre-wrap; }
.text span { background: rgb(var(--hot) / calc(0.85 * var(--p))); padding: .15em 0; border-radius: 3px; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: 12px; }
td, th { padding: 2px 6px; text-align: center; white-space: pre; }
th { font-weight: 600; } th[scope=row] { text-align: right; }
.lens td { background: rgb(var(--cold) / var(--p)); }
.map td { padding: 0; min-width: 12px; height: 12px; background: rgb(var(--cold) / var(--p)); }
.map thead th { writing-mode: vertical-rl; }
"""


def page(seen: View, name: str) -> str:
    """Write the page. Everything that was in the prompt is escaped."""
    layer, head = seen.head
    asked = escape(seen.tokens[seen.position].text.strip())
    return f"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{escape(name)}, seen from inside</title>
<style>{STYLE}</style>
<h1>{escape(name)}, seen from inside</h1>
<h2>How surprising each token was</h2>
<p class="text">{"".join(token_span(token) for token in seen.tokens)}</p>
<p>{seen.summary.capitalize()}. Point at a token to see what was expected.
After “{asked}” comes: {"; ".join(said(word) for word in seen.next)}. ␣ is a space that belongs to its token.</p>
<h2>What each layer would say next</h2>
<p>The first row is what the embeddings alone would say, the last what the model says.</p>
<div class="wide">{lens_table(seen)}</div>
<h2>Where layer {layer}, head {head} looks{seen.told(seen.window(MOST))}</h2>
<p>Each row is a token, and shares its attention among itself and those before it.</p>
<div class="wide">{map_table(seen)}</div>
</html>
"""


def token_span(token: PromptToken) -> str:
    """Write a token, the redder the more surprising, with the likelier ones."""
    text = escape(token.text.replace("↵", "↵\n"))
    if token.p is None:
        return f'<span title="the first token: nothing came before it" style="--p:0">{text}</span>'
    expected = ", ".join(said(word) for word in token.instead)
    return f'<span title="{percent(token.p)}; likeliest: {expected}" style="--p:{token.redness:.2f}">{text}</span>'


def lens_table(seen: View) -> str:
    """Make the logit lens's table: a row for each layer, a column for each token."""
    header = "".join(f'<th scope="col">{marked(seen.tokens[at].text)}</th>' for at in seen.columns)
    rows = []
    for name, row in zip(layer_names(len(seen.layers)), seen.layers, strict=True):
        cells = "".join(
            f'<td title="{", ".join(said(word) for word in cell)}" style="--p:{math.sqrt(cell[0].p) * 0.8:.2f}">'
            f"{marked(cell[0].text)}</td>"
            for cell in row
        )
        rows.append(f'<tr><th scope="row">{name}</th>{cells}</tr>')
    return f'<table class="lens"><thead><tr><th>after</th>{header}</tr></thead><tbody>{"".join(rows)}</tbody></table>'


def map_table(seen: View) -> str:
    """Make the attention table: a row for each query, a column for each key."""
    places = seen.window(MOST)
    header = "".join(f'<th scope="col">{marked(seen.tokens[at].text)}</th>' for at in places)
    rows = []
    for at in places:
        cells = "".join(
            f'<td title="{marked(seen.tokens[at].text)} → {marked(seen.tokens[other].text)}: '
            f'{seen.attention.values[at, other]:.1%}" style="--p:{math.sqrt(seen.attention.values[at, other]):.2f}">'
            "</td>"
            for other in places
        )
        rows.append(f'<tr><th scope="row">{marked(seen.tokens[at].text)}</th>{cells}</tr>')
    return f'<table class="map"><thead><tr><th></th>{header}</tr></thead><tbody>{"".join(rows)}</tbody></table>'


def said(word: Word) -> str:
    """Write a word and its probability."""
    return f"{marked(word.text)} {percent(word.p)}"


def marked(text: str) -> str:
    """Write a token, escaped, its spaces as marks."""
    return escape(text.replace(" ", "␣"))
