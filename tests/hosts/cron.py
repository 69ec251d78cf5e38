#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A scheduler: every tick a pool of threads runs jobs, each with a server of
its own in a session of its own.  Half of them don't end as they should.

    cron.py MEET SERVER TICKS

Three jobs run all the time: one has its server as a child, one has it behind
a shell, and one has a server whose starter has ended.
"""

import collections
import concurrent.futures
import os
import signal
import subprocess
import sys
import threading
import time
from subprocess import PIPE

from parts.talk import Tally, Wire, say, tell

MEET, SERVER, TICKS = sys.argv[1], sys.argv[2], int(sys.argv[3])
TICK = 0.5

FORMS = {
    "direct": [SERVER],
    "behind": ["sh", "-c", '"$0"; true', SERVER],
    "starter": ["sh", "-c", 'exec 3<&0; "$0" <&3 3<&- &', SERVER],
}

tally = Tally()
over = threading.Event()
kept = []  # what nobody closes, and nobody collects
Dropped = collections.namedtuple("Dropped", "pid how when")


class Job:
    def __init__(self, form):
        self.child = subprocess.Popen(FORMS[form], stdin=PIPE, stdout=PIPE,
                                      start_new_session=True)
        self.wire = Wire(self.child.stdin.fileno(),
                         self.child.stdout.fileno(), tally)
        self.server = self.wire.ask()["result"]["pid"]

    def work(self, stop):
        """Asks until STOP says that it is enough."""
        while not stop(0.05):
            self.wire.ask()

    def finish(self):
        os.killpg(self.child.pid, signal.SIGKILL)
        self.child.wait()
        self.close()

    def close(self):
        self.child.stdin.close()
        self.child.stdout.close()

    def drop(self, how):
        """Remembers when, just before it is done."""
        kept.append(self)
        dropped.append(Dropped(self.server, how, time.time()))


dropped = []


def for_a_while():
    end = time.monotonic() + TICK / 2
    return lambda pause: time.sleep(pause) or time.monotonic() > end


def good(form):
    job = Job(form)
    job.work(for_a_while())
    job.finish()


def raises(form):
    """An exception: the client's pipes are closed, no more."""
    job = Job(form)
    job.work(for_a_while())
    job.drop("closed")
    job.close()


def cancelled(form):
    """The direct child is killed, and the client forgotten as it is."""
    job = Job(form)
    job.work(for_a_while())
    job.drop("killed")
    job.child.kill()
    job.child.wait()


def for_ever(form, started):
    job = Job(form)
    started.append(job.server)
    job.work(over.wait)
    job.finish()


PER_TICK = [(good, "direct"), (good, "behind"), (good, "starter"),
            (raises, "direct"), (raises, "behind"), (cancelled, "behind")]


def main():
    threads = len(FORMS) + 2 * len(PER_TICK)
    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        live = []
        jobs = [pool.submit(for_ever, form, live) for form in FORMS]
        for _ in range(TICKS):
            jobs += [pool.submit(job, form) for job, form in PER_TICK]
            time.sleep(TICK)
        concurrent.futures.wait(jobs[len(FORMS):])
        say(MEET, "done", *live)
        over.set()
        problems = [repr(j.exception()) for j in jobs if j.exception()]
    tell(tally, jobs=len(jobs), dropped=dropped, problems=problems)
    sys.stdout.flush()
    os._exit(0)


main()
