"""MLflow's REST API, asked as its clients ask; test_mlflow_client.py asks by MLflow's own."""

import http.client
import json
import threading
import urllib.error
import urllib.parse
import urllib.request

import pytest
from botocore.exceptions import ClientError

from sagemaker_jobs import unique

ROOT = "/mlflow/api/2.0/mlflow/"


def request(server, method, path, body=None, headers=(), query=()):
    """(status, body as bytes)"""
    url = server.url + path + ("?" + urllib.parse.urlencode(query, doseq=True) if query else "")
    data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    asked = urllib.request.Request(url, data, dict(headers), method=method)
    try:
        with urllib.request.urlopen(asked) as reply:
            return reply.status, reply.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


class Client:
    def __init__(self, server):
        self.server = server

    def post(self, path, method="POST", /, **body):
        status, text = request(self.server, method, ROOT + path, body)
        assert status == 200, text
        return json.loads(text)

    def get(self, path, /, **query):
        status, text = request(self.server, "GET", ROOT + path, query=query)
        assert status == 200, text
        return json.loads(text)

    def refused(self, path, method="POST", /, **body):
        """(error_code, message)"""
        get = method == "GET"
        status, text = request(self.server, method, ROOT + path, None if get else body,
                               query=body if get else ())
        told = json.loads(text)
        assert status >= 400 and set(told) == {"error_code", "message"}, text
        return told["error_code"], told["message"]

    def experiment(self, name=None, **more):
        return self.post("experiments/create", name=name or unique("tried"), **more)["experiment_id"]

    def run(self, experiment, **more):
        return self.post("runs/create", experiment_id=experiment, **more)["run"]["info"]["run_id"]

    def info(self, run):
        return self.get("runs/get", run_id=run)["run"]["info"]

    def data(self, run):
        """Its metrics, parameters and tags, by name."""
        data = self.get("runs/get", run_id=run)["run"]["data"]
        return [{one["key"]: one["value"] for one in data[part]}
                for part in ("metrics", "params", "tags")]

    def found(self, experiment, filter=None, order_by=(), **more):
        """The names of the runs that a search finds."""
        return [run["info"]["run_name"] for run in self.post(
            "runs/search", experiment_ids=[experiment], filter=filter, order_by=list(order_by),
            **more)["runs"]]


@pytest.fixture
def mlflow(server):
    return Client(server)


@pytest.fixture
def experiment(mlflow):
    return mlflow.experiment()


@pytest.fixture
def run(mlflow, experiment):
    return mlflow.run(experiment)


def metric(key, value, timestamp=1, step=0):
    return {"key": key, "value": value, "timestamp": timestamp, "step": step}


# --- experiments ---------------------------------------------------------------------------------


def test_an_experiment_from_its_creation_to_its_return(mlflow):
    name = unique("Wear of engines/")  # no name of SageMaker's
    id = mlflow.experiment(name, tags=[{"key": "team", "value": "a"}])
    told = mlflow.get("experiments/get", experiment_id=id)["experiment"]
    assert told["name"] == name and told["lifecycle_stage"] == "active"
    assert told["artifact_location"] == f"mlflow-artifacts:/{id}"
    assert told["tags"] == [{"key": "team", "value": "a"}]
    assert mlflow.get("experiments/get-by-name", experiment_name=name)["experiment"] == told
    assert mlflow.refused("experiments/create", name=name)[0] == "RESOURCE_ALREADY_EXISTS"
    other = mlflow.experiment(name.lower())  # names differ by case
    assert other != id
    mlflow.post("experiments/update", experiment_id=id, new_name=name + " 2")
    mlflow.post("experiments/set-experiment-tag", experiment_id=id, key="team", value="b")
    run = mlflow.run(id)
    mlflow.post("experiments/delete", experiment_id=id)
    told = mlflow.get("experiments/get", experiment_id=id)["experiment"]
    assert (told["name"], told["lifecycle_stage"]) == (name + " 2", "deleted")
    assert mlflow.info(run)["lifecycle_stage"] == "deleted"
    assert mlflow.refused("runs/create", experiment_id=id) == (
        "INVALID_PARAMETER_VALUE",
        f"The experiment {id} must be in the 'active' state. Current state is deleted.")
    assert mlflow.refused("experiments/delete", experiment_id=id)[0] == "RESOURCE_DOES_NOT_EXIST"
    mlflow.post("experiments/restore", experiment_id=id)
    assert mlflow.info(run)["lifecycle_stage"] == "active"
    mlflow.post("experiments/delete-experiment-tag", experiment_id=id, key="team")
    assert mlflow.get("experiments/get", experiment_id=id)["experiment"]["tags"] == []


@pytest.mark.parametrize("metrics", [
    [{"key": "loss", "value": 0.1 * step, "timestamp": 7, "step": step} for step in range(1000)],
    [{"key": f"a/b {n}", "value": n, "timestamp": n} for n in range(3)],
    [{"key": "é", "value": -0.0, "timestamp": 0, "step": -3}, {"key": "big", "value": 2**70, "timestamp": 1}],
    [{"key": "x", "value": "NaN", "timestamp": 1}, {"key": "x", "value": 1e308 * 10, "timestamp": 1}],
    [{"key": "x", "value": 1, "timestamp": 1}] * 1001, [{"key": "x", "value": 1, "timestamp": -1}],
    [{"key": "x", "value": 1}], [{"value": 1, "timestamp": 1}], [{"key": "", "value": 1, "timestamp": 1}],
    [{"key": "../x", "value": 1, "timestamp": 1}], [{"key": "k" * 251, "value": 1, "timestamp": 1}],
    [{"key": "x", "value": 1.5, "timestamp": 1.5}], [{"key": "x", "value": True, "timestamp": 1}]],
    ids=range(13))
def test_metrics_alone_are_logged_as_with_others(mlflow, experiment, metrics):
    """Batches of metrics are read without a tree; those that have tags, too, are not."""
    def logged(**more):
        run = mlflow.run(experiment)
        status, text = request(mlflow.server, "POST", ROOT + "runs/log-batch", {
            "run_id": run, "metrics": metrics, **more})
        histories = {key: mlflow.get("metrics/get-history", run_id=run, metric_key=key).get("metrics")
                     for key in {one.get("key") for one in metrics} if key}
        return status, text.replace(run.encode(), b"RUN"), histories
    plain = logged()
    assert plain == logged(tags=[])
    assert request(mlflow.server, "POST", ROOT + "runs/log-batch", {
        "run_id": "0" * 32, "metrics": metrics})[0] != 200


def test_a_name_is_given_once(mlflow):
    """Renamed to it, or created with it, all at once."""
    ids = [mlflow.experiment() for _ in range(8)]
    for _ in range(5):
        name, answers, start = unique("wanted"), [], threading.Barrier(len(ids) + 1)

        def ask(path, body, answers=answers, start=start):
            start.wait()
            answers.append(request(mlflow.server, "POST", ROOT + path, body))

        threads = [threading.Thread(target=ask, args=(
            "experiments/update", {"experiment_id": one, "new_name": name})) for one in ids]
        threads.append(threading.Thread(target=ask, args=("experiments/create", {"name": name})))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        refused = [json.loads(text)["error_code"] for status, text in answers if status != 200]
        assert refused == ["RESOURCE_ALREADY_EXISTS"] * len(ids)
    found = mlflow.post("experiments/search", max_results=1000)["experiments"]
    names = [one["name"] for one in found]
    assert len(names) == len(set(names))


def test_the_default_experiment_is_there(server_factory):
    mlflow = Client(server_factory())
    assert mlflow.server.client("sagemaker").list_experiments()["ExperimentSummaries"] == []
    told = mlflow.get("experiments/get", experiment_id="0")["experiment"]
    assert (told["name"], told["experiment_id"]) == ("Default", "0")
    run = mlflow.post("runs/create")["run"]["info"]
    assert run["experiment_id"] == "0" and run["status"] == "RUNNING"


def test_experiments_are_searched_in_pages(mlflow):
    word = unique("paged")
    ids = [mlflow.experiment(f"{word} {number}") for number in range(5)]
    mlflow.post("experiments/delete", experiment_id=ids[4])
    asked = {"filter": f"name LIKE '{word}%'", "max_results": 3, "order_by": ["name DESC"]}
    first = mlflow.post("experiments/search", **asked)
    assert [one["experiment_id"] for one in first["experiments"]] == ids[3:0:-1]
    rest = mlflow.get("experiments/search", **asked, page_token=first["next_page_token"])
    assert [one["experiment_id"] for one in rest["experiments"]] == ids[:1]
    assert "next_page_token" not in rest
    gone = mlflow.post("experiments/search", filter=asked["filter"], view_type="DELETED_ONLY")
    assert [one["experiment_id"] for one in gone["experiments"]] == ids[4:]
    assert mlflow.refused("experiments/search", page_token="none")[0] == "INVALID_PARAMETER_VALUE"


@pytest.mark.parametrize("location", [
    "file:///etc", "/etc/passwd", "etc", "s3://", "s3://b/../c", "s3://b/a#c", "s3://b/%2e%2e/c",
    "s3://b/%252e%252e/c", "s3://b/a?versionId=1", "mlflow-artifacts://elsewhere/a",
    "mlflow-artifacts:/a/../../b", "runs:/0/a", "http://127.0.0.1/a", "ftp://a/b"])
def test_artifacts_are_in_this_home(mlflow, location):
    code, message = mlflow.refused("experiments/create", name=unique("e"), artifact_location=location)
    assert code == "INVALID_PARAMETER_VALUE" and "Invalid artifact location" in message


# --- runs ----------------------------------------------------------------------------------------


def test_a_run_from_its_creation_to_its_end(mlflow, experiment):
    run = mlflow.run(experiment, run_name="first", user_id="me", start_time=1_700_000_000_123,
                     tags=[{"key": "a", "value": "b"}])
    info = mlflow.info(run)
    assert (info["run_name"], info["user_id"], info["start_time"], info["status"]) == (
        "first", "me", 1_700_000_000_123, "RUNNING")
    assert info["artifact_uri"] == f"mlflow-artifacts:/{experiment}/{run}/artifacts"
    mlflow.post("runs/log-parameter", run_id=run, key="depth", value="3")
    mlflow.post("runs/log-parameter", run_uuid=run, key="depth", value="3")  # again: the same
    assert mlflow.refused("runs/log-parameter", run_id=run, key="depth", value="4") == (
        "INVALID_PARAMETER_VALUE", "Changing param values is not allowed. Param with key='depth' was "
        f"already logged with value='3' for run ID='{run}'. Attempted logging new value '4'.")
    mlflow.post("runs/set-tag", run_id=run, key="a", value="c")
    mlflow.post("runs/set-tag", run_id=run, key="mlflow.runName", value="second name")
    mlflow.post("runs/delete-tag", run_id=run, key="a")
    assert mlflow.refused("runs/delete-tag", run_id=run, key="a")[0] == "RESOURCE_DOES_NOT_EXIST"
    assert mlflow.data(run)[1:] == [{"depth": "3"}, {"mlflow.runName": "second name"}]
    told = mlflow.post("runs/update", run_id=run, status="FINISHED", end_time=1_700_000_001_456)
    assert (told["run_info"]["status"], told["run_info"]["end_time"],
            told["run_info"]["run_name"]) == ("FINISHED", 1_700_000_001_456, "second name")
    mlflow.post("runs/delete", run_id=run)
    assert mlflow.found(experiment) == []
    assert mlflow.found(experiment, run_view_type="DELETED_ONLY") == ["second name"]
    assert mlflow.refused("runs/log-metric", run_id=run, **metric("m", 1)) == (
        "INVALID_PARAMETER_VALUE",
        f"The run {run} must be in the 'active' state. Current state is deleted.")
    mlflow.post("runs/restore", run_id=run)
    assert mlflow.found(experiment) == ["second name"]
    assert mlflow.refused("runs/get", "GET", run_id="0" * 32) == (
        "RESOURCE_DOES_NOT_EXIST", f"Run with id={'0' * 32} not found")


def test_a_metric_keeps_its_history(mlflow, run):
    values = [(0, 1.0), (1, 0.5), (2, "NaN"), (3, "Infinity"), (4, "-Infinity"), (5, 1e-300)]
    for step, value in values:
        for _ in range(2):  # what is there is not there twice
            mlflow.post("runs/log-metric", run_id=run, **metric("loss", value, 1000 + step, step))
    history = mlflow.get("metrics/get-history", run_id=run, metric_key="loss", max_results=4)
    rest = mlflow.get("metrics/get-history", run_id=run, metric_key="loss", max_results=4,
                      page_token=history["next_page_token"])
    assert [(one["step"], one["value"]) for one in history["metrics"] + rest["metrics"]] == values
    assert "next_page_token" not in rest
    assert mlflow.data(run)[0] == {"loss": 1e-300}
    mlflow.post("runs/log-metric", run_id=run, **metric("loss", 7, 9999, 4))  # an earlier step
    assert mlflow.data(run)[0] == {"loss": 1e-300}
    mlflow.post("runs/log-metric", run_id=run, **metric("loss", "NaN", 1, 9))
    assert mlflow.data(run)[0] == {"loss": "NaN"}


def test_histories_are_sampled(mlflow, experiment):
    runs = [mlflow.run(experiment) for _ in range(2)]
    for run in runs:
        mlflow.post("runs/log-batch", run_id=run, metrics=[metric("m", step * 2, step, step)
                                                           for step in range(100)])
    told = mlflow.get("metrics/get-history-bulk-interval", run_ids=runs, metric_key="m",
                      max_results=10)["metrics"]
    for run in runs:
        steps = [one["step"] for one in told if one["run_id"] == run]
        assert len(steps) == 10 and steps[0] == 0 and steps[-1] == 99 and sorted(set(steps)) == steps
    told = mlflow.get("metrics/get-history-bulk-interval", run_ids=runs[:1], metric_key="m",
                      start_step=10, end_step=12)["metrics"]
    assert [one["value"] for one in told] == [20, 22, 24]
    for wrong, words in (({"start_step": 1}, "both must be specified"),
                         ({"start_step": 1, "end_step": 0}, "end_step must be greater"),
                         ({"max_results": 0}, "max_results must be between 1 and 2500")):
        code, message = mlflow.refused("metrics/get-history-bulk-interval", "GET", run_ids=runs,
                                       metric_key="m", **wrong)
        assert code == "INVALID_PARAMETER_VALUE" and words in message


def test_histories_of_several_runs_come_together(mlflow, experiment):
    runs = sorted(mlflow.run(experiment) for _ in range(2))
    for run in runs:
        mlflow.post("runs/log-batch", run_id=run, metrics=[metric("m", step * 2, step, step)
                                                           for step in range(3)])
    told = mlflow.get("metrics/get-history-bulk", run_id=[runs[1], "nobody", runs[0]], metric_key="m")
    assert told["metrics"] == [{**metric("m", step * 2, step, step), "run_id": run}
                               for run in runs for step in range(3)]
    told = mlflow.get("metrics/get-history-bulk", run_id=runs, metric_key="m", max_results=4)
    assert [one["step"] for one in told["metrics"]] == [0, 1, 2, 0]
    for given, words in (({"metric_key": "m"}, "at least one run_id"),
                         ({"run_id": runs}, "must specify a metric_key")):
        code, message = mlflow.refused("metrics/get-history-bulk", "GET", **given)
        assert code == "INVALID_PARAMETER_VALUE" and words in message


@pytest.mark.parametrize("path, given, words", [
    ("experiments/create", {"name": 123},
     "Invalid value 123 for parameter 'name' supplied:  Hint: Value was of type 'int'."),
    ("experiments/create", {"name": "e", "tags": "5"}, "Invalid value \"5\" for parameter 'tags'"),
    ("runs/log-metric", {"run_id": "r", "key": "k", "value": 1, "timestamp": 1, "step": "foo"},
     "Invalid value \"foo\" for parameter 'step' supplied"),
    ("experiments/search-datasets", {}, "must specify at least one experiment_id"),
    ("experiments/search-datasets", {"experiment_ids": ["0"] * 21}, "cannot specify more than 20")])
def test_wrong_values_are_refused_in_mlflows_words(mlflow, path, given, words):
    code, message = mlflow.refused(path, **given)
    assert code == "INVALID_PARAMETER_VALUE" and words in message


def test_a_batch_is_logged_whole_or_not(mlflow, run):
    mlflow.post("runs/log-batch", run_id=run, metrics=[metric("m", 1)],
                params=[{"key": "p", "value": "x"}], tags=[{"key": "t", "value": "y"}])
    code, message = mlflow.refused(
        "runs/log-batch", run_id=run, metrics=[metric("n", 1)], tags=[{"key": "u", "value": "y"}],
        params=[{"key": "q", "value": "1"}, {"key": "p", "value": "other"}])
    assert code == "INVALID_PARAMETER_VALUE" and "'old_value': 'x', 'new_value': 'other'" in message
    metrics, params, tags = mlflow.data(run)
    assert (metrics, params) == ({"m": 1}, {"p": "x"}) and "u" not in tags


@pytest.mark.parametrize("batch, message", [
    ({"metrics": [metric("m", 1)] * 1001},
     "A batch logging request can contain at most 1000 metrics. Got 1001 metrics. Please split up "
     "metrics across multiple requests and try again."),
    ({"params": [{"key": f"p{i}", "value": "1"} for i in range(101)]},
     "A batch logging request can contain at most 100 params. Got 101 params."),
    ({"params": [{"key": "p", "value": "1"}, {"key": "p", "value": "1"}]},
     "Duplicate parameter keys have been submitted: ['p']"),
    ({"params": [{"key": "p", "value": "x" * 6001}]},
     "'Param value' exceeds the maximum length of 6000 characters"),
    ({"params": [{"key": "p" * 251, "value": "x"}]},
     "'Param key' exceeds the maximum length of 250 characters"),
    ({"tags": [{"key": "t", "value": "x" * 8001}]},
     "'tags[0].value' exceeds the maximum length of 8000 characters"),
    ({"tags": [{"key": "../t", "value": "x"}]}, "Invalid value \"../t\" for parameter 'tags[0].key'"),
    ({"metrics": [metric("a/./b", 1)]}, "Invalid value \"a/./b\" for parameter 'metrics[0].name'"),
    ({"metrics": [metric("a?", 1)]}, "Names may only contain alphanumerics, underscores (_)"),
    ({"metrics": [{"key": "m", "timestamp": 1}]},
     "Missing value for required parameter 'metrics[0].value'."),
    ({"metrics": [metric("m", 1), {"key": "m", "value": 1}]},
     "Missing value for required parameter 'metrics[1].timestamp'."),
    ({"metrics": [metric("m", "many")]},
     "Please specify value as a valid double (64-bit floating point)"),
    ({"metrics": [metric("m", 1, -1)]}, "Timestamp must be a nonnegative long"),
])
def test_what_is_wrong_is_said_in_mlflows_words(mlflow, run, batch, message):
    code, told = mlflow.refused("runs/log-batch", run_id=run, **batch)
    assert code == "INVALID_PARAMETER_VALUE" and message in told
    assert mlflow.data(run)[:2] == [{}, {}]


def test_the_longest_is_taken(mlflow, run):
    value, text = "ä" * 6000, "x\n" * 4000
    mlflow.post("runs/log-parameter", run_id=run, key="k" * 250, value=value)
    mlflow.post("runs/log-parameter", run_id=run, key="empty", value="")
    mlflow.post("runs/set-tag", run_id=run, key="note", value=text)
    _, params, tags = mlflow.data(run)
    assert params == {"k" * 250: value, "empty": ""} and tags["note"] == text
    told = mlflow.server.client("sagemaker").describe_trial_component(TrialComponentName=run)
    assert told["Parameters"]["k" * 250]["StringValue"] == value[:2500]  # AWS's longest


def test_protocol_buffers_forms_are_read(mlflow, run):
    """Java's client writes integers of 64 bits as texts, curl's users ids as numbers."""
    mlflow.post("runs/log-metric", run_id=run, key="m", value=2, timestamp="1700000000000", step="3")
    metrics = mlflow.get("metrics/get-history", run_id=run, metric_key="m")["metrics"]
    assert [(one["timestamp"], one["step"]) for one in metrics] == [(1700000000000, 3)]
    assert mlflow.get("experiments/get", experiment_id=0)["experiment"]["name"] == "Default"
    assert "runs" in mlflow.post("runs/search", experiment_ids=[0], max_results=1)


# --- searching -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def searched(server):
    """A client and the experiment of five runs."""
    mlflow = Client(server)
    experiment = mlflow.experiment()
    for number, (loss, kind) in enumerate([(0.5, "Tree"), (0.25, "tree"), ("NaN", "linear"),
                                           (4, None), (None, "linear")]):
        run = mlflow.run(experiment, run_name=f"run-{number}", start_time=1000 + number)
        mlflow.post("runs/log-batch", run_id=run,
                    metrics=[metric("val loss", loss)] if loss is not None else [],
                    params=[{"key": "kind", "value": kind}] if kind else [],
                    tags=[{"key": "even.one", "value": str(number % 2 == 0)}])
        mlflow.post("runs/update", run_id=run, status="FAILED" if number == 3 else "FINISHED")
        mlflow.post("runs/log-inputs", run_id=run, datasets=[{
            "tags": [{"key": "mlflow.data.context", "value": "train"}],
            "dataset": {"name": f"rows-{number % 2}", "digest": "d", "source_type": "s3",
                        "source": "{}"}}])
    return mlflow, experiment


@pytest.mark.parametrize("filter, found", [
    ("", "43210"),
    ("metrics.`val loss` < 1", "10"),
    ("metrics.\"val loss\" >= 0.5 AND params.kind = 'Tree'", "0"),
    ("metric.`val loss` != 0.5", "321"),
    ("params.kind LIKE 'T%'", "0"),
    ("params.kind ILIKE 't_ee'", "10"),
    ("param.kind != 'linear'", "10"),
    ("params.kind IS NULL", "3"),
    ("params.kind is not null and tags.`even.one` = 'True'", "420"),
    ("tags.even.one = 'False'", "31"),
    ("status = 'FAILED'", "3"),
    ("attributes.status != \"FAILED\" and attr.start_time > 1001", "42"),
    ("run_name LIKE '%-3'", "3"),
    ("attributes.`run name` = 'run-1'", "1"),
    ("created <= 1001", "10"),
    ("datasets.name = 'rows-1' AND dataset.context = 'train'", "31"),
    ("datasets.name IN ('rows-0', 'rows-2')", "420"),
])
def test_runs_are_found(searched, filter, found):
    mlflow, experiment = searched
    assert [name.removeprefix("run-") for name in mlflow.found(experiment, filter)] == list(found)


@pytest.mark.parametrize("order, found", [
    (["metrics.`val loss`"], "10324"),  # no number, then none at all, come last
    (["metrics.`val loss` DESC"], "30124"),
    (["params.kind ASC", "start_time ASC"], "02413"),  # capitals first, as bytes are
    (["attributes.start_time"], "01234"),
    (["tags.`even.one` desc", "run_name asc"], "02413"),
])
def test_runs_are_in_order(searched, order, found):
    mlflow, experiment = searched
    names = [name.removeprefix("run-") for name in mlflow.found(experiment, order_by=order)]
    assert names == list(found)


@pytest.mark.parametrize("filter, message", [
    ("metrics.loss > 'x'", "Expected numeric value type for metric. Found 'x'"),
    ("start_time = 'x'", "Expected numeric value type for numeric attribute: start_time. Found 'x'"),
    ("foo.bar = 'x'", "Invalid entity type 'foo'. Valid values are ['metric', 'parameter', 'tag', "
                      "'attribute', 'dataset']"),
    ("nobody = 'x'", "Invalid attribute key 'nobody' specified."),
    ("params.kind = 5", "Expected a quoted string value for parameter (e.g. 'my-value'). Got value 5"),
    ("params.kind = x", "Parameter value is either not quoted or unidentified quote types used for "
                        "string value x. Use either single or double quotes."),
    ("params.kind > 'x'", "Invalid comparator '>' not one of"),
    ("metrics.loss LIKE 'x'", "Invalid comparator 'LIKE' not one of"),
    ("metrics.loss", "Invalid clause(s) in filter string: 'metrics.loss'"),
    ("params.a = 'b' OR params.c = 'd'", "Invalid clause(s) in filter string: 'OR params.c = 'd''"),
    ("status = 'x' AND", "Invalid clause(s) in filter string: "),
    ("params.a = 'b", "Expected a quoted string value for parameter"),
    ("metrics.loss IS NULL", "IS NULL / IS NOT NULL is only supported for tags and params"),
    ("run_name IN ('a')", "Only ['run_id'] attributes support comparison with a list"),
    ("run_id IN ()", "expected a non-empty list of string values, but got ill-formed list."),
    ("datasets.size = 'x'", "Invalid dataset key 'size' specified."),
])
def test_bad_filters_are_refused_in_mlflows_words(mlflow, filter, message):
    code, told = mlflow.refused("runs/search", experiment_ids=["0"], filter=filter)
    assert code == "INVALID_PARAMETER_VALUE" and message in told


@pytest.mark.parametrize("order, message", [
    ("metrics.loss SIDEWAYS", "Invalid ordering key in order_by clause"),
    ("metrics.loss DESC, start_time", "Invalid order"),
    ("nobody", "Invalid attribute key 'nobody' specified."),
    ("", "Invalid order_by clause ''. Could not be parsed."),
])
def test_bad_orders_are_refused(mlflow, order, message):
    code, told = mlflow.refused("runs/search", experiment_ids=["0"], order_by=[order])
    assert code == "INVALID_PARAMETER_VALUE" and message in told


def test_searches_come_in_pages(searched):
    mlflow, experiment = searched
    names, token = [], None
    while True:
        page = mlflow.post("runs/search", experiment_ids=[experiment], max_results=2,
                           page_token=token)
        names += [run["info"]["run_name"] for run in page["runs"]]
        token = page.get("next_page_token")
        if not token:
            break
    assert names == [f"run-{number}" for number in (4, 3, 2, 1, 0)]
    told = mlflow.post("experiments/search-datasets", experiment_ids=[experiment])
    assert sorted(one["name"] for one in told["dataset_summaries"]) == ["rows-0", "rows-1"]


# --- one store, two faces ------------------------------------------------------------------------


def test_a_run_is_a_trial_component(mlflow, run, experiment):
    sagemaker = mlflow.server.client("sagemaker")
    mlflow.post("runs/log-batch", run_id=run, params=[{"key": "eta", "value": "0.3"}],
                metrics=[metric("loss", 2.0, 1000, 0), metric("loss", 1.0, 2000, 1)])
    mlflow.post("runs/update", run_id=run, status="FINISHED", run_name="a-name")
    told = sagemaker.describe_trial_component(TrialComponentName=run)
    assert (told["DisplayName"], told["Status"]["PrimaryStatus"]) == ("a-name", "Completed")
    assert told["Parameters"] == {"eta": {"StringValue": "0.3"}}
    summary, = told["Metrics"]
    assert (summary["MetricName"], summary["Count"], summary["Avg"], summary["Last"]) == (
        "loss", 2, 1.5, 1.0)
    name = mlflow.get("experiments/get", experiment_id=experiment)["experiment"]["name"]
    listed = sagemaker.list_trial_components(ExperimentName=name)["TrialComponentSummaries"]
    assert [one["TrialComponentName"] for one in listed] == [run]
    # In order, and nothing is left
    trial, = sagemaker.list_trials(ExperimentName=name)["TrialSummaries"]
    with pytest.raises(ClientError):
        sagemaker.delete_experiment(ExperimentName=name)
    sagemaker.disassociate_trial_component(TrialComponentName=run, TrialName=trial["TrialName"])
    sagemaker.delete_trial_component(TrialComponentName=run)
    sagemaker.delete_trial(TrialName=trial["TrialName"])
    sagemaker.delete_experiment(ExperimentName=name)
    assert mlflow.refused("runs/get", "GET", run_id=run)[0] == "RESOURCE_DOES_NOT_EXIST"
    assert mlflow.refused("experiments/get", "GET",
                          experiment_id=experiment)[0] == "RESOURCE_DOES_NOT_EXIST"
    assert mlflow.experiment(name) == experiment  # its name is free again


def test_a_trial_component_is_a_run(mlflow):
    sagemaker, metrics = (mlflow.server.client(name) for name in ("sagemaker", "sagemaker-metrics"))
    names = [unique(word) for word in ("experiment", "trial", "component")]
    sagemaker.create_experiment(ExperimentName=names[0])
    sagemaker.create_trial(ExperimentName=names[0], TrialName=names[1])
    sagemaker.create_trial_component(
        TrialComponentName=names[2], Status={"PrimaryStatus": "Failed"},
        Parameters={"eta": {"NumberValue": 0.1}, "kind": {"StringValue": "tree"}})
    sagemaker.associate_trial_component(TrialComponentName=names[2], TrialName=names[1])
    metrics.batch_put_metrics(TrialComponentName=names[2], MetricData=[
        {"MetricName": "loss", "Timestamp": 1_700_000_000 + step, "Step": step, "Value": 1 / (step + 1)}
        for step in range(4)])
    id = mlflow.get("experiments/get-by-name", experiment_name=names[0])["experiment"]["experiment_id"]
    found, = mlflow.post("runs/search", experiment_ids=[id], filter="metrics.loss = 0.25")["runs"]
    assert (found["info"]["run_id"], found["info"]["status"]) == (names[2], "FAILED")
    assert mlflow.data(names[2])[:2] == [{"loss": 0.25}, {"eta": "0.1", "kind": "tree"}]
    mlflow.post("runs/log-metric", run_id=names[2], **metric("loss", 0.1, 1_700_000_010_000, 4))
    found, = metrics.batch_get_metrics(MetricQueries=[{
        "MetricName": "loss", "MetricStat": "Last", "Period": "IterationNumber",
        "XAxisType": "IterationNumber", "ResourceArn": sagemaker.describe_trial_component(
            TrialComponentName=names[2])["TrialComponentArn"]}])["MetricQueryResults"]
    assert found["MetricValues"] == [1, 0.5, 1 / 3, 0.25, 0.1]


def test_what_was_logged_outlives_a_kill(server_factory):
    server = server_factory()
    mlflow = Client(server)
    run = mlflow.run(mlflow.experiment())
    done, stop = [0, 0], threading.Event()

    def one_by_one():
        try:
            while not stop.is_set():
                mlflow.post("runs/log-metric", run_id=run, **metric("single", done[0], 1, done[0]))
                done[0] += 1
        except (OSError, http.client.HTTPException):
            pass

    def in_batches():
        try:
            while not stop.is_set():
                mlflow.post("runs/log-batch", run_id=run, metrics=[
                    metric("batch", number, 1, number) for number in range(done[1], done[1] + 100)])
                done[1] += 100
        except (OSError, http.client.HTTPException):
            pass

    threads = [threading.Thread(target=one_by_one), threading.Thread(target=in_batches)]
    for thread in threads:
        thread.start()
    while done[0] < 30 or done[1] < 300:
        assert all(thread.is_alive() for thread in threads)
    server.kill()
    stop.set()
    for thread in threads:
        thread.join()
    server.start()
    for key, count in zip(("single", "batch"), done):
        steps = [one["step"] for one in mlflow.get("metrics/get-history", run_id=run,
                                                   metric_key=key)["metrics"]]
        assert steps == list(range(len(steps))) and len(steps) >= count
        assert key == "single" or len(steps) % 100 == 0  # a batch is whole


# --- artifacts -----------------------------------------------------------------------------------


FILES = "/mlflow/api/2.0/mlflow-artifacts/"


def test_artifacts_are_objects(mlflow, run, experiment):
    server = mlflow.server
    root = f"{experiment}/{run}/artifacts"
    for path, content in (("model/MLmodel", b"flavors"), ("model/data/ä b", b"\0" * 70000),
                          ("notes.txt", b"")):
        status, _ = request(server, "PUT", f"{FILES}artifacts/{root}/{urllib.parse.quote(path)}", content)
        assert status == 200
        assert request(server, "GET", f"{FILES}artifacts/{root}/{urllib.parse.quote(path)}") == (
            200, content)
    told = mlflow.get("artifacts/list", run_id=run)
    assert told["root_uri"] == f"mlflow-artifacts:/{root}"
    assert told["files"] == [{"path": "model", "is_dir": True},
                             {"path": "notes.txt", "is_dir": False, "file_size": 0}]
    assert [one["path"] for one in mlflow.get("artifacts/list", run_id=run, path="model")["files"]] == [
        "model/MLmodel", "model/data"]
    assert mlflow.get("artifacts/list", run_id=run, path="notes.txt")["files"] == []
    status, text = request(server, "GET", FILES + "artifacts", query={"path": f"{root}/model"})
    assert [one["path"] for one in json.loads(text)["files"]] == ["MLmodel", "data"]
    bucket = f"mlflow-{server.client('sts').get_caller_identity()['Account']}"
    got = server.client("s3").get_object(Bucket=bucket, Key=f"{root}/model/MLmodel")
    assert got["Body"].read() == b"flavors"
    assert request(server, "DELETE", f"{FILES}artifacts/{root}/model")[0] == 200
    assert [one["path"] for one in mlflow.get("artifacts/list", run_id=run)["files"]] == ["notes.txt"]
    status, text = request(server, "GET", f"{FILES}artifacts/{root}/model/MLmodel")
    assert (status, json.loads(text)["error_code"]) == (404, "RESOURCE_DOES_NOT_EXIST")


def test_files_are_read_by_what_they_belong_to(mlflow, run, experiment):
    """The addresses under which MLflow's own pages fetch them."""
    server = mlflow.server
    model = mlflow.post("logged-models", experiment_id=experiment, source_run_id=run)["model"]["info"]
    for root in (f"{experiment}/{run}/artifacts/model", model["artifact_uri"].split(":/", 1)[1]):
        assert request(server, "PUT", f"{FILES}artifacts/{root}/MLmodel", b"flavors")[0] == 200
    name = unique("registered")
    mlflow.post("registered-models/create", name=name)
    mlflow.post("model-versions/create", name=name, source=f"runs:/{run}/model", run_id=run)
    ajax = "/mlflow/ajax-api/2.0/mlflow/"
    for path, query in (("/mlflow/get-artifact", {"run_id": run, "path": "model/MLmodel"}),
                        ("/mlflow/get-artifact", {"run_uuid": run, "path": "model/MLmodel"}),
                        ("/mlflow/model-versions/get-artifact",
                         {"name": name, "version": "1", "path": "MLmodel"}),
                        (f"{ajax}logged-models/{model['model_id']}/artifacts/files",
                         {"artifact_file_path": "MLmodel"})):
        assert request(server, "GET", path, query=query) == (200, b"flavors")
        for wrong, status in (("../" * 3 + "MLmodel", 400), ("nothing", 404)):
            told = {**query, list(query)[-1]: wrong}
            assert request(server, "GET", path, query=told)[0] == status
    status, text = request(server, "GET", "/mlflow//model-versions/get-artifact",
                           query={"name": "nobody", "version": 1, "path": "../path"})
    assert (status, json.loads(text)) == (400, {"error_code": "INVALID_PARAMETER_VALUE",
                                                "message": "Invalid path"})


def test_an_artifact_comes_in_parts(mlflow, run, experiment):
    server = mlflow.server
    root, content = f"{experiment}/{run}/artifacts", bytes(range(256)) * 45000
    parts = [content[:6 << 20], content[6 << 20:]]
    status, text = request(server, "POST", f"{FILES}mpu/create/{root}/large",
                           {"path": "/somewhere/file.bin", "num_parts": 2})
    begun = json.loads(text)
    sent = []
    for credential, part in zip(begun["credentials"], parts):
        asked = urllib.request.Request(credential["url"], part, method="PUT")
        with urllib.request.urlopen(asked) as reply:
            sent.append({"part_number": credential["part_number"], "etag": reply.headers["ETag"]})
    status, text = request(server, "POST", f"{FILES}mpu/complete/{root}/large", {
        "path": "/somewhere/file.bin", "upload_id": begun["upload_id"], "parts": sent})
    assert status == 200, text
    address = f"artifacts/{root}/large/file.bin"
    assert request(server, "GET", FILES + address) == (200, content)
    status, text = request(server, "GET", f"{FILES}presigned/{root}/large/file.bin")
    told = json.loads(text)
    assert told["file_size"] == len(content)
    with urllib.request.urlopen(told["url"]) as reply:
        assert reply.read() == content
    status, text = request(server, "POST", f"{FILES}mpu/create/{root}/large", {"path": "b", "num_parts": 1})
    assert request(server, "POST", f"{FILES}mpu/abort/{root}/large", {
        "path": "b", "upload_id": json.loads(text)["upload_id"]})[0] == 200


@pytest.mark.parametrize("path", [
    "../secret", "a/../../b", "%2e%2e/a", "%252e%252e/a", "a%2f..%2fb", "a%23b", "%2fetc/passwd",
    "%255c..%255c", "file:%2f%2f%2fetc/passwd"])
def test_paths_stay_in_their_folder(mlflow, run, path):
    for method in ("GET", "PUT", "DELETE"):
        connection = http.client.HTTPConnection("127.0.0.1", mlflow.server.port)
        connection.request(method, f"{FILES}artifacts/{path}", b"x" if method == "PUT" else None)
        reply = connection.getresponse()
        assert (reply.status, json.loads(reply.read())["error_code"]) == (
            400, "INVALID_PARAMETER_VALUE")
        connection.close()
    code, message = mlflow.refused("artifacts/list", "GET", run_id=run, path=urllib.parse.unquote(path))
    assert (code, message) == ("INVALID_PARAMETER_VALUE", "Invalid path")


# --- models --------------------------------------------------------------------------------------


def test_a_registered_model(mlflow, run, experiment):
    name = unique("churn")
    mlflow.post("registered-models/create", name=name, description="who leaves",
                tags=[{"key": "team", "value": "a"}])
    assert mlflow.refused("registered-models/create", name=name)[0] == "RESOURCE_ALREADY_EXISTS"
    source = f"mlflow-artifacts:/{experiment}/{run}/artifacts/model"
    for number in (1, 2, 3):
        made = mlflow.post("model-versions/create", name=name, source=source, run_id=run)
        assert (made["model_version"]["version"], made["model_version"]["status"]) == (
            str(number), "READY")
    mlflow.post("registered-models/alias", name=name, alias="best", version="2")
    got = mlflow.get("registered-models/alias", name=name, alias="best")["model_version"]
    assert (got["version"], got["aliases"], got["run_id"]) == ("2", ["best"], run)
    for alias in ("latest", "v3", "a b"):
        assert mlflow.refused("registered-models/alias", name=name, alias=alias,
                              version="1")[0] == "INVALID_PARAMETER_VALUE"
    assert mlflow.get("registered-models/alias", name=name, alias="latest")["model_version"][
        "version"] == "3"
    for number in (1, 2):
        mlflow.post("model-versions/transition-stage", name=name, version=str(number),
                    stage="production", archive_existing_versions=True)
    latest = mlflow.post("registered-models/get-latest-versions", name=name)["model_versions"]
    assert {one["current_stage"]: one["version"] for one in latest} == {
        "None": "3", "Production": "2", "Archived": "1"}
    assert mlflow.refused("model-versions/transition-stage", name=name, version="1",
                          stage="Nowhere")[1] == (
        "Invalid Model Version stage: Nowhere. Value must be one of None, Staging, Production, "
        "Archived.")
    mlflow.post("model-versions/set-tag", name=name, version="3", key="seen", value="yes")
    found = mlflow.get("model-versions/search", filter=f"name = '{name}' AND version_number > 1",
                       order_by=["version_number ASC"])["model_versions"]
    assert [one["version"] for one in found] == ["2", "3"]
    found = mlflow.get("model-versions/search", filter="tags.seen = 'yes' and run_id in ('%s')" % run)
    assert [one["version"] for one in found["model_versions"]] == ["3"]
    assert mlflow.get("model-versions/get-download-uri", name=name, version="1")["artifact_uri"] == source
    new = name + " 2"
    told = mlflow.post("registered-models/rename", name=name, new_name=new)["registered_model"]
    assert told["aliases"] == [{"alias": "best", "version": "2"}] and told["description"] == "who leaves"
    mlflow.post("model-versions/delete", "DELETE", name=new, version="2")
    assert mlflow.get("registered-models/get", name=new)["registered_model"]["aliases"] == []
    made = mlflow.post("model-versions/create", name=new, source=source)
    assert made["model_version"]["version"] == "4"  # no number twice
    found = mlflow.get("registered-models/search", filter=f"name ilike '{new.upper()}'")
    assert [one["name"] for one in found["registered_models"]] == [new]
    mlflow.post("registered-models/delete", "DELETE", name=new)
    assert mlflow.refused("registered-models/get", "GET", name=new) == (
        "RESOURCE_DOES_NOT_EXIST", f"Registered Model with name={new} not found")
    assert mlflow.get("model-versions/search", filter=f"name = '{new}'")["model_versions"] == []


@pytest.mark.parametrize("source", [
    "/etc/passwd", "file:///etc", "model", "runs:/../../a", "runs:/%2e%2e/a", "models:/m%23x",
    "s3://b/a#b", "mlflow-artifacts:/a/%252e%252e/b", "http://127.0.0.1/x"])
def test_a_versions_source_is_in_this_home(mlflow, source):
    name = unique("model")
    mlflow.post("registered-models/create", name=name)
    code, message = mlflow.refused("model-versions/create", name=name, source=source)
    assert code == "INVALID_PARAMETER_VALUE" and "Invalid model version source" in message


def test_a_logged_model(mlflow, run, experiment):
    made = mlflow.post("logged-models", experiment_id=experiment, name="tree", source_run_id=run,
                       model_type="xgboost", params=[{"key": "depth", "value": "3"}],
                       tags=[{"key": "a", "value": "b"}])["model"]
    id = made["info"]["model_id"]
    assert made["info"]["status"] == "LOGGED_MODEL_PENDING"
    assert made["info"]["artifact_uri"] == f"mlflow-artifacts:/{experiment}/models/{id}/artifacts"
    mlflow.post("runs/log-metric", run_id=run, **metric("loss", 0.25, 5, 2), model_id=id,
                dataset_name="rows", dataset_digest="d")
    mlflow.post("runs/outputs", run_id=run, models=[{"model_id": id, "step": 2}])
    mlflow.post(f"logged-models/{id}", "PATCH", model_id=id, status="LOGGED_MODEL_READY")
    mlflow.post(f"logged-models/{id}/tags", "PATCH", tags=[{"key": "c", "value": "d"}])
    mlflow.post(f"logged-models/{id}/tags/a", "DELETE")
    told = mlflow.get(f"logged-models/{id}")["model"]
    assert told["info"]["tags"] == [{"key": "c", "value": "d"}]
    assert told["data"]["metrics"] == [{"key": "loss", "value": 0.25, "timestamp": 5, "step": 2,
                                        "run_id": run, "model_id": id, "dataset_name": "rows",
                                        "dataset_digest": "d"}]
    outputs = mlflow.get("runs/get", run_id=run)["run"]["outputs"]
    assert outputs == {"model_outputs": [{"model_id": id, "step": 2}]}
    for filter, count in (("metrics.loss < 1 AND params.depth = '3'", 1), ("name = 'other'", 0),
                          (f"source_run_id = '{run}'", 1)):
        found = mlflow.post("logged-models/search", experiment_ids=[experiment], filter=filter)
        assert len(found["models"]) == count
    mlflow.post("logged-models", experiment_id=experiment, name="bare")
    for dataset, names in (("rows", ["tree"]), ("others", [])):
        found = mlflow.post("logged-models/search", experiment_ids=[experiment],
                            datasets=[{"dataset_name": dataset}])
        assert [one["info"]["name"] for one in found.get("models", [])] == names
    name = unique("registered")
    mlflow.post("registered-models/create", name=name)
    for _ in range(2):
        mlflow.post("model-versions/create", name=name, source=f"models:/{id}", model_id=id)
    tags = mlflow.get(f"logged-models/{id}")["model"]["info"]["tags"]
    assert {"key": "mlflow.modelVersions", "value": json.dumps(
        [{"name": name, "version": 1}, {"name": name, "version": 2}])} in tags
    mlflow.post(f"logged-models/{id}", "DELETE")
    assert mlflow.refused(f"logged-models/{id}", "GET")[0] == "RESOURCE_DOES_NOT_EXIST"


# --- the door ------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/mlflow/api/2.0/mlflow/experiments/search",
                                  "/mlflow/ajax-api/2.0/mlflow/experiments/search",
                                  "/ajax-api/2.0/mlflow/experiments/search"])
def test_web_pages_stay_outside(server, path):
    assert request(server, "POST", path, {})[0] == 200
    for headers in ({"Host": "rebound.example"}, {"Origin": "https://elsewhere.example"},
                    {"Sec-Fetch-Site": "cross-site"}):
        status, text = request(server, "POST", path, {}, headers=headers)
        assert status == 403 and b"may not call" in text or b"Host header" in text


def test_what_is_not_built_is_told_by_name(mlflow):
    assert mlflow.refused("traces", "GET") == (
        "ENDPOINT_NOT_FOUND", "SearchTraces is an operation of mlflow that lathe does not have")
    code, message = mlflow.refused("nothing/here")
    assert code == "ENDPOINT_NOT_FOUND"
    code, message = mlflow.refused("runs/create", experiment_id="0", nam="x")
    assert code == "INVALID_PARAMETER_VALUE" and "Unknown member 'nam'" in message
    assert request(mlflow.server, "GET", "/mlflow/health") == (200, b"OK")
    assert request(mlflow.server, "GET", "/mlflow/version")[0] == 200


def test_a_tracking_server(mlflow):
    sagemaker, name = mlflow.server.client("sagemaker"), unique("Track")
    arn = sagemaker.create_mlflow_tracking_server(
        TrackingServerName=name, ArtifactStoreUri="s3://arts/below", RoleArn="arn:aws:iam::000000000000:"
        "role/any", Tags=[{"Key": "a", "Value": "b"}])["TrackingServerArn"]
    told = sagemaker.describe_mlflow_tracking_server(TrackingServerName=name)
    assert (told["TrackingServerStatus"], told["IsActive"], told["TrackingServerUrl"]) == (
        "Created", "Active", f"{mlflow.server.url}/mlflow")
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "a", "Value": "b"}]
    headers = {"x-mlflow-sm-tracking-server-arn": arn}
    status, text = request(mlflow.server, "POST", ROOT + "experiments/create", {"name": unique("e")},
                           headers)
    id = json.loads(text)["experiment_id"]
    shown = mlflow.get("experiments/get", experiment_id=id)["experiment"]["artifact_location"]
    assert shown == f"s3://arts/below/{id}"
    run = mlflow.run("0")  # through another door
    status, text = request(mlflow.server, "GET", ROOT + "runs/get", None, headers, {"run_id": run})
    bucket = f"mlflow-{mlflow.server.client('sts').get_caller_identity()['Account']}"
    assert json.loads(text)["run"]["info"]["artifact_uri"] == f"s3://{bucket}/0/{run}/artifacts"
    sagemaker.stop_mlflow_tracking_server(TrackingServerName=name)
    with pytest.raises(ClientError, match="is Stopped already"):
        sagemaker.stop_mlflow_tracking_server(TrackingServerName=name)
    status, text = request(mlflow.server, "GET", ROOT + "runs/get", None, headers, {"run_id": run})
    assert json.loads(text)["error_code"] == "INVALID_STATE"
    assert [one["TrackingServerName"] for one in sagemaker.list_mlflow_tracking_servers(
        TrackingServerStatus="Stopped")["TrackingServerSummaries"]] == [name]
    sagemaker.start_mlflow_tracking_server(TrackingServerName=name)
    sagemaker.update_mlflow_tracking_server(TrackingServerName=name, TrackingServerSize="Large")
    told = sagemaker.describe_mlflow_tracking_server(TrackingServerName=name)
    assert (told["TrackingServerStatus"], told["TrackingServerSize"]) == ("Updated", "Large")
    url = sagemaker.create_presigned_mlflow_tracking_server_url(TrackingServerName=name)["AuthorizedUrl"]
    with urllib.request.urlopen(url) as reply:
        assert b"tracking URI" in reply.read()
    with pytest.raises(ClientError, match="AutomaticModelRegistration"):
        sagemaker.update_mlflow_tracking_server(TrackingServerName=name, AutomaticModelRegistration=True)
    sagemaker.delete_mlflow_tracking_server(TrackingServerName=name)
    status, text = request(mlflow.server, "GET", ROOT + "runs/get", None, headers, {"run_id": run})
    assert json.loads(text)["error_code"] == "RESOURCE_DOES_NOT_EXIST"


def test_an_app(mlflow):
    sagemaker, name = mlflow.server.client("sagemaker"), unique("App")
    role = "arn:aws:iam::000000000000:role/any"
    arn = sagemaker.create_mlflow_app(Name=name, ArtifactStoreUri="s3://arts/app", RoleArn=role,
                                      DefaultDomainIdList=["d-1"],
                                      Tags=[{"Key": "a", "Value": "b"}])["Arn"]
    with pytest.raises(ClientError, match="ConflictException.*already exists"):
        sagemaker.create_mlflow_app(Name=name, ArtifactStoreUri="s3://arts/app", RoleArn=role)
    told = sagemaker.describe_mlflow_app(Arn=arn)
    assert (told["Name"], told["Status"], told["AccountDefaultStatus"], told["RoleArn"]) == (
        name, "Created", "DISABLED", role)
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "a", "Value": "b"}]
    headers = {"x-sm-mlflow-app-arn": arn}
    status, text = request(mlflow.server, "POST", ROOT + "experiments/create", {"name": unique("e")},
                           headers)
    id = json.loads(text)["experiment_id"]
    shown = mlflow.get("experiments/get", experiment_id=id)["experiment"]["artifact_location"]
    assert shown == f"s3://arts/app/{id}"
    assert sagemaker.update_mlflow_app(Arn=arn, AccountDefaultStatus="ENABLED")["Arn"] == arn
    listed = [one["Name"] for one in sagemaker.list_mlflow_apps(
        AccountDefaultStatus="ENABLED", DefaultForDomainId="d-1", Status="Updated")["Summaries"]]
    assert listed == [name]
    assert not sagemaker.list_mlflow_apps(DefaultForDomainId="d-2")["Summaries"]
    with pytest.raises(ClientError, match="end of its ARN"):
        sagemaker.update_mlflow_app(Arn=arn, Name="another")
    with pytest.raises(ClientError, match="AutoModelRegistrationEnabled is refused"):
        sagemaker.update_mlflow_app(Arn=arn, ModelRegistrationMode="AutoModelRegistrationEnabled")
    url = sagemaker.create_presigned_mlflow_app_url(Arn=arn)["AuthorizedUrl"]
    with urllib.request.urlopen(url) as reply:
        assert b"tracking URI" in reply.read()
    assert sagemaker.delete_mlflow_app(Arn=arn)["Arn"] == arn
    with pytest.raises(ClientError, match="ResourceNotFound.*does not exist"):
        sagemaker.describe_mlflow_app(Arn=arn)
    status, text = request(mlflow.server, "GET", ROOT + "experiments/get", None, headers,
                           {"experiment_id": id})
    assert json.loads(text)["error_code"] == "RESOURCE_DOES_NOT_EXIST"
