# SPDX-License-Identifier: MIT
"""What ps and why show of real hosts, and to whom."""

import json
import os
import re
import signal
import subprocess
import sys
import time

import proc
from scene import GRACE, LONG, PROMPT, SLACK, SPARE, TERM, TREE, expect
from show_stage import (LONGER, STUBBORN, as_nobody, case, child_gone, killed,
                        peer_gone)
from waits import until

# --- ps ---------------------------------------------------------------------


def without_guard(t):
    status, out, err = t.run("ps")
    expect(status == 0 and out == "", f"exit {status}, {out!r}")
    expect("no guard runs" in err and "scan" in err, f"stderr: {err!r}")
    empty = t.json()
    expect(empty == {"schema": 1, "guards": 0, "foreign": 0, "silent": 0,
                     "hosts": []}, f"json: {empty}")
    t.refused("ps", 1, word="no guard runs")
    expect("nothing is proven" in t.good("reap"), "reap")
    expect(t.good("attach", "--list") == "", "attach --list")
    expect("childproof_guards 0\n" in t.good("metrics"), "metrics")


HOST = {"pid": int, "start": int, "guard": int, "command": str, "state": str,
        "census": bool, "nested": bool, "age": int, "rss": int, "cpu": float,
        "children": list}
CHILD = {"pid": int, "start": int, "command": str, "state": str,
         "channel": str, "age": int, "rss": int, "cpu": float,
         "processes": int}
PERHAPS = {"idle": int, "due": int, "thread": int, "host": int}


def is_typed(record, names, perhaps=()):
    for name, kind in names.items():
        expect(type(record.get(name)) is kind, f"{name} of {record}")
    for name in set(record) - set(names):
        expect(name in perhaps and type(record[name]) is int,
               f"{name} of {record}")


def schema(t):
    """--json: names, types, and the same facts as the table."""
    host = t.host("wait", "n=2", "wire=socketpair,mode=echo",
                  options={**LONGER, "idle": "1h"})
    t.s.gather(host=1, g0=2, g1=1)
    until(lambda: len(t.children()) == 3, "three children")
    whole = t.json()
    is_typed(whole, {"schema": int, "guards": int, "foreign": int,
                     "silent": int, "hosts": list})
    expect(whole["guards"] == 1 and whole["silent"] == 0, f"{whole}")
    (one,) = whole["hosts"]
    is_typed(one, HOST)
    expect(one["pid"] == host.pid and one["guard"] in
           [g.pid for g in t.guards()], f"{one}")
    expect(one["rss"] > 0 and one["state"] == "live", f"{one}")
    wards = {w.pid for w in t.s.wards()}
    expect({c["pid"] for c in one["children"]} == wards, f"{one}")
    for c in one["children"]:
        is_typed(c, CHILD, PERHAPS)
        expect(c["rss"] > 0 and c["processes"] == 1 and c["state"] == "live",
               f"{c}")
    channels = sorted(c["channel"] for c in one["children"])
    expect(channels == ["duplex pipe"] * 2 + ["duplex socket"], channels)
    table = t.good("ps").splitlines()
    expect(len(table) == 6, f"table: {table}")
    for c in one["children"]:
        (line,) = [x for x in table if re.search(rf"\D{c['pid']} ", x)]
        expect(c["channel"] in line and "live" in line and "ward " in line,
               f"{line} of {c}")
    expect(table[-1].startswith("1 host, 3 children (") and
           table[-1].endswith(": 3 live"), table[-1])
    killed(host)


def by_pid(t):
    """A host, a child or a helper of one: its tree, and no other's."""
    first = t.host("wait", "mode=child", options=LONGER)
    t.s.gather(host=1, g0=1, g0_child=1)
    second = t.host("wait", STUBBORN, options=LONGER)
    t.s.gather(host=2, g0=2)
    until(lambda: len(t.children()) == 2, "two children")
    ward, other = t.s.met["g0"]
    helper = t.s.met["g0.child"][0]
    expect(set(t.children(first.pid)) == {ward.pid}, "ps HOST")
    expect(set(t.children(ward.pid)) == {ward.pid}, "ps CHILD")
    expect(set(t.children(other.pid)) == {other.pid}, "ps CHILD")
    until(lambda: t.run("ps", helper.pid)[0] == 0, "ps HELPER")
    expect(set(t.children(helper.pid)) == {ward.pid}, "ps HELPER")
    out = t.good("ps", second.pid)
    expect(str(other.pid) in out and str(ward.pid) not in out, out)
    t.refused("ps", os.getpid(), word="no guard knows it")
    for bad in ("0", "-1", "x", "1x", "99999999999"):
        status, out, err = t.run("ps", "--", bad)
        expect(status == 125 and out == "" and bad in err, f"{bad}: {err!r}")
    killed(first)
    killed(second)


def nested(t):
    """A host that is the child of a host: one tree."""
    script = os.path.join(TREE, "tests", "hosts", "brood.py")
    s = t.s
    outer = s.start([sys.executable, script], before=t.before(),
                    options=LONGER, stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE)
    words = ["spawn", "a", "main", s.work, s.program("host"), s.meet, "wait",
             "mode=stubborn"]
    outer.child.stdin.write((" ".join(words) + "\n").encode())
    outer.child.stdin.flush()
    s.gather(host=1, g0=1)
    inner, ward = s.met["host"][0], s.met["g0"][0]
    until(lambda: ward.pid in t.children() and inner.pid in t.children(),
          "both are known")
    hosts = {h["pid"]: h for h in t.json()["hosts"]}
    expect(set(hosts) == {outer.pid, inner.pid}, f"{hosts}")
    expect(hosts[inner.pid]["nested"] and not hosts[outer.pid]["nested"],
           f"{hosts}")
    child = t.children(outer.pid)[inner.pid]
    expect(child.get("host") == inner.pid, f"{child}")
    expect(child["processes"] == 2, f"{child}")
    lines = t.good("ps", env={"LANG": "C"}).splitlines()
    expect([x.split("  ")[0].split(" ")[0] for x in lines[1:3]] ==
           [str(outer.pid), f"`-{inner.pid}"], f"{lines}")
    expect(lines[3].startswith(f"  `-{ward.pid} "), f"{lines}")
    expect("└─" in t.good("ps", env={"LANG": "C.UTF-8"}), "no lines drawn")
    out = t.good("why", inner.pid)
    expect("  host     of 1 stdio child," in out and
           f"  child    of host {outer.pid} " in out, out)
    killed(outer)
    for pipe in (outer.child.stdin, outer.child.stdout):
        pipe.close()


def state_live(t):
    host = t.host("wait", STUBBORN, options=LONGER)
    t.s.gather(host=1, g0=1)
    t.is_shown(t.s.wards()[0], "live")
    killed(host)


def state_idle(t):
    host = t.host("wait", STUBBORN, options={**LONGER, "idle": "400ms"})
    t.s.gather(host=1, g0=1)
    t.is_shown(t.s.wards()[0], "idle")
    killed(host)


def state_peer_gone(t):
    host, ward, other = peer_gone(t)
    t.is_shown(ward, "peer-gone")
    due = t.children()[ward.pid]["due"]
    expect(3500 < due <= 3600, f"due in {due}s")
    t.is_shown(other, "live")
    killed(host)


def state_child_gone(t):
    host, shell, server = child_gone(t)
    t.is_shown(shell, "child-gone")
    t.refused("reap", shell.pid, word="silence")
    out = t.good("why", server.pid)
    expect(f"  member   of {shell.pid} " in out and
           "  state    child-gone" in out and "direct child is dead" in out,
           out)
    expect(not server.dead(SPARE), "it was ended")
    killed(host)


def state_orphan(t):
    host = t.host("wait", STUBBORN, options=LONGER)
    t.s.gather(host=1, g0=1)
    ward = t.s.wards()[0]
    until(lambda: ward.pid in t.children(), "not met")
    killed(host)
    t.is_shown(ward, "orphan")
    (one,) = t.json()["hosts"]
    expect(one["state"] == "dead" and one["rss"] == 0, f"{one}")


def state_ending(t):
    host = t.host("wait", STUBBORN, options={**LONGER, "exit-grace": "0s"})
    t.s.gather(host=1, g0=1)
    ward = t.s.wards()[0]
    until(lambda: ward.pid in t.children(), "not met")
    killed(host)
    t.is_shown(ward, "ending")
    out = t.good("why", ward.pid)
    expect("SIGTERM was sent; SIGKILL in 35" in out, out)


def state_unwaited(t):
    host = t.host("wait", STUBBORN, options=LONGER)
    t.s.gather(host=1, g0=1)
    ward = t.s.wards()[0]
    until(lambda: ward.pid in t.children(), "not met")
    ward.kill()
    t.is_shown(ward, "unwaited")
    killed(host)


def state_spared(t):
    host = t.host("wait", STUBBORN, options={**LONGER, "spare": "ward"})
    t.s.gather(host=1, g0=1)
    t.is_shown(t.s.wards()[0], "spared")
    killed(host)


def state_stale(t):
    """dry-run: it is told, and nobody is ended; only --stale does it."""
    host = t.host("wait", "n=2,mode=stubborn",
                  options={**LONGER, "term": "100ms", "keep": "1",
                           "idle": "400ms", "dry-run": "yes"})
    t.s.gather(host=1, g0=2)
    old, new = sorted(t.s.wards(), key=lambda w: w.pid)
    until(lambda: "stale" in [c["state"] for c in t.children().values()],
          "nobody is stale")
    stale = {p for p, c in t.children().items() if c["state"] == "stale"}
    expect(len(stale) == 1, f"{stale}")
    ward, kept = (old, new) if old.pid in stale else (new, old)
    expect("reap --stale ends it" in t.good("why", ward.pid), "why")
    t.refused("reap", ward.pid, word="--stale")
    expect("nothing is proven" in t.good("reap"), "reap")
    out = t.good("reap", "--stale", "--dry-run")
    expect(out.startswith(f"would end {ward.pid} of {host.pid}: stale"), out)
    expect(not ward.dead(SPARE), "a dry run ended it")
    out = t.good("reap", "--stale")
    expect(out.startswith(f"ended {ward.pid} ") and ward.dead(), out)
    expect(not kept.dead(), "the one that is kept was ended")
    killed(host)


# --- how it looks -----------------------------------------------------------


def on_terminal(t, *args, **env):
    """What `childproof ARGS` writes to a terminal."""
    master, slave = os.openpty()
    child = subprocess.Popen(
        [*t.before(), t.s.part("childproof"), *map(str, args)],
        env={**t.s.environment(), "TERM": "xterm", **env}, stdout=slave,
        stderr=slave, stdin=slave)
    os.close(slave)
    text = b""
    try:
        while True:
            got = os.read(master, 4096)
            if not got:
                break
            text += got
    except OSError:  # EIO: it has ended
        pass
    os.close(master)
    expect(child.wait(LONG) == 0, f"exit {child.returncode}: {text!r}")
    return text.decode()


ANSI = re.compile(r"\x1b\[[0-9;]*m")


def widths(t):
    host = t.host("wait", "n=3", options=LONGER)
    t.s.gather(host=1, g0=3)
    until(lambda: len(t.children()) == 3, "three children")
    for columns in (60, 75, 200):
        text = on_terminal(t, "ps", COLUMNS=str(columns))
        plain = ANSI.sub("", text)
        expect(plain != text, "no colour on a terminal")
        wide = [x for x in plain.splitlines() if len(x.rstrip()) > columns]
        expect(not wide, f"wider than {columns}: {wide}")
    expect("..." in ANSI.sub("", on_terminal(t, "ps", COLUMNS="75")),
           "nothing was cut")
    for env in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        expect("\x1b" not in on_terminal(t, "ps", **env), f"colour, {env}")
    expect("\x1b" not in t.good("ps", env={"TERM": "xterm"}),
           "colour in a pipe")
    killed(host)


NASTY = [b"\x1b[2J\x1b]0;owned\x07", b"\xff\xfe\xc3(", b"\xed\xa0\x80",
         b"a\nb\tc\rd", "\u202egpj.exe".encode(), b"\x9b31m", b'"}],"x":[{',
         "grün".encode()]


def nasty(t, locale):
    """Whatever a command line holds, it can't do anything when shown."""
    s = t.s
    script = ("import subprocess, sys, os\n"
              "p = subprocess.Popen([sys.argv[1].encode(), b'-c', b'read x',"
              " *map(bytes.fromhex, sys.argv[2:])], stdin=subprocess.PIPE,"
              " stdout=subprocess.PIPE)\n"
              "print(p.pid, flush=True)\n"
              "sys.stdin.read()\n")
    host = s.start([sys.executable, "-c", script, "/bin/sh",
                    *[x.hex() for x in NASTY]], before=t.before(),
                   options=LONGER, stdin=subprocess.PIPE,
                   stdout=subprocess.PIPE)
    pid = int(host.child.stdout.readline())
    ward = proc.Proc(pid, "sh")
    s.all.append(ward)
    env = {"LANG": locale, "LC_ALL": locale}
    until(lambda: pid in t.children(), "not met")
    command = t.json(env=env)["hosts"][0]["children"][0]["command"]
    texts = [command, t.good("ps", env=env), t.good("why", pid, env=env)]
    for text in texts:
        bad = [c for c in text if not (c.isprintable() or c == "\n")]
        expect(not bad, f"{bad} in {text!r}")
        expect("owned" in text, f"not shown at all: {text!r}")
    expect("\n" not in command, "a line of its own")
    if locale != "C":
        expect("grün" in command, f"{command!r}")
    killed(host)
    host.child.stdin.close()
    host.child.stdout.close()


# --- who asks, and how ------------------------------------------------------

def another_user(t):
    """Nobody learns nothing of root's, and can do nothing to it."""
    before = as_nobody()
    host, ward, _ = peer_gone(t)
    t.is_shown(ward, "peer-gone")
    parts = len(t.guards())
    status, out, err = t.run("ps", before=before)
    expect(status == 0 and out == "", f"exit {status}: {out!r}")
    expect("1 guard of other users" in err, f"{err!r}")
    whole = t.json(before=before)
    expect(whole["foreign"] == 1 and whole["hosts"] == [], f"{whole}")
    t.refused("reap", ward.pid, word="no guard knows it", before=before)
    expect("nothing" in t.good("reap", before=before), "reap")
    t.refused("attach", host.pid, word="another user's", before=before)
    expect("childproof_guards 0\n" in t.good("metrics", before=before),
           "metrics")
    expect(len(t.guards()) == parts, "a guard was started")
    expect(not ward.dead(SPARE), "it was ended")
    killed(host)


def stopped(t):
    """It is said to be silent, after a second, and never waited for."""
    host = t.host("wait", STUBBORN, options=LONGER)
    t.s.gather(host=1, g0=1)
    until(lambda: len(t.children()) == 1, "not met")
    guard = proc.Proc(t.json()["hosts"][0]["guard"], "guard")
    guard.kill(signal.SIGSTOP)
    for args, out in ((["ps"], ""), (["reap"], "nothing is proven leaked\n")):
        began = time.monotonic()
        status, said, err = t.run(*args)
        took = time.monotonic() - began
        expect(status == 0 and said == out, f"{args}: {status}, {said!r}")
        expect(0.9 < took < 3.0, f"{args} took {took:.2f}s")
        expect(args != ["ps"] or "1 guard did not answer" in err, f"{err!r}")
    expect(t.json()["silent"] == 1, "silent")
    guard.kill(signal.SIGCONT)
    until(lambda: len(t.children()) == 1, "it does not answer again")
    killed(host)


def many_clients(t):
    """Fifty at once: each gets its answer."""
    host = t.host("wait", "n=20", options=LONGER)
    t.s.gather(host=1, g0=20)
    until(lambda: len(t.children()) == 20, "twenty children")
    clients = [subprocess.Popen(
        [*t.before(), t.s.part("childproof"), "ps", "--json"],
        env=t.s.environment(), stdout=subprocess.PIPE) for _ in range(50)]
    for c in clients:
        out = c.communicate(timeout=60)[0]
        whole = json.loads(out)
        expect(c.returncode == 0 and whole["silent"] == 0 and
               len(whole["hosts"][0]["children"]) == 20,
               f"exit {c.returncode}: {out[:200]}")
    killed(host)


# Fills a guard's socket for TIME seconds, and reads no answer.
FLOOD = r"""
import os, random, socket, sys, time
name, kind, end = sys.argv[1], sys.argv[2], time.monotonic() + 2.0
msg = bytes.fromhex(sys.argv[3])
socks = []
for _ in range(50):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    s.bind("")
    s.connect("\0" + name)
    s.setblocking(False)
    socks.append(s)
print("began", flush=True)
n = 0
while time.monotonic() < end:
    s = socks[n % len(socks)]
    n += 1
    try:
        s.send(msg if kind == "query" else
               os.urandom(random.choice((0, 1, len(msg), 4096))))
    except OSError:
        pass
"""


def query_bytes():
    """The question as ask.c puts it: 4 bytes magic, 2 type, the rest 0."""
    text = open(os.path.join(TREE, "shim", "common", "wire.h")).read()
    version = int(re.search(r"CP_WIRE_VERSION (\d+)u", text).group(1))
    names = re.findall(r"^\tCP_MSG_(\w+)(?: = 1)?,$", text, re.M)
    size = 48 + 2 * 24 + 32
    head = (0x43500000 | version).to_bytes(4, sys.byteorder)
    kind = (names.index("QUERY") + 1).to_bytes(2, sys.byteorder)
    return (head + kind).ljust(size, b"\0")


def socket_name(t):
    out = subprocess.run([*t.before(), "cat", "/proc/net/unix"],
                         capture_output=True, text=True).stdout
    return re.search(r"@(childproof/\S+)", out).group(1)


def flood(t, kind):
    """The guard reaps in time all the same."""
    host = t.host("wait", STUBBORN, options={"exit-grace": "200ms"})
    t.s.gather(host=1, g0=1)
    ward = t.s.wards()[0]
    until(lambda: ward.pid in t.children(), "not met")
    client = subprocess.Popen(
        [*t.before(), sys.executable, "-c", FLOOD, socket_name(t), kind,
         query_bytes().hex()], stdout=subprocess.PIPE)
    client.stdout.readline()
    killed(host)
    expect(ward.dead(GRACE + TERM + PROMPT + 4 * SLACK), "still there")
    expect(client.poll() is None, "the flood was over before")
    client.kill()
    client.communicate()
    t.nobody_left()


def question_is_right(t):
    """What flood() sends is a question, that gets an answer with a file."""
    host = t.host("wait", STUBBORN, options=LONGER)
    t.s.gather(host=1, g0=1)
    until(lambda: len(t.children()) == 1, "not met")
    script = ("import socket, sys\n"
              "s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)\n"
              "s.bind(''); s.connect('\\0' + sys.argv[1])\n"
              "s.send(bytes.fromhex(sys.argv[2])); s.settimeout(5)\n"
              "got = socket.recv_fds(s, 4096, 1)\n"
              "print(len(got[0]), len(got[1]))\n")
    out = subprocess.run([*t.before(), sys.executable, "-c", script,
                          socket_name(t), query_bytes().hex()],
                         capture_output=True, text=True)
    expect(out.stdout == f"{len(query_bytes())} 1\n", f"{out}")
    killed(host)


def cases():
    yield case("show/without-guard", without_guard)
    for run in (schema, by_pid, nested, widths, another_user, stopped,
                many_clients, question_is_right):
        yield case("show/" + run.__name__.replace("_", "-"), run)
    for name, run in list(globals().items()):
        if name.startswith("state_"):
            yield case("show/" + name.replace("_", "-"), run)
    for locale in ("C", "C.UTF-8"):
        yield case(f"show/nasty/{locale}", nasty, locale=locale)
    for kind in ("query", "garbage"):
        yield case(f"show/flood/{kind}", flood, kind=kind)
