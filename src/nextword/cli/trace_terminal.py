"""A prompt, seen from inside, in the terminal."""

from collections.abc import Iterable

from rich.console import Console
from rich.style import Style
from rich.table import Table
from rich.text import Text

from nextword.lens.unembed import layer_names
from nextword.lens.view import Look, PromptToken, View, Word, percent

ROWS = 24  # of tokens that get a line each; of a longer prompt the most surprising do
LOOKS = 8  # heads that are told of


def show(seen: View, console: Console) -> None:
    """Print everything, with colours where the terminal has them: the redder, the more surprising."""
    console.print(heading("How surprising each token was", f"{seen.summary}; ␣ is a space"))
    console.print(Text.assemble(*((token.text.replace("↵", "↵\n"), shade(token)) for token in seen.tokens)))
    if len(seen.tokens) > ROWS:
        console.print(heading(f"\nThe {ROWS} most surprising"))
    console.print(token_table(seen))
    asked = quoted(seen.tokens[seen.position].text)
    note = f"{layer_names(len(seen.layers))[-1]} is the model itself"
    console.print(heading(f"\nWhat each layer would say after {asked}", note))
    console.print(layer_table(seen))
    console.print(look_heading(seen))
    console.print(look_table(seen))
    layer, head = seen.head
    console.print(heading(f"\nWhere layer {layer}, head {head} looks{seen.told(seen.window(ROWS))}"))
    console.print(attention_table(seen))


def token_table(seen: View) -> Table:
    """Make a line for each token, or for the most surprising of many, in their order."""
    table = plain("at", "token", "chance", "surprise", "likelier were")
    places: Iterable[int] = range(len(seen.tokens))
    if len(seen.tokens) > ROWS:
        surprising = sorted(range(1, len(seen.tokens)), key=lambda at: seen.tokens[at].p or 0.0)
        places = sorted(surprising[:ROWS])
    for at in places:
        token = seen.tokens[at]
        if token.p is None or token.bits is None:
            table.add_row(str(at), shown(token.text), "", "", Text("nothing came before it", "dim"))
        else:
            bits = f"{token.bits:.1f} bits"
            likelier = [word for word in token.instead if word.p > token.p]
            table.add_row(str(at), shown(token.text, token), percent(token.p), bits, in_a_row(likelier))
    return table


def layer_table(seen: View) -> Table:
    """Make the logit lens's table, a line for each layer."""
    table = plain("after", "it would say", "", "")
    column = seen.columns.index(seen.position)
    for name, row in zip(layer_names(len(seen.layers)), seen.layers, strict=True):
        cells = [Text.assemble(shown(word.text), f" {percent(word.p)}", style=strength(word.p)) for word in row[column]]
        table.add_row(name, *cells)
    return table


def look_heading(seen: View) -> Text:
    """Write the heading of the list of heads."""
    token = quoted(seen.tokens[seen.position].text)
    where = "" if len({look.layer for look in seen.looks}) > 1 else f" of layer {seen.looks[0].layer}"
    note = "itself and the first aside" if seen.position > 1 else ""
    return heading(f"\nHeads{where} that look most at one token from {token}", note)


def look_table(seen: View) -> Table:
    """Make the table of the heads with the largest attention weights."""
    table = plain("layer", "head", "looks at", "", "at")
    for look in seen.looks[:LOOKS]:
        table.add_row(*look_row(look, seen))
    return table


def look_row(look: Look, seen: View) -> list[str | Text]:
    """Make the line of a head and its token."""
    text = shown(seen.tokens[look.at].text)
    return [str(look.layer), str(look.head), text, f"{look.weight:.0%}", str(look.at)]


def attention_table(seen: View) -> Table:
    """Make the attention table of the tokens, or of the last ones."""
    table = plain("at", "from", "to")
    weights = seen.attention.values
    for at in seen.window(ROWS):
        order = (-weights[at, : at + 1]).argsort(kind="stable")[:4]
        looks = [Word(looked_at(seen, at, other), float(weights[at, other])) for other in order.tolist()]
        table.add_row(str(at), shown(seen.tokens[at].text), in_a_row([word for word in looks if word.p >= 0.005]))
    return table


def looked_at(seen: View, at: int, other: int) -> str:
    """Name a key's token, with its position if it occurs twice."""
    text = seen.tokens[other].text
    if other == at:
        return "itself"
    return f"{text}({other})" if sum(token.text == text for token in seen.tokens[: at + 1]) > 1 else text


def heading(text: str, note: str = "") -> Text:
    """Write a heading with a faint explanation."""
    return Text.assemble((text, "bold"), (f" ({note})" if note else "", "dim"))


def plain(*columns: str) -> Table:
    """Make a table without lines."""
    table = Table(box=None, pad_edge=True, padding=(0, 2, 0, 0), header_style="dim")
    for name in columns:
        right = name in ("at", "chance", "surprise", "layer", "head")
        table.add_column(name, justify="right" if right else "left", no_wrap=name != "to")
    return table


def in_a_row(words: list[Word]) -> Text:
    """Write words with their probabilities."""
    return Text("   ").join(Text.assemble(shown(word.text), (f" {percent(word.p, 0)}", "dim")) for word in words)


def shown(text: str, token: PromptToken | None = None) -> Text:
    """Write a token with its first space visible."""
    return Text(text.replace(" ", "␣"), shade(token) if token is not None else Style())


def shade(token: PromptToken) -> Style:
    """Choose a token's colour: the redder, the more surprising."""
    if token.p is None:
        return Style(dim=True)
    share = token.redness
    if share < 0.08:
        return Style()
    red, other = round(90 + 120 * share), round(60 * (1 - share))
    return Style(color="white", bgcolor=f"#{red:02x}{other:02x}{other:02x}")


def strength(p: float) -> str:
    """Choose a probability's style: bold if likely, faint if not."""
    return "bold" if p >= 0.3 else "" if p >= 0.03 else "dim"


def quoted(text: str) -> str:
    """Write a token in a heading."""
    return f"“{text.strip() or text}”"
