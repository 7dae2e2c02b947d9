"""An engine that goes wrong, in the way its first argument says; otherwise it speaks the real one's protocol."""

from __future__ import annotations

import json
import os
import signal
import sys
import time


def say(stage: str, done: int, total: int, **more: object) -> None:
    """One line of progress."""
    print(json.dumps({"stage": stage, "done": done, "total": total, "message": "", **more}), flush=True)


def work_for_ever(deaf: bool) -> None:
    """Progress without an end; a deaf one does not hear the polite signal."""
    if deaf:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    for step in range(100_000):
        say("encode", step, 100_000)
        time.sleep(0.05)


def main() -> int:
    """Misbehave."""
    behaviour, arguments = sys.argv[1], sys.argv[2:]
    if "--version" in arguments:
        versions = {"old": "geo-ovss 0.0.9", "other": "Python 3.11.2", "mute": ""}
        print(versions.get(behaviour, "geo-ovss 0.1.0"))
        return 1 if behaviour == "broken" else 0
    if behaviour == "dies":
        say("encode", 1, 10)
        print("Traceback (most recent call last):\n  ...\nMemoryError: no room for the tokens", file=sys.stderr)
        return 1
    if behaviour == "killed":
        say("encode", 1, 10)
        os.kill(os.getpid(), signal.SIGKILL)
    if behaviour == "user-error":
        say("error", 0, 0, message="There is no preset 'giant'; the presets are mini, base.")
        print("geo-ovss: There is no preset 'giant'; the presets are mini, base.", file=sys.stderr)
        return 2
    if behaviour == "garbage":
        for _ in range(20_000):
            sys.stdout.buffer.write(b"\xff\xfe{]\x00 not json " * 20 + b"\n")
        print(json.dumps([1, 2]), json.dumps({"stage": 3}), "null", "{}", sep="\n")
        return 0
    if behaviour == "endless-line":
        sys.stdout.write("x" * 3_000_000)
        return 0
    if behaviour in ("slow", "deaf"):
        work_for_ever(behaviour == "deaf")
    if behaviour == "liar":
        outputs = {"polygons": "/nowhere/at/all.gpkg", "features": "/nowhere/store"}
        say("done", 1, 1, outputs=outputs)
    return 0


if __name__ == "__main__":
    sys.exit(main())
