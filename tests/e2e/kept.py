# SPDX-License-Identifier: MIT
"""The host lives, and its end of a ward is closed, or is it?

Each case has a ward `w` that is spared for one reason, a stubborn `twin` whose
ends are closed at the same time and which must go, and `n`, which must answer.
At last that one reason is taken away, and `w` goes as well.
"""

import functools
import os
import time

import proc
from puppet import Puppet
from runner import Case
from scene import GRACE, PROMPT, SLACK, SPARE, TERM, expect
from waits import events, until_told

LIMIT = GRACE + TERM + PROMPT + SLACK
SWEEP = 5.0
WIRES = ("pipes", "pair", "pairs", "pty")


def go(procs, why, since=None, limit=LIMIT):
    when = proc.first_deaths(procs, (since or time.monotonic()) + limit)
    late = [str(p) for p in procs if p not in when]
    expect(not late, f"{why}: alive after {limit:.2f}s: {late}")


def stay(procs, why, within=SPARE):
    when = proc.first_deaths(procs, time.monotonic() + within)
    expect(not when, f"{why}: ended {[str(p) for p in when]}")


MANY = 100  # pipes of a ward that lead nowhere


class Stage:
    """A puppet with a neighbour and a twin."""

    def __init__(self, s, language="python", **how):
        self.s = s
        self.p = Puppet(s, language, **how)
        self.p.ward("n", mode="echo")
        self.twin = self.p.ward("twin")[0]

    def known(self, pid):
        """Waits until the guard has looked at the ward PID."""
        until_told(self.s, lambda: pid in [x["child"]["ward"] for x in
                                           events(self.s, "ward")],
                   f"{pid} is not known")

    def well(self):
        expect(self.p.ask("n"), "the neighbour does not answer")

    def spared(self, wards, why, bare=False):
        """WARDS are, when the twin goes; and the neighbour is well."""
        self.p.close("twin")
        if not bare:
            go([self.twin], "the twin")
        stay(wards, why)
        self.well()

    def end(self):
        self.p.host.kill()
        self.p.host.wait()
        self.s.nothing_of_ours(2.0)


def kept(s, wire, arrange, why, limit=LIMIT):
    """ARRANGE(p, w) closes all but one thing; what it returns does the rest."""
    stage = Stage(s)
    w = stage.p.ward("w", wire=wire)[0]
    stage.known(w.pid)
    undo = arrange(stage.p, w)
    stage.spared([w], why)
    undo()
    go([w], "then it must go", limit=limit)
    stage.well()
    stage.end()


def reads_on(p, w):
    p.close("w.in")
    return lambda: p.close("w.out")


def writes_on(p, w):
    p.close("w.out")
    return lambda: p.close("w.in")


def at_other_numbers(p, w):
    p.dup("w.in", "new.in")
    p.dup("w.out", "new.out", 77)
    p.close("w")
    return lambda: p.close("new")


def opened_anew(p, w):
    p.reopen("w.in", "new.in", os.O_WRONLY)
    p.reopen("w.out", "new.out", os.O_RDONLY)
    p.close("w")
    return lambda: p.close("new")


def in_flight(p, w):
    p.post("box", "w.in", "w.out")
    p.close("w")
    return lambda: p.burn("box")


def given_to_a_stranger(p, w):
    fds = p.hand_over("w.in", "w.out")
    p.close("w")
    return lambda: [os.close(fd) for fd in fds]




def with_a_worker(p, w):
    p.worker("worker", "w.in", "w.out")
    p.scene.gather(worker=1)
    p.close("w")
    return p.scene.met["worker"][0].kill


def with_a_child(p, w):
    """It is no ward, and was given the ends on purpose."""
    child = p.ward("child", wire="null", keep=["w.in", "w.out"])[0]
    p.close("w")
    return child.kill


def with_a_relay(p, w):
    """A ward itself, which was given the ends on purpose."""
    relay = p.ward("relay", keep=["w.in", "w.out"])[0]
    p.close("w")
    return relay.kill


def linked(s, language):
    """It is talked to through something besides its stdio."""
    stage = Stage(s, language)
    p = stage.p
    if language == "python":
        p.link("line")
        w = p.ward("w", keep=["line.of"])[0]
        p.close("line.of")
    else:
        w = p.ward("w", ipc=True)[0]
    stage.known(w.pid)
    p.close("w")
    stage.spared([w], "it has a link")
    if language == "python":
        p.close("line")
    else:
        p.disconnect("w")
    go([w], "then it must go", limit=LIMIT + SWEEP)
    stage.well()
    stage.end()


def linked_among_many(s):
    """However much else it has: pipes that lead nowhere, and then the link."""
    stage = Stage(s)
    p = stage.p
    others = [f"x{i}" for i in range(MANY)]
    for name in (*others, "line"):
        p.link(name)
    w = p.ward("w", keep=[n + ".of" for n in (*others, "line")])[0]
    stage.known(w.pid)
    p.close("w", "line.of", *others)
    stage.spared([w], "it has a link")
    p.close("line")
    go([w], "then it must go", limit=LIMIT + SWEEP)
    stage.well()
    stage.end()


def linked_headless(s):
    """Its main thread, through which /proc shows that, has ended."""
    stage = Stage(s)
    p = stage.p
    p.link("line")
    w = p.ward("w", mode="headless-parent", keep=["line.of"])[0]
    p.close("line.of")
    stage.known(w.pid)
    p.close("w")
    stage.spared([w], "it has a link")
    p.close("line")
    go([w], "then it must go", limit=LIMIT + SWEEP)
    stage.well()
    stage.end()


def headless(s, wire):
    """Its main thread has ended, and nobody else has what it has."""
    stage = Stage(s)
    w = stage.p.ward("w", wire=wire, mode="headless")[0]
    stage.known(w.pid)
    stay([w], "its main thread has ended")
    stage.p.close("w")
    go([w], "its host has closed all", limit=LIMIT + SWEEP)
    stage.well()
    stage.end()


def only_shares(s):
    """What the host has all of itself is no link."""
    stage = Stage(s)
    p = stage.p
    p.link("line")
    w = p.ward("w", keep=["line.of"])[0]
    stage.known(w.pid)
    expect(any(fd > 2 for fd, to in proc.links(w.pid).items()
               if to.startswith("pipe:")), "the case is void")
    p.close("w")
    go([w], "a pipe that it inherited")
    stage.well()
    stage.end()


def daemon_with_child_ends(s):
    """What has a ward's own ends at high numbers, by accident, is spared."""
    stage = Stage(s)
    p = stage.p
    w = p.ward("w", hold=True)[0]
    daemon = p.ward("daemon", wire="null", keep=["child.w.in", "child.w.out"])[0]
    p.let_go("w")
    expect(any(fd > 2 for fd, to in proc.links(daemon.pid).items()
               if to.startswith("pipe:")), "the case is void")
    p.close("w")
    stage.spared([daemon], "by accident")
    go([w], "its own")
    stage.well()
    stage.end()


def shared_stdin(s):
    """Two wards read one pipe; one of them ends."""
    stage = Stage(s)
    p = stage.p
    a = p.ward("a", hold=True)[0]
    b = p.ward("b", like="a")[0]
    p.let_go("a")
    a.kill()
    stage.spared([b], "its sibling has ended")
    p.close("a", "b")
    go([b], "then it must go")
    stage.well()
    stage.end()


def young_sibling(s):
    """The same, and the other one's ends are closed; one is just born."""
    stage = Stage(s)
    p = stage.p
    a = p.ward("a", hold=True)[0]
    stage.known(a.pid)
    p.spawn("b", like="a")
    p.let_go("a")
    p.close("a")
    s.gather(b=1)
    b = s.met["b"][0]
    go([a], "closed")
    stage.spared([b], "its sibling was closed")
    stage.well()
    stage.end()


def pipeline(s, language):
    """a | b, each with one end at the host: closed or not, one-way."""
    stage = Stage(s, language)
    p = stage.p
    a = p.ward("a")[0]
    b = p.ward("b", after="a")[0]
    if language == "python":
        p.close("a.out")
    stage.spared([a, b], "a pipeline")
    p.close("a.in", "b.out")
    stay([a, b], "a pipeline works on", GRACE + TERM + SPARE)
    stage.well()


def one_way(s):
    """Closed or not, one-way children are spared while their host lives."""
    stage = Stage(s)
    p = stage.p
    wards = [p.ward(t, wire=w)[0] for t, w in
             (("r1", "reader"), ("r2", "reader"), ("w1", "writer"),
              ("w2", "writer"))]
    p.close("r2", "w2")
    stage.spared(wards, "one-way")
    stay(wards, "one-way", GRACE + TERM)
    stage.p.host.kill()
    go(wards, "their host is dead")


def plain(s, wire, how, language="python"):
    """The same, with nothing in the way; each way to spawn."""
    stage = Stage(s, language)
    keys = {"wire": wire, "how": how} if language == "python" else {}
    w = stage.p.ward("w", **keys)[0]
    stay([w], "in use", GRACE + TERM)
    stage.p.close("w")
    go([w], "closed")
    stage.well()
    stage.end()


def inherited(s, how):
    """The host's ends were inheritable when it spawned the next ward."""
    stage = Stage(s)
    p = stage.p
    w = p.ward("w", inherited=True)[0]
    stage.known(w.pid)
    sibling = p.ward("s", mode="echo", how=how, keep="all")[0]
    p.close("w")
    go([w], "its sibling has them by accident", limit=LIMIT + SWEEP)
    expect(not sibling.dead() and p.ask("s"), "the sibling was ended")
    stage.well()
    stage.end()


def dry_run(s):
    stage = Stage(s, options={"dry-run": "yes"})
    w = stage.p.ward("w")[0]
    stage.p.close("w")
    stay([w], "a dry run", GRACE + TERM + SPARE)
    events = [x["event"] for x in s.journal_lines()
              if x.get("child", {}).get("pid") == w.pid]
    expect("dry-run" in events and "signal" not in events, f"{events}")
    stage.well()


def bare(s, language):
    p = Puppet(s, language, how="bare")
    p.ward("n", mode="echo")
    w = p.ward("w")[0]
    p.close("w")
    stay([w], "no leak", GRACE + TERM + SPARE)
    expect(p.ask("n"), "the neighbour does not answer")


KEPT = {
    "reads-on": (reads_on, ("pipes", "pairs")),
    "writes-on": (writes_on, ("pipes", "pairs")),
    "other-numbers": (at_other_numbers, WIRES),
    "opened-anew": (opened_anew, ("pipes",)),
    "in-flight": (in_flight, WIRES),
    "stranger": (given_to_a_stranger, WIRES),
    "worker": (with_a_worker, WIRES),
    "child": (with_a_child, WIRES),
    "relay": (with_a_relay, WIRES),
}


def cases():
    P = functools.partial
    for name, (arrange, wires) in KEPT.items():
        for wire in wires:
            yield Case(f"kept/{name}/{wire}",
                       P(kept, wire=wire, arrange=arrange, why=name), False)
    for wire in WIRES:
        for how in ("popen", "fork", "posix_spawn"):
            yield Case(f"kept/not/{how}/{wire}",
                       P(plain, wire=wire, how=how), False)
    yield Case("kept/not/node", P(plain, wire=None, how=None,
                                  language="node"), False)
    for language in ("python", "node"):
        yield Case(f"bare/kept/{language}", P(bare, language=language), True)
        yield Case(f"kept/pipeline/{language}",
                   P(pipeline, language=language), False)
        yield Case(f"kept/link/{language}", P(linked, language=language),
                   False)
    yield Case("kept/link/many", linked_among_many, False)
    yield Case("kept/link/headless", linked_headless, False)
    yield Case("kept/link/not", only_shares, False)
    for wire in WIRES:
        yield Case(f"kept/headless/{wire}", P(headless, wire=wire), False)
    for how in ("popen", "fork", "posix_spawn"):
        yield Case(f"kept/inherited/{how}", P(inherited, how=how), False)
    yield Case("kept/daemon", daemon_with_child_ends, False)
    yield Case("kept/shared-stdin", shared_stdin, False)
    yield Case("kept/young-sibling", young_sibling, False)
    yield Case("kept/one-way", one_way, False)
    yield Case("kept/dry-run", dry_run, False)
