"""The tutorial runs from its first cell to its last, in a kernel of its own."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture
def kernel_settings(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, dict[str, str]]]:
    """Settings for Jupyter's kernel manager with which a kernel starts on a busy machine too.

    Over TCP the ports are chosen first and bound seconds later, when the kernel has been loaded; where anything else
    takes one meanwhile, the kernel dies. Sockets in a folder of their own have no such gap. The folder is not pytest's:
    the path of a socket has about a hundred letters.
    """
    zmq = pytest.importorskip("zmq")
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY), prepend=":")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")                      # threads that spin while others work
    monkeypatch.delenv("MPLBACKEND", raising=False)
    with tempfile.TemporaryDirectory(prefix="nb") as folder:
        monkeypatch.setenv("IPYTHONDIR", f"{folder}/ipython")
        monkeypatch.setenv("JUPYTER_RUNTIME_DIR", f"{folder}/jupyter")
        yield {"KernelManager": {"transport": "ipc", "ip": f"{folder}/kernel"}} if zmq.has("ipc") else {}


def test_the_tutorial_runs(kernel_settings: dict[str, dict[str, str]]) -> None:
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    config = pytest.importorskip("traitlets.config").Config(kernel_settings)
    pytest.importorskip("ipykernel")
    notebook = nbformat.read(REPOSITORY / "docs" / "tutorial.ipynb", as_version=4)
    nbclient.NotebookClient(notebook, timeout=900, startup_timeout=300, kernel_name="python3", config=config,
                            resources={"metadata": {"path": REPOSITORY / "docs"}}).execute()
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.execution_count for cell in cells)
    shown = [output for cell in cells for output in cell.outputs]
    assert not [output for output in shown if output.output_type == "error"]
    text = " ".join(str(output.get("data", output.get("text", ""))) for output in shown)
    assert "data:image/jpeg;base64" in text and "True" in text and "polygons" in text
