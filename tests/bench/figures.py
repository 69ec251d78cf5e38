# SPDX-License-Identifier: MIT
"""What was measured, and how it is judged.

A Result has one series of numbers that a goal is held against, and the
absolute numbers of every way that was measured beside it.
"""

import statistics


class Goal:
    """`value` at most (or at least) `limit`."""

    def __init__(self, limit, least=False):
        self.limit = limit
        self.least = least

    def met(self, value):
        return value >= self.limit if self.least else value <= self.limit

    def share(self, value):
        """1 is the goal, less is better: what a plot of all goals shows."""
        if self.least:
            return self.limit / value if value else float("inf")
        if self.limit == 0:
            return 0.0 if value == 0 else float("inf")
        return value / self.limit

    def __str__(self):
        return f"{'>=' if self.least else '<='} {self.limit:g}"


class Result:
    """NAME; SERIES in UNIT, held against GOAL; WAYS: name -> absolute numbers
    in WAYS_UNIT; PEERS: name -> the same quantity as the series.  FLOOR names
    the peer that nobody in our place can be better than: where that one misses
    the goal, the goal is out of reach."""

    def __init__(self, name, unit, goal, series, **more):
        self.name = name
        self.unit = unit
        self.goal = goal
        self.series = series
        self.ways = more.get("ways", {})
        self.ways_unit = more.get("ways_unit", "")
        self.peers = more.get("peers", {})
        self.floor = more.get("floor")
        self.note = more.get("note", "")
        self.failed = more.get("failed", False)

    def skipped(self):
        return not self.series

    def median(self):
        return statistics.median(self.series)

    def least(self):
        """The floor, as a number."""
        return statistics.median(self.peers[self.floor])

    def meets(self, value):
        return self.goal is None or self.goal.met(round(value, 3))

    def met(self):
        return self.meets(self.median())


def skip(name, why, failed=False):
    return Result(name, "", None, [], note="skipped: " + why, failed=failed)


def spread(series):
    """median, min and max."""
    return statistics.median(series), min(series), max(series)


def quartiles(series):
    """Half of the numbers lie between these; None if there are too few."""
    if len(series) < 4:
        return None
    low, _, high = statistics.quantiles(series, n=4, method="inclusive")
    return low, high


def ratio(name, rows, base, goal, unit, **more):
    """ROWS, one a turn, have a number for each way: ours to that of BASE."""
    def to_base(way):
        return [r[way] / r[base] for r in rows]

    ways = {w: [r[w] for r in rows] for w in rows[0]}
    peers = {w: to_base(w) for w in rows[0] if w not in ("ours", base)}
    return Result(name, "x " + base, goal, to_base("ours"), ways=ways,
                  ways_unit=unit, peers=peers, **more)
