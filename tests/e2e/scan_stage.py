# SPDX-License-Identifier: MIT
"""One scene for `childproof scan`, in a PID namespace of its own.

	scan_stage.py BUILD SCENE

A scan looks at all processes, and --reap may end any of them: the scenes must
not meet, so scan.py starts each of them by tests/alone.  A scene starts hosts
that end, and says of each process that they left what is to be found.  There
is always one plain orphan besides: that it is ended shows that the reaping
took place from which the others were spared.
"""

import contextlib
import json
import os
import pty
import select
import socket
import subprocess
import sys
import time

import proc
from scene import LONG, expect, Failed

BUILD = sys.argv[1] if len(sys.argv) > 1 else "."
CHILDPROOF = os.path.join(BUILD, "childproof")
QUICK = ["--exit-grace=50ms", "--term=2s"]

# What a host can do, for the scripts below.
HOST = """
import ctypes, json, os, signal, socket, subprocess, sys
PIPE, NULL = subprocess.PIPE, subprocess.DEVNULL
made = {}
SLEEP = ["sleep", "1000"]
def server(name, argv=SLEEP, **how):
    p = subprocess.Popen(argv, **{"stdin": PIPE, "stdout": PIPE, **how})
    made[name] = p.pid
    return p
def pairs(name, argv=SLEEP):
    mine, his = zip(socket.socketpair(), socket.socketpair())
    server(name, argv, stdin=his[0], stdout=his[1])
    return mine
def script(code):
    return [sys.executable, "-c", code]
def subreaper():
    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)
def tell():
    print(json.dumps(made), flush=True)
def die():
    tell()
    sys.stdin.read()
    os.kill(os.getpid(), signal.SIGKILL)
"""

# A server that says the PID of a child or of itself on stderr, once it is
# what it is to be, and stays.
SAYS = """
import os, signal, socket, sys
def say(n):
    os.write(2, b"%d\\n" % n)
    os.close(2)
    while True:
        signal.pause()
"""

# Double fork, in the same session: the one between ends.
TWICE = SAYS + """
if os.fork():
    os._exit(0)
say(os.getpid())
"""

LISTEN_TCP = SAYS + """
s = socket.socket()
s.bind(("127.0.0.1", 0))
s.listen()
say(os.getpid())
"""

LISTEN_UNIX = SAYS + """
s = socket.socket(socket.AF_UNIX)
s.bind("")
s.listen()
say(os.getpid())
"""

# Its child is a daemon of its own, though its parent still lives.
HAS_DAEMON = SAYS + """
r, w = os.pipe()
if os.fork() == 0:
    null = os.open("/dev/null", os.O_RDWR)
    os.setsid()
    for fd in 0, 1, 2:
        os.dup2(null, fd)
    os.close(r)
    os.write(w, b"%d" % os.getpid())
    os.close(w)
    signal.pause()
os.close(w)
say(int(os.read(r, 16)))
"""

HAS_TCP_CHILD = SAYS + """
if os.fork() == 0:
    s = socket.socket()
    s.bind(("127.0.0.1", 0))
    s.listen()
    say(os.getpid())
os.close(2)
signal.pause()
"""


class Stage:
    def __init__(self):
        self.procs = {}   # name → Proc
        self.expected = {}  # name → (verdict, reason), or None: not listed
        self.ends = set()   # names of those that --reap is to end
        self.keep = []

    def know(self, name, pid, verdict=None, reason=None):
        self.procs[name] = proc.Proc(pid, name)
        self.expected[name] = (verdict, reason) if verdict else None
        if verdict == "orphan":
            self.ends.add(name)

    def start(self, code, **how):
        """A host, in a session of its own; what it made."""
        host = subprocess.Popen(
            [sys.executable, "-c", HOST + code], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, start_new_session=True, **how)
        self.keep.append(host)
        return host, json.loads(host.stdout.readline())

    def leave(self, code, expected, **how):
        """A host that leaves what it made."""
        host, made = self.start(code + "\ndie()", **how)
        for name, verdict in expected.items():
            self.know(name, made[name], *(verdict or ()))
        host.stdin.close()
        host.wait(LONG)
        host.stdout.close()

    def control(self):
        self.leave("server('control')", {"control": ORPHAN})

    def scan(self, *args, code=None):
        done = subprocess.run([CHILDPROOF, "scan", "--json", *args],
                              stdin=subprocess.DEVNULL, timeout=LONG,
                              stdout=subprocess.PIPE)
        expect(code is None or done.returncode == code,
               f"exit status {done.returncode}, not {code}: {done.stdout}")
        said = json.loads(done.stdout)
        expect((said["schema"], said["version"], said["complete"])
               == ("childproof-scan", 1, True), f"schema: {said}")
        return {p["pid"]: p for p in said["processes"]}, said["summary"]

    def check(self, found):
        for name, expected in self.expected.items():
            p = found.get(self.procs[name].pid)
            got = p and (p["verdict"], p["reason"])
            expect(got == expected, f"{name}: {got}, not {expected}")
        known = {p.pid for p in self.procs.values()}
        orphans = {pid for pid, p in found.items()
                   if p["verdict"] == "orphan"}
        expect(orphans <= known, f"also orphans: {orphans - known}")

    def now_an_orphan(self, name):
        self.expected = {name: ORPHAN}
        self.procs = {name: self.procs[name]}
        self.ends = {name}

    def verify(self, *args):
        """Looks, reaps, and looks who lives."""
        self.control()
        found, summary = self.scan(*args, code=1)
        self.check(found)
        expect(summary["orphans"] == len(self.ends), f"{summary}")
        found, summary = self.scan("--reap", *QUICK, *args, code=0)
        self.check(found)
        expect(summary["orphans_left"] == 0, f"{summary}")
        for name, p in self.procs.items():
            expect(p.dead() == (name in self.ends),
                   f"{name} {'lives' if name in self.ends else 'was ended'}")
        found, _ = self.scan(*args, code=0)
        for name in self.ends:
            expect(self.procs[name].pid not in found, f"{name} is still there")
        return found


ORPHAN = ("orphan", "orphan")
MEMBER = ("orphan", "member")


def doubt(reason):
    return ("doubtful", reason)


# Whom a host that is gone leaves: (its script, {name: what is to be found}).
LEFT = {
    "pipes": ("server('a')", {"a": ORPHAN}),
    "socketpairs": ("keep = pairs('a')", {"a": ORPHAN}),
    "two": ("server('a'); server('b')", {"a": ORPHAN, "b": ORPHAN}),
    "ignores-term": ("a = server('a', ['sh', '-c', 'trap \"\" TERM; echo;"
                     " exec sleep 1000'])\na.stdout.readline()",
                     {"a": ORPHAN}),
    "stopped": ("os.kill(server('a').pid, signal.SIGSTOP)", {"a": ORPHAN}),
    "stderr-file": ("server('a', stderr=NULL)", {"a": ORPHAN}),
    # Not listed, or doubtful: what must live.
    "stdout-file": ("server('a', stdout=NULL)", {"a": doubt("stdout")}),
    "nohup-file": ("server('a', ['nohup', *SLEEP], stdout=NULL)",
                   {"a": doubt("stdout")}),
    "nohup": ("server('a', ['nohup', *SLEEP], stderr=NULL)",
              {"a": doubt("nohup")}),
    "null": ("server('a', stdin=NULL, stdout=NULL)", {"a": None}),
    "stdin-null": ("server('a', stdin=NULL)", {"a": None}),
    "inherits": ("server('a', stdin=NULL, stdout=2)", {"a": None}),
    "session": ("server('a', start_new_session=True)",
                {"a": doubt("leader")}),
    "inetd": ("one = socket.socketpair()\n"
              "server('a', stdin=one[1], stdout=one[1])",
              {"a": doubt("one-socket")}),
    "pipeline": ("r, w = os.pipe()\n"
                 "server('a', stdin=NULL, stdout=w)\n"
                 "server('b', stdin=r, stdout=NULL)",
                 {"a": None, "b": None}),
    "duplex-neighbours": ("r, w = os.pipe()\nq, v = os.pipe()\n"
                          "server('a', stdin=r, stdout=v)\n"
                          "server('b', stdin=q, stdout=w)",
                          {"a": None, "b": None}),
    # A stranger has the other ends, as fd >= 3.
    "stranger": ("a = server('a')\n"
                 "server('s', stdin=NULL, stdout=NULL, start_new_session=True,"
                 " pass_fds=[a.stdin.fileno(), a.stdout.fileno()])",
                 {"a": None, "s": None}),
    "stranger-stdin": ("a = server('a')\n"
                       "server('s', stdin=NULL, stdout=NULL,"
                       " start_new_session=True, pass_fds=[a.stdin.fileno()])",
                       {"a": None, "s": None}),
    "stranger-stdout": ("a = server('a')\n"
                        "server('s', stdin=NULL, stdout=NULL,"
                        " start_new_session=True,"
                        " pass_fds=[a.stdout.fileno()])",
                        {"a": doubt("stdout"), "s": None}),
    # A stranger has the same ends: it may be one job.
    "shared": ("i, o = os.pipe(), os.pipe()\n"
               "server('a', stdin=i[0], stdout=o[1])\n"
               "server('b', stdin=i[0], stdout=NULL, start_new_session=True)",
               {"a": doubt("shared"), "b": None}),
}

# The same for servers that say a PID: (code, of the server, of that PID).
SAYING = {
    "double-fork": (TWICE, None, ORPHAN),
    "tcp": (LISTEN_TCP, doubt("network"), doubt("network")),
    "unix": (LISTEN_UNIX, doubt("listens"), doubt("listens")),
    "daemon-in-tree": (HAS_DAEMON, doubt("detached"), None),
    "tcp-in-tree": (HAS_TCP_CHILD, doubt("network"), doubt("tree")),
}


def left(stage, code, expected):
    stage.leave(code, expected)
    stage.verify()


def saying(stage, code, server, said):
    script = (f"p = server('server', script({code!r}),"
              " stderr=PIPE)\nmade['said'] = int(p.stderr.readline())")
    expected = {"said": said}
    if server and server != said:
        expected["server"] = server
    stage.leave(script, expected)
    stage.verify()


def tree(stage):
    """npx, sh, node: the wrapper and what it waits for go together."""
    # Two lines, in any order, one of them empty: all three are there.
    stage.leave("a = server('a', ['sh', '-c', '(sleep 1000 & echo; wait) &"
                " echo $!; wait'])\n"
                "made['b'] = int(a.stdout.readline() + a.stdout.readline())",
                {"a": ORPHAN, "b": MEMBER})
    found, _ = stage.scan(code=1)
    kids = [p for p in found.values() if p["verdict"] == "orphan"
            and p["pid"] not in {q.pid for q in stage.procs.values()}]
    expect(len(kids) == 1, f"beside the two: {kids}")
    stage.know("c", kids[0]["pid"], *MEMBER)
    stage.verify()


def live_host(stage):
    """Its host lives, and talks to it."""
    _, made = stage.start("server('a')\ntell()\nsys.stdin.read()")
    stage.know("a", made["a"])
    stage.verify()


def abandoned(stage):
    """Its host lives, and has closed both ends: it may be waiting for it."""
    _, made = stage.start("a = server('a')\na.stdin.close()\na.stdout.close()"
                          "\ntell()\nsys.stdin.read()")
    stage.know("a", made["a"], *doubt("parent"))
    stage.verify()


def under_reaper(stage, leads, verdict, inside=False):
    """Orphaned under a subreaper that lives; INSIDE: of the same session."""
    inner = HOST + "server('a')\ndie()"
    run = ("subreaper()\n"
           "h = subprocess.Popen([sys.executable, '-c', %r], stdin=PIPE,"
           " stdout=PIPE, start_new_session=%s)\n"
           "made.update(json.loads(h.stdout.readline()))\n"
           "h.stdin.close()\nh.wait()\ntell()\nsys.stdin.read()"
           % (inner, not inside))
    if not leads:
        run = ("h = subprocess.Popen([sys.executable, '-c', %r],"
               " stdin=sys.stdin)\nh.wait()" % (HOST + run))
    _, made = stage.start(run)
    stage.know("a", made["a"], *verdict)
    stage.verify()


def has_autogroups():
    return os.path.exists("/proc/self/autogroup")


def reaper_leads(stage):
    """That its session is the younger one the kernel tells by autogroups."""
    under_reaper(stage, True, ORPHAN if has_autogroups() else doubt("parent"))


def terminal(stage):
    """It has a terminal open that somebody may look at."""
    master, slave = pty.openpty()
    stage.leave(f"server('a', pass_fds=[{slave}])",
                {"a": doubt("terminal")}, pass_fds=[slave])
    os.close(slave)
    stage.verify()
    os.close(master)
    # Hung up: nobody does any more.
    stage.now_an_orphan("a")
    stage.verify()


def guarded(stage):
    """A guard lives that it is told of in its environment."""
    name = "childproof/scan-stage/%d" % os.getpid()
    guard = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    guard.bind("\0" + name)
    stage.leave("server('a')", {"a": doubt("guarded")},
                env={**os.environ, "CHILDPROOF_GUARD": name})
    stage.verify()
    guard.close()
    stage.now_an_orphan("a")
    stage.verify()


def spared_by_name(stage):
    stage.leave("server('a', ['sh', '-c', 'sleep 1000; true', 'dear'])",
                {"a": doubt("spared")})
    stage.verify("--spare=*dear*")


def other_namespace(stage):
    """Part of its tree is in another PID namespace: a container, say."""
    stage.leave("p = server('a', ['unshare', '--pid', '--fork', 'sh', '-c',"
                " 'echo; sleep 1000; true'])\np.stdout.readline()",
                {"a": doubt("outside")})
    stage.verify()


def other_user(stage):
    """A child of it runs as another user."""
    stage.leave("p = server('a', script('import subprocess, signal;"
                " subprocess.Popen([\"sleep\", \"1000\"], user=65534,"
                " cwd=\"/\"); print(flush=True); signal.pause()'))\n"
                "p.stdout.readline()", {"a": doubt("user")})
    stage.verify()


def runs_the_scan(stage):
    """An orphan that scans: it does not end itself, nor its parents."""
    os.mkfifo("go")
    os.mkfifo("done")
    # In parentheses: dash redirects in the shell itself otherwise.
    shell = (f"read x <go; (exec {CHILDPROOF} scan --reap --json"
             " --exit-grace=50ms >said); echo $? >done")
    stage.leave(f"server('a', ['sh', '-c', {shell!r}])",
                {"a": ORPHAN})
    stage.control()
    found, _ = stage.scan(code=1)
    stage.check(found)
    with open("go", "w") as f:
        f.write("\n")
    with open("done") as f:
        expect(f.read() == "0\n", "the scan within failed")
    with open("said") as f:
        found = {p["pid"]: p for p in json.load(f)["processes"]}
    stage.expected["a"] = doubt("self")
    stage.check(found)
    expect(stage.procs["control"].dead(), "the control lives")


def dry_run(stage):
    stage.control()
    found, summary = stage.scan("--reap", "--dry-run", "--exit-grace=50ms",
                                code=1)
    stage.check(found)
    control = stage.procs["control"]
    expect(found[control.pid]["outcome"] == "would end", f"{found}")
    expect(summary["orphans_left"] == 1, f"{summary}")
    expect(not control.dead(), "ended by a dry run")


def how_it_ended(stage):
    """SIGTERM, then SIGKILL, and the time to end by itself before."""
    stage.leave(*LEFT["ignores-term"])
    stage.control()
    reap = subprocess.Popen(
        [CHILDPROOF, "scan", "--json", "--reap", "--exit-grace=1h",
         "--term=50ms"], stdout=subprocess.PIPE)
    pidfds = wait_for_pidfds(reap.pid, 2)
    expect(pidfds, "no process is held by a pidfd")
    stage.procs["control"].kill()
    stage.procs["a"].kill()
    said = json.loads(reap.communicate(timeout=LONG)[0])
    outcomes = {p["outcome"] for p in said["processes"]}
    expect(outcomes == {"ended itself"}, f"{outcomes}")
    stage.procs.clear()
    stage.expected.clear()
    stage.leave(*LEFT["ignores-term"])
    stage.control()
    found, _ = stage.scan("--reap", "--exit-grace=0", "--term=500ms", code=0)
    outcomes = {n: found[p.pid]["outcome"] for n, p in stage.procs.items()}
    expect(outcomes == {"a": "ended by SIGKILL",
                        "control": "ended by SIGTERM"}, f"{outcomes}")


def wait_for_pidfds(pid, n):
    deadline = time.monotonic() + LONG
    while time.monotonic() < deadline:
        held = [x for x in proc.links(pid).values() if "pidfd" in x]
        if len(held) == n:
            return held
        select.select([], [], [], 0.005)  # no event tells
    return []


def strange_names(stage):
    """What a command is called does nothing to a terminal or to JSON."""
    stage.leave(r"server('a', [b'x\x1b[2J\n\xff', b'1000'],"
                " executable='/bin/sleep')", {"a": ORPHAN})
    done = subprocess.run([CHILDPROOF, "scan"], stdout=subprocess.PIPE,
                          timeout=LONG)
    bad = [c for c in done.stdout if (c < 32 and c != 10) or c == 127]
    expect(not bad and b"x\\^[[2J" in done.stdout, f"{done.stdout}")
    expect(done.stdout.count(b"\n") == 3, f"lines: {done.stdout}")
    stage.verify()


def nothing(stage):
    found, summary = stage.scan(code=0)
    expect(not found and summary["orphans"] == 0, f"{found}")
    done = subprocess.run([CHILDPROOF, "scan", "--reap"], timeout=LONG,
                          stdout=subprocess.PIPE)
    expect((done.returncode, done.stdout) == (0, b"no stdio orphans\n"),
           f"{done}")


def wrong_proc(stage):
    """/proc of another PID namespace: its numbers are not to be trusted."""
    stage.control()
    for args in [], ["--reap", "--exit-grace=0"]:
        done = subprocess.run(["unshare", "--pid", "--fork", CHILDPROOF,
                               "scan", *args], stderr=subprocess.PIPE,
                              stdout=subprocess.PIPE, timeout=LONG)
        expect(done.returncode == 125 and not done.stdout
               and b"PID namespace" in done.stderr, f"{done}")
    expect(not stage.procs["control"].dead(), "ended by a wrong number")


def misuse(stage):
    for args, named in ((["1"], b"1"), (["--term=soon"], b"--term"),
                        (["--no-such"], b"--no-such")):
        done = subprocess.run([CHILDPROOF, "scan", *args], timeout=LONG,
                              stderr=subprocess.PIPE, stdout=subprocess.PIPE)
        expect(done.returncode == 125 and not done.stdout
               and done.stderr.startswith(b"childproof: scan: ")
               and named in done.stderr, f"{done}")


SCENES = {
    **{name: (left, row) for name, row in LEFT.items()},
    **{name: (saying, row) for name, row in SAYING.items()},
    "tree": (tree, ()),
    "live-host": (live_host, ()),
    "abandoned": (abandoned, ()),
    "reaper-is-member": (under_reaper, (False, ORPHAN)),
    "reaper-leads": (reaper_leads, ()),
    "reaper-of-session": (under_reaper, (True, doubt("parent"), True)),
    "terminal": (terminal, ()),
    "guarded": (guarded, ()),
    "spared-by-name": (spared_by_name, ()),
    "other-namespace": (other_namespace, ()),
    "runs-the-scan": (runs_the_scan, ()),
    "dry-run": (dry_run, ()),
    "how-it-ended": (how_it_ended, ()),
    "strange-names": (strange_names, ()),
    "nothing": (nothing, ()),
    "wrong-proc": (wrong_proc, ()),
    "misuse": (misuse, ()),
}
# What only root can set up.
if os.geteuid() == 0:
    with contextlib.suppress(OSError), open("/proc/self/uid_map") as m:
        if m.read().split()[2] != "1":
            SCENES["other-user"] = (other_user, ())


def main():
    scene, row = SCENES[sys.argv[2]]
    try:
        scene(Stage(), *row)
    except Failed as e:
        print(e)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
