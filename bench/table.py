"""table: the bench's results as one aligned table; columns that no case fills are left out."""

COLUMNS = [
    ("case", "case", "{}"), ("rows", "rows", "{:,}"), ("rows_per_s", "rows/s", "{:,}"),
    ("limit_rows_per_s", "limit", "{:,}"), ("ratio", "ratio", "{:.2f}"), ("spread", "spread", "{}"),
    ("ceiling_rows_per_s", "ceiling", "{:,}"), ("of_ceiling", "of it", "{:.2f}"),
    ("cpu_s_per_million", "CPU s/M", "{:.2f}"), ("source_cpu_s_per_million", "source", "{:.2f}"),
    ("pg_cpu_s_per_million", "PostgreSQL", "{:.2f}"), ("limit_pg_cpu_s_per_million", "its limit", "{:.2f}"),
    ("first_row_ms", "first row ms", "{:.0f}"), ("copied_ms", "all copied ms", "{:.0f}"),
    ("p50_ms", "p50 ms", "{:.1f}"), ("p95_ms", "p95 ms", "{:.1f}"), ("p99_ms", "p99 ms", "{:.1f}"),
    ("bare_p99_ms", "bare p99", "{:.1f}"), ("cpu_percent", "CPU %", "{:.2f}"), ("statements_per_s", "stmts/s", "{:.1f}"),
    ("peak_rss_mib", "peak MiB", "{:.1f}"),
]


def lines_of(results):
    lines = [[title for _, title, _ in COLUMNS]]
    for r in results:
        r = {**r, "spread": f"{r['ratio_min']:.2f}–{r['ratio_max']:.2f}" if "ratio" in r else None}
        lines.append([form.format(r[key]) if r.get(key) is not None else "" for key, _, form in COLUMNS])
    keep = [i for i in range(len(COLUMNS)) if any(line[i] for line in lines[1:])]
    return [[line[i] for i in keep] for line in lines]


def show(results):
    if not results:
        return
    lines = lines_of(results)
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    for line in lines:
        print("  ".join(text.ljust(w) if i == 0 else text.rjust(w) for i, (text, w) in enumerate(zip(line, widths))).rstrip())


def markdown(results):
    """The same for docs/performance.md: build/venv/bin/python bench/table.py build/bench/results.jsonl"""
    lines = lines_of(results)
    for i, line in enumerate(lines):
        print("| " + " | ".join(line) + " |")
        if i == 0:
            print("|" + " --- |" * len(line))


if __name__ == "__main__":
    import json
    import sys
    with open(sys.argv[1]) as f:
        markdown([json.loads(line) for line in f])
