import socket

import pytest

from nextword.cli import serve
from nextword.cli.main import run


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--rows", "0"], "--rows must be at least 1, not 0"),
        (["--port", "70000"], "--port must be from 0 to 65535"),
        (["--api-key", " "], "--api-key is empty"),
        (["--root-path", "proxy"], "--root-path must begin with /, as /proxy/8000 does, not be 'proxy'"),
        (["--host", "192.0.2.1"], "--host 192.0.2.1 is no address of this machine. Use 127.0.0.1"),
        (["--host", "nowhere.invalid"], "--host nowhere.invalid is no address of this machine. Use 127.0.0.1"),
        (["--model", "no/such/place", "--port", "0"], "no/such/place is neither a path that exists"),
        (["--weights", "gpt2", "--port", "0"], "--weights fills a class of your own"),
    ],
)
def test_what_cannot_be_served_is_told_in_a_line(flags, message, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("fastapi", reason="fastapi (extra: serve) is not installed")
    assert run(["serve", *flags]) == 2
    assert message in capsys.readouterr().err


def test_a_port_that_is_taken_is_told_before_a_model_is_loaded(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("fastapi", reason="fastapi (extra: serve) is not installed")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert run(["serve", "--model", "no/such/place", "--port", str(taken.getsockname()[1])]) == 1
    assert "Use another --port" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flags", "warns"),
    [(["--host", "0.0.0.0"], True), (["--host", "0.0.0.0", "--api-key", "k"], False), (["--host", "127.0.0.1"], False)],
)
def test_who_lets_everybody_in_is_told(flags: list[str], warns: bool, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("fastapi", reason="fastapi (extra: serve) is not installed")
    assert run(["serve", "--model", "no/such/place", "--port", "0", *flags]) == 2
    assert ("[Whoever reaches 0.0.0.0 may use this server: --api-key" in capsys.readouterr().err) is warns


def test_without_the_extra_its_name_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(serve, "find_spec", lambda package: None)
    assert run(["serve"]) == 2
    assert "-m pip install fastapi uvicorn" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flag", "variable", "key"),
    [(None, None, None), (None, "b\n", "b\n"), ("a", "b", "a"), ("a", "", "a")],
)
def test_the_key_is_the_flags_or_the_environments(
    monkeypatch: pytest.MonkeyPatch, flag: str | None, variable: str | None, key: str | None
) -> None:
    monkeypatch.delenv("NEXTWORD_API_KEY", raising=False)
    if variable is not None:
        monkeypatch.setenv("NEXTWORD_API_KEY", variable)
    assert serve.api_key(flag) == key


@pytest.mark.parametrize("empty", ["", "\n"])
def test_an_empty_key_does_not_let_everybody_ask(monkeypatch: pytest.MonkeyPatch, empty: str) -> None:
    monkeypatch.setenv("NEXTWORD_API_KEY", empty)
    with pytest.raises(ValueError, match="NEXTWORD_API_KEY is empty"):
        serve.api_key(None)
