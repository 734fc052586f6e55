"""A tokenizer by its name, or as it lies in a model's directory."""

import json
import os
from pathlib import Path
from typing import Any

from nextword.errors import TokenizerError
from nextword.tokenizer.characters import CHARS, CharacterTokenizer, byte_vocabulary
from nextword.tokenizer.reading import from_tables, from_tokenizer_json
from nextword.tokenizer.recognising import FILES, OTHERS, difference
from nextword.tokenizer.tokenizer import Tokenizer
from nextword.tokenizer.vocab import GPT2, Vocabulary

NAMES = ("gpt2", "bytes", "chars")
"""The tokenizers that need no directory; that of characters is made of the text to train on."""


def load_tokenizer(name_or_directory: str | Path) -> Tokenizer:
    """Load a tokenizer: gpt2, bytes, or the one in a directory, whatever its kind.

    These names always mean those tokenizers: a directory of such a name is `./bytes`. A directory has
    `tokenizer.json`, or `vocab.json` and `merges.txt`, as `save_tokenizer`, transformers and `tokenizers` write them.

    >>> load_tokenizer("bytes").encode("Hi")
    [72, 105]

    Raises TokenizerError where there is none, or one that only a library reads which is not installed.
    """
    return make_tokenizer(named_vocabulary(name_or_directory))


def named_vocabulary(name_or_directory: str | Path) -> Vocabulary:
    """Load the vocabulary of a tokenizer by its name or its directory. Raises as `load_tokenizer` does."""
    if name_or_directory == "gpt2":
        return GPT2
    if name_or_directory == "bytes":
        return byte_vocabulary()
    if name_or_directory == "chars":
        raise TokenizerError("The tokenizer chars is made of the text to train on: load that of the run's directory.")
    directory = Path(os.path.expanduser(name_or_directory))
    found = load_vocabulary(directory)
    if found is None:
        fault = "has no tokenizer.json, nor vocab.json and merges.txt" if directory.is_dir() else "is no directory"
        raise TokenizerError(f"{directory} {fault}. Give {', '.join(NAMES)}, or the directory of a tokenizer.")
    return found


def make_tokenizer(vocabulary: Vocabulary, plain: bool = False) -> Tokenizer:
    """Make a vocabulary's tokenizer, the fastest of its kind.

    plain: of byte-level BPE, the one to read along with.
    """
    if vocabulary.files is not None:
        from nextword.tokenizer.library import LibraryTokenizer

        return LibraryTokenizer(vocabulary)
    if vocabulary.pattern == CHARS:
        return CharacterTokenizer(vocabulary)
    if not plain:
        from nextword.tokenizer.ranks import fits_tiktoken

        if fits_tiktoken(vocabulary):
            return Tokenizer(vocabulary)
    from nextword.tokenizer.plain_tokenizer import PlainTokenizer

    return PlainTokenizer(vocabulary)


def load_vocabulary(directory: Path) -> Vocabulary | None:
    """Load the vocabulary of a directory's tokenizer; None if it has no tokenizer.

    Raises TokenizerError for one that cannot be read, or by a library that is not installed.
    """
    if not any((directory / name).is_file() for name in (*FILES, *OTHERS)):
        return None
    if difference(directory) is None:
        return GPT2
    end = end_of_text(directory)
    file = directory / "tokenizer.json"
    try:
        if file.is_file():
            content = file.read_bytes()
            found = from_tokenizer_json(json.loads(content.decode("utf-8-sig")), end)
            if found is not None:
                return found
            from nextword.tokenizer.library import tokenizers_vocabulary

            return tokenizers_vocabulary(content, end)
        found = from_separate_files(directory, end)
    except TokenizerError:
        raise
    except Exception as error:  # the library's own are of no class
        raise TokenizerError(f"{directory}: its tokenizer cannot be read ({error}). Take the files anew.") from error
    if found is not None:
        return found
    for name in OTHERS:
        if (directory / name).is_file() and name.endswith(".model"):
            from nextword.tokenizer.library import sentencepiece_vocabulary

            return sentencepiece_vocabulary((directory / name).read_bytes())
    there = next(name for name in (*FILES, *OTHERS) if (directory / name).is_file())
    raise TokenizerError(
        f"{directory} has of its tokenizer only {there}, which is not enough. With transformers, "
        f"AutoTokenizer.from_pretrained({str(directory)!r}).save_pretrained({str(directory)!r}) writes tokenizer.json."
    )


def from_separate_files(directory: Path, end: str | None) -> Vocabulary | None:
    """Make a vocabulary of `vocab.json` and `merges.txt`, by Hugging Face's names or OpenAI's, if both are there."""
    for ids_file, merges_file in (("vocab.json", "merges.txt"), ("encoder.json", "vocab.bpe")):
        if not ((directory / ids_file).is_file() and (directory / merges_file).is_file()):
            continue
        ids = json.loads((directory / ids_file).read_text(encoding="utf-8-sig"))
        lines = (directory / merges_file).read_text(encoding="utf-8-sig").split("\n")
        lines = [line.rstrip("\r") for number, line in enumerate(lines) if number or not line.startswith("#version")]
        return from_tables(ids, [line for line in lines if line], added_tokens(directory, ids, end), "gpt2", end)
    return None


def added_tokens(directory: Path, ids: dict[str, int], end: str | None) -> dict[str, int]:
    """Collect the tokens that no text spells, from the files beside a vocab.json."""
    found = {name: int(id) for name, id in read(directory / "added_tokens.json").items()}
    decoder = read(directory / "tokenizer_config.json").get("added_tokens_decoder") or {}
    found |= {token["content"]: int(id) for id, token in decoder.items()}
    named = [name_of(value) for value in read(directory / "special_tokens_map.json").values()]
    named += [end, "<|endoftext|>"]
    return found | {name: ids[name] for name in named if name is not None and name in ids}


def end_of_text(directory: Path) -> str | None:
    """Find a directory's name for the token that ends a text."""
    for file in ("tokenizer_config.json", "special_tokens_map.json"):
        if (name := name_of(read(directory / file).get("eos_token"))) is not None:
            return name
    return None


def name_of(token: Any) -> str | None:
    """Give the name of a token, which files write as it is or with its properties."""
    found = token.get("content") if isinstance(token, dict) else token
    return found if isinstance(found, str) else None


def read(file: Path) -> dict[str, Any]:
    """Read a JSON file's object; an empty one where there is no file, or not such a one."""
    try:
        found = json.loads(file.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
