# SPDX-License-Identifier: MIT
"""The table for the terminal, the JSON for those who come later."""

import json
import os
import platform
import time

from figures import quartiles, spread

WIDE = (49, 44, 27, 0)  # columns; a result is printed as it is taken


def number(x):
    if x == 0:
        return "0"
    if abs(x) >= 1000:
        return f"{x:.0f}"
    return f"{x:.1f}" if abs(x) >= 100 else f"{x:.3g}" if abs(x) < 1 \
        else f"{x:.2f}"


def series(values):
    middle, low, high = spread(values)
    if len(values) == 1:
        return number(middle)
    half = quartiles(values)
    inner = f" ({number(half[0])}..{number(half[1])})" if half else ""
    return f"{number(middle)}{inner} [{number(low)}..{number(high)}]"


def judged(result):
    if result.skipped():
        return result.note
    if result.goal is None:
        return "no goal"
    word = "met" if result.met() else "MISSED"
    if result.floor:
        word += f" (floor {number(result.least())})"
    return f"{result.goal} {word}"


def others(result):
    """Peers by the same measure, and every way in absolute numbers."""
    words = [f"{name}{' (floor)' if name == result.floor else ''} "
             f"{number(spread(v)[0])}" for name, v in result.peers.items()]
    if result.ways:
        words.append(f"({result.ways_unit}: " + ", ".join(
            f"{w} {number(spread(v)[0])}" for w, v in result.ways.items())
            + ")")
    if result.note and not result.skipped():
        words.append(result.note)
    return "  ".join(words)


def heading():
    line(("measure", "median (quartiles) [min..max]", "goal", "peers"))


def line(row):
    print(" ".join(f"{cell:{w}}" for cell, w in zip(row, WIDE)).rstrip(),
          flush=True)


def result(r):
    value = "" if r.skipped() else f"{series(r.series)} {r.unit}".strip()
    line((r.name, value, judged(r), others(r)))


def missing(setting):
    if setting.missing:
        print("not installed, left out: " + ", ".join(sorted(setting.missing))
              + " (scripts/setup bench installs them)")


def durations(seconds):
    """SECONDS: measure -> how long it took; the longest first."""
    longest = sorted(seconds.items(), key=lambda m: -m[1])
    total = round(sum(seconds.values()))
    print(f"{total // 60} min {total % 60} s: "
          + ", ".join(f"{name} {s:.1f} s" for name, s in longest))


def machine():
    model = ""
    with open("/proc/cpuinfo") as f:
        for line in f:
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    return {"cpu": model, "cores": os.cpu_count(),
            "kernel": platform.release(), "arch": platform.machine(),
            "libc": " ".join(platform.libc_ver()),
            "python": platform.python_version()}


def spread_json(values):
    out = dict(zip(("median", "min", "max"), spread(values)))
    half = quartiles(values)
    return {**out, "quartiles": half} if half else out


def as_json(r):
    out = {"name": r.name, "unit": r.unit}
    if r.skipped():
        return {**out, "skipped": r.note}
    out.update(spread_json(r.series), n=len(r.series))
    if r.goal is not None:
        out.update(goal=r.goal.limit, met=r.met(),
                   better="more" if r.goal.least else "less")
    if r.floor:
        out.update(floor=r.floor, floor_meets_goal=r.meets(r.least()))
    for key, ways in (("peers", r.peers), ("ways", r.ways)):
        if ways:
            out[key] = {w: spread_json(v) for w, v in ways.items()}
    if r.ways:
        out["ways_unit"] = r.ways_unit
    if r.note:
        out["note"] = r.note
    return out


def write_json(results, seconds, setting):
    doc = {"date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
           "machine": machine(), "missing": sorted(setting.missing),
           "seconds": seconds,
           "results": [as_json(r) for r in results]}
    path = setting.part("bench/bench.json")
    with open(path, "w") as f:
        json.dump(doc, f, indent=1)
        f.write("\n")
    print(path)
