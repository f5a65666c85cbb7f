"""GlueContext: where frames come from and go to."""
import logging
import sys
import time

from pyspark.sql import SparkSession

from awsglue import catalog, files, spark_catalog
from awsglue.data_sink import DataSink, sink_of_table
from awsglue.data_source import DataSource
from awsglue.dynamicframe import (
    DynamicFrame,
    DynamicFrameCollection,
    DynamicFrameReader,
    DynamicFrameWriter,
    database_of,
)
from awsglue.sources import from_table

FILES = ("s3", "file", "hdfs", "parquet", "orc")
WEEK = 168
STREAMING = "Streaming jobs are not there"
STORAGE = "S3's storage classes are not there"
LAKE_FORMATION = "Lake Formation's transactions are not there"
# What Glue's own has and this one has not.
ABSENT = {
    "getStreamingSource": STREAMING, "getSampleStreamingDynamicFrame": STREAMING,
    "add_ingestion_time_columns": STREAMING, "forEachBatch": STREAMING,
    "transition_table": STORAGE, "transition_s3_path": STORAGE,
    "start_transaction": LAKE_FORMATION, "commit_transaction": LAKE_FORMATION,
    "cancel_transaction": LAKE_FORMATION,
}


def _check_connection(connection_type):
    if connection_type not in FILES:
        raise NotImplementedError("Connections of type %s are not there: s3 is" % connection_type)


class _DataFrameReader:
    def __init__(self, glue_context):
        self._glue_context = glue_context

    def from_catalog(self, *args, **kwargs):
        return self._glue_context.create_dynamic_frame.from_catalog(*args, **kwargs).toDF()

    def from_options(self, *args, **kwargs):
        return self._glue_context.create_dynamic_frame.from_options(*args, **kwargs).toDF()


class _DataFrameWriter:
    def __init__(self, glue_context):
        self._glue_context = glue_context

    def from_catalog(self, frame, database=None, table_name=None, redshift_tmp_dir="",
                     transformation_ctx="", additional_options=None, catalog_id=None, **kwargs):
        sink = sink_of_table(self._glue_context, database_of(database, kwargs), table_name,
                             additional_options or {})
        return sink.writeDataFrame(frame, self._glue_context)


class GlueContext:
    """What it has not itself, it has of its session: sql, read, createDataFrame, ..."""

    def __init__(self, sparkContext=None, **options):
        session = sparkContext if isinstance(sparkContext, SparkSession) else None
        self.spark_session = session or SparkSession.builder.getOrCreate()
        self.sparkSession = self.spark_session
        self._sc = self.spark_session.sparkContext
        self._jvm = self._sc._jvm
        # As in the versions of Spark that Glue's scripts are written for: a cast that fails is null.
        self.spark_session.conf.set("spark.sql.ansi.enabled", "false")
        self.create_dynamic_frame = DynamicFrameReader(self)
        self.write_dynamic_frame = DynamicFrameWriter(self)
        self.create_data_frame = _DataFrameReader(self)
        self.write_data_frame = _DataFrameWriter(self)
        if spark_catalog.is_asked_for(sys.argv):
            spark_catalog.bring_in(self.spark_session)

    def __getattr__(self, name):
        if name == "spark_session":
            raise AttributeError(name)
        if name in ABSENT:
            raise NotImplementedError("%s: %s" % (name, ABSENT[name]))
        return getattr(self.spark_session, name)

    # ---- reading ----

    def getSource(self, connection_type, format=None, transformation_ctx="", push_down_predicate="",
                  **options):
        _check_connection(connection_type)
        kind = format or (connection_type if connection_type in ("parquet", "orc") else None)
        return DataSource(self, options, kind, transformation_ctx)

    def create_dynamic_frame_from_options(self, connection_type, connection_options=None, format=None,
                                          format_options=None, transformation_ctx="",
                                          push_down_predicate="", **kwargs):
        source = self.getSource(connection_type, format, transformation_ctx, push_down_predicate,
                                **(connection_options or {}))
        if format:
            source.setFormat(format, **(format_options or {}))
        return source.getFrame()

    def create_dynamic_frame_from_catalog(self, database=None, table_name=None, redshift_tmp_dir="",
                                          transformation_ctx="", push_down_predicate="",
                                          additional_options=None, catalog_id=None, **kwargs):
        if table_name is None:
            raise ValueError("Parameter table_name is missing.")
        frame = from_table(self.spark_session, database_of(database, kwargs), table_name,
                           push_down_predicate, additional_options or {}, transformation_ctx)
        return DynamicFrame(frame, self, table_name)

    def create_data_frame_from_catalog(self, *args, **kwargs):
        return self.create_dynamic_frame_from_catalog(*args, **kwargs).toDF()

    def create_data_frame_from_options(self, *args, **kwargs):
        return self.create_dynamic_frame_from_options(*args, **kwargs).toDF()

    def create_sample_dynamic_frame_from_catalog(self, database=None, table_name=None, num=None,
                                                 sample_options=None, **kwargs):
        return self.create_dynamic_frame_from_catalog(database, table_name, **kwargs).toDF().take(num)

    def create_sample_dynamic_frame_from_options(self, connection_type, connection_options=None,
                                                 num=None, sample_options=None, **kwargs):
        frame = self.create_dynamic_frame_from_options(connection_type, connection_options, **kwargs)
        return frame.toDF().take(num)

    def get_catalog_schema_as_spark_schema(self, database=None, table_name=None, catalog_id=None):
        return self.create_dynamic_frame_from_catalog(database, table_name).schema()

    def create_dynamic_frame_from_rdd(self, data, name, schema=None, sample_ratio=None,
                                      transformation_ctx=""):
        frame = self.spark_session.createDataFrame(data, schema, sample_ratio)
        return DynamicFrame.fromDF(frame, self, name)

    # ---- writing ----

    def getSink(self, connection_type, format=None, transformation_ctx="", **options):
        _check_connection(connection_type)
        sink = DataSink(self, options)
        kind = format or (connection_type if connection_type in ("parquet", "orc") else None)
        if kind:
            sink.setFormat(kind)
        return sink

    def write_from_options(self, frame_or_dfc, connection_type, connection_options=None, format=None,
                           format_options=None, transformation_ctx="", **kwargs):
        options = dict(connection_options or {})
        if isinstance(frame_or_dfc, DynamicFrameCollection):
            options["useFrameName"] = True
        sink = self.getSink(connection_type, None, transformation_ctx, **options)
        sink.setFormat(format or connection_type, **(format_options or {}))
        return sink.write(frame_or_dfc)

    write_dynamic_frame_from_options = write_from_options

    def write_dynamic_frame_from_catalog(self, frame, database=None, table_name=None,
                                         redshift_tmp_dir="", transformation_ctx="",
                                         additional_options=None, catalog_id=None, **kwargs):
        if table_name is None:
            raise ValueError("Parameter table_name is missing.")
        sink = sink_of_table(self, database_of(database, kwargs), table_name, additional_options or {})
        return sink.write(frame)

    def write_data_frame_from_catalog(self, frame, *args, **kwargs):
        return self.write_data_frame.from_catalog(frame, *args, **kwargs)

    def write_from_jdbc_conf(self, frame_or_dfc, catalog_connection, *args, **kwargs):
        raise NotImplementedError("JDBC connections are not there: %s" % catalog_connection)

    write_dynamic_frame_from_jdbc_conf = write_from_jdbc_conf

    def extract_jdbc_conf(self, connection_name, catalog_id=None):
        """What a connection of the catalog says, for a library of the script's own."""
        told = catalog.call("GetConnection", Name=connection_name)["Connection"]
        properties = told.get("ConnectionProperties", {})
        full = properties.get("JDBC_CONNECTION_URL", "")
        vendor, _, address = full.removeprefix("jdbc:").partition("://")
        return {"vendor": vendor, "user": properties.get("USERNAME", ""),
                "password": properties.get("PASSWORD", ""), "fullUrl": full,
                "url": "jdbc:%s://%s" % (vendor, address.partition("/")[0]),
                "enforceSSL": properties.get("JDBC_ENFORCE_SSL", "false"),
                "customJDBCCert": properties.get("CUSTOM_JDBC_CERT", ""),
                "customJDBCCertString": properties.get("CUSTOM_JDBC_CERT_STRING", ""),
                "skipCustomJDBCCertValidation":
                    properties.get("SKIP_CUSTOM_JDBC_CERT_VALIDATION", "false")}

    # ---- what lies there ----

    def purge_s3_path(self, s3_path, options=None, transformation_ctx=""):
        """Deletes what is older than options["retentionPeriod"] hours (168)."""
        oldest = time.time() * 1000 - float((options or {}).get("retentionPeriod", WEEK)) * 3600 * 1000
        for path, modified, _ in files.listed(self.spark_session, s3_path):
            if modified <= oldest:
                files.delete(self.spark_session, path)

    def purge_table(self, database, table_name, options=None, transformation_ctx="", catalog_id=None):
        """As purge_s3_path; partitions that are empty then leave the catalog."""
        options = options or {}
        table = catalog.table(database, table_name)
        if not table.get("PartitionKeys"):
            self.purge_s3_path(table["StorageDescriptor"]["Location"], options)
            return
        found = catalog.pages("GetPartitions", "Partitions", DatabaseName=database,
                              TableName=table_name, Expression=options.get("partitionPredicate") or None)
        for one in found:
            location = one["StorageDescriptor"]["Location"]
            self.purge_s3_path(location, options)
            if not files.listed(self.spark_session, location):
                catalog.call("DeletePartition", DatabaseName=database, TableName=table_name,
                             PartitionValues=one["Values"])

    # ---- the rest ----

    def get_logger(self):
        return logger()

    def currentTimeMillis(self):
        return int(round(time.time() * 1000))


def logger():
    """info, warn, error, debug, to the job's error log, where Glue's own goes."""
    made = logging.getLogger("GlueLogger")
    if not made.handlers:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s [GlueLogger] %(message)s"))
        made.addHandler(handler)
        made.setLevel(logging.INFO)
        made.propagate = False
    return made
