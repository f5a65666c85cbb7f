"""What jobs on Spark do when they begin, so that Java keeps the classes of it in an archive:
setup_spark.py submits it, with the jars of spark.txt as arguments. Their classes are loaded by name,
since there is no S3 here to speak to; Spark's own by use."""

import sys
import tempfile
import zipfile

from py4j.protocol import Py4JJavaError
from pyspark.sql import SparkSession, functions as F


def names_in(jar):
    with zipfile.ZipFile(jar) as archive:
        for name in archive.namelist():
            if name.endswith(".class") and not name.startswith("META-INF/"):
                yield name.removesuffix(".class").replace("/", ".")


def load(spark, jars):
    java = spark.sparkContext._jvm.java.lang
    loader = java.Thread.currentThread().getContextClassLoader()
    for name in (name for jar in jars for name in names_in(jar)):
        try:
            java.Class.forName(name, False, loader)
        except Py4JJavaError:
            pass  # it is for a library that is not among Spark's jars: no job loads it either


def use(spark, folder):
    rows = spark.range(2000).select(
        "id", (F.col("id") % 5).alias("group"), F.col("id").cast("double").alias("value"),
        F.col("id").cast("string").alias("word"))
    for form in ("csv", "json", "parquet"):
        rows.write.format(form).partitionBy("group").save(f"{folder}/{form}")
    read = {form: spark.read.schema(rows.schema).format(form).load(f"{folder}/{form}")
            for form in ("csv", "json", "parquet")}
    means = read["csv"].groupBy("group").agg(F.avg("value").alias("mean"), F.stddev("value"))
    far = read["parquet"].join(means, "group").where("value > mean").orderBy("id")
    far.write.parquet(f"{folder}/far")
    read["json"].createOrReplaceTempView("rows")
    spark.sql("SELECT *, rank() OVER (PARTITION BY group ORDER BY value) FROM rows").count()
    triple = F.udf(lambda value: 3 * value, "double")
    rows.select(triple("value")).rdd.map(lambda row: row[0]).sum()


def main():
    spark = SparkSession.builder.getOrCreate()
    load(spark, sys.argv[1:])
    with tempfile.TemporaryDirectory() as folder:
        use(spark, f"file://{folder}")
    spark.stop()


main()
