"""Abalones that were measured: a job on Spark. [FROM] [TO]

Rows without a height, and rows that are there twice, go; the others are written with their rings
for training, and without them as questions."""

import sys

from pyspark.sql import SparkSession

COLUMNS = ["sex", "length", "diameter", "height", "whole", "shucked", "viscera", "shell"]


def main(rows, target):
    # What reads the folders takes every object in them for rows: no _SUCCESS.
    spark = SparkSession.builder.appName("abalone").config(
        "spark.hadoop.mapreduce.fileoutputcommitter.marksuccessfuljobs", "false").getOrCreate()
    schema = ", ".join(["sex STRING", *(f"{name} DOUBLE" for name in COLUMNS[1:]), "rings INT"])
    clean = spark.read.csv(rows, schema=schema).where("height > 0").dropDuplicates()
    clean = clean.sort(*clean.columns).coalesce(1).cache()
    clean.write.mode("overwrite").csv(f"{target}/clean")
    clean.select(COLUMNS).write.mode("overwrite").csv(f"{target}/questions")
    spark.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
