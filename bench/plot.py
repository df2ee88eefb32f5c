"""plot: the bench's results as an SVG of up to four panels, by hand: no library needed, small differences between two runs.

    build/venv/bin/python bench/plot.py build/bench/results.jsonl docs/performance.svg
"""

import html
import json
import math
import pathlib
import sys

WIDTH, PANEL, MARGIN, LABEL = 900, 30, 24, 150
OURS, LIMIT, CEILING, SOURCE, PG = "#1f6feb", "#9aa4b2", "#d29922", "#8250df", "#2da44e"


class Drawing:
    def __init__(self):
        self.parts, self.y = [], MARGIN

    def text(self, x, y, text, size=13, color="#24292f", anchor="start", weight="normal"):
        self.parts.append(f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="{color}" text-anchor="{anchor}" '
                          f'font-weight="{weight}">{html.escape(str(text))}</text>')

    def box(self, x, y, w, h, color):
        self.parts.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(w, 0.5):.1f}" height="{h:.1f}" fill="{color}"/>')

    def title(self, title, legend):
        self.text(MARGIN, self.y + 14, title, size=15, weight="bold")
        self.y += 26
        x = MARGIN
        for name, color in legend:
            self.box(x, self.y, 11, 11, color)
            self.text(x + 16, self.y + 10, name, size=12)
            x += 28 + 7 * len(name)
        self.y += 24

    def svg(self):
        return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{self.y + MARGIN:.0f}" '
                f'viewBox="0 0 {WIDTH} {self.y + MARGIN:.0f}" font-family="sans-serif">\n'
                f'<rect width="100%" height="100%" fill="#ffffff"/>\n' + "\n".join(self.parts) + "\n</svg>\n")


def bars(d, rows, form, scale=lambda v: v):
    """rows: (label, [(value, color)]), each value a bar of its own."""
    most = max(scale(v) for _, values in rows for v, _ in values) or 1
    room = WIDTH - LABEL - MARGIN - 110
    for label, values in rows:
        d.text(LABEL - 8, d.y + 6 * len(values) + 5, label, anchor="end")
        for value, color in values:
            w = room * scale(value) / most
            d.box(LABEL, d.y, w, 11, color)
            d.text(LABEL + w + 6, d.y + 10, form(value), size=11)
            d.y += 13
        d.y += 9
    d.y += 14


def stacks(d, rows):
    most = max(sum(v for v, _ in values) for _, values in rows) or 1
    room = WIDTH - LABEL - MARGIN - 110
    for label, values in rows:
        d.text(LABEL - 8, d.y + 13, label, anchor="end")
        x = LABEL
        for value, color in values:
            w = room * value / most
            d.box(x, d.y, w, 17, color)
            if w > 34:
                d.text(x + w / 2, d.y + 13, f"{value:.2f}", size=11, color="#ffffff", anchor="middle")
            x += w
        d.text(x + 6, d.y + 13, f"{sum(v for v, _ in values):.2f}", size=11)
        d.y += 25
    d.y += 14


def write(results, path):
    d = Drawing()
    beside = [r for r in results if "limit_rows_per_s" in r]
    if beside:
        d.title("Rows a second, beside PostgreSQL's own limit", [
            ("millrace", OURS), ("PostgreSQL's limit, alone on the machine", LIMIT), ("what the run's CPU figures allow", CEILING)])
        bars(d, [(r["case"], [(r["rows_per_s"], OURS), (r["limit_rows_per_s"], LIMIT), (r["ceiling_rows_per_s"], CEILING)])
                 for r in beside], lambda v: f"{v:,.0f}")
    costly = [r for r in results if "cpu_s_per_million" in r]
    if costly:
        d.title("CPU seconds a million rows", [("millrace", OURS), ("source", SOURCE), ("PostgreSQL", PG)])
        keys = (("cpu_s_per_million", OURS), ("source_cpu_s_per_million", SOURCE), ("pg_cpu_s_per_million", PG))
        stacks(d, [(r["case"], [(r[key], color) for key, color in keys if r.get(key) is not None]) for r in costly])
    late = [r for r in results if "p50_ms" in r]
    if late:
        d.title("Commit to commit at 1,000 changes a second, ms (logarithmic)", [
            ("p50", OURS), ("p99", SOURCE), ("a bare commit's p99", LIMIT)])
        bars(d, [(f"{r['tables']:,} table{'s' * (r['tables'] > 1)}",
                  [(r["p50_ms"], OURS), (r["p99_ms"], SOURCE), (r["bare_p99_ms"], LIMIT)]) for r in late],
             lambda v: f"{v:.1f}", scale=lambda v: math.log10(1 + v))
    memory = [(f"{rows:,} rows", rss) for r in results for rows, rss, _ in r.get("rss_by_rows", [])]
    memory += [(r["case"], r["peak_rss_mib"]) for r in results if "peak_rss_mib" in r and "rss_by_rows" not in r]
    if memory:
        d.title("Peak memory of millrace, MiB", [("peak resident set", OURS)])
        bars(d, [(label, [(rss, OURS)]) for label, rss in memory], lambda v: f"{v:.1f}")
    pathlib.Path(path).write_text(d.svg())


if __name__ == "__main__":
    with open(sys.argv[1]) as f:
        write([json.loads(line) for line in f], sys.argv[2])
