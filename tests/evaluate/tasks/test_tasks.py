"""The tasks of the literature, each on a few items: put as its authors or lm-evaluation-harness put it."""

import json
import math
import re

import numpy as np
import pytest
import torch

from nextword.errors import DataError, SettingError
from nextword.evaluate.running import outcomes_of
from nextword.evaluate.scoring import Score
from nextword.evaluate.task import results
from nextword.evaluate.tasks import TASKS, chosen_protocol, make_task, measures_by_name, protocols, read_data
from nextword.evaluate.tasks.detokenizers import penn_as_written, wikitext_as_written
from nextword.model import GPT, GPTConfig
from nextword.tokenizer import Tokenizer

TOKENIZER = Tokenizer()

WIKI = """
 = Robert the Goat = 

 Robert " Bob " the Goat ( born 1 May 1990 ) is an @-@ or was @-@ English goat , of 1 @,@ 200 pounds and 3 @.@ 5 feet . 
 He said : ' It 's mine ' ; the goats ' bridge is [ 5 ] m ! 

 = = Life = = 

 = = = Youth = = = 

 It was 5 ° cold <unk> . 
 = Another Goat = 

 He came last . 
"""  # noqa: W291

SCENES = [
    {
        "activity_label": "Crossing a bridge",
        "ctx_a": "A goat comes to a bridge. [header] He looks down.  ",
        "ctx_b": "the goat",
        "ctx": "A goat comes to a bridge. He looks down. The goat",
        "endings": ["goes over it.", "eats [title] the bridge.", "[step] sings  loudly.", "is a bridge."],
        "label": 0,
    },
    {
        "activity_label": "Singing",
        "ctx_a": "A troll sits.",
        "ctx_b": "",
        "ctx": "A troll sits.",
        "endings": ["He sings.", "He is sung.", "It rains.", "The end."],
        "label": "2",
    },
]

CBT = """1 A goat had a brother .
2 He said `` I do n't know '' .
21 The XXXXX went home , and slept .\tgoat\t\tgoat|troll|bridge

1 It rained .
21 They saw a XXXXX .\tbridge\t\tgoat|troll|bridge
"""


@pytest.fixture(scope="module")
def small() -> GPT:
    torch.manual_seed(0)
    return GPT(GPTConfig(n_ctx=64, n_embd=12, n_head=3, n_layer=2)).eval()


def task_of(name, text, tmp_path, protocol=None, suffix="txt", n_ctx=64):
    file = tmp_path / f"data.{suffix}"
    file.write_text(text if isinstance(text, str) else "\n".join(map(json.dumps, text)) + "\n")
    return make_task(name, read_data(name, str(file)), chosen_protocol(name, protocol), TOKENIZER, n_ctx)


def said(ids):
    return TOKENIZER.decode(ids)


def test_lambada_asks_for_the_last_word_or_for_its_last_token(tmp_path):
    rows = [{"text": "He looked at the troll and said: unbridgeable"}, {"text": "The goat ate the grass"}]
    word = task_of("lambada", rows, tmp_path, suffix="jsonl").request(0)
    assert (said(word.text), said(word.continuations[0])) == ("He looked at the troll and said:", " unbridgeable")
    last = task_of("lambada", rows, tmp_path, "paper", "jsonl").request(0)
    ids = TOKENIZER.encode(rows[0]["text"])
    assert (last.text, last.continuations) == (ids[:-1], (ids[-1:],))
    lines = task_of("lambada", "\n".join(row["text"] for row in rows), tmp_path)
    assert lines.n_items == 2
    assert said(lines.request(1).continuations[0]) == " grass"


def test_lambada_counts_greedy_words_and_their_perplexity(tmp_path):
    task = task_of("lambada", "a b\nc d\n", tmp_path)
    outcomes = [
        task.outcome(0, (Score(np.array([-1.0, -2.0]), np.array([True, True])),)),
        task.outcome(1, (Score(np.array([-1.0, -4.0]), np.array([True, False])),)),
    ]
    accuracy, perplexity = results(task.measures, outcomes)
    assert (accuracy.value, perplexity.value) == (0.5, pytest.approx(math.exp(4)))


def test_hellaswag_is_put_as_the_harness_puts_it(tmp_path):
    utils = pytest.importorskip("lm_eval.tasks.hellaswag.utils", reason="lm-eval is not installed: pip install lm-eval")
    task = task_of("hellaswag", SCENES, tmp_path, suffix="jsonl")
    for item, scene in enumerate(SCENES):
        query = utils.preprocess(f"{scene['activity_label']}: {scene['ctx_a']} {scene['ctx_b'].capitalize()}")
        request = task.request(item)
        for end, ending in zip(request.continuations, scene["endings"], strict=True):
            # The harness strips what the context ends in, and gives it to the continuation.
            assert said(request.text) + said(end) == f"{query} {utils.preprocess(ending)}"
    lengths = [len(utils.preprocess(ending)) for ending in SCENES[0]["endings"]]
    logprobs = [-0.9 * lengths[0], -0.8 * lengths[1], -1.0 * lengths[2], -1.0]
    scores = tuple(Score(np.array([x]), np.array([False])) for x in logprobs)
    found = task.outcome(0, scores)
    assert found == {
        "count": 1.0,
        "correct": 0.0,
        "correct_by_mean": float(np.argmax(np.array(logprobs) / lengths) == 0),
    }


def test_hellaswag_as_completions_counts_tokens(tmp_path):
    task = task_of("hellaswag", SCENES, tmp_path, "completion", "jsonl")
    request = task.request(0)
    assert said(request.text) == SCENES[0]["ctx"]
    assert [said(end) for end in request.continuations] == [f" {ending}" for ending in SCENES[0]["endings"]]
    scores = tuple(Score(np.array(x), np.array([False] * len(x))) for x in ([-2.0, -2.0], [-3.0], [-3.5], [-3.1]))
    assert task.outcome(0, scores) == {"count": 1.0, "correct": 0.0, "correct_by_mean": 1.0}


def test_a_gap_is_filled_with_each_word_and_the_rest_of_its_sentence(tmp_path):
    task = task_of("cbt-cn", CBT, tmp_path)
    request = task.request(0)
    assert said(request.text) == 'A goat had a brother. He said "I don\'t know". The'
    assert [said(end) for end in request.continuations] == [
        f" {word} went home, and slept." for word in ("goat", "troll", "bridge")
    ]
    scores = tuple(Score(np.array(x), np.array([False] * len(x))) for x in ([-2.0, -2.0], [-3.0], [-3.5, -0.1]))
    assert task.outcome(1, scores)["correct"] == 0.0
    whole = task_of("cbt-cn", CBT, tmp_path, "whole")
    assert whole.outcome(1, scores)["correct"] == 1.0
    rows = [{"sentences": ["It rained ."], "question": "A XXXXX .", "answer": "goat", "options": ["goat", "troll"]}]
    assert said(task_of("cbt-ne", rows, tmp_path, suffix="jsonl").request(0).text) == "It rained. A"


def test_wikitext_is_written_as_the_harness_writes_it():
    module = pytest.importorskip(
        "lm_eval.tasks.wikitext.preprocess_wikitext", reason="lm-eval is not installed: pip install lm-eval"
    )
    assert wikitext_as_written(WIKI) == module.wikitext_detokenizer({"page": WIKI})
    assert 'Robert "Bob" the Goat (born 1 May 1990)' in wikitext_as_written(WIKI)


def test_penn_treebank_is_written_as_people_write():
    cut = " he does n't know , but the company 's shares rose N % to $ N million . \n it did . \n"
    assert penn_as_written(cut) == " he doesn't know, but the company's shares rose N% to $N million.\nit did.\n"


def measured(small, task):
    rows = list(outcomes_of(small, task).values())
    return {result.measure.name: result.value for result in results(task.measures, rows)}, rows


def test_a_corpus_s_loss_is_divided_by_its_own_words(small, tmp_path):
    task = task_of("wikitext2", WIKI, tmp_path)
    found, rows = measured(small, task)
    total = sum(row["nll"] for row in rows)
    n_words = len(WIKI.split()) + WIKI.count("\n")  # a line's end is one
    assert found["perplexity a word"] == pytest.approx(math.exp(total / n_words), rel=1e-9)
    n_tokens = len(TOKENIZER.encode(wikitext_as_written(WIKI)))
    assert sum(row["tokens"] for row in rows) == n_tokens
    assert found["loss a token"] == pytest.approx(total / n_tokens)


def test_articles_are_measured_as_the_harness_does(small, tmp_path):
    lm_eval = pytest.importorskip("lm_eval.tasks.wikitext.preprocess_wikitext", reason="lm-eval is not installed")
    found, _ = measured(small, task_of("wikitext2", WIKI, tmp_path, "lm-eval"))
    cut = WIKI.index(" = Another")
    pages = [WIKI[:cut], WIKI[cut:]]
    total = n_words = 0
    for page in pages:
        n_words += lm_eval.process_results({"page": page}, (0.0,))["word_perplexity"][1]
        ids = [TOKENIZER.eot_id, *TOKENIZER.encode(lm_eval.wikitext_detokenizer({"page": page}))]
        total += rolling_loss(small, ids)
    assert found["perplexity a word"] == pytest.approx(math.exp(total / n_words), rel=1e-4)


def rolling_loss(model, ids):
    """-ln p of all ids but the first, in windows as the harness has them."""
    from lm_eval.utils import get_rolling_token_windows

    total = 0.0
    for inputs, targets in get_rolling_token_windows(ids[1:], ids[0], model.config.n_ctx, 1):
        log_p = model(torch.tensor([inputs]))[0, -len(targets) :].double().log_softmax(-1)
        total -= log_p.gather(-1, torch.tensor(targets)[:, None]).sum().item()
    return total


def test_a_strided_window_is_that_of_transformers_documentation(small, tmp_path):
    """Windows that move on by a stride; in each the targets are those that no window had before."""
    found, _ = measured(small, task_of("wikitext2", WIKI * 3, tmp_path, "hf-stride"))
    ids = torch.tensor([TOKENIZER.encode("\n\n".join((WIKI * 3).split("\n")))])
    total, count, before = 0.0, 0, 0
    for begin in range(0, ids.size(1), 32):
        end = min(begin + 64, ids.size(1))
        targets = ids[:, begin:end].clone()
        targets[:, : -(end - before)] = -100
        logits, shifted = small(ids[:, begin:end])[:, :-1].double(), targets[:, 1:]
        total += torch.nn.functional.cross_entropy(logits.flatten(0, 1), shifted.flatten(), reduction="sum").item()
        count += int((shifted != -100).sum())
        before = end
        if end == ids.size(1):
            break
    assert count == ids.size(1) - 1
    assert found["perplexity"] == pytest.approx(math.exp(total / count), rel=1e-4)


def test_bytes_and_characters_are_counted(small, tmp_path):
    text = "Ein schöner Tag für die Ziege. " * 3
    total = rolling_loss(small, [TOKENIZER.eot_id, *TOKENIZER.encode(text)]) / math.log(2)
    found, _ = measured(small, task_of("enwik8", text, tmp_path))
    assert found["bits a byte of the corpus"] == pytest.approx(total / len(text.encode()), rel=1e-5)
    found, _ = measured(small, task_of("text8", text, tmp_path))
    assert found["bits a character of the corpus"] == pytest.approx(total / len(text), rel=1e-5)


def test_sentences_are_measured_one_by_one(small, tmp_path):
    found, rows = measured(small, task_of("1bw", "The goat came .\nIt ate , and slept .\n", tmp_path))
    total = sum(
        rolling_loss(small, [TOKENIZER.eot_id, *TOKENIZER.encode(text)])
        for text in ("The goat came.", "It ate, and slept.")
    )
    assert len(rows) == 2
    assert found["perplexity a word"] == pytest.approx(math.exp(total / (4 + 6 + 2)), rel=1e-4)


@pytest.mark.parametrize("name", TASKS)
def test_each_protocol_has_measures_by_name_alone(name):
    for protocol in protocols(name):
        assert measures_by_name(name, protocol)
    assert any(measure.known for measure in measures_by_name(name, chosen_protocol(name, "paper")))


def test_what_is_not_there_is_told(tmp_path):
    with pytest.raises(SettingError, match="lambda is none: choose lambada, "):
        chosen_protocol("lambda", None)
    with pytest.raises(SettingError, match=re.escape("strict is none of lambada: choose lm-eval, last-token, paper")):
        chosen_protocol("lambada", "strict")
    with pytest.raises(DataError, match="record 1 has passage, and text is missing"):
        task_of("lambada", [{"passage": "a b"}], tmp_path, suffix="jsonl")
    with pytest.raises(DataError, match="expected 21 numbered sentences"):
        task_of("cbt-cn", "Once upon a time.\n", tmp_path)
    with pytest.raises(
        DataError, match=re.escape("ptb is not on the hub in a form to be read: name its file, ptb.test")
    ):
        read_data("ptb", None)
    with pytest.raises(DataError, match=r"missing\.jsonl"):
        read_data("lambada", str(tmp_path / "missing.jsonl"))
