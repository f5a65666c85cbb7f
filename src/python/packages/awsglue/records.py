"""Functions of the script's over records: those that fail are told apart, not lost."""
import sys

from pyspark import cloudpickle
from pyspark.sql.types import Row, StringType, StructField, StructType

from awsglue import gluetypes
from awsglue.gluetypes import record_of

# A cluster's workers have not this package: what they run of it goes with the function.
for _module in (gluetypes, sys.modules[__name__]):
    cloudpickle.register_pickle_by_value(_module)

ERRORS = StructType([StructField("record", StringType()), StructField("errorMessage", StringType())])
# What a predicate raises over a record that has not what it looks at: such a record is left out.
MISFITS = (KeyError, ValueError, TypeError)


def no_errors(spark):
    return spark.createDataFrame([], ERRORS)


def plain(value):
    """Of a record, what Spark can make a row of."""
    if isinstance(value, dict):
        return {name: plain(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in value]
    return value


def _tried(call):
    """(value, None) or (None, the error's text)"""
    try:
        return call(), None
    except Exception as error:  # whatever a user's function raises is its record's error
        return None, "%s: %s" % (type(error).__name__, error)


def _error_rows(outcomes):
    return outcomes.filter(lambda one: one[2] is not None).map(lambda one: Row(str(one[0]), one[2]))


def _frame_of_errors(frame, outcomes):
    return frame.sparkSession.createDataFrame(_error_rows(outcomes), ERRORS)


def filtered(frame, predicate):
    """(records for which it is true, those on which it failed)"""

    def judge(row):
        try:
            return row, bool(predicate(record_of(row.asDict(recursive=True)))), None
        except MISFITS:
            return row, False, None
        except Exception as error:
            return row, False, "%s: %s" % (type(error).__name__, error)

    outcomes = frame.rdd.map(judge)
    kept = outcomes.filter(lambda one: one[1]).map(lambda one: one[0])
    return (
        frame.sparkSession.createDataFrame(kept, frame.schema),
        _frame_of_errors(frame, outcomes),
    )


def mapped(frame, function):
    """(what it makes of each record, those on which it failed)"""

    def make(row):
        record, error = _tried(lambda: function(record_of(row.asDict(recursive=True))))
        if error is None and not record:
            error = "User-specified function returned None instead of DynamicRecord"
        return row, plain(record) if error is None else None, error

    outcomes = frame.rdd.map(make)
    made = outcomes.filter(lambda one: one[2] is None).map(lambda one: one[1])
    return _inferred(frame, made), _frame_of_errors(frame, outcomes)


def mapped_partitions(frame, function):
    """function: an iterator of records to one of records."""

    def make(rows):
        for record in function(record_of(row.asDict(recursive=True)) for row in rows):
            yield plain(record)

    return _inferred(frame, frame.rdd.mapPartitions(make))


NESTED = "spark.sql.pyspark.inferNestedDictAsStruct.enabled"


def _inferred(frame, records):
    """A DataFrame of dicts: the columns that were there first, in their order, with their types where
    the values still fit them."""
    spark = frame.sparkSession
    if records.isEmpty():
        return spark.createDataFrame([], frame.schema)
    before = spark.conf.get(NESTED)
    spark.conf.set(NESTED, "true")
    try:
        made = spark.createDataFrame(records, samplingRatio=1.0)
    finally:
        spark.conf.set(NESTED, before)
    names = made.columns
    first = [name for name in frame.columns if name in names]
    made = made.select(*["`%s`" % name for name in first + [n for n in names if n not in first]])
    return _typed(made, frame.schema)


def _typed(made, schema):
    """Python's int and float are Spark's bigint and double: narrower columns go back to theirs."""
    widened = {"int": "bigint", "smallint": "bigint", "tinyint": "bigint", "float": "double"}
    for field in schema.fields:
        word = field.dataType.simpleString()
        if word in widened and field.name in made.columns:
            if made.schema[field.name].dataType.simpleString() == widened[word]:
                fits = made["`%s`" % field.name].try_cast(field.dataType)
                made = made.withColumn(field.name, fits)
    return made
