"""Writing: a format's files below a path, and the catalog's table of them."""
from awsglue import catalog, files
from awsglue.columns import column
from awsglue.dynamicframe import DynamicFrame, DynamicFrameCollection
from awsglue.sources import Table, format_of

UPDATES = "UPDATE_IN_DATABASE"
HIVE = "org.apache.hadoop.hive."
STORAGE = {
    "parquet": (HIVE + "ql.io.parquet.MapredParquetInputFormat",
                HIVE + "ql.io.parquet.MapredParquetOutputFormat",
                HIVE + "ql.io.parquet.serde.ParquetHiveSerDe"),
    "orc": (HIVE + "ql.io.orc.OrcInputFormat", HIVE + "ql.io.orc.OrcOutputFormat",
            HIVE + "ql.io.orc.OrcSerde"),
    "json": ("org.apache.hadoop.mapred.TextInputFormat", HIVE + "ql.io.HiveIgnoreKeyTextOutputFormat",
             "org.openx.data.jsonserde.JsonSerDe"),
    "csv": ("org.apache.hadoop.mapred.TextInputFormat", HIVE + "ql.io.HiveIgnoreKeyTextOutputFormat",
            HIVE + "serde2.OpenCSVSerde"),
}


def csv_writing(given):
    quote = given.get("quoteChar", '"')
    header = str(given.get("writeHeader", True)).lower()
    options = {"sep": given.get("separator", ","), "header": header, "escape": '"'}
    # Spark has no way to quote never but a character that does not occur.
    options["quote"] = "\u0000" if quote in (-1, "-1") else quote
    return options


class DataSink:
    def __init__(self, glue_context, options):
        """options: path, partitionKeys, compression, enableUpdateCatalog, updateBehavior."""
        self._glue_context, self._options = glue_context, options
        self._kind, self._format_options = None, {}
        self._database = self._table = None

    def setFormat(self, format, **options):
        self._kind, self._format_options = format_of(format), options

    def setAccumulableSize(self, size):
        """No accumulator is kept."""

    def setCatalogInfo(self, catalogDatabase, catalogTableName, catalogId=""):
        self._database, self._table = catalogDatabase, catalogTableName

    def write(self, dynamic_frame_or_dfc, info=""):
        if isinstance(dynamic_frame_or_dfc, DynamicFrameCollection):
            return DynamicFrameCollection(
                [self.writeFrame(frame) for frame in dynamic_frame_or_dfc.values()], self._glue_context)
        if not isinstance(dynamic_frame_or_dfc, DynamicFrame):
            raise TypeError("what is written is a DynamicFrame or a DynamicFrameCollection, not %s"
                            % type(dynamic_frame_or_dfc))
        return self.writeFrame(dynamic_frame_or_dfc)

    def writeFrame(self, dynamic_frame, info=""):
        """Returns the errors of writing as a frame: none, since a write fails as a whole."""
        path = self._path(dynamic_frame)
        self._write(dynamic_frame.toDF(), path)
        empty = dynamic_frame.toDF().limit(0)
        return DynamicFrame(empty, self._glue_context, dynamic_frame.name + "_errors")

    def writeDataFrame(self, data_frame, glue_context, info=""):
        self._write(data_frame, files.folder(self._options["path"]))
        return data_frame.limit(0)

    def _path(self, frame):
        if not self._options.get("path"):
            raise ValueError("A sink of S3 needs a path")
        path = files.folder(self._options["path"])
        return path.rstrip("/") + "/" + frame.name if self._options.get("useFrameName") else path

    def _updates_catalog(self):
        return self._table and str(self._options.get("enableUpdateCatalog", False)).lower() == "true"

    def _write(self, frame, path):
        keys = self._keys(frame)
        if self._kind is None:
            raise ValueError("A sink needs a format: setFormat(...)")
        if frame.isEmpty():
            return
        if keys and self._updates_catalog():
            frame = frame.persist()
        self._written(frame, keys).save(path)
        if self._updates_catalog():
            updates = self._options.get("updateBehavior", UPDATES) == UPDATES
            describe(frame, self._kind, self._format_options, (self._database, self._table), keys, path,
                     updates)

    def _keys(self, frame):
        keys = list(self._options.get("partitionKeys") or [])
        missing = [key for key in keys if key not in frame.columns]
        if missing:
            raise ValueError("partitionKeys: there is no field %s; there are %s" % (
                missing[0], ", ".join(frame.columns)))
        return keys

    def _written(self, frame, keys):
        writer = frame.write.mode("append").format(self._kind)
        compression = self._options.get("compression") or self._format_options.get("compression")
        if compression:
            writer = writer.option("compression", compression)
        if self._kind == "csv":
            writer = writer.options(**csv_writing(self._format_options))
        return writer.partitionBy(*keys) if keys else writer


# ---- the catalog ----


def describe(frame, kind, format_options, name, keys, path, updates=True):
    """Tells the catalog of a frame that was written: the table `name` (database, table), which is made
    where there is none, and gets columns that are new; its partitions, by the values of `keys`."""
    database, table = name
    described = _table_input(frame, kind, format_options, table, keys, path)
    known = _known(database, table)
    if known is None:
        catalog.call("CreateTable", DatabaseName=database, TableInput=described)
    elif updates:
        _update(database, known, described)
    if keys:
        storage = described["StorageDescriptor"]
        catalog.put_partitions(database, table, _partitions(frame, keys, path, storage))


def _table_input(frame, kind, format_options, name, keys, path):
    fields = {field.name: field.dataType.simpleString() for field in frame.schema.fields}
    columns = [{"Name": name.lower(), "Type": _stored_type(kind, word)}
               for name, word in fields.items() if name not in keys]
    return {"Name": name, "TableType": "EXTERNAL_TABLE",
            "Parameters": {"classification": kind, "EXTERNAL": "TRUE"},
            "PartitionKeys": [{"Name": key.lower(), "Type": fields[key]} for key in keys],
            "StorageDescriptor": _storage(kind, format_options, columns, path)}


def _stored_type(kind, word):
    return "string" if kind == "csv" and "<" in word else word


def _storage(kind, format_options, columns, path):
    if kind not in STORAGE:
        raise NotImplementedError("The catalog is told of %s, not of %s" % (
            ", ".join(sorted(STORAGE)), kind))
    reads, writes, serde = STORAGE[kind]
    parameters, more = {}, {}
    if kind == "csv":
        options = csv_writing(format_options)
        parameters = {"separatorChar": options["sep"], "quoteChar": '"', "escapeChar": "\\"}
        if options["header"] == "true":
            more = {"skip.header.line.count": "1"}
    return {"Columns": columns, "Location": path.rstrip("/") + "/", "InputFormat": reads,
            "OutputFormat": writes, "Parameters": more,
            "SerdeInfo": {"SerializationLibrary": serde, "Parameters": parameters}}


def _partitions(frame, keys, path, storage):
    found = frame.select(*[column([key]).cast("string").alias(key) for key in keys]).distinct()
    spark = frame.sparkSession._jvm.org.apache.spark.sql.catalyst.catalog.ExternalCatalogUtils
    made = []
    for row in found.collect():
        values = ["__HIVE_DEFAULT_PARTITION__" if row[key] is None else row[key] for key in keys]
        folders = ["%s=%s" % (spark.escapePathName(key), spark.escapePathName(value))
                   for key, value in zip(keys, values)]
        location = "/".join([path.rstrip("/")] + folders) + "/"
        made.append({"Values": values, "StorageDescriptor": dict(storage, Location=location)})
    return made


def _known(database, name):
    try:
        return catalog.table(database, name)
    except catalog.CatalogError as error:
        if error.code != "EntityNotFoundException":
            raise
        return None


INPUT = ("Name", "Description", "Owner", "Retention", "StorageDescriptor", "PartitionKeys", "TableType",
         "Parameters", "ViewOriginalText", "ViewExpandedText")


def _update(database, known, described):
    """Columns that are new come behind those that are there, which stay."""
    made = {name: known[name] for name in INPUT if name in known}
    columns = made["StorageDescriptor"].setdefault("Columns", [])
    names = {one["Name"] for one in columns}
    fresh = [one for one in described["StorageDescriptor"]["Columns"] if one["Name"] not in names]
    if fresh:
        made["StorageDescriptor"]["Columns"] = columns + fresh
        catalog.call("UpdateTable", DatabaseName=database, TableInput=made)


def sink_of_table(glue_context, database, name, options):
    """A sink that writes what lies in a table of the catalog."""
    table = Table(glue_context.spark_session, database, name)
    keys = options.get("partitionKeys") or [key["Name"] for key in table.keys]
    sink = DataSink(glue_context, dict(options, path=table.location, partitionKeys=keys,
                                       enableUpdateCatalog=options.get("enableUpdateCatalog", bool(keys))))
    kind, told = table.kind(), {}
    if kind == "csv":
        read = table.csv_options()
        told = {"separator": read["sep"], "writeHeader": read["header"] == "true"}
    sink.setFormat(kind, **told)
    sink.setCatalogInfo(database, name)
    return sink
