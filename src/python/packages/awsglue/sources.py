"""Reading: a format's files, and tables of the catalog."""
from pyspark.sql import functions
from pyspark.sql.types import StringType, StructField, StructType, _parse_datatype_string

from awsglue import bookmark, catalog, choice, files
from awsglue.columns import column, find, quoted
from awsglue.gluetypes import spark_type

FORMATS = {"csv": "csv", "json": "json", "parquet": "parquet", "glueparquet": "parquet", "orc": "orc",
           "xml": "xml", "avro": "avro"}
SERDES = {"parquet": "parquet", "orc": "orc", "json": "json", "opencsv": "csv", "lazysimple": "csv",
          "avro": "avro", "xml": "xml"}


def format_of(word):
    if not word or word.lower() not in FORMATS:
        raise NotImplementedError("The format %s is not there; there are %s" % (
            word, ", ".join(sorted(FORMATS))))
    return FORMATS[word.lower()]


def _truth(value):
    return str(value).lower() == "true"


def csv_options(given):
    """Glue's options of CSV as Spark's."""
    quote = given.get("quoteChar", '"')
    made = {"sep": given.get("separator", ","), "quote": "" if quote in (-1, "-1") else quote,
            "header": str(_truth(given.get("withHeader", False))).lower(),
            "multiLine": str(_truth(given.get("multiLine", False))).lower()}
    escape = given.get("escaper", given.get("escaper_char"))
    # Spark's own default is a backslash, within quotes alone; a quote is escaped by doubling it.
    made["escape"] = escape if escape else '"'
    if _truth(given.get("skipFirst", False)) and made["header"] == "false":
        raise NotImplementedError("skipFirst without withHeader is not there")
    return made


def _json_options(given):
    if given.get("jsonPath"):
        raise NotImplementedError("jsonPath is not there: Relationalize or Unbox take lists apart")
    return {"multiLine": str(_truth(given.get("multiLine", False))).lower()}


def _xml_options(given):
    if not given.get("rowTag"):
        raise ValueError("xml needs the format option rowTag")
    return {"rowTag": given["rowTag"]}


def options_of(kind, given):
    made = {"csv": csv_options, "json": _json_options, "xml": _xml_options}
    return made[kind](given) if kind in made else {}


# ---- by options ----


def from_paths(spark, paths, kind, format_options, connection_options, context):
    """A DataFrame of files below the paths; those that are new, where a bookmark is kept."""
    recursive = _truth(connection_options.get("recurse", True))
    found = [file for path in paths for file in files.listed(spark, path, recursive)]
    found = bookmark.new_files(context, files.without(found, connection_options.get("exclusions")))
    if not found:
        return spark.createDataFrame([], StructType([]))
    reader = spark.read.options(**options_of(kind, format_options))
    return _loaded(spark, reader, kind, [file[0] for file in found], paths)


def _loaded(spark, reader, kind, found, paths):
    """Folders named key=value below the only path are columns."""
    if len(paths) == 1 and any("=" in part for part in files.relative(spark, found[0], paths[0])[:-1]):
        reader = reader.option("basePath", paths[0])
    frame = reader.format(kind).load(found)
    return _json_choices(spark, reader, frame, found) if kind == "json" else frame


def _json_choices(spark, reader, frame, found):
    """Columns that Spark reads as texts because their values are of several types are choices."""
    if not any(isinstance(field.dataType, StringType) for field in frame.schema.fields):
        return frame
    kinds = _json_kinds(spark, found)
    for name in frame.columns:
        types = kinds.get(name, set())
        if isinstance(frame.schema[name].dataType, StringType) and len(types) > 1:
            frame = frame.withColumn(name, _json_choice(name, types))
            frame = _with_mark(frame, name)
    return frame


def _with_mark(frame, name):
    return frame.select(*[choice.marked(functions.col(quoted(one)), one) if one == name
                          else functions.col(quoted(one)) for one in frame.columns])


def _json_choice(name, types):
    text = functions.col(quoted(name))
    typed = {word: text.try_cast(spark_type(word)) for word in sorted(types - {"string"})}
    if {"long", "double"} <= types:
        typed["double"] = functions.when(typed["long"].isNull(), typed["double"])
    members = [made.alias(word) for word, made in typed.items()]
    if "string" in types:
        other = text
        for made in typed.values():
            other = functions.when(made.isNull(), other)
        members.append(other.alias("string"))
    return functions.struct(*members)


def _json_kinds(spark, found):
    """For each field at the top, the types of its values."""
    lines = spark.read.text(found)
    pairs = lines.select(functions.explode(functions.from_json("value", "map<string,variant>")))
    seen = pairs.select("key", functions.schema_of_variant("value").alias("kind")).distinct().collect()
    words = {"BIGINT": "long", "DOUBLE": "double", "STRING": "string", "BOOLEAN": "boolean"}
    kinds = {}
    for row in seen:
        word = "double" if row["kind"].startswith("DECIMAL") else words.get(row["kind"])
        if row["kind"] != "VOID" and word:
            kinds.setdefault(row["key"], set()).add(word)
    for types in kinds.values():
        if {"long", "double"} <= types and "string" not in types:
            types.discard("long")
    return kinds


# ---- by the catalog ----


class Table:
    """A table of the catalog, as much of it as is asked for."""

    def __init__(self, spark, database, name):
        described = catalog.table(database, name)
        storage = described.get("StorageDescriptor", {})
        self.spark, self.database, self.name, self.described = spark, database, name, described
        self.location = storage.get("Location", "")
        self.columns = storage.get("Columns", [])
        self.keys = described.get("PartitionKeys") or []
        self.serde = storage.get("SerdeInfo", {})
        self.parameters = dict(storage.get("Parameters") or {}, **(described.get("Parameters") or {}))

    def kind(self):
        library = self.serde.get("SerializationLibrary", "").lower()
        for word, kind in SERDES.items():
            if word in library:
                return kind
        return format_of(self.parameters.get("classification"))

    def csv_options(self):
        told = self.serde.get("Parameters") or {}
        options = {"separator": told.get("separatorChar") or told.get("field.delim")
                   or told.get("serialization.format") or self.parameters.get("delimiter") or ",",
                   "quoteChar": told.get("quoteChar", '"'), "escaper": told.get("escapeChar")}
        skipped = int(self.parameters.get("skip.header.line.count", 0))
        if skipped > 1:
            raise NotImplementedError("skip.header.line.count of %d is not there: 0 or 1 is" % skipped)
        return dict(csv_options(options), header="true" if skipped else "false", enforceSchema="true")

    def partitions(self, predicate, server_predicate):
        """(location, values) of those that both predicates let through."""
        found = catalog.pages("GetPartitions", "Partitions", DatabaseName=self.database,
                              TableName=self.name, Expression=server_predicate or None)
        rows = [(one["StorageDescriptor"]["Location"], one["Values"]) for one in found]
        return self._chosen(rows, predicate) if predicate and rows else rows

    def _chosen(self, rows, predicate):
        names = [key["Name"] for key in self.keys]
        data = [[number] + values for number, (_, values) in enumerate(rows)]
        frame = self.spark.createDataFrame(data, ["__number"] + names)
        for key in self.keys:
            frame = frame.withColumn(key["Name"], column([key["Name"]]).try_cast(spark_type(key["Type"])))
        return [rows[row["__number"]] for row in frame.where(predicate).select("__number").collect()]


def from_table(spark, database, name, predicate, options, context):
    table = Table(spark, database, name)
    if not table.keys:
        places = [(table.location, [])]
    else:
        places = table.partitions(predicate, options.get("catalogPartitionPredicate"))
    found, values = [], {}
    for location, given in places:
        for file in files.without(files.listed(spark, location), options.get("exclusions")):
            found.append(file)
            values[file[0]] = given
    found = bookmark.new_files(context, found)
    if not found:
        return spark.createDataFrame([], _schema(table))
    return _with_partitions(table, [file[0] for file in found], values)


def _schema(table):
    fields = [StructField(one["Name"], _parse_datatype_string(spark_type(one["Type"])))
              for one in table.columns + table.keys]
    return StructType(fields)


def _with_partitions(table, found, values):
    """One DataFrame of all files, with their partitions' values."""
    if not table.keys:
        return _read(table, found)
    frame = _read(table, found, functions.col("_metadata.file_path").alias("__file"))
    return _with_values(table, frame, values)


def _with_values(table, frame, values):
    """By the file's name, which Spark tells percent-encoded."""
    spark, names = table.spark, [key["Name"] for key in table.keys]
    rows = [[_encoded(spark, path)] + given for path, given in values.items()]
    pairs = spark.createDataFrame(rows, StructType(
        [StructField("__file", StringType())] + [StructField("__" + name, StringType()) for name in names]))
    joined = frame.join(functions.broadcast(pairs), "__file")
    own = [functions.col(quoted(name)).alias(name, metadata=frame.schema[name].metadata)
           for name in frame.columns if name != "__file" and name not in names]
    return joined.select(*own, *[
        functions.col(quoted("__" + key["Name"])).try_cast(spark_type(key["Type"])).alias(key["Name"])
        for key in table.keys])


def _encoded(spark, path):
    return spark._jvm.org.apache.hadoop.fs.Path(path).toUri().toString()


def _read(table, found, *more):
    kind = table.kind()
    if kind == "csv":
        return _read_csv(table, found, more)
    reader = table.spark.read
    if kind == "xml":
        reader = reader.option("rowTag", (table.serde.get("Parameters") or {}).get("rowTag", "row"))
    if kind == "parquet":
        reader = reader.option("mergeSchema", "true")
    frame = reader.format(kind).load(found)
    return _as_described(table, frame, more) if kind in ("json", "xml") else frame.select("*", *more)


def _as_described(table, frame, more):
    """Columns by the catalog's names, whatever case the files have, and its types."""
    made = []
    for one in table.columns:
        target = spark_type(one["Type"])
        there = find(frame.schema, quoted(one["Name"]))
        value = column(there[0]) if there else functions.lit(None)
        made.append(value.try_cast(target).alias(one["Name"]))
    return frame.select(*made, *more)


def _read_csv(table, found, more):
    texts = StructType([StructField(one["Name"], StringType()) for one in table.columns])
    frame = table.spark.read.schema(texts).options(**table.csv_options()).csv(found).select("*", *more)
    typed = {one["Name"]: spark_type(one["Type"]) for one in table.columns if one["Type"] != "string"}
    misfits = _misfits(frame, typed)
    made = []
    for name in frame.columns:
        text = functions.col(quoted(name))
        if name not in typed:
            made.append(text)
        elif name in misfits:
            kind = _parse_datatype_string(typed[name])
            made.append(choice.marked(choice.of_text(_filled(text), kind), name))
        else:
            made.append(_filled(text).try_cast(typed[name]).alias(name))
    return frame.select(*made)


def _filled(text):
    """In a column of numbers nothing between two separators is null."""
    return functions.when(functions.trim(text) != "", functions.trim(text))


def _misfits(frame, typed):
    """Columns with values that are not of their type: one look at all of the data."""
    if not typed:
        return set()
    asked = [functions.max(_filled(functions.col(quoted(name))).isNotNull()
                           & _filled(functions.col(quoted(name))).try_cast(kind).isNull()).alias(name)
             for name, kind in typed.items()]
    return {name for name, is_misfit in frame.select(*asked).first().asDict().items() if is_misfit}
