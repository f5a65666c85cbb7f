"""Users' own programs: what the sandbox and the job around them cost."""

import statistics
import sys
import time

from harness import Row, rows

POLL_S = 0.003
OVERHEAD_MS = 60
CODE = "/opt/ml/processing/input/code"


def processing_request(name):
    return {
        "ProcessingJobName": name, "RoleArn": "arn:aws:iam::000000000000:role/Role",
        "ProcessingResources": {"ClusterConfig": {
            "InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1}},
        "AppSpecification": {"ImageUri": "python:3",
                             "ContainerEntrypoint": ["python3", f"{CODE}/script.py"]},
        "ProcessingInputs": [{"InputName": "code", "S3Input": {
            "S3Uri": "s3://bench/script.py", "LocalPath": CODE, "S3DataType": "S3Prefix",
            "S3InputMode": "File"}}]}


@rows(Row("processing-overhead", 1, "time", "ms",
          "a processing job whose script is print(\"hi\"), CreateProcessingJob to Completed",
          f"the same script run by the same python3, plus {OVERHEAD_MS} ms"))
def processing_overhead(bench):
    import subprocess

    script = bench.scratch / "script.py"
    script.write_text('print("hi")\n')
    server = bench.server().start()
    s3, sagemaker = server.client("s3"), server.client("sagemaker")
    s3.create_bucket(Bucket="bench")
    s3.upload_file(str(script), "bench", "script.py")

    def ours(name):
        started = time.perf_counter()
        sagemaker.create_processing_job(**processing_request(name))
        while True:
            job = sagemaker.describe_processing_job(ProcessingJobName=name)
            if job["ProcessingJobStatus"] != "InProgress":
                break
            time.sleep(POLL_S)
        bench.check(job["ProcessingJobStatus"] == "Completed", job.get("FailureReason"))
        return (time.perf_counter() - started) * 1000

    def alone():
        started = time.perf_counter()
        subprocess.run([sys.executable, script], check=True, stdout=subprocess.DEVNULL)
        return (time.perf_counter() - started) * 1000

    ours("first"), alone()
    bench.note("the sandbox included; two changes of the store, each on the disk before it is told, "
               f"are in it; a client that asks every {POLL_S * 1000:.0f} ms. A round is the median "
               "of ten")
    for number in bench.rounds:
        took, plain = [], []
        for one in range(10):
            took.append(ours(f"job-{number}-{one}"))
            plain.append(alone())
        yield {"processing-overhead": (statistics.median(took),
                                       statistics.median(plain) + OVERHEAD_MS)}
