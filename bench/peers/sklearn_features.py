"""AI4I's features with pandas and scikit-learn: ROWS.csv [OUT.csv].

Prints {"seconds": s, "sums": [...]}: from the CSV to fitted and applied features, written to OUT
where one is given; imports are not in it. The sums are those of the columns."""

import json
import sys
import time

import numpy
import pandas
from sklearn.compose import ColumnTransformer
from sklearn.preprocessing import FunctionTransformer, OrdinalEncoder

AIR, PROCESS = "Air temperature [K]", "Process temperature [K]"
SPEED, TORQUE, WEAR = "Rotational speed [rpm]", "Torque [Nm]", "Tool wear [min]"
RAW = [AIR, PROCESS, SPEED, TORQUE, WEAR]
LABEL = "Machine failure"


def made(frame):
    """Heat, power and strain, as features.yaml has them."""
    margin = (frame[PROCESS] - frame[AIR]).to_numpy() - 8.6
    torque = frame[TORQUE].to_numpy()
    limit = frame["Type"].map({"L": 11000.0, "M": 12000.0, "H": 13000.0}).to_numpy()
    return numpy.column_stack([margin, margin >= 0,
                               torque * (frame[SPEED].to_numpy() * 0.10471975511965977),
                               frame[WEAR].to_numpy() * torque / limit])


def transformer():
    return ColumnTransformer([
        ("index", OrdinalEncoder(), ["Type"]), ("raw", "passthrough", RAW),
        ("made", FunctionTransformer(made), ["Type", *RAW])])


def read(path):
    return pandas.read_csv(path, usecols=["Type", *RAW, LABEL],
                           dtype={name: numpy.float64 for name in RAW})


def main():
    started = time.perf_counter()
    frame = read(sys.argv[1])
    features = transformer().fit_transform(frame)
    if len(sys.argv) > 2:
        pandas.DataFrame(numpy.column_stack([frame[LABEL], features])).to_csv(
            sys.argv[2], header=False, index=False)
    took = time.perf_counter() - started
    print(json.dumps({"seconds": took, "sums": features.sum(0).tolist()}))


if __name__ == "__main__":
    main()
