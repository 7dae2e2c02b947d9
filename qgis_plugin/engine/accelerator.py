"""What the engine's interpreter has to compute with; asked in its own process, for the diagnostics."""

from __future__ import annotations

from .engine import Engine
from .errors import EngineError
from .run_log import RunLog

SCRIPT = """
import platform, sys
print("Python:", sys.version.split()[0], platform.machine())
try:
    import torch
except Exception as error:
    print("PyTorch: cannot be imported:", error)
else:
    print("PyTorch:", torch.__version__, "with", torch.get_num_threads(), "threads")
    names = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    mps = getattr(torch.backends, "mps", None)
    names += ["Apple MPS"] if mps is not None and mps.is_available() else []
    print("Accelerator:", ", ".join(names) or "none, it runs on the processor")
"""


def describe_accelerator(interpreter: str) -> str:
    """Some lines about interpreter, PyTorch and accelerator; or why there are none."""
    try:
        return Engine(interpreter).ask(["-c", SCRIPT], RunLog()).strip()
    except EngineError as error:
        return str(error)
