"""Debugger rules of a script that trains XGBoost with smdebug's hook: what they say is what the built-in
algorithm's say (test_debug_rules.py holds those to XGBoost itself) of the same training and hook."""

import json

import pytest

import scripts
from sagemaker_jobs import channel, train, unique, wait_for_job
from test_debug_rules import (
    CLEAR, HALF, NOISY, RARE, STOP, Outline, request_of, rule, statuses)

SCRIPT = """
import json
import os
import xgboost
from smdebug.xgboost import Hook

given = json.load(open("/opt/ml/input/config/hyperparameters.json"))
params = {name: json.loads(text) for name, text in given.items() if not name.startswith("sagemaker_")}
rounds = params.pop("num_round")
matrices = [xgboost.DMatrix(f"/opt/ml/input/data/{name}/rows.csv?format=csv&label_column=0")
            for name in ("train", "validation")]
hook = Hook.create_from_json_file()
hook.train_data, hook.validation_data, hook.hyperparameters = *matrices, params
xgboost.train(params, matrices[0], rounds, verbose_eval=False, callbacks=[hook],
              evals=[(matrices[0], "train"), (matrices[1], "validation")])
"""
ALL = ["metrics", "predictions", "labels", "feature_importance", "trees", "hyperparameters"]


def hook_of(bucket, names, interval="10"):
    return {"S3OutputPath": f"s3://{bucket}/debug", "CollectionConfigurations": [
        {"CollectionName": name, "CollectionParameters": {"save_interval": interval}} for name in names]}


def scripted(server, bucket, own, script=SCRIPT):
    """The built-in job's request as that of a script which trains the same."""
    given = {name: value if value.lstrip("-").isdigit() else json.dumps(value)
             for name, value in own["HyperParameters"].items()}
    return {**own, "TrainingJobName": unique("script"),
            "AlgorithmSpecification": {**own["AlgorithmSpecification"], "TrainingImage": scripts.IMAGE},
            "HyperParameters": {**given, **scripts.source(server, bucket, {"train.py": script})}}


def told(job):
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    return {name: (one["RuleEvaluationStatus"], one.get("StatusDetails"))
            for name, one in statuses(job).items()}


def named(name, called, **parameters):
    return {**rule(name, **parameters), "RuleConfigurationName": called}


RULES = [rule("LossNotDecreasing"), rule("Overfit"), rule("Overtraining", patience_validation="1"),
         rule("ClassImbalance"), rule("Confusion"), rule("TreeDepth"),
         rule("FeatureImportanceOverweight", nfeatures="1", threshold="0.5"),
         named("AllZero", "zeros", collection_names="labels", threshold="60"),
         named("TensorVariance", "variance", collection_names="predictions,metrics", max_threshold="0.01"),
         named("UnchangedTensor", "labels", collection_names="labels"),
         named("UnchangedTensor", "losses", collection_names="losses", num_steps="2", rtol="0.2"),
         named("Overfit", "never", ratio_threshold="1000")]


@pytest.mark.parametrize("data", [NOISY, RARE], ids=["noise", "rare"])
def test_a_script_is_told_what_the_built_in_algorithm_is(server, bucket, data):
    own = request_of(server, bucket, data, RULES, hook_of(bucket, ALL))
    expected = told(train(server, own))
    assert {status for status, _ in expected.values()} == {"IssuesFound", "NoIssuesFound"}
    assert told(train(server, scripted(server, bucket, own))) == expected


def test_a_rule_stops_a_script(server, bucket):
    own = request_of(server, bucket, NOISY, [rule("LossNotDecreasing", action_json=STOP),
                                             rule("Overfit", ratio_threshold="1000")],
                     hook_of(bucket, ["metrics"]), num_round=1_000_000)
    job = train(server, scripted(server, bucket, own))
    assert job["TrainingJobStatus"] == "Stopped", job
    found = statuses(job)
    assert found["LossNotDecreasing"]["RuleEvaluationStatus"] == "IssuesFound"
    assert found["Overfit"]["RuleEvaluationStatus"] == "Stopped"


def test_rules_without_tensors_say_so(server, bucket):
    own = request_of(server, bucket, CLEAR, [rule("Overfit"), rule("Confusion"),
                                             rule("CreateXgboostReport")],
                     hook_of(bucket, ["metrics"]))
    found = told(train(server, scripted(server, bucket, own)))
    assert found["Overfit"][0] == "IssuesFound" and found["CreateXgboostReport"][0] == "NoIssuesFound"
    assert found["Confusion"][0] == "Error" and "collection predictions" in found["Confusion"][1]
    found = told(train(server, scripted(server, bucket, own, "print('no hook')")))
    assert {status for status, _ in found.values()} == {"Error"}
    assert all("No debugging data was saved" in words for _, words in found.values())


def test_what_a_script_leaves_in_the_hooks_folder_does_no_harm(server, bucket):
    script = SCRIPT + """
out = "/opt/ml/output/tensors"
os.makedirs(f"{out}/index/000000001")
index = json.load(open(f"{out}/index/000000000/000000000000_worker_0.json"))
os.symlink("/etc", f"{out}/etc")
for number, change in enumerate(({"meta": {**index["meta"], "event_file_name": "etc/passwd"}},
                                 {"tensor_payload": [{"start_idx": 2**62, "length": 5}]},
                                 {"tensor_payload": [{"start_idx": 7, "length": 5}]}, {"meta": []})):
    with open(f"{out}/index/000000001/{number}.json", "w") as file:
        json.dump({**index, **change}, file)
with open(f"{out}/index/000000001/5.json", "w") as file:
    file.write("{")
"""
    own = request_of(server, bucket, CLEAR, [rule("LossNotDecreasing")], hook_of(bucket, ["metrics"]))
    request = scripted(server, bucket, own, script)
    assert told(train(server, request))["LossNotDecreasing"][0] == "NoIssuesFound"
    log = scripts.log_of(server, "TrainingJobs", request["TrainingJobName"])
    assert sum("tensors that the hook saved are not looked at" in line for line in log) == 5


def test_a_scripts_report(server, bucket):
    own = request_of(server, bucket, CLEAR, [rule("CreateXgboostReport")],
                     hook_of(bucket, [*ALL, "full_shap"]), objective="binary:logistic")
    reports = []
    for request in (own, scripted(server, bucket, own)):
        name = train(server, request)["TrainingJobName"]
        html, told = (server.client("s3").get_object(
            Bucket=bucket, Key=f"out/{name}/rule-output/CreateXgboostReport/xgboost_report.{end}"
        )["Body"].read() for end in ("html", "json"))
        reports.append((json.loads(told), Outline(html.decode()).headings))
    (expected, headings), (found, own_headings) = reports
    assert own_headings == headings
    for member in ("rows", "of", "auc", "confusion_matrix", "roc", "worst"):
        assert found[member] == expected[member], member
    # Of the steps that were saved, where the built-in algorithm's report has every round; it adds up
    # losses in another order than XGBoost, which the script has them from.
    assert found["curves"] == {
        name: [[step, pytest.approx(loss, rel=1e-6)] for step, loss in points if step % 10 == 0]
        for name, points in expected["curves"].items()}
    assert [name for name, _ in found["importance"]] == [name for name, _ in expected["importance"]]
    assert len(found["shap"]) == len(expected["shap"]) == 4
    assert found["hyperparameters"]["objective"] == "binary:logistic"
