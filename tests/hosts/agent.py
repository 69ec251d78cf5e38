#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""An agent on a terminal: hands each line to its worker, on pipes, and
the answer back.  A hangup doesn't end it.

    agent.py WORKER
"""

import os
import signal
import subprocess
import sys
import tty

signal.signal(signal.SIGHUP, signal.SIG_IGN)
tty.setraw(0)
worker = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, bufsize=0)
os.write(1, f"{os.getpid()}\n".encode())  # ready
try:
    with open(0, "rb", buffering=0, closefd=False) as terminal:
        for line in terminal:
            worker.stdin.write(line)
            os.write(1, worker.stdout.readline())
except OSError:
    pass
while True:
    signal.pause()
