import json
from pathlib import Path

import pytest

from nextword.bench.figures import SECONDS, TOKENS, Figure, Findings, Row
from nextword.bench.machine import Machine
from nextword.bench.report import markdown, number, save


@pytest.fixture
def findings() -> Findings:
    rows = [
        Row("decode, 1 text", "nextword", "int8", TOKENS, Figure((50.0, 40.0, 60.0)), limit=100.0, peak_memory=3 << 20),
        Row("decode, 1 text", "other", "int8", TOKENS, Figure((1234.0,)), limit=2000.0, peak_memory=5 << 20),
        Row("cold start", "nextword", "int8", SECONDS, Figure((0.25, 0.35))),
    ]
    return Findings(
        Machine("Cruncher 9", 4, (), None, "Linux", "3.12", "2.11"),
        "7 parameters",
        rates={"matrix products": [4e11, 2e11, 3e11], "reading 1 MiB": [2.5e10]},
        rows=rows,
        absent={"slow": "it was late"},
        checks=["they agree"],
        versions={"nextword": "1.0"},
        method=["carefully"],
    )


def test_a_figure_is_its_median_with_its_spread() -> None:
    figure = Figure((3.0, 1.0, 7.0))
    assert (figure.median, figure.low, figure.high) == (3.0, 1.0, 7.0)


def test_the_table_says_it_all(findings: Findings) -> None:
    text = markdown(findings)
    assert "| nextword | int8 | 50.0 (40.0 to 60.0) | 50% of 100 | 3 MiB |" in text
    assert "| other | int8 | 1,234 | 62% of 2,000 | 5 MiB |" in text
    assert "| program | precision | s |\n|---|---|---|\n| nextword | int8 | 0.300 (0.250 to 0.350) |" in text
    assert "| matrix products | 300 GFLOP/s | 200 GFLOP/s to 400 GFLOP/s |" in text
    assert "| reading 1 MiB | 25.0 GB/s |" in text
    for line in ("- slow: it was late", "- they agree", "- carefully", "Cruncher 9, 4 cores"):
        assert line in text


def test_three_files_are_written(findings: Findings, tmp_path: Path) -> None:
    page, numbers, picture = save(findings, tmp_path / "new")
    assert markdown(findings) in page.read_text(encoding="utf-8")
    read = json.loads(numbers.read_text())
    assert read["rows"][0]["figure"] == [50.0, 40.0, 60.0]
    assert read["rows"][0]["median"] == 50.0
    assert read["rows"][0]["share"] == 0.5
    assert read["machine"]["processor"] == "Cruncher 9"
    assert picture.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(("value", "text"), [(0.4123, "0.412"), (1.5, "1.50"), (61.23, "61.2"), (1234.5, "1,234")])
def test_numbers_have_three_digits(value: float, text: str) -> None:
    assert number(value) == text


def test_without_a_figure_there_is_no_picture(findings: Findings, tmp_path: Path) -> None:
    findings.rows.clear()
    paths = save(findings, tmp_path, "gpu")
    assert [path.name for path in paths] == ["gpu.md", "gpu.json"]
    assert paths[0].read_text(encoding="utf-8") == markdown(findings)
