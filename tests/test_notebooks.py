"""The notebooks run from top to bottom, with next to no training, and are kept without what they put out."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from skipped import skip_file_without

skip_file_without("nbclient", "nbclient (extra: test) is not installed")
skip_file_without("ipykernel", "ipykernel (extra: test) is not installed")

NOTEBOOKS = sorted((Path(__file__).parent.parent / "notebooks").glob("*.ipynb"))
every_notebook = pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda notebook: notebook.stem)


def cells(notebook: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return found


def test_there_are_two() -> None:
    assert [notebook.stem for notebook in NOTEBOOKS] == ["fine_tune", "first_words"]


@every_notebook
def test_it_is_kept_without_outputs_and_each_cell_has_a_purpose(notebook: Path) -> None:
    kinds = [cell["cell_type"] for cell in cells(notebook)]
    assert kinds[0] == "markdown"
    for before, cell in zip(kinds, cells(notebook)[1:], strict=False):
        if cell["cell_type"] == "code":
            assert before == "markdown", "what a cell is for is said above it"
            assert not cell["outputs"]
            assert cell["execution_count"] is None


@every_notebook
def test_its_links_lead_somewhere(notebook: Path) -> None:
    for cell in cells(notebook):
        for target in re.findall(r"\]\(([^)]+)\)", "".join(cell["source"])):
            assert (notebook.parent / target).is_file(), target


@every_notebook
def test_it_runs_from_top_to_bottom(notebook: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a network, and with an empty cache, so that gpt2 cannot be had and what stands in for it is tried."""
    import nbformat
    from nbclient import NotebookClient

    settings = {"NEXTWORD_QUICK": "1", "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path), "CUDA_VISIBLE_DEVICES": ""}
    for name, value in {**settings, "JUPYTER_RUNTIME_DIR": str(tmp_path), "IPYTHONDIR": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    read = nbformat.read(notebook, as_version=4)
    nbformat.validate(read)
    NotebookClient(read, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    outputs = [output for cell in read.cells if cell.cell_type == "code" for output in cell.outputs]
    shown = [output["data"] for output in outputs if "data" in output]
    (watched,) = [data for data in shown if "base64," in data.get("text/html", "")]
    assert "step 1 of 1" in watched["text/html"]
    assert "holds the last weights" in watched["text/plain"]
    seen = [data for data in shown if "nextword-lens" in data.get("text/html", "")]
    assert len(seen) == {"first_words": 4, "fine_tune": 2}[notebook.stem]
    said = [output["text"] for output in outputs if output.get("name") == "stderr"]
    assert not [text for text in said if "TqdmWarning" not in text]  # where ipywidgets are missing, tqdm asks for them
