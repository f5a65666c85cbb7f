"""The ETL job of examples/cmapss in PySpark: cmapss_etl.py RAW OUT prints the table's rows and the sum
of their remaining lives."""

import sys

from pyspark.sql import SparkSession, Window
from pyspark.sql import functions as F

raw, out = sys.argv[1:]
spark = (SparkSession.builder.master("local[*]").appName("cmapss-etl")
         .config("spark.ui.enabled", "false")
         # one shuffle of two megabytes: the default of 200 parts would be all there is to measure
         .config("spark.sql.shuffle.partitions", "2")
         .config("spark.sql.warehouse.dir", out + "/warehouse").getOrCreate())
columns = ["unit_number BIGINT", "cycle BIGINT", *(f"setting_{i} DOUBLE" for i in (1, 2, 3)),
           *(f"sensor_{i} DOUBLE" for i in range(1, 22))]
rows = spark.read.csv(raw, sep=" ", schema=", ".join(columns))
engine = Window.partitionBy(F.input_file_name(), "unit_number")
(rows.withColumn("rul", F.max("cycle").over(engine) - F.col("cycle"))
     .write.partitionBy("hour").format("parquet").saveAsTable("wear"))
count, lives = spark.sql("SELECT count(*), sum(rul) FROM wear").first()
print("rows", count, "lives", lives)
