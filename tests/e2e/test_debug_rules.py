"""Debugger rules of the built-in XGBoost with boto3: when a rule's condition is met, as computed here
on what XGBoost itself trains with the same hyperparameters; statuses, StopTraining, what is refused."""

import html.parser
import json

import numpy
import pytest
import xgboost
from sklearn import metrics
from botocore.exceptions import ClientError

from sagemaker_jobs import XGBOOST_1, channel, train, training_request, unique, wait_for_job

EVALUATOR = "503895931360.dkr.ecr.us-east-1.amazonaws.com/sagemaker-debugger-rules:latest"
STOP = '{\\"name\\": \\"stoptraining\\", \\"training_job_prefix\\": \\"x\\"}'
random = numpy.random.default_rng(3)
NOISE = random.normal(size=(1500, 4)).astype(numpy.float32)


def rows(labels, features=NOISE):
    return [(int(label), [float(value) for value in row])
            for label, row in zip(labels, features)]


NOISY = rows(random.integers(0, 2, len(NOISE)))
CLEAR = rows(NOISE[:, 0] + NOISE[:, 1] + NOISE[:, 2] + NOISE[:, 3] > 0)
RARE = rows(NOISE[:, 0] > 1.6)
HALF = len(NOISE) // 2


def rule(name, **parameters):
    return {"RuleConfigurationName": name, "RuleEvaluatorImage": EVALUATOR,
            "RuleParameters": {"rule_to_invoke": name, **parameters}}


def request_of(server, bucket, data, rules, hook=None, image=None, **settings):
    s3 = server.client("s3")
    parts = {"train": data[:HALF], "validation": data[HALF:]}
    for name, part in parts.items():
        s3.put_object(Bucket=bucket, Key=f"{name}/rows.csv", Body="".join(
            ",".join(map(repr, [label, *row])) + "\n" for label, row in part))
    request = training_request(bucket, [channel(name, f"s3://{bucket}/{name}/") for name in parts],
                               **{"num_round": 31, "eval_metric": "logloss", **settings})
    if image:
        request["AlgorithmSpecification"]["TrainingImage"] = image
    more = {"DebugHookConfig": hook} if hook else {}
    return {**request, "DebugRuleConfigurations": rules, **more}


def statuses(job):
    return {one["RuleConfigurationName"]: one for one in job["DebugRuleEvaluationStatuses"]}


def trained(data, rounds=31, **settings):
    """XGBoost's own scores a round, and its predictions for the validation's rows by round."""
    matrices = [xgboost.DMatrix(numpy.array([row for _, row in part], numpy.float32),
                                [label for label, _ in part]) for part in (data[:HALF], data[HALF:])]
    found, scores = {}, {}
    booster = xgboost.train({"objective": "binary:logistic", "max_depth": 4, "eval_metric": "logloss",
                             **settings}, matrices[0], rounds, verbose_eval=False, evals_result=scores,
                            evals=[(matrices[0], "train"), (matrices[1], "validation")])
    for step in range(0, rounds, 10):
        found[step] = booster.predict(matrices[1], iteration_range=(0, step + 1))
    return {name: of["logloss"] for name, of in scores.items()}, found, booster


def first(steps, condition):
    return next((step for step in steps if condition(step)), None)


def step_of(status):
    if status["RuleEvaluationStatus"] == "NoIssuesFound":
        return None
    assert status["RuleEvaluationStatus"] == "IssuesFound", status
    words = "RuleEvaluationConditionMet: Evaluation of the rule "
    assert status["StatusDetails"].startswith(words)
    return int(status["StatusDetails"].split(" at step ")[1].split()[0])


@pytest.mark.parametrize("data", [NOISY, CLEAR], ids=["noise", "clear"])
def test_rules_of_losses(server, bucket, data):
    scores, _, _ = trained(data)
    loss, validation = scores["train"], scores["validation"]
    steps = range(0, 31, 10)
    job = train(server, request_of(server, bucket, data, [
        rule("LossNotDecreasing"), rule("Overfit"), rule("Overtraining", patience_validation="1"),
        {**rule("Overfit", ratio_threshold="1000"), "RuleConfigurationName": "never"}]))
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    found = {name: step_of(status) for name, status in statuses(job).items()}
    assert found["LossNotDecreasing"] == first(steps[1:], lambda s: any(
        of[s] > of[s - 10] * 0.999 for of in (loss, validation)))
    assert found["Overfit"] == first(
        steps, lambda s: (validation[s] - loss[s]) / loss[s] > 0.1)
    assert found["never"] is None

    def waited(of, patience):
        best, count = of[0], 0
        for step in steps[1:]:
            best, count = (of[step], 0) if best - of[step] > 0.01 else (best, count + 1)
            if count > patience:
                return step
        return 1000

    expected = min(waited(loss, 5), waited(validation, 1))
    assert found["Overtraining"] == (expected if expected < 1000 else None)
    if data is NOISY:
        assert found["LossNotDecreasing"] is not None and found["Overfit"] is not None


@pytest.mark.parametrize("image", [None, XGBOOST_1])
def test_rules_of_labels_and_trees(server, bucket, image):
    data = RARE
    _, predicted, booster = trained(data)
    labels = numpy.array([label for label, _ in data[HALF:]])
    job = train(server, request_of(server, bucket, data, [
        rule("ClassImbalance"), rule("Confusion"), rule("TreeDepth"),
        rule("FeatureImportanceOverweight", nfeatures="1", threshold="0.5")], image=image))
    found = {name: step_of(status) for name, status in statuses(job).items()}
    counts = numpy.bincount(labels)
    assert counts.max() / counts.min() > 10
    assert found["ClassImbalance"] == 0
    assert found["Confusion"] == 0  # no class has nine tenths of what is right

    def overweight(step):
        scores = booster[:step + 1].get_score(importance_type="weight")
        return max(scores.values()) / sum(scores.values()) > 0.5

    def shallow(step):
        nodes = booster[step:step + 1].trees_to_dataframe()["Node"].max()
        return numpy.floor(numpy.log2(nodes)) < 4 if nodes else True

    assert found["FeatureImportanceOverweight"] == first(predicted, overweight)
    assert found["TreeDepth"] == first(predicted, shallow)


def test_the_hook_says_how_often(server, bucket):
    hook = {"S3OutputPath": f"s3://{bucket}/debug", "CollectionConfigurations": [
        {"CollectionName": "metrics", "CollectionParameters": {"save_interval": "4"}}]}
    scores, _, _ = trained(NOISY)
    job = train(server, request_of(server, bucket, NOISY, [
        rule("Overfit"), rule("LossNotDecreasing", num_steps="3")], hook=hook))
    expected = first(range(0, 31, 4), lambda s: (scores["validation"][s] - scores["train"][s]) /
                     scores["train"][s] > 0.1)
    assert step_of(statuses(job)["Overfit"]) == expected
    assert step_of(statuses(job)["LossNotDecreasing"]) == first(range(4, 31, 4), lambda s: any(
        of[s] > of[s - 4] * 0.999 for of in scores.values()))


def test_tensors_are_stored_where_the_hook_says(server, bucket):
    hook = {"S3OutputPath": f"s3://{bucket}/debug", "CollectionConfigurations": [
        {"CollectionName": "metrics", "CollectionParameters": {"save_interval": "10"}}]}
    job = train(server, request_of(server, bucket, CLEAR, [rule("Overfit")], hook=hook))
    prefix = f"debug/{job['TrainingJobName']}/debug-output/"
    listed = server.client("s3").list_objects_v2(Bucket=bucket, Prefix=prefix)["Contents"]
    assert [one["Key"].removeprefix(prefix) for one in listed] == [
        "collections/000000000/worker_0_collections.json",
        *(f"events/{step:012}/{step:012}_worker_0.tfevents" for step in range(0, 31, 10)),
        *(f"index/000000000/{step:012}_worker_0.json" for step in range(0, 31, 10)),
        "training_job_end.ts"]


def test_a_rule_stops_the_training(server, bucket):
    request = request_of(server, bucket, NOISY, [rule("LossNotDecreasing", action_json=STOP),
                                                 rule("Overfit", ratio_threshold="1000")],
                         num_round=1_000_000)
    server.client("sagemaker").create_training_job(**request)
    job = wait_for_job(server, request["TrainingJobName"])
    assert job["TrainingJobStatus"] == "Stopped"
    assert [one["Status"] for one in job["SecondaryStatusTransitions"]][-2:] in (
        ["Stopping", "Stopped"], ["Uploading", "Stopped"])
    found = statuses(job)
    assert found["LossNotDecreasing"]["RuleEvaluationStatus"] == "IssuesFound"
    assert found["Overfit"]["RuleEvaluationStatus"] == "Stopped"


def test_rules_that_cannot_be_evaluated_fail_no_training(server, bucket):
    job = train(server, request_of(server, bucket, CLEAR, [
        rule("TreeDepth"), rule("DeadRelu"),
        {"RuleConfigurationName": "mine", "RuleEvaluatorImage": EVALUATOR}], booster="gblinear",
        max_depth=1))
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    found = statuses(job)
    assert found["TreeDepth"]["RuleEvaluationStatus"] == "Error"
    assert found["TreeDepth"]["StatusDetails"].startswith("InternalServerError: ")
    for name in ("DeadRelu", "mine"):
        assert found[name]["RuleEvaluationStatus"] == "Stopped"
        assert "does not evaluate this rule" in found[name]["StatusDetails"]


@pytest.mark.parametrize("rules, told", [
    ([rule("Overfit"), rule("Overfit")], "Overfit is given twice"),
    ([rule("Overfit", action_json='{"name": "email", "endpoint": "a@b.c"}')], "the action email"),
    ([rule("Overfit", action_json='[{"name": "sms"}]')], "the action sms"),
    ([rule("Overfit", action_json="stop")], "is no JSON object"),
    ([{**rule("Overfit"), "RuleConfigurationName": f"r{i}"} for i in range(21)], "(?i)20"),
])
def test_what_is_refused(server, bucket, rules, told):
    with pytest.raises(ClientError, match=told) as refused:
        server.client("sagemaker").create_training_job(
            **request_of(server, bucket, CLEAR, rules))
    assert refused.value.response["Error"]["Code"] == "ValidationException"


# --- the report -----------------------------------------------------------------------------------


class Outline(html.parser.HTMLParser):
    """The headings of a page; each tag that is opened has to be closed."""

    def __init__(self, text):
        super().__init__()
        self.open, self.headings = [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        assert not {"src", "href"} & {name for name, _ in attributes}, "it needs nothing else"
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open[-1:] == ["h2"]:
            self.headings.append(data)


def report_of(server, bucket, data, **settings):
    """The report's JSON, its headings, and XGBoost's booster with the validation's rows."""
    job = train(server, request_of(server, bucket, data, [rule("CreateXgboostReport")], **settings))
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    assert statuses(job)["CreateXgboostReport"]["RuleEvaluationStatus"] == "NoIssuesFound"
    prefix = f"out/{job['TrainingJobName']}/rule-output/CreateXgboostReport/xgboost_report."
    html_text, told = (server.client("s3").get_object(Bucket=bucket, Key=prefix + end)["Body"].read()
                       for end in ("html", "json"))
    params = {key: value for key, value in settings.items() if key != "num_round"}
    _, _, booster = trained_with(data, params)
    rows = numpy.array([row for _, row in data[HALF:]], numpy.float32)
    labels = numpy.array([label for label, _ in data[HALF:]])
    return json.loads(told), Outline(html_text.decode()).headings, booster, rows, labels


def trained_with(data, params):
    matrices = [xgboost.DMatrix(numpy.array([row for _, row in part], numpy.float32),
                                [label for label, _ in part]) for part in (data[:HALF], data[HALF:])]
    scores = {}
    booster = xgboost.train({"max_depth": 4, "eval_metric": "logloss", **params}, matrices[0], 31,
                            evals=[(matrices[0], "train"), (matrices[1], "validation")],
                            evals_result=scores, verbose_eval=False)
    return scores, None, booster


def check_common(told, booster, rows, labels):
    predictions = booster.predict(xgboost.DMatrix(rows))
    gain = booster.get_score(importance_type="gain")
    assert {name: pytest.approx(value) for name, value in told["importance"]} == gain
    assert [value for _, value in told["importance"]] == sorted(gain.values(), reverse=True)
    some = rows[[i * len(rows) // 50 for i in range(50)]]
    shap = numpy.abs(booster.predict(xgboost.DMatrix(some), pred_contribs=True))
    means = shap.reshape(-1, shap.shape[-1]).mean(0)[:-1]
    assert dict(told["shap"]) == {f"f{i}": pytest.approx(mean, rel=1e-4) for i, mean in enumerate(means)}
    assert told["rows"] == len(rows)
    return predictions


def test_a_report_of_two_classes(server, bucket):
    settings = {"objective": "binary:logistic"}
    told, headings, booster, rows, labels = report_of(server, bucket, CLEAR, **settings)
    predictions = check_common(told, booster, rows, labels)
    assert told["confusion_matrix"] == metrics.confusion_matrix(labels, predictions > 0.5).tolist()
    assert told["auc"] == pytest.approx(metrics.roc_auc_score(labels, predictions))
    assert told["roc"][0] == [0, 0] and told["roc"][-1] == [1, 1]
    worst = numpy.argsort(-numpy.abs(predictions - labels), kind="stable")[:10]
    assert [one["error"] for one in told["worst"]] == pytest.approx(
        list(numpy.abs(predictions - labels)[worst]))
    assert [one["row"] - 1 for one in told["worst"]] == [*worst]
    assert len(told["curves"]["train-logloss"]) == 31
    assert headings == ["Metrics by round", "Importance of features (gain)",
                        "Mean contribution of features (SHAP)", "Confusion matrix",
                        "Rows predicted worst", "Hyperparameters", "ROC curve"]


def test_a_report_of_many_classes(server, bucket):
    data = rows((NOISE[:, 0] > 0).astype(int) + (NOISE[:, 1] > 0))
    told, headings, booster, features, labels = report_of(
        server, bucket, data, objective="multi:softprob", num_class=3, eval_metric="mlogloss")
    predictions = check_common(told, booster, features, labels)
    assert told["confusion_matrix"] == metrics.confusion_matrix(
        labels, predictions.argmax(1)).tolist()
    own = 1 - predictions[range(len(labels)), labels]
    assert [one["error"] for one in told["worst"]] == pytest.approx(sorted(own, reverse=True)[:10])
    assert "ROC curve" not in headings


def test_a_report_of_numbers(server, bucket):
    data = [(int(10 * (row[0] + row[1])), row) for _, row in CLEAR]
    told, headings, booster, features, labels = report_of(
        server, bucket, data, objective="reg:squarederror", eval_metric="rmse")
    predictions = check_common(told, booster, features, labels)
    assert told["rmse"] == pytest.approx(numpy.sqrt(numpy.mean((predictions - labels) ** 2)), rel=1e-4)
    counts, edges = numpy.histogram(predictions - labels, 20)
    assert sum(count for _, count in told["residuals"]) == len(labels)
    assert [start for start, _ in told["residuals"]] == pytest.approx(list(edges[:-1]), rel=1e-3, abs=1e-3)
    assert "Residuals" in headings and "Confusion matrix" not in headings


def rule_job_name(training_job, status):
    """As AWS's notebooks put it together."""
    return (f"{training_job[:26]}-{status['RuleConfigurationName'][:26]}-"
            f"{status['RuleEvaluationJobArn'][-8:]}")


def test_rules_have_processing_jobs(server, bucket):
    sagemaker = server.client("sagemaker")
    job = train(server, request_of(server, bucket, NOISY, [
        rule("Overfit"), {**rule("Overfit", ratio_threshold="1000"), "RuleConfigurationName": "never"},
        rule("AllZero"), {**rule("Overtraining"), "RuleConfigurationName": "of losses, all"}]))
    ends = {"NoIssuesFound": "Completed", "IssuesFound": "Completed", "Error": "Failed"}
    listed = {one["ProcessingJobArn"]: one for one in sagemaker.list_processing_jobs(
        NameContains=job["TrainingJobName"][:26])["ProcessingJobSummaries"]}
    assert len(listed) == 4 and len(statuses(job)) == 4
    for status in statuses(job).values():
        arn = status["RuleEvaluationJobArn"]
        found = sagemaker.describe_processing_job(ProcessingJobName=listed[arn]["ProcessingJobName"])
        assert found["ProcessingJobArn"] == arn and found["TrainingJobArn"] == job["TrainingJobArn"]
        assert found["AppSpecification"]["ImageUri"] == EVALUATOR
        assert found["ProcessingJobStatus"] == ends[status["RuleEvaluationStatus"]]
        assert found["ProcessingJobStatus"] == listed[arn]["ProcessingJobStatus"]
        failed = found["ProcessingJobStatus"] == "Failed"
        assert found.get("FailureReason" if failed else "ExitMessage") == status.get("StatusDetails")
    named = rule_job_name(job["TrainingJobName"], statuses(job)["Overfit"])
    assert sagemaker.describe_processing_job(ProcessingJobName=named)["ExitMessage"].startswith(
        "RuleEvaluationConditionMet")
    sagemaker.delete_processing_job(ProcessingJobName=named)


def test_a_crash_stops_the_rules(server_factory):
    server, bucket = server_factory(), unique("crash")
    server.client("s3").create_bucket(Bucket=bucket)
    request = request_of(server, bucket, CLEAR, [rule("Overfit", ratio_threshold="1000")],
                         num_round=1_000_000)
    sagemaker = server.client("sagemaker")
    sagemaker.create_training_job(**request)
    name = request["TrainingJobName"]
    described = server.wait_for(lambda: sagemaker.describe_training_job(TrainingJobName=name),
                                "SecondaryStatus", ("Training",))
    assert statuses(described)["Overfit"]["RuleEvaluationStatus"] == "InProgress"
    server.kill()
    server.start()
    job = sagemaker.describe_training_job(TrainingJobName=name)
    assert job["TrainingJobStatus"] == "Failed"
    assert statuses(job)["Overfit"]["RuleEvaluationStatus"] == "Stopped"
    of_rule = sagemaker.describe_processing_job(
        ProcessingJobName=rule_job_name(name, statuses(job)["Overfit"]))
    assert of_rule["ProcessingJobStatus"] == "Stopped" and "FailureReason" not in of_rule


def test_rules_of_tensors(server, bucket):
    scores, found, _ = trained(RARE, eval_metric="logloss")
    labels = numpy.array([label for label, _ in RARE[HALF:]])
    steps = sorted(found)
    variances = {step: numpy.var(found[step].astype(float)) for step in steps}
    middle = str((variances[0] + variances[30]) / 2)
    zeros = 100 * float(numpy.mean(labels == 0))
    assert 50 < zeros < 100 and variances[0] < variances[30]

    def named(name, called, **parameters):
        return {**rule(name, **parameters), "RuleConfigurationName": called}

    job = train(server, request_of(server, bucket, RARE, [
        named("AllZero", "all labels", collection_names="labels"),
        named("AllZero", "most labels", collection_names="labels", threshold=str(zeros - 1)),
        named("TensorVariance", "usual", collection_names="predictions,metrics"),
        named("TensorVariance", "much", collection_names="predictions", max_threshold=middle),
        named("TensorVariance", "little", tensor_regex="predict", min_threshold=middle),
        named("UnchangedTensor", "labels", collection_names="labels"),
        named("UnchangedTensor", "losses", collection_names="losses", num_steps="2", rtol="0.2"),
        named("UnchangedTensor", "train", tensor_regex="^train-", num_steps="2"),
        named("AllZero", "none", threshold="1"),
        named("AllZero", "shap", collection_names="full_shap")]))
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    told = statuses(job)
    for name, words in (("none", "collection_names"), ("shap", "full_shap")):
        assert told[name]["RuleEvaluationStatus"] == "Error"
        assert words in told.pop(name)["StatusDetails"]
    found = {name: step_of(status) for name, status in told.items()}
    assert found == {
        "all labels": None, "most labels": 0, "usual": None,
        "much": first(steps, lambda step: variances[step] > float(middle)),
        "little": first(steps, lambda step: variances[step] < float(middle)),
        "labels": 20, "losses": first(steps[1:], lambda step: any(
            numpy.allclose(of[step - 10], of[step], rtol=0.2) for of in scores.values())),
        "train": first(steps[1:], lambda step: numpy.allclose(
            scores["train"][step - 10], scores["train"][step]))}
    assert found["much"] > 0 and found["losses"] is not None


def test_a_training_that_stands_still_is_told_and_stopped(server, bucket):
    # No round is over within a millionth of a second of the one before.
    job = train(server, request_of(server, bucket, CLEAR, [
        rule("StalledTrainingRule", threshold="0.000001"),
        {**rule("StalledTrainingRule"), "RuleConfigurationName": "usual"}]))
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    told = statuses(job)
    assert step_of(told["StalledTrainingRule"]) is not None and step_of(told["usual"]) is None
    request = request_of(server, bucket, CLEAR, [
        rule("StalledTrainingRule", threshold="0.000001", stop_training_on_fire="True")],
        num_round=1000000)
    stopped = train(server, request)
    assert stopped["TrainingJobStatus"] == "Stopped"
