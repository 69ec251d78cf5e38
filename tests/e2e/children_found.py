# SPDX-License-Identifier: MIT
"""`children=all`: so does what the guard finds by itself; and who is spared."""

import functools
import sys

from runner import Case
from scene import GRACE, LONG, SPARE, TERM, expect
from waits import events, until_told

ALL = {"children": "all"}
# The guard looks for children that nobody told it of once a second.
PACE = 1.0

# Children that are no stdio children.
KINDS = {
    "null": "wire=null,mode=stubborn",
    "file": "wire=file,mode=stubborn",
    "inherits": "wire=inherit,mode=stubborn",
    "null-setsid": "wire=null,with=setsid,mode=stubborn",
    "null-static": "wire=null,prog=static,with=noenv,mode=stubborn",
}


def set_up(s, spec, options, prog="host"):
    """A host and its ward g0, which the guard knows."""
    host = s.host("wait", spec, prog=prog, options={**ALL, **options})
    s.gather(host=1, g0=1)
    ward = s.wards("g0")[0]
    until_told(s, lambda: ward.pid in [e["child"]["pid"]
                                       for e in events(s, "ward")],
               "the guard never met it", PACE + LONG)
    return host, ward


def goes_too(s, spec, prog):
    host, ward = set_up(s, spec, {}, prog)
    expect(not ward.dead(SPARE), "ended under a living host")
    s.find_guard()
    host.kill()
    host.wait()
    expect(ward.dead(GRACE + TERM + LONG), "it outlives its host")
    s.nothing_of_ours(2.0)


def spared(s, spec):
    host, ward = set_up(s, spec, {"spare": "ward"})
    s.find_guard()
    host.kill()
    host.wait()
    expect(not ward.dead(GRACE + TERM + SPARE), "spared by name")
    s.nothing_of_ours(2.0)


def copies_stay(s):
    """A worker that the host has forked is the host itself."""
    code = ("import os, subprocess\n"
            "r, w = os.pipe()\n"
            "if os.fork() == 0:\n"
            "    os.close(w); os.read(r, 1); os._exit(0)\n"
            "subprocess.Popen(['sleep', '600']).wait()\n")
    host = s.start([sys.executable, "-c", code], options=ALL)
    until_told(s, lambda: events(s, "ward"), "nobody was met", PACE + LONG)
    met = [e["child"]["name"] for e in events(s, "ward")]
    expect(met == ["sleep"], f"wards: {met}")
    host.kill()
    host.wait()
    s.guard = s.guards_now()
    s.nothing_of_ours(GRACE + TERM + 1.0)


def cases():
    P = functools.partial
    for name, spec in KINDS.items():
        yield Case(f"every/{name}", P(goes_too, spec=spec, prog="host"), False)
    yield Case("every/null/static-host",
               P(goes_too, spec=KINDS["null"], prog="host.static"), False)
    yield Case("every/spared-by-name", P(spared, spec=KINDS["null"]), False)
    yield Case("every/copies-stay", copies_stay, False)
