"""Texts that are hard on a tokenizer, for the tests of this room."""

from functools import cache

import tiktoken
from hypothesis import strategies as st
from regex import findall

from nextword.tokenizer.vocab import BYTE_TO_CHAR, load_tokens

# OpenAI's own pattern (encoder.py of openai/gpt-2), to hold against the two ways in which we write it.
GPT2_PATTERN = r"""'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"""

HARD = [
    "",
    " ",
    "\n",
    "\0",
    "a\0b \0\0 c",
    "Hello, I'm a language model,",
    "I'll we've they're he'd don't it's I'M IT'S 's 'll'll '''s",
    "don’t “quote” — dash…",
    "x  y   z\n\n\n  \t tab\r\n\r\n end   ",
    "   leading",
    "trailing \n",
    "no\xa0break\u2003space\u3000wide\u200bzero\u2028line\x85next\x1cfile",
    "3.14159 1,000,000 ½ ² Ⅷ ٣٤٥ ๑๒ 一二三 0x1F",
    "def f(x):\n    return x**2  # ok\n\n\tif x != y && z || w: pass",
    "日本語の文章。中文，没有空格。한국어 띄어쓰기",
    "שלום עולם! مرحبا بالعالم، كيف الحال؟ नमस्ते दुनिया ไทยภาษา",
    "e\u0301 n\u0303 Z\u0351\u036b\u0343 x\u20dd naïve café Straße İstanbul ŉ ﬁ",
    "🙂 😀😀 👩\u200d👩\u200d👧\u200d👦 🇫🇷🇩🇪 ❤\ufe0f 👍🏽 𝕳𝖊𝖑𝖑𝖔 𓀀",
    "<|endoftext|>",
    "<|endoftext|><|endoftext|> <|endoftext|>\n<|endoftext",
    "one document  <|endoftext|>  another\n\n<|endoftext|>",
    "\U0010ffff\ue000\ufffe\ufeff\ufffd",
    "https://a.b/c?d=e&f=%20 foo_bar-baz @user #tag $5.00 50% C:\\dir\\",
    "a" * 300 + " " * 300 + "\n" * 300 + "!" * 300 + "é" * 300,
]

ALL_TOKENS = [
    token.decode()
    for token in load_tokens()
    if b"\xef\xbf\xbd" not in token and token.decode("utf-8", "ignore").encode() == token
]


def _matches_in_tiktoken(pattern: str, text: str) -> set[str]:
    single_bytes = {bytes([byte]): id for id, byte in enumerate(BYTE_TO_CHAR)}
    encoding = tiktoken.Encoding("bytes", pat_str=pattern, mergeable_ranks=single_bytes, special_tokens={})
    return set(encoding.decode(encoding.encode_ordinary(text)))  # what no match covers gets no ids


@cache
def _every_character() -> str:
    return "".join(chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000)


def judged_differently(pattern: str) -> set[str]:
    """The characters that match a pattern in the regex package or in tiktoken, but not in both."""
    return set(findall(pattern, _every_character())) ^ _matches_in_tiktoken(pattern, _every_character())


@cache
def too_new() -> frozenset[str]:
    """Letters and digits that one of the two does not know yet, because its Unicode is older. See bpe.py."""
    return frozenset().union(*(judged_differently(pattern) for pattern in (r"\p{L}", r"\p{N}", r"\s")))


def _without_too_new(text: str) -> str:
    return "".join(character for character in text if character not in too_new())


_fragments = st.one_of(
    st.text(max_size=8).map(_without_too_new),
    st.text(alphabet="aZ é中0٣½ '\n\t.!🙂\u0301", max_size=8),
    st.text(alphabet=" \t\n\r\x0b\x0c\x1c\x1f\x85\xa0\u2028\u3000\u200b", max_size=8),
    st.sampled_from(HARD),
    st.sampled_from(ALL_TOKENS),
)
texts = st.lists(_fragments, max_size=10).map("".join)
"""Any text: random Unicode, white space, the texts above, and GPT-2's own tokens, in a row."""
