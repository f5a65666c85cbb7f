"""Columns by paths: "a.b.c", where a name with a dot stands in backticks."""
import re

from pyspark.sql import functions
from pyspark.sql.types import ArrayType, StructType

PART = re.compile(r"`([^`]*)`|([^.`]+)")


def parts_of(path):
    return [quoted or plain for quoted, plain in PART.findall(path)]


def quoted(name):
    return "`" + name.replace("`", "``") + "`"


def find(schema, path, case_sensitive=False):
    """The names as the schema spells them, and the type; or None where there is no such column."""
    names, data_type = [], schema
    for part in parts_of(path):
        if not isinstance(data_type, StructType):
            return None
        for field in data_type.fields:
            same = field.name == part or (not case_sensitive and field.name.lower() == part.lower())
            if same:
                names.append(field.name)
                data_type = field.dataType
                break
        else:
            return None
    return names, data_type


def column(names):
    made = functions.col(quoted(names[0]))
    for name in names[1:]:
        made = made.getField(name)
    return made


def tree():
    """What with_leaf fills: a dict of names to columns, or to such dicts."""
    return {}


def with_leaf(root, parts, made):
    for part in parts[:-1]:
        inner = root.setdefault(part, {})
        if not isinstance(inner, dict):
            inner = root[part] = {}
        root = inner
    root[parts[-1]] = made


def assembled(root):
    """The columns of a tree: structs where it has levels."""
    made = []
    for name, inner in root.items():
        if isinstance(inner, dict):
            inner = functions.struct(*assembled(inner))
        made.append(inner.alias(name))
    return made


def without(column_of, data_type, paths):
    """column_of without the fields that `paths` (lists of names) lead to."""
    heads = {path[0] for path in paths if len(path) == 1}
    deeper = {}
    for path in paths:
        if len(path) > 1:
            deeper.setdefault(path[0], []).append(path[1:])
    fields = []
    for field in data_type.fields:
        if field.name in heads:
            continue
        inner = column_of(field.name)
        if field.name in deeper and isinstance(field.dataType, StructType):
            inner = _struct_without(inner, field.dataType, deeper[field.name])
        elif field.name in deeper and isinstance(field.dataType, ArrayType):
            inner = _array_without(inner, field.dataType, deeper[field.name])
        fields.append(inner.alias(field.name, metadata=field.metadata))
    return fields


def _struct_without(made, data_type, paths):
    fields = without(made.getField, data_type, paths)
    empty = functions.lit(None)
    return functions.when(made.isNotNull(), functions.struct(*fields)) if fields else empty


def _array_without(made, data_type, paths):
    if not isinstance(data_type.elementType, StructType):
        return made
    return functions.transform(
        made, lambda element: _struct_without(element, data_type.elementType, paths)
    )
