import pytest

from nextword.cli.main import run


def test_gpus_with_a_price(capsys):
    assert run(["plan", "--tokens", "10B", "--gpu", "h100:8", "--price", "2.5"]) == 0
    said = capsys.readouterr().out
    assert "On 8 x H100 SXM, 80 GB and 989 TFLOP/s in bfloat16 each" in said
    seconds = (6 * 124_439_808 + 12 * 12 * 1024 * 768) * 10e9 / (8 * 0.4 * 989e12)
    assert f"{round(seconds / 60)} minutes" in said
    assert f"{seconds / 3600 * 8 * 2.5:.2f}\n" in said


def test_this_machine(capsys):
    assert run(["plan", "--tokens", "1M", "--params", "300k", "--n-vocab", "257", "--window", "64"]) == 0
    said = capsys.readouterr().out
    assert "On this machine" in said
    assert "4 windows of 64 tokens side by side:" in said


def test_what_does_not_fit_is_said(capsys):
    assert run(["plan", "--tokens", "1B", "--gpu", "t4", "--model", "gpt2-xl"]) == 0
    assert "It does not fit: take a GPU with more memory" in capsys.readouterr().out
    assert run(["plan", "--tokens", "1B", "--gpu", "t4", "--batch-size", "256"]) == 0
    assert "It does not fit. Use --batch-size 8" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (["--tokens", "ten"], "--tokens is a number of tokens"),
        (["--tokens", "1B", "--gpu", "tpu"], "--gpu tpu is not known: choose t4"),
        (["--tokens", "1B", "--gpu", "h100:none"], "write h100:8"),
        (["--tokens", "1B", "--price", "2"], "name it by --gpu"),
        (["--tokens", "1B", "--share", "0"], "--share must be above 0, not 0.0"),
        (["--tokens", "1B", "--window", "0"], "--window must be above 0, not 0"),
        (["--tokens", "1B", "--gpu", "t4", "--model", "huge"], "--model huge is not a size"),
    ],
)
def test_mistakes(flags, told, capsys):
    assert run(["plan", *flags]) == 2
    assert told in capsys.readouterr().err
