#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What a CPython host must not notice, as text; see same.py of the driver."""

import os
import signal
import subprocess
import sys
import threading

caught = []


def search_path():
    """One Popen tries every directory of PATH: all but the last exec fail."""
    path = ":".join(f"/nonexistent/{i}" for i in range(20))
    env = {**os.environ, "PATH": path + ":" + os.environ["PATH"]}
    good = bad = 0
    os.environ["PATH"] = env["PATH"]
    for _ in range(20):
        run = subprocess.run(["echo", "x"], capture_output=True, env=env)
        good += run.returncode == 0 and run.stdout == b"x\n"
    for _ in range(200):
        try:
            subprocess.Popen(["childproof-no-such-program"],
                             stdin=subprocess.PIPE)
        except FileNotFoundError as e:
            bad += e.errno == 2
    print("path search:", good, "found,", bad, "not found")


def threads():
    """Many threads spawn at once; every output comes back whole."""
    results = []

    def body(number):
        for i in range(5):
            word = f"{number}.{i}"
            run = subprocess.run(["cat"], input=word.encode(),
                                 capture_output=True)
            results.append(run.stdout.decode() == word)

    every = [threading.Thread(target=body, args=(n,)) for n in range(16)]
    for t in every:
        t.start()
    for t in every:
        t.join()
    print("threads:", sum(results), "of", len(results))


def fork_worker():
    """A fork child that exits runs none of its parent's exits."""
    pid = os.fork()
    if pid == 0:
        sys.exit(5)
    print("fork:", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


signal.signal(signal.SIGTERM, lambda sig, frame: caught.append(sig))
for _ in range(5):
    subprocess.run(["true"], stdin=subprocess.PIPE, check=False)
os.kill(os.getpid(), signal.SIGTERM)
print("handler:", [int(s) for s in caught])
signal.signal(signal.SIGTERM, signal.SIG_DFL)
for sig in ("SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM", "SIGPIPE"):
    print(sig, signal.getsignal(getattr(signal, sig)))
kept = subprocess.Popen(["cat"], stdin=subprocess.PIPE,
                        stdout=subprocess.PIPE)
search_path()
threads()
sys.stdout.flush()
fork_worker()
print("threads:", threading.active_count(),
      "tasks:", len(os.listdir("/proc/self/task")),
      "fds:", len(os.listdir("/proc/self/fd")))
kept.communicate(b"bye")
print("cat:", kept.returncode)
try:
    os.waitpid(-1, 0)
except ChildProcessError as e:
    print("waitpid:", e.strerror)
sys.stdout.flush()
os.kill(os.getpid(), signal.SIGTERM)
