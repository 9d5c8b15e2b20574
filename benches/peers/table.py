"""Reads lines of figures, as measure.py prints them, and prints a table of them: ours is the first line."""

import json
import sys

COLUMNS = ("", "p50 ms", "p95 ms", "1/s", "1/s, 4 clients", "p95 ms, 4 clients", "memory MB", "busy MB", "right")


def row(figures):
    one, four = figures["clients_1"], figures["clients_4"]
    right = figures.get("accuracy")
    return (
        figures["name"],
        one["p50_ms"],
        one["p95_ms"],
        one["per_second"],
        four["per_second"],
        four["p95_ms"],
        figures["memory_mb"],
        figures.get("busy_memory_mb", ""),
        f"{right['rate']:.2%} of {right['pairs'] - right['without_an_answer']}" if right else "",
    )


rows = [COLUMNS, *(tuple(map(str, row(json.loads(line)))) for line in sys.stdin)]
widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
for cells in rows:
    print("  ".join(cell.ljust(width) if at == 0 else cell.rjust(width) for at, (cell, width) in enumerate(zip(cells, widths))))
