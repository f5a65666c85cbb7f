"""Choice types: a column whose values are of several types.

A column of a choice is a struct with a field a type ("long", "string"), of which one is set; its
metadata say that it is one. toDF() shows it as that struct, as Glue does.
"""
from pyspark.sql import functions

from awsglue.columns import column, find, parts_of, quoted
from awsglue.gluetypes import glue_word, spark_type

MARK = "glue.choice"


def is_choice(field):
    return bool(field.metadata.get(MARK))


def choices(schema):
    return [field.name for field in schema.fields if is_choice(field)]


def of_text(made, data_type):
    """A choice of a type and of string, out of a column of texts."""
    typed = made.try_cast(data_type)
    plain = functions.when(typed.isNull() & made.isNotNull(), made)
    return functions.struct(typed.alias(glue_word(data_type)), plain.alias("string"))


def marked(made, name):
    return made.alias(name, metadata={MARK: True})


def _members(frame, name):
    return [field.name for field in frame.schema[name].dataType.fields]


def as_text(frame, name):
    choice = functions.col(quoted(name))
    return functions.coalesce(*[choice.getField(one).cast("string") for one in _members(frame, name)])


def _project(frame, name, target):
    """The values that are of that type."""
    for field in frame.schema[name].dataType.fields:
        if field.dataType.simpleString() == target:
            return functions.col(quoted(name)).getField(field.name)
    return _cast(frame, name, target)


def _cast(frame, name, target):
    return as_text(frame, name).try_cast(target)


def _resolved_choice(frame, name, action, target):
    """The columns that stand in the choice's place."""
    if action == "cast":
        return [_cast(frame, name, target).alias(name)]
    if action == "project":
        return [_project(frame, name, target).alias(name)]
    if action == "make_struct":
        return [functions.col(quoted(name)).alias(name, metadata={})]
    if action == "make_cols":
        choice = functions.col(quoted(name))
        return [choice.getField(one).alias(name + "_" + one) for one in _members(frame, name)]
    raise ValueError(
        "ResolveChoice: the action %r of %s is none of cast:TYPE, project:TYPE, make_cols, "
        "make_struct and match_catalog" % (action, name)
    )


def _replaced(frame, name, columns):
    made = []
    for field in frame.schema.fields:
        made += columns if field.name == name else [functions.col(quoted(field.name))]
    return frame.select(*made)


def resolve(frame, path, action):
    """One spec of ResolveChoice: ("price", "cast:double"). What is no choice is cast where that is
    asked for, and let be else."""
    word, _, target = action.partition(":")
    found = find(frame.schema, path)
    if not found:
        return frame
    names, data_type = found
    target = spark_type(target)
    if len(names) > 1:
        return _cast_within(frame, names, target) if word == "cast" else frame
    name = names[0]
    if is_choice(frame.schema[name]):
        return _replaced(frame, name, _resolved_choice(frame, name, word, target))
    if word == "cast" and data_type.simpleString() != target:
        return frame.withColumn(name, column(names).try_cast(target))
    return frame


def _cast_within(frame, names, target):
    changed = functions.col(quoted(names[0])).withField(
        ".".join(quoted(name) for name in names[1:]), column(names).try_cast(target)
    )
    return frame.withColumn(names[0], changed)


def resolve_all(frame, action):
    for name in choices(frame.schema):
        frame = resolve(frame, quoted(name), action)
    return frame


def match_catalog(frame, described):
    """Each column as the catalog's table types it."""
    for one in described["StorageDescriptor"]["Columns"] + described.get("PartitionKeys", []):
        if parts_of(one["Name"]) == [one["Name"]]:
            frame = resolve(frame, one["Name"], "cast:" + one["Type"])
    return frame
