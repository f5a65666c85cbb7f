"""What debugger rules cost a training."""

import json
import os
import subprocess
import time

import numpy

from harness import Row, rows

TRAIN, VALIDATION, COLUMNS = 80_000, 20_000, 28
RULES = ("LossNotDecreasing", "Overfit", "Overtraining", "ClassImbalance",
         "FeatureImportanceOverweight", "TreeDepth", "CreateXgboostReport")
# So that none is over before the training is.
NEVER = {"ratio_threshold": "1000", "depth": "1", "patience_train": "1000", "patience_validation": "1000",
         "diff_percent": "-1000", "threshold": "2"}
INTERVALS = [{"CollectionName": name, "CollectionParameters": {"save_interval": "5"}}
             for name in ("metrics", "feature_importance", "predictions", "labels")]


def lay_out(folder, with_rules):
    random = numpy.random.default_rng(0)
    table = random.normal(size=(TRAIN + VALIDATION, COLUMNS)).astype(numpy.float32)
    labels = (table[:, :5].sum(1) > 0).astype(int)
    for name, part in (("train", slice(TRAIN)), ("validation", slice(TRAIN, None))):
        channel = folder / "input/data" / name
        channel.mkdir(parents=True)
        (channel / "rows.csv").write_text("".join(
            f"{label}," + ",".join(f"{value:.5g}" for value in row) + "\n"
            for label, row in zip(labels[part], table[part])))
    (folder / "input/config").mkdir()
    files = {"hyperparameters": {"objective": "binary:logistic", "num_round": "100", "max_depth": "6",
                                 "eval_metric": "logloss"},
             "inputdataconfig": {name: {"ContentType": "text/csv"} for name in ("train", "validation")}}
    if with_rules:
        hook = {"S3OutputPath": "s3://bench/debug", "CollectionConfigurations": INTERVALS}
        files["debughookconfig"] = hook
        files["debugrules"] = {"Hook": hook, "Rules": [
            {"RuleConfigurationName": name, "RuleParameters": {"rule_to_invoke": name, **NEVER}}
            for name in RULES]}
    for name, content in files.items():
        (folder / f"input/config/{name}.json").write_text(json.dumps(content))
    return folder


def seconds_of(bench, folder):
    began = time.perf_counter()
    subprocess.run([bench.binary, "job", "xgboost", folder], check=True, stdout=subprocess.DEVNULL,
                   env={**os.environ, "LATHE_IMAGE": "sagemaker-xgboost:3.0-5"})
    return time.perf_counter() - began


@rows(Row("rules-overhead", 0.95, "time", "s",
          f"a training of {TRAIN:,} rows, 100 rounds, with six rules, saved tensors and the report",
          "the same without"))
def rules_overhead(bench):
    ruled, plain = (lay_out(bench.scratch / name, name == "ruled") for name in ("ruled", "plain"))
    seconds_of(bench, ruled)
    seconds_of(bench, plain)
    report = ruled / "output/rules/CreateXgboostReport/xgboost_report.json"
    bench.check(len(json.loads(report.read_text())["curves"]["train-logloss"]) == 100,
                "the report does not have all rounds")
    bench.check((ruled / "model/xgboost-model").read_bytes() == (plain / "model/xgboost-model").read_bytes(),
                "the rules changed the model")
    for _ in bench.rounds:
        yield {"rules-overhead": (seconds_of(bench, ruled), seconds_of(bench, plain))}
