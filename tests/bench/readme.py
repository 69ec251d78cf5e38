# SPDX-License-Identifier: MIT
"""The table as the README shows it: bench.md."""

from figures import quartiles, spread
from show import number


def between(low, high):
    return f"{number(low)} to {number(high)}"


def measured(r):
    """Median, quartiles, range; and of a ratio both absolute numbers."""
    middle, low, high = spread(r.series)
    words = f"{number(middle)} {r.unit}".strip()
    words = words.replace(" x at ", " × that at ").replace(" x ", " × ")
    half = quartiles(r.series)
    if half:
        words += f" ({between(*half)}; {between(low, high)})"
    elif len(r.series) > 1:
        words += f" ({between(low, high)})"
    base = r.unit.removeprefix("x ")
    if base in r.ways:
        ours, other = (number(spread(r.ways[w])[0]) for w in ("ours", base))
        words += f"; {ours} against {other} {r.ways_unit}"
    return words


def goal(r):
    if r.goal is None:
        return ""
    words = str(r.goal).replace("<=", "≤").replace(">=", "≥")
    words += ", met" if r.met() else ", **missed**"
    return words + (f"; {r.floor}: {number(r.least())}" if r.floor else "")


def row(r):
    if r.skipped():
        return f"| {r.name} | {r.note} | |"
    return f"| {r.name} | {measured(r)} | {goal(r)} |"


def write(results, setting):
    path = setting.part("bench/bench.md")
    with open(path, "w") as f:
        f.write("| measure | median (quartiles; range) | goal |\n"
                "|---|---|---|\n")
        f.writelines(row(r) + "\n" for r in results)
    print(path)
