"""Types as Glue's scripts name them: Spark's, and the choice between some."""
from pyspark.sql.types import (  # noqa: F401  (scripts import them from here)
    ArrayType,
    BinaryType,
    BooleanType,
    ByteType,
    DataType,
    DateType,
    DecimalType,
    DoubleType,
    FloatType,
    IntegerType,
    LongType,
    MapType,
    NullType,
    ShortType,
    StringType,
    StructField,
    StructType,
    TimestampType,
)

Field = StructField

# As Glue's words differ from Spark's.
WORDS = {
    "long": "bigint",
    "integer": "int",
    "short": "smallint",
    "byte": "tinyint",
    "bool": "boolean",
    "null": "void",
    "varchar": "string",
    "char": "string",
}


def spark_type(word):
    """Glue's word for a type as Spark's SQL has it: "long" to "bigint"."""
    word = word.strip()
    lower = word.lower()
    if lower.startswith(("varchar(", "char(")):
        return "string"
    return WORDS.get(lower, word)


def glue_word(data_type):
    """As printSchema calls a type of Spark's."""
    words = {"integer": "int", "tinyint": "byte", "smallint": "short", "void": "null"}
    word = data_type.typeName()
    return words.get(word, word) if word != "decimal" else data_type.simpleString()


class DynamicRecord(dict):
    """A record as functions of Filter and Map get it: rec["a"]["b"] or rec.a.b."""

    def __getattr__(self, name):
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None

    def __setattr__(self, name, value):
        self[name] = value


def record_of(value):
    """A row's dict, with records within."""
    if isinstance(value, dict):
        return DynamicRecord((name, record_of(inner)) for name, inner in value.items())
    if isinstance(value, list):
        return [record_of(inner) for inner in value]
    return value
