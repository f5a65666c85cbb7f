"""Measures lathe beside its peers: ./dev bench [ROW...]; --list names the rows."""

import argparse
import importlib
import pathlib
import sys

import harness

HERE = pathlib.Path(__file__).resolve().parent
PEERS = ("xgboost-cpu", "polars", "pandas", "scikit-learn", "lightgbm", "ydf", "lleaves", "tl2cgen",
         "treelite", "onnxruntime", "duckdb", "fastapi", "uvicorn", "boto3", "awscli")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("row", nargs="*", help="rows to measure (default: all)")
    parser.add_argument("--list", action="store_true", help="names the rows and their goals")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--binary", type=pathlib.Path, default=harness.ROOT / "build/release/lathe")
    parser.add_argument("--no-write", action="store_true", help="leaves RESULTS.md as it is")
    options = parser.parse_args()

    for module in sorted(HERE.glob("rows_*.py")):
        importlib.import_module(module.stem)
    if options.list:
        for row in harness.ROWS.values():
            print(f"{row.name:22} goal {row.goal:<5g} {row.ours}; peer: {row.peer}")
        return 0
    unknown = [name for name in options.row if name not in harness.ROWS]
    if unknown:
        parser.error(f"no row {', '.join(unknown)}; there are {', '.join(harness.ROWS)}")

    chosen = [harness.ROWS[name] for name in dict.fromkeys(options.row)] or [*harness.ROWS.values()]
    environment = f"{harness.machine()}; {harness.versions(PEERS)}"
    print(environment)
    results, failed = [], []
    for function in dict.fromkeys(row.measure for row in chosen):
        wanted = [row for row in chosen if row.measure is function]
        names = ", ".join(row.name for row in wanted)
        print(f"\n{names}: {wanted[0].ours}, beside {wanted[0].peer}", flush=True)
        try:
            measured = harness.measure(function, wanted, options.binary, options.rounds)
            results += measured
            if not options.no_write:  # at once: what is measured outlives a run that is cut short
                harness.write_results(HERE / "RESULTS.md", measured, environment)
        except Exception as error:  # a row that cannot be measured does not keep others from it
            print(f"{names}: not measured: {type(error).__name__}: {error}", file=sys.stderr)
            failed.append(names)
    print()
    for result in results:
        print("\n".join(harness.table(result)), end="\n\n")
    for result in results:
        print(result.last_line())
    return 1 if failed else 0


sys.exit(main())
