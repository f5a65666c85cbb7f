"""The Car workflow, from words to a word: features fitted by Spark and exported by MLeap, trees by
lathe, an endpoint of three containers. Its limit is what its Spark part takes alone."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import time
import uuid
import zipfile

from harness import Row, rows
from rows_spark import run_glue, spark_home

SLACK = 1.1
WORDS = ("buying", "maint", "doors", "persons", "lug_boot", "safety")
QUESTION, ANSWER = "low,low,5more,more,big,high", "vgood"
ROLE = "arn:aws:iam::000000000000:role/R"
XGBOOST, SPARKML = "sagemaker-xgboost:3.0-5", "sagemaker-sparkml-serving:3.3"
TREES = {"objective": "multi:softmax", "num_class": "4", "num_round": "150", "max_depth": "6",
         "eta": "0.3", "min_child_weight": "0.5"}
FEATURES = {"input": [{"name": name, "type": "string"} for name in WORDS],
            "output": {"name": "features", "type": "double", "struct": "vector"}}
LABELS = {"input": [{"name": "prediction", "type": "double"}],
          "output": {"name": "category", "type": "string"}}

# Runs unchanged under both: what it reads and writes are its arguments.
SCRIPT = """
import argparse, tarfile, tempfile, zipfile
from pyspark.ml import Pipeline, PipelineModel
from pyspark.ml.feature import IndexToString, OneHotEncoder, StringIndexer, VectorAssembler
from pyspark.ml.functions import vector_to_array
from pyspark.sql import SparkSession, functions as F

parser = argparse.ArgumentParser()
parser.add_argument("--source")
parser.add_argument("--target")
given, _ = parser.parse_known_args()
spark = SparkSession.builder.appName("car").getOrCreate()
java = spark.sparkContext._jvm

def export(model, rows, name):
    with tempfile.TemporaryDirectory() as folder:
        java.ml.combust.mleap.spark.SimpleSparkSerializer().serializeToBundle(
            model._to_java(), f"jar:file:{folder}/bundle.zip", rows._jdf)
        with zipfile.ZipFile(f"{folder}/bundle.zip") as bundle:
            bundle.extractall(f"{folder}/bundle")
        with tarfile.open(f"{folder}/model.tar.gz", "w:gz") as archive:
            archive.add(f"{folder}/bundle", ".")
        path = java.org.apache.hadoop.fs.Path
        target = path(f"{given.target}/{name}/model.tar.gz")
        target.getFileSystem(spark.sparkContext._jsc.hadoopConfiguration()).copyFromLocalFile(
            False, True, path(f"file:{folder}/model.tar.gz"), target)

words = ["buying", "maint", "doors", "persons", "lug_boot", "safety"]
rows = spark.read.schema(", ".join(f"{name} string" for name in [*words, "class"])).csv(given.source)
label = StringIndexer(inputCol="class", outputCol="label").fit(rows)
numbers, flags = [f"{name}Number" for name in words], [f"{name}Is" for name in words]
model = Pipeline(stages=[
    *(StringIndexer(inputCol=name, outputCol=number) for name, number in zip(words, numbers)),
    OneHotEncoder(inputCols=numbers, outputCols=flags, dropLast=False),
    VectorAssembler(inputCols=flags, outputCol="features")]).fit(rows)
ready = model.transform(label.transform(rows))
export(model, ready, "features")
back = PipelineModel([IndexToString(inputCol="prediction", outputCol="category", labels=label.labels)])
export(back, back.transform(ready.select(F.col("label").alias("prediction"))), "labels")
width = sum(len(indexer.labels) for indexer in model.stages[:len(words)])
values = vector_to_array("features")
ready.select("label", *(values[i] for i in range(width))).write.mode("overwrite").csv(
    given.target + "/train")
"""


def mleap_jars(folder):
    """What tools/mleap_fixtures/build.sh made, as jars; Spark's own are where they are."""
    built = pathlib.Path(os.environ.get("LATHE_MLEAP", "/nowhere")) / "0.24"
    if not (built / "classpath").exists():
        raise FileNotFoundError("LATHE_MLEAP names no folder that tools/mleap_fixtures/build.sh "
                                "made: Maven does not find MLeap's side of Spark")
    folder.mkdir()
    for number, entry in enumerate((built / "classpath").read_text().strip().split(":")):
        entry = pathlib.Path(entry)
        if entry.is_dir():
            with zipfile.ZipFile(folder / f"{number}-{entry.name}.jar", "w") as jar:
                for file in sorted(entry.rglob("*")):
                    jar.write(file, file.relative_to(entry))
        elif entry.suffix == ".jar":
            shutil.copy(entry, folder)
    return sorted(folder.iterdir())


class Workflow:
    """One run of it by a server; what it made is deleted after it was timed."""

    def __init__(self, server):
        self.sagemaker, self.glue = server.client("sagemaker"), server.client("glue")
        self.runtime, self.server = server.client("sagemaker-runtime"), server
        self.name = f"car-{uuid.uuid4().hex[:8]}"

    def fit(self):
        _, run = run_glue(self.glue, "car")
        return run

    def train(self):
        self.sagemaker.create_training_job(
            TrainingJobName=self.name, RoleArn=ROLE, HyperParameters=TREES,
            AlgorithmSpecification={"TrainingImage": XGBOOST, "TrainingInputMode": "File"},
            InputDataConfig=[{"ChannelName": "train", "ContentType": "text/csv", "DataSource": {
                "S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://car/out/train/"}}}],
            OutputDataConfig={"S3OutputPath": "s3://car/models"},
            ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 10},
            StoppingCondition={"MaxRuntimeInSeconds": 3600})
        told = self.server.wait_for(
            lambda: self.sagemaker.describe_training_job(TrainingJobName=self.name),
            "TrainingJobStatus", ("Completed", "Failed", "Stopped"))
        return told["ModelArtifacts"]["S3ModelArtifacts"]

    def deploy(self, trees):
        def container(name, schema):
            return {"Image": SPARKML, "ModelDataUrl": f"s3://car/out/{name}/model.tar.gz",
                    "Environment": {"SAGEMAKER_SPARKML_SCHEMA": json.dumps(schema)}}

        self.sagemaker.create_model(ModelName=self.name, ExecutionRoleArn=ROLE, Containers=[
            container("features", FEATURES), {"Image": XGBOOST, "ModelDataUrl": trees},
            container("labels", LABELS)])
        self.sagemaker.create_endpoint_config(EndpointConfigName=self.name, ProductionVariants=[
            {"VariantName": "AllTraffic", "ModelName": self.name, "InitialInstanceCount": 1,
             "InstanceType": "ml.m5.large"}])
        self.sagemaker.create_endpoint(EndpointName=self.name, EndpointConfigName=self.name)
        self.server.wait_for(lambda: self.sagemaker.describe_endpoint(EndpointName=self.name),
                             "EndpointStatus", ("InService", "Failed"))

    def ask(self):
        answer = self.runtime.invoke_endpoint(EndpointName=self.name, ContentType="text/csv",
                                              Accept="text/csv", Body=QUESTION)
        return answer["Body"].read().decode().strip()

    def forget(self):
        self.sagemaker.delete_endpoint(EndpointName=self.name)
        self.sagemaker.delete_endpoint_config(EndpointConfigName=self.name)
        self.sagemaker.delete_model(ModelName=self.name)


def prepare(bench, jars):
    configuration = bench.scratch / "lathe.yaml"
    configuration.write_text(f"runtime:\n  spark: {spark_home()}\n")
    server = bench.server(arguments=["--config", str(configuration)]).start()
    s3 = server.client("s3")
    s3.create_bucket(Bucket="car")
    for path, key in ((bench.data("car/car.data"), "in/car.data"),
                      (bench.scratch / "script.py", "script.py"),
                      *((jar, f"jars/{jar.name}") for jar in jars)):
        s3.upload_file(str(path), "car", key)
    server.client("glue").create_job(
        Name="car", Role=ROLE, GlueVersion="4.0",
        Command={"Name": "glueetl", "ScriptLocation": "s3://car/script.py"},
        DefaultArguments={"--source": "s3://car/in/", "--target": "s3://car/out",
                          "--extra-jars": ",".join(f"s3://car/jars/{jar.name}" for jar in jars)})
    return server


def training_rows(texts):
    return sorted(line for text in texts for line in text.splitlines())


@rows(Row("car-workflow", 1, "time", "s",
          "the Car workflow: a Glue job that fits features with Spark and exports them with MLeap, "
          "XGBoost, an endpoint, an answer",
          f"{SLACK} times the Spark program alone, by spark-submit on local files"))
def car_workflow(bench):
    (bench.scratch / "script.py").write_text(SCRIPT)
    jars, home, local = mleap_jars(bench.scratch / "jars"), spark_home(), bench.scratch / "local"
    server = prepare(bench, jars)

    def ours():
        flow, started = Workflow(server), time.perf_counter()
        run = flow.fit()
        bench.check(run["JobRunState"] == "SUCCEEDED", run.get("ErrorMessage"))
        flow.deploy(flow.train())
        answer, seconds = flow.ask(), time.perf_counter() - started
        bench.check(answer == ANSWER, f"{QUESTION} is said to be {answer}")
        flow.forget()
        return seconds

    def alone():
        environment = {**os.environ, "SPARK_HOME": str(home), "SPARK_LOCAL_IP": "127.0.0.1",
                       "PYSPARK_PYTHON": sys.executable}  # the server's, too
        started = time.perf_counter()
        subprocess.run([home / "bin/spark-submit", "--jars", ",".join(map(str, jars)),
                        bench.scratch / "script.py", "--source", f"file://{bench.data('car/car.data')}",
                        "--target", f"file://{local}"],
                       check=True, env=environment, cwd=bench.scratch,
                       start_new_session=True,  # as a job has one (rows_spark.py)
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return time.perf_counter() - started

    ours(), alone()
    s3 = server.client("s3")
    mine = [s3.get_object(Bucket="car", Key=entry["Key"])["Body"].read().decode()
            for entry in s3.list_objects_v2(Bucket="car", Prefix="out/train/part-")["Contents"]]
    theirs = [path.read_text() for path in (local / "train").glob("part-*")]
    bench.check(training_rows(mine) == training_rows(theirs), "the features differ")
    bench.note(f"MLeap 0.24 built from its source; {QUESTION} is answered {ANSWER} in each round")
    for number in bench.rounds:
        first, second = (ours, alone) if number % 2 else (alone, ours)
        measured = {first: first()}
        measured[second] = second()
        yield {"car-workflow": (measured[ours], measured[alone] * SLACK)}
