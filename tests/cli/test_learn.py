import json
import os
import queue
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest
from cli.conftest import Cli
from learn.conftest import answer

from nextword.cli.learn import COMMANDS
from nextword.cli.learn_watch import Watch
from nextword.learn.checker.lines import Line, text_of
from nextword.learn.checker.styles import styles
from nextword.learn.checker.track import TRACK
from nextword.learn.course.checking import Checker
from nextword.learn.course.folder import Course
from nextword.learn.course.starting import init

NUMBER = TRACK.number("layer_norm")
PATIENCE = 60.0  # how long a test waits for what should take a moment


@pytest.fixture
def course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Course:
    monkeypatch.chdir(tmp_path)
    return init(tmp_path / "my_gpt2").course


@pytest.fixture(scope="module")
def checker() -> Iterator[Checker]:
    with Checker(time_limit=30) as warm:
        yield warm


@pytest.fixture
def warm(checker: Checker, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets all commands share one process that has torch imported."""
    monkeypatch.setattr("nextword.learn.course.checking.Checker", lambda _time_limit: nullcontext(checker))


def test_help_lists_the_commands(cli: Cli) -> None:
    status, out, _ = cli("learn", "--help")
    assert status == 0
    for command in COMMANDS:
        assert f"  {command} " in out


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(cli: Cli, command: str) -> None:
    status, out, _ = cli("learn", command, "--help")
    assert status == 0
    assert f"usage: nextword learn {command}" in out


def test_help_does_not_wait_for_torch() -> None:
    code = (
        "from nextword.cli.main import run\nassert run(['learn', '--help']) == 0\n"
        "try: run(['learn', 'check', '--help'])\nexcept SystemExit: pass\n"
        "import sys\nassert 'torch' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_mistyped_command_is_guessed(cli: Cli) -> None:
    status, _, err = cli("learn", "chekc")
    assert (status, err) == (2, "nextword: learn has no command 'chekc'. Did you mean check?\n")


def test_without_a_folder_it_says_how_to_begin(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for arguments in ((), ("check",), ("list",), ("hint",), ("reset", "1")):
        status, _, err = cli("learn", *arguments)
        assert status == 2
        assert "To begin: nextword learn init" in err


def test_init_says_how_to_go_on(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    status, out, _ = cli("learn", "init")
    assert status == 0
    assert out.startswith(f"Wrote my_gpt2 with {len(TRACK)} exercises.")
    assert out.endswith("To go on: nextword learn\n")
    assert "nothing is missing in it. Nothing was changed." in cli("learn", "init")[1]
    (tmp_path / "my_gpt2" / "parts.py").unlink()
    assert "Added what was missing: parts.py." in cli("learn", "init", "my_gpt2")[1]
    assert "nextword learn --dir other" in cli("learn", "init", "other")[1]


def test_check_names_the_mistake_and_exits_with_1_until_it_passes(cli: Cli, course: Course) -> None:
    course.file("layer_norm").write_text(answer("layer_norm", "bias-ignored"))
    status, out, _ = cli("learn", "check", NUMBER)
    assert status == 1
    assert "Your answer equals a LayerNorm that does not use its bias." in out
    assert f"A hint: nextword learn hint {NUMBER}" in out
    course.file("layer_norm").write_text(answer("layer_norm"))
    status, out, _ = cli("learn", "check", "layer_norm", "--dir", course.path)
    assert (status, out) == (0, f"Exercise {NUMBER}, LayerNorm: passed.\n")


@pytest.mark.usefixtures("warm")
def test_check_takes_the_current_exercise(cli: Cli, course: Course) -> None:
    first = TRACK.names[0]
    status, out, _ = cli("learn", "check")
    assert status == 1
    assert out.startswith(f"Exercise 1, {TRACK[first].title}: still to be written.")
    for name in TRACK.names:
        course.progress.checked(name, True, course.sha256(name))
    assert cli("learn", "check")[:2] == (0, "All exercises have passed.\n")


def test_what_is_no_exercise_is_the_users_mistake(cli: Cli, course: Course) -> None:
    status, _, err = cli("learn", "check", "layernorm")
    assert (status, err) == (2, "nextword: There is no exercise 'layernorm'. Did you mean layer_norm?\n")
    assert cli("learn", "check", "1", "--time-limit", "0")[0] == 2


@pytest.mark.usefixtures("warm")
def test_check_all_in_the_order_of_the_track(cli: Cli, course: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(TRACK), "names", ("layer_norm", "gelu", "softmax"))
    course.file("layer_norm").write_text(answer("layer_norm", "bias-ignored"))
    course.file("gelu").write_text(answer("gelu"))
    status, out, _ = cli("learn", "check", "all")
    assert status == 1
    assert [line.split(maxsplit=2)[2] for line in out.splitlines()[:3]] == [
        "not yet: equals a LayerNorm that does not use its bias",
        "passed",
        "still to be written",
    ]
    assert out.endswith("1 of 3 passed.\n")
    found = json.loads(cli("learn", "check", "all", "--json")[1])
    assert (found["version"], found["n_passed"], found["n_exercises"]) == (1, 1, 3)
    assert [one["status"] for one in found["exercises"]] == ["wrong", "passed", "unfinished"]


@pytest.mark.usefixtures("warm")
def test_json_of_a_check_and_of_the_list(cli: Cli, course: Course) -> None:
    course.file("layer_norm").write_text(answer("layer_norm", "bias-ignored"))
    status, out, _ = cli("learn", "check", "layer_norm", "--json")
    found = json.loads(out)
    assert (status, found["version"], found["exercise"], found["passed"]) == (1, 1, "layer_norm", False)
    assert found["mistakes"][0]["name"] == "bias-ignored"
    status, out, _ = cli("learn", "list", "--json")
    found = json.loads(out)
    assert (status, found["current"], found["n_passed"], found["n_exercises"]) == (0, TRACK.names[0], 0, len(TRACK))
    one = found["exercises"][NUMBER - 1]
    assert (one["state"], one["attempts"], one["mistakes"]) == ("tried", 1, {"bias-ignored": 1})


def test_hints_say_more_each_time(cli: Cli, course: Course) -> None:
    hints = TRACK["layer_norm"].hints
    for number, hint in enumerate(hints, 1):
        out = cli("learn", "hint", "layer_norm")[1]
        assert f"hint {number} of {len(hints)}" in out
        assert hint in out
    out = cli("learn", "hint", "layer_norm")[1]
    assert all(hint in out for hint in hints)
    assert f"nextword learn solution {NUMBER}" in out


def test_the_list_shows_chapters_and_what_is_next(cli: Cli, course: Course) -> None:
    course.progress.checked(TRACK.names[0], True, course.sha256(TRACK.names[0]), ["some"])
    out = cli("learn", "list")[1]
    for chapter in TRACK.chapters:
        assert re.search(rf"^{chapter}   \d of \d", out, re.MULTILINE)
    assert re.search(rf"^  \[x\]  1  {re.escape(TRACK[TRACK.names[0]].title)}", out, re.MULTILINE)
    assert re.search(r"^  \[ \]  2 .* next$", out, re.MULTILINE)
    assert out.endswith(f"1 of {len(TRACK)} passed, 1 mistake overcome.\n")
    rows = [line for line in out.splitlines() if line.startswith("  [")]
    columns = {re.search(r"ex\d\d_", row).start() for row in rows if re.search(r"  ex\d\d_", row)}
    assert len(rows) == len(TRACK)
    assert len(columns) == 1, "the files stand below each other, two spaces after the longest title"
    assert max(map(len, rows)) <= 80


def test_the_help_keeps_commands_and_meanings_apart(cli: Cli) -> None:
    out = cli("learn", "--help")[1]
    assert all(re.search(rf"^  {command}  +\S", out, re.MULTILINE) for command in COMMANDS)


def test_the_solution_is_the_packages_own_source(cli: Cli) -> None:
    imports, _, rest = cli("learn", "solution", NUMBER)[1].partition("# ")
    place, _, source = rest.partition("\n\n")
    file, number = place.rsplit(":", 1)
    assert Path(file).parts[-2:] == ("model", "plain.py")
    assert Path(file).read_text().splitlines()[int(number) - 1] == source.splitlines()[0]
    assert source.startswith("def layer_norm(")
    assert imports.split("\n")[:2] == ["import torch", "from torch import Tensor"]


def test_a_solution_is_noted_where_the_exercise_has_not_passed(cli: Cli, course: Course) -> None:
    course.progress.checked("gelu", True, "x")
    assert cli("learn", "solution", "gelu")[0] == cli("learn", "solution", "layer_norm")[0] == 0
    assert not course.progress["gelu"].solution_seen
    assert course.progress["layer_norm"].solution_seen


def test_reset_says_where_the_old_file_is(cli: Cli, course: Course) -> None:
    file = course.file("layer_norm")
    file.write_text("mine")
    out = cli("learn", "reset", NUMBER)[1]
    assert out == f"{file.name} is as it was at the beginning. What you had written is in {file.name}.1.bak.\n"


def test_the_audit_is_green_and_says_what_it_did(cli: Cli) -> None:
    status, out, _ = cli("learn", "audit", "layer_norm")
    assert status == 0
    assert out.splitlines()[0] == f"{NUMBER}  LayerNorm"
    assert re.search(r"^  eps-missing +\. +\. +ok +\. +\. +ok$", out, re.MULTILINE)
    assert "1 exercise, 20 mistakes, 4 right answers, 40 plantings; 46 checks in all. All as it should be." in out
    assert "| eps-missing |  |  | ok |  |  | ok |" in cli("learn", "audit", "layer_norm", "--markdown")[1]
    found = json.loads(cli("learn", "audit", "layer_norm", "--json")[1])
    assert (found["version"], found["n_trials"], found["n_wrong"]) == (1, 46, 0)


def test_the_audit_fails_where_a_mistake_is_not_named(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    style = styles("layer_norm")[0]
    twisted = style.text.replace("#~ bias-ignored: return y", "#~ bias-ignored: return y + 2 * bias")
    monkeypatch.setattr(
        "nextword.learn.checker.audit.styles", lambda _name: (type(style)("layer_norm", "twisted", twisted),)
    )
    status, out, _ = cli("learn", "audit", "layer_norm")
    assert status == 1
    assert "twisted with bias-ignored: expected bias-ignored, found wrong" in out
    assert "1 not as it should be." in out


def test_without_a_terminal_it_says_how_things_stand(cli: Cli, course: Course) -> None:
    status, out, _ = cli("learn")
    assert status == 0
    assert f"0 of {len(TRACK)} passed." in out


class Told:
    """Collects what a Watch says; `until` lets it run until something was said."""

    def __init__(self, course: Course, checker: Checker):
        self.text = ""
        self.watch = Watch(course, checker, queue.Queue(), say=self.say)

    def say(self, lines: list[Line]) -> None:
        self.text += text_of(lines) + "\n"

    def start(self) -> None:
        self.watch.begin()

    def until(self, words: str) -> None:
        end = time.monotonic() + PATIENCE
        while words not in self.text:
            assert time.monotonic() < end, self.text
            goes_on = self.watch.turn()
            assert goes_on or words in self.text, self.text
            time.sleep(0.05)

    def forget(self) -> None:
        self.text = ""


@pytest.fixture
def told(course: Course, checker: Checker, monkeypatch: pytest.MonkeyPatch) -> Told:
    monkeypatch.setattr(TRACK, "chapters", {"parts": ("layer_norm", "gelu"), "attention": ("softmax",)})
    return Told(course, checker)


def test_each_save_is_answered_and_a_pass_moves_on(told: Told, course: Course) -> None:
    told.start()
    assert "Exercise 1 of 3, parts: LayerNorm" in told.text
    assert f"my_gpt2/{course.file('layer_norm').name}" in told.text
    assert "still to be written" not in told.text  # nothing was begun, so there is nothing to say of it
    course.file("layer_norm").write_text(answer("layer_norm", "bias-ignored"))
    told.until("Your answer equals a LayerNorm that does not use its bias.")
    told.forget()
    course.file("layer_norm").write_text(answer("layer_norm"))
    told.until("Exercise 2 of 3, parts: GELU")
    assert "LayerNorm: passed." in told.text
    assert "Overcome on the way: a LayerNorm that does not use its bias." in told.text
    assert "chapter" not in told.text
    course.file("gelu").write_text(answer("gelu"))
    told.until("Exercise 3 of 3, attention")
    assert "That was the chapter on parts: both of its exercises are yours." in told.text
    course.file("softmax").write_text(answer("softmax"))
    told.until("All 3 exercises have passed.")
    assert not told.watch.turn()


def test_an_exercise_that_is_out_of_turn_is_checked_as_well(told: Told, course: Course) -> None:
    told.start()
    course.file("softmax").write_text(answer("softmax"))
    told.until("passed.")
    assert told.watch.name == "layer_norm"


def test_it_begins_with_what_was_written_before(told: Told, course: Course) -> None:
    course.file("layer_norm").write_text(answer("layer_norm", "mean-kept"))
    told.start()
    assert "does not subtract the mean (RMSNorm)" in told.text


def test_letters_are_answered(told: Told, course: Course) -> None:
    told.start()
    for key, words in {
        "h": "hint 1 of",
        "l": "0 of 3 passed",
        "n": "Exercise 2 of 3",
        "c": "still to be written",
        "?": "h hint",
    }.items():
        told.forget()
        told.watch.typed.put(key)
        told.until(words)
    told.watch.typed.put("q")
    assert not told.watch.turn()


def test_a_save_while_a_check_runs_begins_it_again(told: Told, course: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    told.start()
    monkeypatch.setattr("nextword.cli.learn_watch.TELL_SECONDS", 0.0)
    endless = "def layer_norm(x, weight, bias, eps=1e-5):\n    while True:\n        pass\n"
    course.file("layer_norm").write_text(endless)
    say = told.say

    def say_and_save(lines: list[Line]) -> None:
        say(lines)
        if "Checking exercise 1 ..." in text_of(lines):
            course.file("layer_norm").write_text(answer("layer_norm"))

    told.watch.say = say_and_save
    start = time.monotonic()
    told.until("LayerNorm: passed.")
    assert time.monotonic() - start < 25  # and not the time limit


def test_a_wrong_learn_toml_is_told_and_waited_for(told: Told, course: Course) -> None:
    told.start()
    toml = course.path / "learn.toml"
    toml.write_text("[exercises]\nlayer_norm = 3\n")
    told.until("must be 'file.py:Symbol'")
    (course.path / "model.py").write_text(answer("layer_norm"))
    toml.write_text('[exercises]\nlayer_norm = "model.py"\n')
    told.until("LayerNorm: passed.")


@pytest.mark.skipif(os.name != "posix", reason="pseudo-terminals are there on POSIX only")
def test_in_a_terminal(course: Course, tmp_path: Path) -> None:
    import pty

    ours, theirs = pty.openpty()
    command = [sys.executable, "-c", "from nextword.cli.main import main; main()", "learn"]
    process = subprocess.Popen(command, cwd=tmp_path, stdin=theirs, stdout=theirs, stderr=theirs, close_fds=True)
    os.close(theirs)
    text = ""

    def until(words: str, begin: Callable[[], object] = lambda: None) -> None:
        nonlocal text
        begin()
        end = time.monotonic() + PATIENCE
        while words not in text:
            assert time.monotonic() < end, text
            text += os.read(ours, 4096).decode(errors="replace")

    until("It is checked each time that you save it.")
    first = TRACK.names[0]
    until("passed.", lambda: course.file(first).write_text(answer(first)))
    os.write(ours, b"q\n")
    assert process.wait(PATIENCE) == 0
    os.close(ours)
    assert course.progress[first].passed
