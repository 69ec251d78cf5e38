# SPDX-License-Identifier: MIT
"""What reap, attach and metrics do; and why, of whom it is asked."""

import os
import re
import shutil
import stat
import subprocess
import sys
import time

from scene import (GRACE, LONG, PROMPT, SLACK, SPARE, TERM, TREE, Skipped,
                   expect)
from show_stage import (LONGER, STUBBORN, as_nobody, case, killed, peer_gone)
from waits import until

# Soon enough for `reap` not to give up, and late enough to be noticed.
REAP = {"term": "200ms"}


# --- why --------------------------------------------------------------------


def why(t):
    """A host, a child, a helper of one, a stranger, nobody."""
    host = t.host("wait", "mode=child", options=LONGER)
    t.s.gather(host=1, g0=1, g0_child=1)
    ward, helper = t.s.met["g0"][0], t.s.met["g0.child"][0]
    until(lambda: t.run("ps", helper.pid)[0] == 0, "the helper is not known")
    out = t.good("why", host.pid)
    expect(out.startswith(f"{host.pid} ") and
           "  host     of 1 stdio child, guarded by process " in out, out)
    out = t.good("why", ward.pid)
    for text in (f"  process  child of {host.pid}, ",
                 f"  child    of host {host.pid} ", "on a duplex pipe",
                 "  stdin    pipe ", "    host   writes on fd ",
                 f"    child  reads on fd 0: {ward.pid} ",
                 "  rule     the host lives\n",
                 "  state    live\n", "  next     nothing, "):
        expect(text in out, f"no {text!r} in {out}")
    out = t.good("why", helper.pid)
    expect(f"  member   of {ward.pid} " in out and "  rule " in out, out)
    out = t.good("why", os.getpid())
    expect("no guard knows it" in out, out)
    t.refused("why", 4194304 - 1, word="no such process")
    gone = subprocess.Popen(["true"])
    gone.wait()
    t.refused("why", gone.pid, word="no such process")
    killed(host)


# --- reap -------------------------------------------------------------------


def reap_peer_gone(t):
    """At once, in its grace; a dry run tells and changes nothing."""
    host, ward, other = peer_gone(t, REAP)
    t.is_shown(ward, "peer-gone")
    out = t.good("reap", "--dry-run")
    expect(out.startswith(f"would end {ward.pid} of {host.pid}: peer-gone: ")
           and out.count("\n") == 1, out)
    expect(not ward.dead(SPARE), "a dry run ended it")
    expect(t.children()[ward.pid]["state"] == "peer-gone", "it changed")
    t.refused("reap", other.pid, word="is live, not proven leaked")
    t.refused("reap", os.getpid(), word="no guard knows it")
    began = time.monotonic()
    out = t.good("reap")
    took = time.monotonic() - began
    expect(out.startswith(f"ended {ward.pid} of {host.pid}: peer-gone: ") and
           out.count("\n") == 1, out)
    expect(ward.dead(), "it said so, but it is there")
    expect(TERM - 0.01 < took < TERM + PROMPT + 1.0, f"took {took:.2f}s")
    expect(not other.dead(SPARE) and not host.dead(), "the living")
    expect("nothing is proven" in t.good("reap"), "again")
    sent = [x for x in t.s.journal_lines() if x.get("signal")]
    expect(len(sent) == 2 and all(x["reason"] for x in sent), f"{sent}")
    killed(host)


def not_reaped(t):
    """The control: it lives until its grace is over."""
    host, ward, _ = peer_gone(t, {"grace": "1500ms", **REAP})
    began = time.monotonic()
    t.is_shown(ward, "peer-gone")
    expect(not ward.dead(1.0), "ended before its grace")
    expect(ward.dead(LONG), "never ended")
    expect(time.monotonic() - began < 1.5 + TERM + 1.0, "late")
    killed(host)


def reap_by_pid(t, which):
    """The PID of a host, a child or a helper: its children and no others'."""
    host = t.host("wait", "mode=child", options={**LONGER, **REAP})
    t.s.gather(host=1, g0=1, g0_child=1)
    other = t.host("wait", STUBBORN, options={**LONGER, **REAP})
    t.s.gather(host=2, g0=2)
    ward, spared = t.s.met["g0"]
    helper = t.s.met["g0.child"][0]
    until(lambda: t.run("ps", helper.pid)[0] == 0 and
          spared.pid in t.children(), "not known")
    killed(host)
    killed(other)
    t.is_shown(ward, "orphan")
    t.is_shown(spared, "orphan")
    pid = {"host": host, "child": ward, "helper": helper}[which].pid
    out = t.good("reap", pid)
    expect(out.startswith(f"ended {ward.pid} ") and out.count("\n") == 1, out)
    expect(ward.dead() and helper.dead(), "it said so, but they are there")
    expect(not spared.dead(SPARE), "another host's child was ended")
    out = t.good("reap", "-n", other.pid)
    expect(out.startswith(f"would end {spared.pid} "), out)


def reap_live_host(t):
    host = t.host("wait", STUBBORN, options=LONGER)
    t.s.gather(host=1, g0=1)
    ward = t.s.wards()[0]
    t.is_shown(ward, "live")
    expect("nothing is proven" in t.good("reap", host.pid), "reap HOST")
    expect("nothing is proven" in t.good("reap", "--stale"), "--stale")
    t.refused("reap", "--stale", ward.pid, word="is live")
    for bad in (["1", "2"], ["x"], ["--no-such"]):
        status, out, err = t.run("reap", *bad)
        expect(status == 125 and out == "" and bad[-1] in err, f"{err!r}")
    expect(not ward.dead(SPARE), "it was ended")
    killed(host)


def hundreds(t):
    """More children than a process may have descriptors."""
    host = t.host("wait", "n=60", options={**LONGER, **REAP})
    t.s.gather(host=1, g0=60)
    until(lambda: len(t.children()) == 60, "not met")
    killed(host)
    until(lambda: [c["state"] for c in t.children().values()] ==
          ["orphan"] * 60, "not orphans")
    out = t.good("reap", before=["prlimit", "--nofile=32:32"])
    expect(out.count("ended ") == 60, out)
    alive = [w for w in t.s.wards() if not w.dead()]
    expect(not alive, f"said to have ended: {len(alive)}")


# --- attach -----------------------------------------------------------------

QUICKLY = ["--exit-grace=200ms", "--term=200ms", "--grace=200ms"]


def unguarded(t, kind):
    """A host that runs already, without us, and its stubborn child."""
    if kind == "python":
        argv = [sys.executable,
                os.path.join(TREE, "tests", "hosts", "py_host.py"), "popen",
                t.s.meet, t.s.program("ward"), "stubborn"]
        host = t.s.start(argv, how="bare", before=t.before())
    else:
        host = t.host("wait", STUBBORN, prog="host.static", how="bare")
    t.s.gather(host=1, g0=1)
    return host, t.s.wards()[0]


def attached(t, kind):
    host, ward = unguarded(t, kind)
    began = time.monotonic()
    out = t.good("attach", *QUICKLY, f"--journal={t.s.journal}", host.pid)
    expect(time.monotonic() - began < 2.0, "it was slow")
    expect(out.startswith(f"{host.pid} is guarded by census"), out)
    out = t.good("attach", "--list")
    expect(out.startswith(f"{host.pid}\t") and out.count("\n") == 1, out)
    until(lambda: ward.pid in t.children(host.pid), "never found")
    expect(t.json()["hosts"][0]["census"] is True, "census")
    expect("by census" in t.good("ps"), "ps does not tell")
    t.refused("attach", host.pid, word="is guarded already")
    killed(host)
    expect(ward.dead(GRACE + TERM + PROMPT + SLACK), "it leaked")
    t.nobody_left()
    events = [x["event"] for x in t.s.journal_lines()]
    expect("attached" in events, f"{events}")


def not_attached(t, kind):
    """The control: the same child leaks."""
    host, ward = unguarded(t, kind)
    killed(host)
    expect(not ward.dead(SPARE), "no leak")


def detached(t):
    host, ward = unguarded(t, "static")
    t.good("attach", *QUICKLY, host.pid)
    until(lambda: ward.pid in t.children(host.pid), "never found")
    expect(t.good("attach", "--detach", host.pid) == "", "it said something")
    t.nobody_left()
    expect(t.good("attach", "--list") == "", "still listed")
    t.refused("attach", "--detach", host.pid, word="was not attached")
    killed(host)
    expect(not ward.dead(GRACE + TERM + SPARE), "ended though it was let go")


def attached_again(t):
    """After it was let go of."""
    host, ward = unguarded(t, "static")
    for _ in range(3):
        t.good("attach", *QUICKLY, host.pid)
        until(lambda: ward.pid in t.children(host.pid), "never found")
        t.good("attach", "--detach", host.pid)
        t.nobody_left()
    t.good("attach", *QUICKLY, host.pid)
    until(lambda: ward.pid in t.children(host.pid), "never found")
    killed(host)
    expect(ward.dead(GRACE + TERM + PROMPT + SLACK), "it leaked")


def attached_at_once(t):
    """By several clients: whoever got it, it is guarded, and let go of."""
    host, ward = unguarded(t, "static")
    clients = [subprocess.Popen(
        [*t.before(), t.s.part("childproof"), "attach", *QUICKLY,
         str(host.pid)], env=t.s.environment(), stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL) for _ in range(4)]
    told = [c.wait(LONG) for c in clients]
    expect(0 in told and set(told) <= {0, 1}, f"{told}")
    until(lambda: ward.pid in t.children(host.pid), "never found")
    t.good("attach", "--detach", host.pid)
    t.nobody_left()
    killed(host)
    expect(not ward.dead(GRACE + TERM + SPARE), "ended though it was let go")


def attach_refuses(t):
    """One line that says why, and no guard is left behind."""
    host = t.host("wait", STUBBORN, options=LONGER)
    t.s.gather(host=1, g0=1)
    until(lambda: len(t.children()) == 1, "not met")
    parts = len(t.guards())
    guard = t.json()["hosts"][0]["guard"]
    gone = subprocess.Popen(["true"])
    rows = {host.pid: "is guarded already", 1: "first process",
            4194304 - 1: "no such process", guard: "is a guard",
            gone.pid: "no such process"}
    os.waitid(os.P_PID, gone.pid, os.WEXITED | os.WNOWAIT)
    for pid, word in rows.items():
        t.refused("attach", pid, word=word)
    gone.wait()
    script = f'exec {t.s.part("childproof")} attach $$'
    itself = subprocess.run([*t.before(), "sh", "-c", script],
                            env=t.s.environment(), capture_output=True,
                            text=True)
    expect(itself.returncode == 1 and "itself" in itself.stderr, f"{itself}")
    t.refused("attach", "--detach", host.pid, word="was not attached")
    for bad in ([], ["1", "2"], ["x"], ["--grace=soon", "1"], ["0"]):
        status, out, err = t.run("attach", *bad)
        expect(status == 125 and out == "", f"{bad}: {status} {err!r}")
    expect(len(t.guards()) == parts, "a guard was started")
    killed(host)


def attach_anothers(t):
    before = as_nobody()
    host, _ = unguarded(t, "static")
    t.refused("attach", host.pid, word="another user's", before=before)
    expect(not t.guards(), "a guard was started")
    killed(host)


# --- metrics ----------------------------------------------------------------


def parse(text):
    """{name{labels}: value}, after a check of the format."""
    kinds, values = {}, {}
    told = None
    for line in text.splitlines():
        words = line.split(" ", 3)
        if line.startswith("# HELP "):
            told = words[2]
            expect(told not in kinds and len(words) == 4, line)
        elif line.startswith("# TYPE "):
            expect(words[2] == told and words[3] in ("counter", "gauge"),
                   line)
            kinds[told] = words[3]
        else:
            m = re.fullmatch(r"(\w+)((?:\{\w+=\"[\w-]+\"(?:,\w+=\"[\w-]+\")*"
                             r"\})?) ([0-9.]+)", line)
            expect(m and m[1] == told and m[1] in kinds, line)
            expect(m[1].startswith("childproof_") and
                   m[1].endswith("_total") == (kinds[told] == "counter"),
                   line)
            expect(m[1] + m[2] not in values, f"twice: {line}")
            values[m[1][len("childproof_"):] + m[2]] = float(m[3])
    expect(text.endswith("\n"), "no newline at the end")
    return values


def promtool(*args, **how):
    if shutil.which("promtool") is None:
        raise Skipped("no promtool here (Debian: prometheus)")
    done = subprocess.run(["promtool", "check", *args], capture_output=True,
                          **how)
    expect(done.returncode == 0, f"promtool: {done.stdout} {done.stderr}")


def counts(t):
    """The numbers are those of what was done."""
    host = t.host("wait", STUBBORN, "n=2,mode=eof",
                  options={**LONGER, "exit-grace": "0s", "term": "200ms"})
    t.s.gather(host=1, g0=1, g1=2)
    other = t.host("wait", STUBBORN, options=LONGER)
    t.s.gather(host=2, g0=2)
    until(lambda: len(t.children()) == 4, "not met")
    m = parse(t.good("metrics"))
    expect(m["guards"] == 2 and m["hosts"] == 2 and
           m['children{state="live"}'] == 4 and m["children_total"] == 4,
           f"{m}")
    expect(sum(v for k, v in m.items() if k.startswith("reaped")) == 0 and
           m['signals_total{signal="TERM"}'] == 0, f"{m}")
    expect(m["guard_memory_bytes"] > 0, f"{m}")
    killed(host)
    killed(other)


def verdicts(t):
    host, ward, other = peer_gone(t, {"grace": "0s", **REAP})
    expect(ward.dead(LONG), "never ended")
    key = 'reaped_total{rule="peer-gone",step="KILL"}'
    until(lambda: parse(t.good("metrics"))[key] == 1, "it is not counted")
    m = parse(t.good("metrics"))
    expect(m['verdicts_total{rule="peer-gone"}'] == 1 and
           m['signals_total{signal="TERM"}'] == 1 and
           m['signals_total{signal="KILL"}'] == 1 and
           m["children_total"] == 2 and m["children_ended_total"] == 0 and
           m['children{state="live"}'] == 1 and
           m['children{state="unwaited"}'] == 1, f"{m}")
    other.kill()
    until(lambda: parse(t.good("metrics"))["children_ended_total"] == 1,
          "its own end is not counted")
    killed(host)


def replaced(t):
    host = t.host("wait", STUBBORN, options=LONGER)
    t.s.gather(host=1, g0=1)
    until(lambda: len(t.children()) == 1 and len(t.guards()) == 2, "not met")
    os.kill(t.json()["hosts"][0]["guard"], 9)
    until(lambda: parse(t.good("metrics")).get("guards_replaced_total") == 1,
          "it is not counted")
    killed(host)


def checked(t):
    host = t.host("wait", STUBBORN, options=LONGER)
    t.s.gather(host=1, g0=1)
    until(lambda: len(t.children()) == 1, "not met")
    text = t.good("metrics")
    parse(text)
    promtool("metrics", input=text.encode())
    killed(host)


def rules(t):
    """The alerts that we ship: well formed, and of what there is."""
    path = os.path.join(TREE, "tools", "childproof.rules.yml")
    with open(path) as f:
        names = set(re.findall(r"childproof_(\w+)", f.read()))
    there = {re.split(r"\{", k)[0] for k in parse(t.good("metrics"))}
    expect(names and names <= there, f"no such metric: {names - there}")
    promtool("rules", path)


def textfile(t):
    """In one piece, for another user to read; or an error, and no file."""
    path = os.path.join(t.s.work, "out.prom")
    t.good("metrics", f"--textfile={path}")
    first = os.stat(path)
    expect(stat.S_IMODE(first.st_mode) == 0o644, f"{first.st_mode:o}")
    with open(path) as f:
        parse(f.read())
        t.good("metrics", "--textfile", path)
        expect(os.stat(path).st_ino != first.st_ino, "it was written over")
        f.seek(0)
        parse(f.read())  # what a collector has open stays whole
    expect(os.listdir(t.s.work) == ["out.prom"], os.listdir(t.s.work))
    os.unlink(path)
    for bad in ("/no/such/directory/x.prom", "/proc/x.prom", "/"):
        t.refused("metrics", f"--textfile={bad}", word=bad, status=125)
    with open("/dev/full", "wb") as full:
        done = subprocess.run([*t.before(), t.s.part("childproof"),
                               "metrics"], stdout=full, env=t.s.environment(),
                              stderr=subprocess.PIPE)
    expect(done.returncode == 125 and done.stderr.count(b"\n") == 1,
           f"{done}")


def cases():
    yield case("why", why)
    for run in (reap_peer_gone, reap_live_host):
        yield case("reap/" + run.__name__[5:].replace("_", "-"), run)
    yield case("reap/not", not_reaped)
    yield case("reap/hundreds", hundreds)
    for which in ("host", "child", "helper"):
        yield case(f"reap/by-pid/{which}", reap_by_pid, which=which)
    for kind in ("static", "python"):
        yield case(f"attach/{kind}", attached, kind=kind)
        yield case(f"bare/attach/{kind}", not_attached, bare=True, kind=kind)
    yield case("attach/detach", detached)
    yield case("attach/again", attached_again)
    yield case("attach/at-once", attached_at_once)
    yield case("attach/refuses", attach_refuses)
    yield case("attach/anothers", attach_anothers)
    for run in (counts, verdicts, replaced, checked, rules, textfile):
        yield case(f"metrics/{run.__name__}", run)
