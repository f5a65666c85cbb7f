"""What the end-to-end tests say to SageMaker again and again."""

import csv
import gzip
import io
import random
import tarfile
import uuid

ROLE = "arn:aws:iam::000000000000:role/SageMakerRole"
XGBOOST = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.0-5"
XGBOOST_1 = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"
FEATURES = ["Air temperature [K]", "Process temperature [K]", "Rotational speed [rpm]",
            "Torque [Nm]", "Tool wear [min]"]


def unique(word):
    return f"{word}-{uuid.uuid4().hex[:12]}"


def ai4i_rows(path):
    """(label, [six numbers]) a row of the AI4I file, shuffled the same way each time."""
    with gzip.open(path, "rt") as file:
        rows = [(int(row["Machine failure"]),
                 [float("LMH".index(row["Type"]))] + [float(row[name]) for name in FEATURES])
                for row in csv.DictReader(file)]
    random.Random(7).shuffle(rows)
    return rows


def to_csv(rows, label=True):
    return "".join(",".join([str(y)] * label + [f"{v:g}" for v in x]) + "\n" for y, x in rows)


def channel(name, uri, content_type="text/csv"):
    return {"ChannelName": name, "ContentType": content_type,
            "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": uri,
                                            "S3DataDistributionType": "FullyReplicated"}}}


def training_request(bucket, channels, name=None, image=XGBOOST, **hyperparameters):
    settings = {"objective": "binary:logistic", "num_round": "10", "max_depth": "4",
                **{key: str(value) for key, value in hyperparameters.items()}}
    return {"TrainingJobName": name or unique("job"), "RoleArn": ROLE,
            "AlgorithmSpecification": {"TrainingImage": image, "TrainingInputMode": "File"},
            "HyperParameters": settings, "InputDataConfig": channels,
            "OutputDataConfig": {"S3OutputPath": f"s3://{bucket}/out"},
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1,
                               "VolumeSizeInGB": 1},
            "StoppingCondition": {"MaxRuntimeInSeconds": 600}}


def train(server, request):
    """Runs a training job to its end; DescribeTrainingJob's answer."""
    sagemaker = server.client("sagemaker")
    sagemaker.create_training_job(**request)
    return wait_for_job(server, request["TrainingJobName"])


def wait_for_job(server, name):
    sagemaker = server.client("sagemaker")
    return server.wait_for(lambda: sagemaker.describe_training_job(TrainingJobName=name),
                           "TrainingJobStatus", ("Completed", "Failed", "Stopped"))


def model_bytes(server, uri):
    """The model in the model.tar.gz that an s3:// URI names."""
    bucket, key = uri.removeprefix("s3://").split("/", 1)
    archive = server.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        return tar.extractfile("xgboost-model").read()


def booster(server, uri):
    """The same, opened by XGBoost itself."""
    import xgboost

    model = xgboost.Booster()
    model.load_model(bytearray(model_bytes(server, uri)))
    return model


def deploy(server, model_uri, image=XGBOOST, name=None):
    """CreateModel, CreateEndpointConfig, CreateEndpoint; the endpoint's name, once in service."""
    sagemaker, name = server.client("sagemaker"), name or unique("endpoint")
    sagemaker.create_model(ModelName=name, ExecutionRoleArn=ROLE,
                           PrimaryContainer={"Image": image, "ModelDataUrl": model_uri})
    sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[
        {"VariantName": "AllTraffic", "ModelName": name, "InitialInstanceCount": 1,
         "InstanceType": "ml.m5.large"}])
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    answer = server.wait_for(lambda: sagemaker.describe_endpoint(EndpointName=name),
                             "EndpointStatus", ("InService", "Failed"))
    assert answer["EndpointStatus"] == "InService", answer.get("FailureReason")
    return name


def scores(body):
    return [float(word) for word in body.decode().replace("\n", ",").split(",") if word]
