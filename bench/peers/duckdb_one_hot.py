"""DuckDB with one thread: ROWS.csv of AI4I parsed, the type one-hot encoded, and all columns summed,
which makes it compute every value without keeping any. Prints {"seconds": s, "sums": [...]}."""

import json
import sys
import time

import duckdb

RAW = ["Air temperature [K]", "Process temperature [K]", "Rotational speed [rpm]", "Torque [Nm]",
       "Tool wear [min]"]
TYPES = {"UDI": "INTEGER", "Product ID": "VARCHAR", "Type": "VARCHAR",
         **{name: "DOUBLE" for name in RAW},
         **{name: "INTEGER" for name in ("Machine failure", "TWF", "HDF", "PWF", "OSF", "RNF")}}

database = duckdb.connect(config={"threads": 1})
wanted = [f"sum((\"Type\" = '{letter}')::DOUBLE)" for letter in "HLM"]
wanted += [f'sum("{name}")' for name in RAW]
started = time.perf_counter()
sums = database.execute(f"SELECT {', '.join(wanted)} FROM read_csv(?, header = true, delim = ',', "
                        f"columns = {TYPES})", [sys.argv[1]]).fetchone()
print(json.dumps({"seconds": time.perf_counter() - started, "sums": sums}))
