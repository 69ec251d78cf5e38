# SPDX-License-Identifier: MIT
"""All results in one picture: each row's share of its goal, log scale.

1 is the goal, left of it is better.  A dot is the median, a line the range,
rings are peers.  Readable on a light and on a dark page.
"""

import math
from xml.sax.saxutils import escape

import show
from figures import spread

WIDTH, LEFT, RIGHT, ROW, TOP = 1000, 390, 260, 26, 74
LOW, HIGH = 0.1, 10.0
STYLE = """
 svg { color-scheme: light dark; }
 .page { fill: #ffffff; } .grid { stroke: #d0d7de; } .text { fill: #24292f; }
 .dim { fill: #57606a; } .goal { stroke: #24292f; }
 .met { fill: #1a7f37; stroke: #1a7f37; }
 .missed { fill: #cf222e; stroke: #cf222e; }
 .none { fill: #57606a; stroke: #57606a; }
 .peer { fill: none; stroke: #8250df; }
 @media (prefers-color-scheme: dark) {
  .page { fill: #0d1117; } .grid { stroke: #30363d; } .text { fill: #e6edf3; }
  .dim { fill: #8b949e; } .goal { stroke: #e6edf3; }
  .met { fill: #3fb950; stroke: #3fb950; }
  .missed { fill: #f85149; stroke: #f85149; }
  .none { fill: #8b949e; stroke: #8b949e; }
  .peer { fill: none; stroke: #a371f7; }
 }
 text { font: 13px system-ui, "DejaVu Sans", sans-serif; }
 .small { font-size: 11px; }
"""


def across(share):
    """Where a share of the goal lies; what is out of range, at the edge."""
    share = min(max(share, LOW), HIGH)
    span = WIDTH - LEFT - RIGHT
    return LEFT + span * math.log(share / LOW) / math.log(HIGH / LOW)


def text(x, y, words, kind="text", anchor="start"):
    return (f'<text x="{x:.0f}" y="{y:.0f}" class="{kind}" '
            f'text-anchor="{anchor}">{escape(words)}</text>')


def shares(r, values):
    goal = r.goal
    return sorted(goal.share(v) for v in spread(values))


def row(r, y):
    out = [text(LEFT - 14, y + 4, r.name, anchor="end")]
    if r.skipped():
        return out + [text(LEFT, y + 4, r.note, "dim small")]
    kind = "met" if r.met() else "missed"
    low, middle, high = shares(r, r.series)
    out.append(f'<line x1="{across(low):.1f}" x2="{across(high):.1f}" '
               f'y1="{y}" y2="{y}" stroke-width="2" class="{kind}"/>')
    for values in r.peers.values():
        x = across(r.goal.share(spread(values)[0]))
        out.append(f'<circle cx="{x:.1f}" cy="{y}" r="4" stroke-width="1.5" '
                   'class="peer"/>')
    out.append(f'<circle cx="{across(middle):.1f}" cy="{y}" r="5" '
               f'class="{kind}"/>')
    value = f"{show.number(r.median())} {r.unit}".strip()
    out.append(text(WIDTH - RIGHT + 14, y + 4, value))
    out.append(text(WIDTH - 14, y + 4, f"goal {r.goal}".replace("<=", "≤")
                    .replace(">=", "≥"), "dim", "end"))
    return out


def scale(bottom):
    out = []
    for share in (0.1, 0.2, 0.5, 1, 2, 5, 10):
        x = across(share)
        goal = share == 1
        kind = "goal" if goal else "grid"
        out.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{TOP - 14}" '
                   f'y2="{bottom}" class="{kind}" '
                   f'stroke-width="{1.5 if goal else 1}"/>')
        label = "goal" if goal else f"{share:g} x"
        out.append(text(x, TOP - 20, label,
                        "text small" if goal else "dim small", "middle"))
    return out


def write(results, setting):
    rows = [r for r in results if r.skipped() or r.goal is not None]
    height = TOP + ROW * len(rows) + 20
    m = show.machine()
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" '
           f'height="{height}" viewBox="0 0 {WIDTH} {height}">',
           f"<style>{STYLE}</style>",
           f'<rect width="{WIDTH}" height="{height}" rx="8" class="page"/>',
           text(14, 24, "childproof: measured, as a share of the goal "
                        "(left of the line is better)"),
           text(14, 42, f"{m['cpu']}, {m['cores']} cores, Linux "
                        f"{m['kernel']}; dot: median, line: range, "
                        "ring: peer", "dim small")]
    out += scale(height - 14)
    for i, r in enumerate(rows):
        out += row(r, TOP + ROW * i + ROW // 2 - 6)
    out.append("</svg>")
    path = setting.part("bench/bench.svg")
    with open(path, "w") as f:
        f.write("\n".join(out) + "\n")
    print(path)
