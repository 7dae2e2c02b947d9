"""The command line: `geo-ovss segment | encode | query | evaluate | models | presets | info`.

Exit status: 0 done, 2 the user's input is wrong (one sentence on stderr, no traceback), 130 interrupted, 1 anything
else.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from types import FrameType
from typing import Annotated

import typer

from geo_ovss import __version__
from geo_ovss.errors import GeoOvssError

app = typer.Typer(
    name="geo-ovss", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False,
    help="Open-vocabulary segmentation of georeferenced rasters: type class names, get polygons.",
)

GRACE_SECONDS = 1.5
"""After an interruption the process ends by itself within this time, even in the middle of a long computation."""


def _version(wanted: bool) -> None:
    if wanted:
        print(f"geo-ovss {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Open-vocabulary segmentation of georeferenced rasters: type class names, get polygons."""


def _register() -> None:
    from geo_ovss.commands.encode import encode
    from geo_ovss.commands.evaluate import evaluate
    from geo_ovss.commands.info import info
    from geo_ovss.commands.models import models_app
    from geo_ovss.commands.presets import presets
    from geo_ovss.commands.query import query
    from geo_ovss.commands.segment import segment

    for command in (segment, encode, query, info, presets, evaluate):
        app.command()(command)
    app.add_typer(models_app, name="models")


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    """Unwind like Ctrl-C, and make sure that the process ends soon. Outputs are written under temporary names."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    watchdog = threading.Timer(GRACE_SECONDS, lambda: os._exit(130))
    watchdog.daemon = True
    watchdog.start()
    _interrupted.set()
    raise KeyboardInterrupt


_interrupted = threading.Event()
"""Set by an interruption: the command line's library turns the exception into an exit status of its own."""


def _end_interrupted() -> None:
    print("geo-ovss: interrupted; finished blocks are kept, and the same command goes on from there.",
          file=sys.stderr, flush=True)
    os._exit(130)  # threads in the middle of a computation do not hold the exit up


def main() -> None:
    """Entry point of the console script."""
    signal.signal(signal.SIGINT, _interrupt)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        if sys.argv[1:] != ["--version"]:  # the commands import torch: seconds, for one line
            _register()
        status = app(standalone_mode=False)
        if _interrupted.is_set():
            _end_interrupted()
        sys.exit(status if isinstance(status, int) else 0)
    except GeoOvssError as error:
        print(f"geo-ovss: {error}", file=sys.stderr)
        sys.exit(getattr(error, "exit_status", 2))
    except BrokenPipeError:
        sys.exit(1)
    except typer.Exit as done:
        sys.exit(done.exit_code)
    except (Exception, KeyboardInterrupt) as error:
        if _interrupted.is_set():
            _end_interrupted()
        if hasattr(error, "exit_code") and hasattr(error, "show"):  # click's own usage errors
            error.show()
            sys.exit(error.exit_code)
        raise


if __name__ == "__main__":
    main()
