# SPDX-License-Identifier: MIT
"""`limit=N`: one too many of a command fails in the host's own spawn call."""

import functools
import os
import shutil
import sys

from real import HOSTS
from runner import Case
from scene import LONG, expect

PYTHON = [sys.executable, os.path.join(HOSTS, "py_limit.py")]
NODE = [shutil.which("node") or "node", os.path.join(HOSTS, "node_limit.mjs")]
TWO = {"limit": "2"}


def words(s, name):
    return s.met[name][0].words


def limited(s, host, way, how="launcher"):
    """The third is refused; another command, another directory are not."""
    child = s.start([*host, way, s.meet, s.program("ward")], how=how,
                    options=TWO)
    s.gather(host=1, g0=3, g1=1)
    expect(words(s, "host") == ["ok", "ok", "EAGAIN", "ok", "ok"],
           f"it went {words(s, 'host')}")
    early = [str(w) for w in s.wards() if w.dead()]
    expect(not early, f"ended under a live host: {early}")
    one = next(w for w in s.met["g0"]
               if os.readlink(f"/proc/{w.pid}/cwd") != "/")
    one.kill()
    expect(one.dead(LONG), "SIGKILL")
    s.go("host")
    s.gather(again=1, g0=4)
    expect(words(s, "again") == ["ok", "EAGAIN"],
           f"after a death it went {words(s, 'again')}")
    s.go("again")
    expect(child.wait() == 7 << 8, f"wait status {child.raw:#x}")
    expect(s.read(s.err) == "", "something on stderr")
    s.nothing_of_ours()


def unlimited(s, host, way, how):
    """The control: nothing is refused, whoever watches."""
    child = s.start([*host, way, s.meet, s.program("ward")], how=how)
    s.gather(host=1, g0=4, g1=1)
    expect(words(s, "host") == ["ok"] * 5, f"it went {words(s, 'host')}")
    child.kill()
    child.wait()


OTHERS = """\
import os
r, w = os.pipe()  # no ward has it yet: each spawn might give it to one
null = os.open("/dev/null", os.O_RDWR)
for i in range(5):
    os.posix_spawn("/bin/sleep", ["sleep", "9"], os.environ, file_actions=[
        (os.POSIX_SPAWN_DUP2, null, fd) for fd in (0, 1)])
for i in range(5):
    try:
        os.posix_spawn("/bin", ["sleep", "8"], os.environ)
    except PermissionError:
        pass
os.posix_spawnp("sleep", ["sleep", "8"], os.environ)
"""


def others(s):
    """Neither what is no stdio child nor what did not start is counted."""
    host = s.start([sys.executable, "-c", OTHERS], options=TWO)
    expect(host.wait() == 0, f"wait status {host.raw:#x}: {s.read(s.err)}")


def c_host(s, spec, options, how="launcher"):
    """The host program ends itself when a spawn fails."""
    host = s.host("exit", spec + ",n=3", options=options, how=how)
    if options is None:
        s.gather(host=1, g0=3)
        s.go()
        expect(host.wait() == 7 << 8, f"wait status {host.raw:#x}")
        return
    expect(host.wait() == 1 << 8, f"wait status {host.raw:#x}")
    expect("Resource temporarily unavailable" in s.read(s.err),
           f"stderr is {s.read(s.err)!r}")
    s.nothing_of_ours(2.0)


def cases():
    P = functools.partial
    for name, host, ways in (
            ("python", PYTHON, ("popen", "by-name", "fork", "posix_spawn")),
            ("node", NODE, ("spawn",))):
        for way in ways:
            yield Case(f"limit/{name}/{way}", P(limited, host=host, way=way),
                       False)
        yield Case(f"limit/{name}/{ways[0]}/preload",
                   P(limited, host=host, way=ways[0], how="preload"), False)
        yield Case(f"limit/{name}/off",
                   P(unlimited, host=host, way=ways[0], how="launcher"), False)
        yield Case(f"bare/limit/{name}",
                   P(unlimited, host=host, way=ways[0], how="bare"), True)
    yield Case("limit/others", others, False)
    for how in ("posix_spawn", "posix_spawnp", "popen_r", "popen_w"):
        wire = "own" if how.startswith("popen") else "pipe"
        spec = f"how={how},wire={wire}"
        yield Case(f"limit/c/{how}", P(c_host, spec=spec, options=TWO), False)
        yield Case(f"limit/c/{how}/off", P(c_host, spec=spec, options=None),
                   False)
        yield Case(f"bare/limit/c/{how}",
                   P(c_host, spec=spec, options=None, how="bare"), True)
