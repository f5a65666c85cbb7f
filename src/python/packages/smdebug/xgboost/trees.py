"""A round's tree as columns, out of XGBoost's text."""

import re

import numpy as np

LEAF = re.compile(r"\s*(?P<node>\d+):leaf=(?P<gain>[^,]+),cover=(?P<cover>\S+)")
SPLIT = re.compile(r"\s*(?P<node>\d+):\[(?P<feature>.+?)(?:<(?P<split>[^\]]+)|:\{(?P<cats>[^}]*)\})\]\s*"
                   r"yes=(?P<yes>\d+),no=(?P<no>\d+),missing=(?P<missing>\d+),"
                   r"gain=(?P<gain>[^,]+),cover=(?P<cover>\S+)")
COLUMNS = {"Tree": "int", "Node": "int", "ID": "U", "Feature": "U", "Split": "float", "Yes": "U",
           "No": "U", "Missing": "U", "Gain": "float", "Cover": "float", "Category": "U"}
NONE = float("nan")


def _row(tree, line):
    found = SPLIT.match(line) or LEAF.match(line)
    parts = found.groupdict()
    node = int(parts["node"])
    row = {"Tree": tree, "Node": node, "ID": f"{tree}-{node}", "Feature": parts.get("feature", "Leaf"),
           "Split": float(parts.get("split") or NONE), "Gain": float(parts["gain"]),
           "Cover": float(parts["cover"])}
    row.update({name: f"{tree}-{parts[name.lower()]}" if "yes" in parts else NONE
                for name in ("Yes", "No", "Missing")})
    return {**row, "Category": parts["cats"].split(",") if parts.get("cats") else NONE}


def columns_of(model, tree):
    """Those of one tree, by its nodes' numbers; a round of several classes has its first told."""
    lines = [line for line in model.get_dump(with_stats=True)[tree].split("\n") if line]
    rows = sorted((_row(tree, line) for line in lines), key=lambda row: row["Node"])
    return {name: np.array([row[name] for row in rows], dtype=kind) for name, kind in COLUMNS.items()}
