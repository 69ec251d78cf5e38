# SPDX-License-Identifier: MIT
"""The host lives, and the direct child has ended before what it started."""

import functools
import signal
import time

import proc
from guard import both_there, listens
from kept import LIMIT, SWEEP, Stage, go, stay
from puppet import Puppet
from runner import Case
from scene import GRACE, LONG, PROMPT, SLACK, SPARE, TERM, expect
from waits import events, until_told

# A server behind a shell, as npx has it.  dash gives what it starts in the
# background /dev/null for a stdin, hence the detour.
BEHIND = 'exec 3<&0; "$@" <&3 3<&- & exec 3<&-; wait'
# The shell ends as soon as the server runs.
STARTER = 'exec 3<&0; "$@" <&3 3<&- & exit 0'
# One that leads a session; what it leaves there has its stdio elsewhere.
LEADER = ("exec setsid sh -c 'exec 3<&0 4>&1; "
          '"$@" </dev/null >/dev/null & sleep 0.02; exit 0\' sh "$@"')
# Only when it is told to; who takes its stdio over leads a session.
ON_WORD = 'read -r word; exec 3<&0; setsid "$@" <&3 3<&- & exit 0'
# Only its stdout is handed on.
LOGGER = '"$@" </dev/null & exit 0'

# As many children as make a host share memory with its guard.
SURELY = 150

# Long enough for a test to do something within it, once the verdict is told:
# that waits for a batch.
LONG_GRACE = 3.0
# A census that nothing is urgent in may wait for the next batch.
BATCH = 1.0
# Longer than that: what waits for a batch is not urgent before.
BATCH_GRACE = 1.5
LIMIT += BATCH


def judged(s, pid):
    """Waits for the verdict on the ward whose direct child was PID."""
    until_told(s, lambda: pid in [x["child"]["ward"]
                                  for x in events(s, "verdict")],
               "no verdict")


def a_batch(stage):
    """Returns when one has just been taken, unless a grace is over sooner."""
    stage.twin.kill()
    stage.p.wait(stage.twin.pid)  # or it may need a second one
    until_told(stage.s, lambda: stage.twin.pid in
               [x["child"]["ward"] for x in events(stage.s, "end")],
               "no batch")


def wrapper_killed(s, wire="pipes", mode="stubborn", language="python"):
    """npx was killed, the server stayed."""
    stage = Stage(s, language)
    keys = {"wire": wire} if language == "python" else {}
    w, shell = stage.p.ward("w", mode=mode, script=BEHIND, **keys)
    wards = [w]
    if mode == "child":
        s.gather(w_child=1)
        wards += s.met["w.child"]
    stage.known(shell)
    stay(wards, "in use", GRACE + TERM)
    began = time.monotonic()
    proc.Proc(shell, "sh").kill()
    go(wards, "its wrapper was killed", limit=LIMIT)
    expect(time.monotonic() - began > GRACE, "before its grace")
    stage.well()
    stage.p.close("twin")
    stage.end()


def child_ends(s, mode, language="python", **keys):
    """It ends by itself; who goes on has its stdio, and is silent."""
    stage = Stage(s, language)
    if mode == "stubborn":
        keys = {"script": STARTER, **keys}
    else:
        keys["mode"] = mode
    w = stage.p.ward("w", **keys)[0]
    go([w], "its starter has ended", limit=LIMIT)
    stage.well()
    stage.end()


def goes_on(s, wire):
    """A starter that hands its stdio to a server and ends: that one lives.

    Not in Node, which gives the stdin up when its child ends."""
    stage = Stage(s, options={"grace": "3s"})
    p = stage.p
    silent = p.ward("silent", wire=wire, script=STARTER)[0]
    w, starter = p.ward("w", mode="echo", wire=wire, script=STARTER)
    judged(s, starter)
    expect(p.ask("w"), "the session does not answer")
    go([silent], "nothing was said", limit=LONG_GRACE - GRACE + LIMIT)
    stay([w], "a session", LONG_GRACE + TERM)
    expect(p.ask("w"), "the session does not answer")
    told = [x for x in s.journal_lines() if x["event"] == "handed-over"]
    expect(len(told) == 1, f"handed over {len(told)} times")
    stage.well()
    p.close("w")
    go([w], "EOF")
    stage.end()


def handed_then_closed(s):
    """What has been handed on is abandoned later."""
    stage = Stage(s, options={"grace": "3s"})
    p = stage.p
    w, starter = p.ward("w", script=STARTER)
    judged(s, starter)
    p.say("w")  # into a pipe: that is seen though nobody reads it
    stay([w], "it was spoken to", LONG_GRACE + TERM)
    p.close("w")
    go([w], "closed", limit=LONG_GRACE + LIMIT)
    stage.well()
    stage.end()


def echo_goes_on(s, wire):
    """The same with pauses beyond grace after the first bytes."""
    stage = Stage(s, options={"grace": "3s"})
    w, starter = stage.p.ward("w", mode="echo", wire=wire, script=STARTER)
    judged(s, starter)
    for _ in range(2):
        expect(stage.p.ask("w"), "the session does not answer")
        stay([w], "a session", LONG_GRACE + TERM)
    stage.well()
    stage.p.close("w")
    go([w], "EOF")
    stage.end()


def closed_in_the_silence(s):
    """Closed before silence has proven anything: the whole grace begins."""
    stage = Stage(s, options={"grace": "3s"})
    w, starter = stage.p.ward("w", script=STARTER)
    judged(s, starter)
    stay([w], "in its grace", 0.7)
    began = time.monotonic()
    stage.p.close("w")
    go([w], "closed", limit=LONG_GRACE + TERM + PROMPT + SLACK)
    expect(time.monotonic() - began > LONG_GRACE + TERM - 0.010,
           "before its grace")
    stage.well()
    stage.end()


def at_other_numbers(s, wire):
    """The host's ends are elsewhere when a starter has ended, and in use."""
    stage = Stage(s)
    p = stage.p
    p.spawn("w", mode="echo", wire=wire, script=STARTER)
    p.dup("w.in", "new.in")
    p.dup("w.out", "new.out")
    p.close("w")
    s.gather(w=1)
    w = s.met["w"][0]
    for _ in range(8):
        expect(p.ask("new"), "the session does not answer")
        stay([w], "a session", GRACE / 4)
    stay([w], "a session", BATCH + GRACE + TERM)
    expect(p.ask("new"), "the session does not answer")
    stage.well()
    p.close("new")
    go([w], "closed", limit=LIMIT + SWEEP)
    stage.end()


def until_heard(s, *wards):
    """Waits until the guard listens to WARDS, but never for the next batch."""
    deadline = time.monotonic() + 0.7 * BATCH
    while time.monotonic() < deadline and not all(
            any(listens(g.pid, w.pid) for g in s.guard) for w in wards):
        time.sleep(0.005)  # the watches have no event of their own


def speaks_once(s, wire):
    """The host's ends are elsewhere, and all is said before the next batch.

    Nobody but a census can find whom to listen to.  Of two the one that has
    nothing to say is ended."""
    stage = Stage(s, options={"grace": f"{BATCH_GRACE * 1000:.0f}ms"})
    p = stage.p
    s.find_guard()
    for tag in ("w", "silent"):
        stage.known(p.spawn(tag, mode="echo", wire=wire, script=ON_WORD))
    for fd, end in enumerate(("w.in", "w.out", "silent.in", "silent.out"), 70):
        p.dup(end, f"new.{end}", fd)
    p.close("w", "silent")
    a_batch(stage)
    began = time.monotonic()
    for tag in ("w", "silent"):
        p.say(f"new.{tag}", "go\n")
    s.gather(w=1, silent=1)
    w, silent = s.met["w"][0], s.met["silent"][0]
    until_heard(s, w, silent)
    expect(p.ask("new.w"), "the session does not answer")
    spoke = time.monotonic()
    go([silent], "nothing was said", limit=BATCH_GRACE + LIMIT)
    expect(time.monotonic() - began > BATCH_GRACE, "before its grace")
    stay([w], "a session",
         spoke + BATCH_GRACE + 2 * BATCH + TERM - time.monotonic())
    expect(p.ask("new.w"), "the session does not answer")
    lines = s.journal_lines()
    told = [x for x in lines if x["event"] == "handed-over"]
    expect(len(told) == 1, f"handed over {len(told)} times")
    hit = {x["child"]["pid"] for x in lines if x["event"] == "signal"}
    expect(hit == {silent.pid}, f"signalled: {hit}")
    stage.well()
    p.close("new.w")
    go([w], "EOF")
    stage.end()


def lives_on(stage, w, silent):
    """The session does, though it does not speak again; the other one goes."""
    go([silent], "nothing was said", limit=LONG_GRACE + LIMIT)
    stay([w], "a session", LONG_GRACE + BATCH + TERM)
    expect(stage.p.ask("w"), "the session does not answer")
    stage.well()
    stage.p.close("w")
    go([w], "EOF")
    stage.end()


def before_the_guard(s, wire):
    """All is said before the guard knows that there was a starter."""
    stage = Stage(s, options={"grace": "3s"})
    s.find_guard()
    guards = s.guards_now()
    for g in guards:
        g.kill(signal.SIGSTOP)
    silent = stage.p.ward("silent", wire=wire, script=STARTER)[0]
    w, starter = stage.p.ward("w", mode="echo", wire=wire, script=STARTER)
    expect(stage.p.ask("w"), "the session does not answer")
    stage.p.wait(starter)
    for g in guards:
        g.kill(signal.SIGCONT)
    lives_on(stage, w, silent)


def in_a_letter(s):
    """It has spawned a lot: the starter has ended when its letter is read.

    The one request comes before the next batch, and takes long."""
    stage = Stage(s, options={"grace": "3s"})
    p = stage.p
    s.find_guard()
    for _ in range(SURELY):
        pid = p.spawn("short", script="exit 0")
        p.close("short")
        p.wait(pid)
    w, starter = p.ward("w", script=STARTER)
    p.wait(starter)
    p.say("w")
    stay([w], "its request is under way", LONG_GRACE + BATCH + TERM)
    stage.well()
    p.close("w")
    go([w], "closed", limit=LONG_GRACE + LIMIT)
    stage.end()


def to_another_guard(s):
    """All is said to a guard that does not live to draw its conclusions."""
    stage = Stage(s, options={"grace": "3s"})
    guard = both_there(s)[0]
    silent = stage.p.ward("silent", script=STARTER)[0]
    w, starter = stage.p.ward("w", mode="echo", script=STARTER)
    judged(s, starter)
    expect(stage.p.ask("w"), "the session does not answer")
    guard.kill()
    both_there(s)
    lives_on(stage, w, silent)


def only_stdout(s):
    """`$(server &)`: it holds no stdin."""
    stage = Stage(s)
    w = stage.p.ward("w", script=LOGGER)[0]
    stay([w], "holds its stdout only", GRACE + TERM)
    stage.spared([w], "holds its stdout only")
    stage.p.close("w")
    go([w], "closed")
    stage.end()


def stopped(s, frozen):
    """Who is stopped can't speak: the host, or all, as a container may be."""
    stage = Stage(s, options={"grace": "3s"})
    p = stage.p
    silent = p.ward("silent", script=STARTER)[0]
    w, starter = p.ward("w", mode="echo", script=STARTER)
    judged(s, starter)
    every = [p.host, *(s.find_guard() if frozen else [])]
    for one in reversed(every):
        one.kill(signal.SIGSTOP)
    stay([w, silent], "nobody can speak", LONG_GRACE + 2 * LIMIT)
    for one in every:
        one.kill(signal.SIGCONT)
    expect(p.ask("w"), "the session does not answer")
    go([silent], "nothing was said", limit=LONG_GRACE + LIMIT)
    stay([w], "a session")
    expect(p.ask("w"), "the session does not answer")
    stage.end()


def stopped_for_long(s):
    """It goes on just before the end of a silence: it has another one."""
    stage = Stage(s, options={"grace": "3s"})
    p = stage.p
    silent = p.ward("silent", script=STARTER)[0]
    w, starter = p.ward("w", mode="echo", script=STARTER)
    judged(s, starter)
    p.host.kill(signal.SIGSTOP)
    stay([w, silent], "nobody can speak", 2 * LONG_GRACE - 2 * SPARE)
    p.host.kill(signal.SIGCONT)
    stay([w, silent], "the host has only just gone on", 4 * SPARE)
    expect(p.ask("w"), "the session does not answer")
    go([silent], "nothing was said", limit=2 * LONG_GRACE + LIMIT)
    expect(p.ask("w"), "the session does not answer")
    stage.end()


def one_way(s):
    stage = Stage(s)
    w = stage.p.ward("w", wire="reader", script=STARTER)[0]
    stay([w], "one-way", GRACE + TERM)
    stage.spared([w], "one-way")
    stage.p.host.kill()
    go([w], "its host is dead")


def told(s, pids):
    """Waits until zombies are told of: PIDS."""
    until_told(s, lambda: events(s, "unwaited"), "nothing is told of a zombie",
               2 * LONG)
    lines = events(s, "unwaited")
    expect([x["child"]["pid"] for x in lines] == pids, f"told: {lines}")


def unwaited(s):
    """A zombie that its host leaves lying is told of, once."""
    p = Puppet(s)
    w = p.ward("w")[0]
    v = p.ward("v")[0]
    w.kill()
    v.kill()
    p.wait(v.pid)
    told(s, [w.pid])
    p.wait(w.pid)
    p.host.kill()
    p.host.wait()
    s.nothing_of_ours(2.0)


def unwaited_early(s):
    """The same, when it was dead before anybody had looked at it."""
    p = Puppet(s)
    pid = p.spawn("w", script="exec sleep 0.01")
    p.close("w")
    told(s, [pid])
    p.wait(pid)
    p.host.kill()
    p.host.wait()
    s.nothing_of_ours(2.0)


def bare(s, language):
    p = Puppet(s, language, how="bare")
    w, shell = p.ward("w", script=BEHIND)
    proc.Proc(shell, "sh").kill()
    stay([w], "no leak", GRACE + TERM + SPARE)


def cases():
    P = functools.partial
    for wire in ("pipes", "pair", "pairs", "pty"):
        yield Case(f"handed/wrapper/{wire}", P(wrapper_killed, wire=wire),
                   False)
        yield Case(f"handed/goes-on/{wire}", P(goes_on, wire=wire), False)
        for mode in ("stubborn", "fork2", "fork2sid"):
            yield Case(f"handed/ends/{mode}/{wire}",
                       P(child_ends, mode=mode, wire=wire),
                       False)
    for how in ("fork", "posix_spawn"):
        yield Case(f"handed/ends/fork2/{how}",
                   P(child_ends, mode="fork2", how=how), False)
    yield Case("handed/ends/leader",
               P(child_ends, mode="stubborn", script=LEADER), False)
    for wire in ("pipes", "pair"):
        yield Case(f"handed/echo/{wire}", P(echo_goes_on, wire=wire), False)
    yield Case("handed/helpers", P(wrapper_killed, mode="child"), False)
    yield Case("handed/moved", P(wrapper_killed, mode="moved"), False)
    yield Case("handed/wrapper/node", P(wrapper_killed, language="node"),
               False)
    yield Case("handed/ends/node",
               P(child_ends, mode="stubborn", language="node"), False)
    for language in ("python", "node"):
        yield Case(f"bare/handed/{language}", P(bare, language=language),
                   True)
    yield Case("handed/closed-in-the-silence", closed_in_the_silence, False)
    yield Case("handed/then-closed", handed_then_closed, False)
    for wire in ("pipes", "pair", "pairs", "pty"):
        yield Case(f"handed/other-numbers/{wire}",
                   P(at_other_numbers, wire=wire), False)
        yield Case(f"handed/speaks-once/{wire}", P(speaks_once, wire=wire),
                   False)
    for wire in ("pipes", "pair"):
        yield Case(f"handed/before-the-guard/{wire}",
                   P(before_the_guard, wire=wire), False)
    yield Case("handed/in-a-letter", in_a_letter, False)
    yield Case("handed/to-another-guard", to_another_guard, False)
    yield Case("handed/only-stdout", only_stdout, False)
    for frozen in (False, True):
        yield Case(f"handed/{'frozen' if frozen else 'stopped'}",
                   P(stopped, frozen=frozen), False)
    yield Case("handed/stopped/for-long", stopped_for_long, False)
    yield Case("handed/one-way", one_way, False)
    yield Case("handed/unwaited", unwaited, False)
    yield Case("handed/unwaited/early", unwaited_early, False)
