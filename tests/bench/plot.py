# SPDX-License-Identifier: MIT
"""All results in one picture: each row's share of its goal, log scale.

1 is the goal, left of it is better.  A dot is the median, a thick line has
half of the numbers and a thin one all, rings are peers, a stroke is the floor.
Readable on a light and on a dark page.
"""

import math
from xml.sax.saxutils import escape

import show
from figures import quartiles, spread

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
 .floor { stroke: #8250df; }
 @media (prefers-color-scheme: dark) {
  .page { fill: #0d1117; } .grid { stroke: #30363d; } .text { fill: #e6edf3; }
  .dim { fill: #8b949e; } .goal { stroke: #e6edf3; }
  .met { fill: #3fb950; stroke: #3fb950; }
  .missed { fill: #f85149; stroke: #f85149; }
  .none { fill: #8b949e; stroke: #8b949e; }
  .peer { fill: none; stroke: #a371f7; }
  .floor { stroke: #a371f7; }
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


def stroke(x, to_x, y, to_y, kind, width):
    return (f'<line x1="{x:.1f}" x2="{to_x:.1f}" y1="{y:.0f}" y2="{to_y:.0f}" '
            f'stroke-width="{width}" class="{kind}"/>')


def ranges(r, y, kind):
    """All of the numbers, and half of them."""
    inner = quartiles(r.series)
    for limits, width in ((spread(r.series)[1:], 1), (inner, 4)):
        if limits:
            x, to_x = sorted(across(r.goal.share(v)) for v in limits)
            yield stroke(x, to_x, y, y, kind, width)


def peer(r, name, y):
    x = across(r.goal.share(spread(r.peers[name])[0]))
    if name == r.floor:
        return stroke(x, x, y - 8, y + 8, "floor", 2.5)
    return (f'<circle cx="{x:.1f}" cy="{y}" r="4" stroke-width="1.5" '
            'class="peer"/>')


def row(r, y):
    out = [text(LEFT - 14, y + 4, r.name, anchor="end")]
    if r.skipped():
        return out + [text(LEFT, y + 4, r.note, "dim small")]
    kind = "met" if r.met() else "missed"
    out += ranges(r, y, kind)
    out += [peer(r, name, y) for name in r.peers]
    x = across(r.goal.share(r.median()))
    out.append(f'<circle cx="{x:.1f}" cy="{y}" r="5" class="{kind}"/>')
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
        out.append(stroke(x, x, TOP - 14, bottom, kind, 1.5 if goal else 1))
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
                        f"{m['kernel']}; dot: median, thick line: "
                        "half, thin: all, ring: peer, stroke: floor",
              "dim small")]
    out += scale(height - 14)
    for i, r in enumerate(rows):
        out += row(r, TOP + ROW * i + ROW // 2 - 6)
    out.append("</svg>")
    path = setting.part("bench/bench.svg")
    with open(path, "w") as f:
        f.write("\n".join(out) + "\n")
    print(path)
