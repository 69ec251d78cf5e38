# SPDX-License-Identifier: MIT
"""Collects the cases, runs a few at a time, and tells what failed.

A case is a name and a function of one argument, a Scene.  It passes if the
function returns, fails with one line if it raises Failed, and is named but
not counted if it raises Skipped.
"""

import argparse
import collections
import concurrent.futures
import os
import tempfile
import threading
import time
import traceback

import proc
import scene

# `bare` cases are the negative controls: they need nothing of childproof.
Case = collections.namedtuple("Case", "name run bare")


def collect():
    import alive
    import brake
    import children_found
    import children_told
    import counts
    import doctor
    import field
    import first
    import guard
    import handed
    import install
    import kept
    import leaks
    import letters
    import limit
    import misuse
    import orders
    import real
    import report
    import same
    import scan
    import show
    import spared
    import stale
    import unguarded
    import wrap

    cases = []
    # The longest first, so that the short ones fill the gaps.
    for module in (field, leaks, alive, kept, handed, guard, same, spared,
                   stale, brake, children_told, children_found, misuse,
                   unguarded, real, limit, scan, show, orders, wrap, doctor, report, install,
                   first, letters, counts):
        cases += module.cases()
    names = [c.name for c in cases]
    for name in names:
        assert names.count(name) == 1, f"two cases are called {name}"
    return cases


def arguments(argv):
    p = argparse.ArgumentParser(prog="run", description="End-to-end tests.")
    p.add_argument("filter", nargs="*", help="part of a case's name")
    p.add_argument("--jobs", type=int, default=2 * (os.cpu_count() or 1),
                   help="cases at a time (most of them wait for a grace)")
    p.add_argument("--repeat", type=int, default=1, metavar="N",
                   help="run each case N times")
    p.add_argument("--bare-only", action="store_true",
                   help="only the negative controls, which need no childproof")
    p.add_argument("--list", action="store_true", help="print the names")
    p.add_argument("--times", action="store_true",
                   help="print each case as it passes, with its time")
    return p.parse_args(argv)


def chosen(cases, args):
    for c in cases:
        if args.bare_only and not c.bare:
            continue
        if not args.filter or any(f in c.name for f in args.filter):
            yield c


class Report:
    """Counts, and prints one line for each failure."""

    def __init__(self, times):
        self.times = times
        self.passed = self.failed = 0
        self.lock = threading.Lock()

    def skip(self, case, why):
        with self.lock:
            print(f"skip {case.name}: {why}", flush=True)

    def add(self, case, problem, took):
        with self.lock:
            if problem is None:
                self.passed += 1
                if self.times:
                    print(f"ok   {case.name} {took:.2f}s", flush=True)
            else:
                self.failed += 1
                print(f"FAIL {case.name}: {problem}", flush=True)


def run_one(case, setting, report):
    began = time.monotonic()
    problem = None
    s = scene.Scene(case.name, setting)
    try:
        case.run(s)
    except scene.Skipped as e:
        report.skip(case, e)
        return
    except scene.Failed as e:
        problem = f"{e} | {s.describe()}"
    except Exception:
        problem = (traceback.format_exc().strip().replace("\n", " ; ")
                   + f" | {s.describe()}")
    finally:
        s.close()
    report.add(case, problem, time.monotonic() - began)


def nothing_left(report):
    """Whatever the cases looked at: in this namespace no part of us lives."""
    left = []
    for pid in scene.parts_alive():
        try:
            left.append(proc.Proc(pid, "part"))
        except ProcessLookupError:
            pass
    gone = proc.first_deaths(left, time.monotonic() + 2.0)
    problem = None
    if len(gone) < len(left):
        problem = f"still running: {[str(p) for p in left if p not in gone]}"
    elif any("childproof" in name for name in os.listdir("/dev/shm")):
        problem = f"in /dev/shm: {os.listdir('/dev/shm')}"
    report.add(Case("nothing-left-at-the-end", None, False), problem, 0)


def main(argv):
    args = arguments(argv)
    cases = list(chosen(collect(), args))
    if args.list:
        print("\n".join(c.name for c in cases))
        return 0
    report = Report(args.times)
    with tempfile.TemporaryDirectory(prefix="childproof-e2e.") as tmp:
        setting = scene.Setting(tmp)
        with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
            for case in cases * args.repeat:
                pool.submit(run_one, case, setting, report)
    if not args.bare_only:
        nothing_left(report)
    print(f"{report.passed} passed, {report.failed} failed")
    return 1 if report.failed or not report.passed else 0
