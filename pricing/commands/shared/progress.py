"""A progress line on the terminal for whatever takes longer than two seconds."""

from __future__ import annotations

import contextlib
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import TextIO

AFTER = 2.0  # seconds before anything is said
EVERY = 0.25  # seconds between two lines


@contextlib.contextmanager
def progress(
    what: str, *, stream: TextIO | None = None, after: float | None = None
) -> Iterator[Callable[[int, int], None]]:
    """Gives `told(done, total)`; a line says how far the work is and about how long it still takes, and is wiped at the end."""
    out, begun, counts, over = stream or sys.stderr, time.monotonic(), [0, 0], threading.Event()
    if not out.isatty():
        yield lambda done, total: None
        return

    def told(done: int, total: int) -> None:
        counts[:] = done, total

    def tick() -> None:
        if over.wait(AFTER if after is None else after):
            return
        width = 0
        while True:
            text = line(what, counts[0], counts[1], time.monotonic() - begun, shutil.get_terminal_size().columns - 1)
            width = max(width, len(text))
            out.write(f"\r{text:<{width}}")
            out.flush()
            if over.wait(EVERY):
                break
        out.write(f"\r{'':<{width}}\r")
        out.flush()

    thread = threading.Thread(target=tick, daemon=True)
    thread.start()
    try:
        yield told
    finally:
        over.set()
        thread.join()


def line(what: str, done: int, total: int, elapsed: float, width: int | None = None) -> str:
    """`pricing paths: 3,072 of 10,000, 4 s so far, about 9 s left`: an estimate by proportion, once something is done.

    Where it is wider than `width` its beginning is shortened: a line that is broken cannot be wiped.
    """
    far = f" {done:,} of {total:,}," if total else ""
    left = f", about {elapsed * (total - done) / done:,.0f} s left" if done else ""
    said = f":{far} {elapsed:,.0f} s so far{left}"
    if width is not None and len(what) + len(said) > width:
        what = f"{what[: max(width - len(said) - 3, 0)]}..."
    return f"{what}{said}"[:width]
