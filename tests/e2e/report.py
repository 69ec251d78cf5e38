# SPDX-License-Identifier: MIT
"""`childproof report`: what a real guard wrote, drawn; and what it can't read.

The page itself is looked at by tests/page.
"""

import functools
import json
import os
import re
import stat
import subprocess
import time

import proc
from runner import Case
from scene import GRACE, LONG, expect
from waits import events, until_told

CLOSE = 0.050  # a journal's clock and ours
# A ward that obeys SIGTERM is to have the time for it, on a busy machine too.
TERM = 1.0


def report(s, *args, stdin=None):
    """Runs the command; returns what it said."""
    return subprocess.run([s.part("childproof"), "report", *args],
                          input=stdin, capture_output=True, timeout=LONG,
                          cwd=s.work, env=s.environment())


def drawn(s, *args):
    """The data of the page that the report of ARGS writes."""
    page = os.path.join(s.work, "page.html")
    done = report(s, *args, "-o", page)
    expect(done.returncode == 0, f"exit {done.returncode}: {done.stderr}")
    expect(done.stdout == b"", f"on stdout: {done.stdout!r}")
    expect(done.stderr == b"", f"on stderr: {done.stderr!r}")
    expect(stat.S_IMODE(os.stat(page).st_mode) == 0o600,
           "arguments can be read by others")
    data = data_of(s.read(page))
    os.unlink(page)
    return data


def data_of(page):
    found = re.findall(r'<script type="application/json" id="data">(.*?)'
                       r'</script>', page, re.S)
    expect(len(found) == 1, f"{len(found)} sets of data")
    expect(page.rstrip().endswith("</html>"), "the page is cut")
    expect(not re.search(r'(?:src|href|url\()\s*=?\s*["\']?(?:https?:)?//',
                         page), "the page asks for something")
    return json.loads(found[0])


def by_pid(s, data, tag):
    """The one life of each ward that called itself TAG."""
    for ward in s.wards(tag):
        lives = [x for x in data["lives"] if x["pid"] == ward.pid]
        expect(len(lives) == 1, f"{ward} has {len(lives)} lives")
        yield lives[0]


def fates(s, how):
    """A host is killed: each kind of ward ends in its way, and is drawn so."""
    specs = {"g0": "mode=eof", "g1": "mode=term", "g2": "mode=stubborn",
             "g3": "mode=daemon", "g4": "mode=stubborn,n=2"}
    host = s.host("wait", *specs.values(), how=how,
                  options={"term": "1s"})
    s.gather(host=1, g0=1, g1=1, g2=1, g3=1, g4=2)
    known(s, *s.wards("g0", "g1", "g2", "g4"))
    killed = s.wards("g4")[0]  # by somebody else, while its host lives
    killed.kill()
    known(s, killed, event=("end",))
    before = drawn(s, s.journal)
    expect({x["f"] for x in before["lives"]} <= {"live", "self", "spared"},
           f"too early: {[x['f'] for x in before['lives']]}")
    host.kill()
    died = time.time()
    host.wait()
    gone = [w for t in ("g0", "g1", "g2", "g4") for w in s.wards(t)]
    when = proc.first_deaths(gone, time.monotonic() + LONG)
    expect(len(when) == len(gone), "the guard did not act")
    known(s, *gone, event=("end", "ended"))
    data = drawn(s, s.journal)
    check_fates(s, data, died)
    check_trace(s, data)


def known(s, *wards, event=("ward",)):
    """Waits until the journal tells such an event of each of WARDS.

    The guard writes what it saw a moment after we did, and of a ward that it
    had no time to look at, nothing.
    """
    def missing():
        return {w.pid for w in wards} - {x["child"]["ward"]
                                         for x in events(s, *event)}

    until_told(s, lambda: not missing(), lambda: f"no {event} of {missing()}")


def check_fates(s, data, died):
    wanted = {"g1": "term", "g2": "kill"}
    for tag, fate in wanted.items():
        for life in by_pid(s, data, tag):
            expect(life["f"] == fate, f"{tag}: {life['f']}, not {fate}")
            expect(tag in life["cmd"], f"{tag}: {life['cmd']}")
            least = GRACE + (TERM if fate == "kill" else 0)
            took = life["d"] - died
            expect(took > least - CLOSE, f"{tag} took {took:.3f}s")
            said = [e["e"] for e in life["ev"]]
            expect(said[:2] == ["ward", "verdict"] and "signal" in said
                   and said[-1] == "ended", f"{tag}: {said}")
            expect(all(life["b"] - CLOSE <= e["t"] <= life["d"] + CLOSE
                       for e in life["ev"]), f"{tag}: out of its life")
    for life in by_pid(s, data, "g0"):  # EOF, perhaps before the verdict
        expect(life["f"] in ("self", "eof"), f"g0: {life['f']}")
    two = sorted(x["f"] for x in by_pid(s, data, "g4"))
    expect(two == ["kill", "self"], f"g4: {two}")
    for life in data["lives"]:
        host = data["hosts"][life["h"]]
        expect(host["pid"] == s.met["host"][0].pid, f"host {host}")
    expect(data["strange"] == 0, f"{data['strange']} strange lines")


def check_trace(s, data):
    """The same as a trace: a slice a life, begun and ended at its times."""
    path = os.path.join(s.work, "trace.json")
    done = report(s, s.journal, "--trace", path)
    expect(done.returncode == 0, f"exit {done.returncode}: {done.stderr}")
    events = json.loads(s.read(path))["traceEvents"]
    os.unlink(path)
    for i, life in enumerate(data["lives"]):
        mine = [e for e in events if e.get("id") == str(i)]
        phases = "".join(e["ph"] for e in mine)
        expect(re.fullmatch("bn*e", phases), f"{life['cmd']}: {phases}")
        expect(mine[0]["name"] == mine[-1]["name"] == life["cmd"],
               f"called {mine[0]['name']}")
        expect(abs(mine[0]["ts"] - life["b"] * 1e6) < 2, "begun elsewhere")
        if "d" in life:
            expect(abs(mine[-1]["ts"] - life["d"] * 1e6) < 2,
                   "ended elsewhere")
    alive = [e["args"]["children"] for e in events if e["ph"] == "C"]
    expect(min(alive) >= 0 and max(alive) >= 4, f"alive: {alive}")


def line(t, event, pid=5, **more):
    child = {"pid": pid, "start": 9, "name": "w", "argv": ["w", "<b>"],
             "ward": pid, "ward_start": 9, "age": 1.0}
    return json.dumps({"time": t, "event": event, "child": child, **more})


GOOD = line(10, "ward") + "\n" + line(12, "end") + "\n"

# text of the journal: lives, what is said (None: nothing)
TEXTS = {
    "whole": (GOOD, 1, None),
    "empty": ("", 0, None),
    "cut": (GOOD + line(13, "ward", 6)[:40], 1, None),
    "unended": (GOOD.rstrip("\n"), 1, None),
    "rotated": (GOOD[30:], 1, "1 of 2 lines"),
    "garbage": ("\0\x80\xff\n" + GOOD + "{}\n\n[", 1, "2 of 4 lines"),
    "unknown": (GOOD + line(13, "blessed", 6) + '\n{"time":14,"event":"x"}\n',
                2, None),
}


def text(s, name):
    """Whatever state a journal is in, what can be drawn of it is."""
    content, lives, said = TEXTS[name]
    with open(s.journal, "wb") as f:
        f.write(content.encode("latin-1"))
    done = report(s, s.journal, "-o", "-")
    expect(done.returncode == 0, f"exit {done.returncode}: {done.stderr}")
    data = data_of(done.stdout.decode())
    expect(len(data["lives"]) == lives, f"{len(data['lives'])} lives")
    told = done.stderr.decode()
    expect(told.count("\n") == (said is not None) and (said or "") in told,
           f"said {told!r}")


def several(s):
    """The parts of a rotated journal, the oldest first, one by a pipe."""
    old = os.path.join(s.work, "journal.1")
    with open(old, "w") as f:
        f.write(line(10, "ward") + "\n")
    done = report(s, old, "-", "-o", "-",
                  stdin=line(12, "end").encode() + b"\n")
    os.unlink(old)
    lives = data_of(done.stdout.decode())["lives"]
    expect([(x["f"], x["b"], x["d"]) for x in lives] == [("self", 9, 12)],
           f"{lives}")


# arguments (J: a good journal, D: a directory): what must be said
MISUSES = {
    "no-journal": (["-o", "x"], "JOURNAL: missing"),
    "no-output": (["J"], "-o: missing"),
    "no-value": (["J", "-o"], "a value is missing"),
    "no-such-option": (["J", "-o", "x", "--frob"], "--frob: "),
    "both-stdout": (["J", "-o", "-", "--trace=-"], "can't both"),
    "not-there": (["nowhere", "-o", "x"], "nowhere: No such file"),
    "directory": (["D", "-o", "x"], "Is a directory"),
    "output-nowhere": (["J", "-o", "no/x"], "no/x: No such file"),
    "trace-nowhere": (["J", "-o", "x", "--trace", "no/x"], "no/x: No such"),
    "full": (["J", "-o", "/dev/full"], "/dev/full: No space"),
    "trace-full": (["J", "-o", "x", "--trace=/dev/full"], "/dev/full: No sp"),
    "no-journal-at-all": (["/etc/passwd", "-o", "x"], "no line of it is"),
    "one-is-none": (["/etc/passwd", "J", "-o", "x"], "/etc/passwd: no line"),
    "one-output": (["J", "-o", "x", "--trace=x"], "x: page and trace can't"),
}


def misuse(s, name):
    """Said in one line, exit 125, and the output that is there stays."""
    args, said = MISUSES[name]
    with open(s.journal, "w") as f:
        f.write(GOOD)
    kept = os.path.join(s.work, "x")
    with open(kept, "w") as f:
        f.write("kept")
    done = report(s, *({"J": s.journal, "D": s.dir}.get(a, a) for a in args))
    told = done.stderr.decode()
    expect(done.returncode == 125, f"exit {done.returncode}")
    first, *rest = told.splitlines()
    expect(first.startswith("childproof: report: ") and said in first,
           f"said {told!r}")
    usage = ["usage: " in r for r in rest]
    expect(usage in ([], [True]), f"said {told!r}")
    expect(s.read(kept) == "kept", "the output was spoilt")
    expect(os.listdir(s.work) == ["x"], f"left {os.listdir(s.work)}")
    os.unlink(kept)


def replaces(s):
    """The output is replaced as a whole; a link to it stays a link."""
    with open(s.journal, "w") as f:
        f.write(GOOD)
    old, link = os.path.join(s.work, "old"), os.path.join(s.work, "link")
    with open(old, "w") as f:
        f.write("old" * 100000)
    os.symlink("old", link)
    done = report(s, s.journal, "-o", link)
    expect(done.returncode == 0, f"exit {done.returncode}: {done.stderr}")
    expect(os.path.islink(link), "the link is gone")
    data_of(s.read(old))
    expect(sorted(os.listdir(s.work)) == ["link", "old"],
           f"left {os.listdir(s.work)}")


def help_and_usage(s):
    done = report(s, "--help")
    expect(done.returncode == 0 and not done.stderr, f"{done}")
    for word in (b"usage: ", b"-o", b"--trace", b"JOURNAL"):
        expect(word in done.stdout, f"no {word!r} in {done.stdout!r}")


def markup(s):
    """Nothing that a journal holds can end the element that it is in."""
    with open(s.journal, "w") as f:
        f.write(line(1, "ward", reason="</script><!-- & \u2028") + "\n")
    page = report(s, s.journal, "-o", "-").stdout.decode()
    expect(page.count("<b>") == 0 and "\\u003c/script>\\u003c!--" in page,
           "an element of the journal's own")
    life = data_of(page)["lives"][0]
    expect(life["cmd"] == "w <b>", life["cmd"])
    expect(life["ev"][0]["r"] == "</script><!-- & \u2028", f"{life['ev']}")


def cases():
    P = functools.partial
    for how in ("launcher", "preload"):
        yield Case(f"report/fates/{how}", P(fates, how=how), False)
    for name in TEXTS:
        yield Case(f"report/text-{name}", P(text, name=name), False)
    for name in MISUSES:
        yield Case(f"report/misuse-{name}", P(misuse, name=name), False)
    yield Case("report/several", several, False)
    yield Case("report/replaces", replaces, False)
    yield Case("report/help", help_and_usage, False)
    yield Case("report/markup", markup, False)
