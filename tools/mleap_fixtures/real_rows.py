"""Writes the rows of tests/feature/bundles/real.json: the first of the abalone data set (UCI) and
of nycflights13's planes, side by side, and some odd texts.

    python real_rows.py abalone.csv planes.csv > real.json
"""

import csv
import json
import sys

ROWS = 120
NAMES = ["sex", "length", "diameter", "height", "whole", "shucked", "viscera", "shell", "rings"]
ODD = ["", " ", "  two  blanks ", "tab\tand\nline", "ÀÉÎ ŒUVRE", "ΟΔΟΣ ΣΟΦΟΣ", "İstanbul", "Ǆ ẞ",
       "日本 語", "\U0001f600 \U00010400", "a", "ab", "abc", "abcd", "The the THE", "x" * 70]

with open(sys.argv[1], encoding="utf-8") as file:
    abalones = list(csv.reader(file))[:ROWS]
with open(sys.argv[2], encoding="utf-8") as file:
    planes = list(csv.DictReader(file))[:ROWS]
columns = [{"name": name, "type": "number" if i else "text",
            "values": [float(row[i]) if i else row[i] for row in abalones]}
           for i, name in enumerate(NAMES)]
columns.append({"name": "old", "type": "number",
                "values": [float(float(row[8]) > 9) for row in abalones]})
columns.append({"name": "plane", "type": "text",
                "values": ODD + [f"{plane['manufacturer']} {plane['model']} {plane['engine']}"
                                 for plane in planes[len(ODD):]]})
json.dump({"columns": columns}, sys.stdout, ensure_ascii=False)
print()
