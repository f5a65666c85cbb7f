"""Delivery streams: records accepted durably, beside what the disk does with the same bytes."""

import base64
import json
import os
import re
import subprocess

from harness import Row, rows

CONNECTIONS = 8
GROUP = 4  # batches an fsync: what 8 connections made of it, by perf's count of fdatasync
RECORDS = 500
RECORD_SIZE = 150
REQUESTS = 1600
STREAM = "bench"


def request_of(port):
    """One PutRecordBatch, as bytes."""
    record = base64.b64encode(os.urandom(RECORD_SIZE)).decode()
    body = json.dumps({"DeliveryStreamName": STREAM,
                       "Records": [{"Data": record}] * RECORDS}).encode()
    head = (f"POST / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
            "Content-Type: application/x-amz-json-1.1\r\n"
            "X-Amz-Target: Firehose_20150804.PutRecordBatch\r\n"
            "Authorization: AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/firehose/"
            "aws4_request, SignedHeaders=host, Signature=0\r\n"
            f"Content-Length: {len(body)}\r\n\r\n")
    return head.encode() + body


def seconds_of(*command):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return float(re.search(r"seconds=([\d.]+)", done.stdout)[1])


def delivered_bytes(server):
    pages = server.client("s3").get_paginator("list_objects_v2").paginate(Bucket="bench")
    return sum(item["Size"] for page in pages for item in page.get("Contents", []))


@rows(Row("ingest", 0.6, "rate", "records/s",
          f"PutRecordBatch of {RECORDS} records of {RECORD_SIZE} bytes, durable, {CONNECTIONS} "
          "connections", "the same bytes appended and synced by plain C"))
def ingest(bench):
    program = bench.binary.parent / "ingest_load"
    server = bench.server().start()
    server.client("s3").create_bucket(Bucket="bench")
    server.client("firehose").create_delivery_stream(
        DeliveryStreamName=STREAM, S3DestinationConfiguration={
            "RoleARN": "arn:aws:iam::000000000000:role/r", "BucketARN": "arn:aws:s3:::bench",
            "BufferingHints": {"SizeInMBs": 64, "IntervalInSeconds": 60}})
    request = bench.scratch / "request"
    request.write_bytes(request_of(server.port))
    bench.note("the load from C; objects of 64 MiB are delivered meanwhile; the peer syncs after each "
               f"group of {GROUP} batches, as many as the server's groups have on average")
    seconds_of(program, server.port, CONNECTIONS, REQUESTS // 8, request)
    sent = REQUESTS // 8
    for _ in bench.rounds:
        ours = seconds_of(program, server.port, CONNECTIONS, REQUESTS, request)
        sent += REQUESTS
        peer = seconds_of(program, "append", bench.scratch / "appended", RECORDS * RECORD_SIZE,
                          GROUP, REQUESTS // GROUP)
        yield {"ingest": (REQUESTS * RECORDS / ours, REQUESTS * RECORDS / peer)}
    server.client("firehose").delete_delivery_stream(DeliveryStreamName=STREAM)
    bench.check(delivered_bytes(server) == sent * RECORDS * RECORD_SIZE,
                "what was delivered is not what was put")
