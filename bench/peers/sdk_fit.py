"""sdk_fit.py TRAIN OUTPUT: for each line on standard input, an estimator of the SageMaker SDK fits, as a
user has it fit, and "took" is printed with its seconds, behind what else the SDK prints."""

import contextlib
import io
import logging
import sys
import time
import warnings

import sagemaker
from sagemaker.inputs import TrainingInput

IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.0-5"
SETTINGS = {"objective": "reg:squarederror", "num_round": 20, "max_depth": 5, "eta": 0.2}

warnings.filterwarnings("ignore")
logging.disable(logging.WARNING)
train, output = sys.argv[1:]
session = sagemaker.Session()
for _ in sys.stdin:
    estimator = sagemaker.estimator.Estimator(
        IMAGE, "arn:aws:iam::000000000000:role/Role", 1, "ml.m5.large", output_path=output,
        hyperparameters=SETTINGS, sagemaker_session=session, disable_profiler=True)
    started = time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()):
        estimator.fit({"train": TrainingInput(train, content_type="text/csv")})
    print("took", time.perf_counter() - started, flush=True)
