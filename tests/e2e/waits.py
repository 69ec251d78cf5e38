# SPDX-License-Identifier: MIT
"""Waiting for what the guard does: by its journal, or by asking again."""

import ctypes
import os
import select
import time

from scene import LONG, expect

LIBC = ctypes.CDLL(None, use_errno=True)

IN_MODIFY, IN_MOVED_TO, IN_CREATE = 0x2, 0x80, 0x100


def events(s, *kinds):
    """What the journal has told of these KINDS."""
    return [line for line in s.journal_lines() if line["event"] in kinds]


def until_told(s, condition, why, within=LONG):
    """Waits until CONDITION() of the journal: each line written is an event.

    The directory is watched, since there may be no journal yet.
    """
    deadline = time.monotonic() + within
    ear = LIBC.inotify_init1(os.O_CLOEXEC)
    expect(ear >= 0, f"inotify: {os.strerror(ctypes.get_errno())}")
    try:
        wd = LIBC.inotify_add_watch(ear, os.fsencode(s.dir),
                                    IN_MODIFY | IN_MOVED_TO | IN_CREATE)
        expect(wd >= 0, f"inotify: {os.strerror(ctypes.get_errno())}")
        while not condition():
            left = deadline - time.monotonic()
            ready = select.select([ear], [], [], max(0, left))[0]
            expect(ready or condition(), why() if callable(why) else why)
            if ready:
                os.read(ear, 65536)
    finally:
        os.close(ear)


def until(condition, why, within=LONG, every=0.02):
    """For what has no event: it has to be asked for again and again."""
    deadline = time.monotonic() + within
    while not condition():
        expect(time.monotonic() < deadline, why() if callable(why) else why)
        time.sleep(every)
