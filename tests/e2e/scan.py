# SPDX-License-Identifier: MIT
"""`childproof scan`: each scene of scan_stage.py in a namespace of its own."""

import functools
import os
import sys

import scan_stage
from runner import Case
from scene import TREE, expect


def on_stage(s, name):
    host = s.spawn([os.path.join(TREE, "tests", "alone"), sys.executable,
                    os.path.join(TREE, "tests", "e2e", "scan_stage.py"),
                    s.setting.build, name])
    raw = host.wait(60)
    expect(raw == 0, f"{s.read(s.out)}{s.read(s.err)[-1500:]}")


def cases():
    for name in scan_stage.SCENES:
        yield Case(f"scan/{name}", functools.partial(on_stage, name=name),
                   False)
