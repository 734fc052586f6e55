import doctest

import pytest
from tokenizer.texts import HARD

from nextword.tokenizer import Tokenizer, comparison
from nextword.tokenizer.comparison import OTHER, REST, Fit, fit, read_scripts

gpt2 = Tokenizer()


def test_examples_in_the_docstrings_are_true():
    assert doctest.testmod(comparison) == (0, 1)


def test_each_script_is_measured_by_itself():
    text = read_scripts("Hello there, привет! 中文 12 ᚠᚢ")
    assert text.n_words == {"Latin": 2, "Cyrillic": 1, "Han": 2, OTHER: 1}
    found = fit(gpt2, text)
    assert found["Latin"] == Fit(11, 2, 2)  # "Hello", " there"
    assert found["Cyrillic"].n_bytes in (12, 13)  # with the space, if that is of the token
    assert found[REST].n_tokens >= 3
    assert found["all"].n_tokens == len(gpt2.encode("Hello there, привет! 中文 12 ᚠᚢ"))


@pytest.mark.parametrize("text", HARD)
def test_scripts_add_up_to_the_whole(text):
    found = fit(gpt2, read_scripts(text))
    whole = found.pop("all")
    assert whole.n_bytes == len(text.encode())
    assert whole.n_tokens == len(gpt2.encode(text)) == sum(one.n_tokens for one in found.values())
    assert whole.n_bytes == sum(one.n_bytes for one in found.values())


def test_a_tokenizer_that_changes_the_text_is_measured_as_a_whole():
    class Lower(Tokenizer):
        def encode(self, text, allow_special=False):
            return super().encode(text.lower().replace(" ", ""), allow_special)

    found = fit(Lower(), read_scripts("No Spaces Here"))
    assert [*found] == ["all"]
    assert found["all"].bytes_a_token == 14 / found["all"].n_tokens


def test_rates_of_nothing_are_nought():
    assert fit(gpt2, read_scripts(""))["all"].bytes_a_token == 0
    assert Fit(10, 4, 2).tokens_a_word == 2
