"""What smexperiments and our stand-in for it are let do, and the calls of the API that they make."""

import datetime


class Client:
    """Answers as SageMaker would, and writes down what it was asked."""

    ANSWERS = {
        "list_trials": [{"TrialSummaries": [{"TrialName": "t1"}], "NextToken": "more"},
                        {"TrialSummaries": [{"TrialName": "t2"}]}],
        "list_experiments": [{"ExperimentSummaries": [{"ExperimentName": "e", "ExperimentArn": "arn"}]}],
        "list_trial_components": [{"TrialComponentSummaries": [{
            "TrialComponentName": "c", "Status": {"PrimaryStatus": "Completed"}}]}],
        "describe_trial_component": [{
            "TrialComponentName": "c", "TrialComponentArn": "arn:c", "DisplayName": "shown",
            "Parameters": {"a": {"NumberValue": 2.0}, "b": {"StringValue": "x"}},
            "InputArtifacts": {"in": {"Value": "s3://in", "MediaType": "text/csv"}},
            "Status": {"PrimaryStatus": "InProgress", "Message": "m"}, "ResponseMetadata": {}}]}

    def __init__(self):
        self.calls = []

    def __getattr__(self, operation):
        def call(**members):
            self.calls.append([operation, plain(members)])
            answers = self.ANSWERS.get(operation, [{f"{operation}_arn": "arn"}])
            return answers[1 if "NextToken" in members else 0]

        return call


def plain(value):
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return "a time" if isinstance(value, datetime.datetime) else value


def experiments(client):
    from smexperiments.experiment import Experiment
    from smexperiments.trial import Trial

    own = Experiment.create("e", "words", tags=[{"Key": "k", "Value": "v"}], sagemaker_boto_client=client)
    own.description = "other words"
    own.save()
    trial = own.create_trial("t")
    trial.add_trial_component("c")
    trial.remove_trial_component("c")
    trial.display_name = "shown"
    trial.save()
    said = [one.trial_name for one in own.list_trials(sort_by="Name")]
    said += [one.experiment_name for one in Experiment.list(sagemaker_boto_client=client)]
    said += [one.trial_component_name for one in trial.list_trial_components()]
    Trial.create("e", "t3", trial_components=["c1", "c2"], sagemaker_boto_client=client).delete()
    own.delete()
    return said


def components(client):
    from smexperiments.trial_component import TrialComponent

    own = TrialComponent.load("c", sagemaker_boto_client=client)
    said = [own.display_name, own.parameters, own.input_artifacts["in"].value, own.status.message]
    own.display_name = "other"
    own.save()
    said += [one.status.primary_status for one in TrialComponent.list(
        source_arn="arn", sagemaker_boto_client=client)]
    TrialComponent.create("d", "shown", sagemaker_boto_client=client).delete()
    own.delete(force_disassociate=True)
    return said


def trackers(client):
    from smexperiments.tracker import Tracker

    with Tracker.load("c", artifact_bucket="b", sagemaker_boto_client=client) as tracker:
        tracker.log_parameter("depth", 3)
        tracker.log_parameters({"eta": 0.5, "nan": float("nan"), "name": "x"})
        tracker.log_input("data", "s3://data", media_type="text/csv")
        tracker.log_output("model", "s3://model")
    try:
        with Tracker.load("c", artifact_bucket="b", sagemaker_boto_client=client):
            raise KeyError("why")
    except KeyError:
        pass


CASES = (experiments, components, trackers)


def everything():
    made = {}
    for case in CASES:
        client = Client()
        said = case(client)
        made[case.__name__] = {"said": said, "calls": client.calls}
    return made
