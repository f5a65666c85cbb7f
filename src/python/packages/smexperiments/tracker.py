"""What one run logs, stored as its trial component when it is closed."""

import datetime
import json
import logging
import math
import mimetypes
import numbers
import os

from lathe_containers import absent
from smexperiments import records
from smexperiments.trial_component import TrialComponent

PROCESSING_CONFIG = "/opt/ml/config/processingjobconfig.json"
MOST_ARTIFACTS = 30
METRICS_A_CALL = 10


def _job_arn():
    """The job's that this runs in."""
    if os.path.exists(PROCESSING_CONFIG):
        with open(PROCESSING_CONFIG) as file:
            return json.load(file).get("ProcessingJobArn")
    return os.environ.get("TRAINING_JOB_ARN")


def _now():
    return datetime.datetime.now(datetime.timezone.utc)


def _is_number_to_keep(kind, name, value):
    if isinstance(value, numbers.Number) and not math.isfinite(value):
        logging.warning("Failed to log %s %s. Received invalid value: %s.", kind, name, value)
        return False
    return True


class Tracker:
    def __init__(self, trial_component, bucket=None, prefix=None, boto3_session=None, in_job=False):
        self.trial_component = trial_component
        for name in ("parameters", "input_artifacts", "output_artifacts"):
            setattr(trial_component, name, getattr(trial_component, name, None) or {})
        self._bucket, self._prefix = bucket, prefix or "trial-component-artifacts"
        self._session, self._in_job = boto3_session, in_job
        self._metrics, self._lineage = [], []

    @classmethod
    def create(cls, base_trial_component_name="TrialComponent", display_name=None, artifact_bucket=None,
               artifact_prefix=None, boto3_session=None, sagemaker_boto_client=None):
        made = TrialComponent.create(records.unique(base_trial_component_name), display_name,
                                     sagemaker_boto_client=sagemaker_boto_client)
        return cls(made, artifact_bucket, artifact_prefix, boto3_session)

    @classmethod
    def load(cls, trial_component_name=None, artifact_bucket=None, artifact_prefix=None,
             boto3_session=None, sagemaker_boto_client=None, training_job_name=None,
             processing_job_name=None):
        """By its name, by its job's, or that of the job that this runs in."""
        job = ((training_job_name and f"{training_job_name}-aws-training-job") or
               (processing_job_name and f"{processing_job_name}-aws-processing-job"))
        arn, name = _job_arn(), trial_component_name or job
        if not name and arn:
            name = next(summary.trial_component_name for summary in TrialComponent.list(
                source_arn=arn, sagemaker_boto_client=sagemaker_boto_client))
        if not name:
            raise ValueError('Could not load TrialComponent. Specify a trial_component_name or invoke '
                             '"create"')
        return cls(TrialComponent.load(name, sagemaker_boto_client), artifact_bucket, artifact_prefix,
                   boto3_session, in_job=arn is not None)

    # ---- what is logged ----

    def log_parameter(self, name, value):
        if _is_number_to_keep("parameter", name, value):
            self.trial_component.parameters[name] = value

    def log_parameters(self, parameters):
        for name, value in parameters.items():
            self.log_parameter(name, value)

    def _log(self, kind, name, value, media_type):
        artifacts = getattr(self.trial_component, kind)
        if len(artifacts) >= MOST_ARTIFACTS:
            raise ValueError(f"Cannot add more than {MOST_ARTIFACTS} {kind} under tracker "
                             "trial_component.")
        artifacts[name] = records.TrialComponentArtifact(value, media_type)

    def log_input(self, name, value, media_type=None):
        self._log("input_artifacts", name, value, media_type)

    def log_output(self, name, value, media_type=None):
        self._log("output_artifacts", name, value, media_type)

    def _upload(self, path):
        path = os.path.expanduser(path)
        if not os.path.isfile(path):
            raise ValueError(f"{path} does not exist or is not a file. Please supply a file path.")
        session = self._session or records.session()
        if not self._bucket:
            account = session.client("sts").get_caller_identity()["Account"]
            self._bucket = f"sagemaker-{session.region_name}-{account}"
        name = self.trial_component.trial_component_name
        key = f"{self._prefix}/{name}/{os.path.basename(path)}"
        session.client("s3").upload_file(path, self._bucket, key)
        return f"s3://{self._bucket}/{key}"

    def _log_file(self, kind, path, name, media_type):
        media_type = media_type or mimetypes.guess_type(path, strict=False)[0]
        uri, name = self._upload(path), name or os.path.basename(path)
        self._log(kind, name, uri, media_type)
        self._lineage.append((kind, name, uri, media_type))

    def log_output_artifact(self, file_path, name=None, media_type=None):
        self._log_file("output_artifacts", file_path, name, media_type)

    def log_input_artifact(self, file_path, name=None, media_type=None):
        self._log_file("input_artifacts", file_path, name, media_type)

    log_artifact = log_output_artifact

    def log_artifacts(self, directory, media_type=None):
        for name in sorted(os.listdir(directory)):
            self.log_artifact(os.path.join(directory, name), os.path.splitext(name)[0], media_type)

    def log_metric(self, metric_name, value, timestamp=None, iteration_number=None):
        if _is_number_to_keep("metric", metric_name, value):
            step = {} if iteration_number is None else {"Step": int(iteration_number)}
            self._metrics.append({"MetricName": metric_name, "Value": float(value),
                                  "Timestamp": timestamp or _now(), **step})

    log_table, log_precision_recall, log_roc_curve, log_confusion_matrix = (
        absent.function(f"smexperiments.tracker.Tracker.{name}", "charts are not kept")
        for name in ("log_table", "log_precision_recall", "log_roc_curve", "log_confusion_matrix"))

    # ---- storing it ----

    def _save_lineage(self):
        client, own = self.trial_component.sagemaker_boto_client, self.trial_component.trial_component_arn
        for kind, name, uri, media_type in self._lineage:
            arn = client.create_artifact(ArtifactName=name, ArtifactType=media_type or "Tracker",
                                         Source={"SourceUri": uri})["ArtifactArn"]
            source, destination = (own, arn) if kind == "output_artifacts" else (arn, own)
            client.add_association(
                SourceArn=source, DestinationArn=destination,
                AssociationType="Produced" if source == own else "ContributedTo")

    def _save_metrics(self):
        name = self.trial_component.trial_component_name
        client = (self._session or records.session()).client("sagemaker-metrics")
        for begin in range(0, len(self._metrics), METRICS_A_CALL):
            client.batch_put_metrics(TrialComponentName=name.lower(),  # the service wants it small
                                     MetricData=self._metrics[begin:begin + METRICS_A_CALL])

    def close(self):
        self.trial_component.save()
        self._save_lineage()
        if self._metrics:
            self._save_metrics()

    def __enter__(self):
        """A job's own component has the job's times and status."""
        if not self._in_job:
            self.trial_component.start_time = _now()
            self.trial_component.status = records.TrialComponentStatus("InProgress")
        return self

    def __exit__(self, kind, error, trace):
        if not self._in_job:
            self.trial_component.end_time = _now()
            self.trial_component.status = (records.TrialComponentStatus("Failed", str(error)) if error
                                           else records.TrialComponentStatus("Completed"))
        self.close()


__getattr__ = absent.of(__name__)
