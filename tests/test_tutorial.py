"""The tutorial runs from its first cell to its last."""

from __future__ import annotations

from pathlib import Path

import pytest

DOCS = Path(__file__).parent.parent / "docs"


def test_the_tutorial_runs() -> None:
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    notebook = nbformat.read(DOCS / "tutorial.ipynb", as_version=4)
    place = {"metadata": {"path": DOCS}}
    nbclient.NotebookClient(notebook, timeout=600, kernel_name="python3", resources=place).execute()
    shown = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert not [output for output in shown if output.output_type == "error"]
    text = " ".join(str(output.get("data", output.get("text", ""))) for output in shown)
    assert "data:image/jpeg;base64" in text and "True" in text and "polygons" in text
