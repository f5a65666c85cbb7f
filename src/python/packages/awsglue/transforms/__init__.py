"""Transformations as classes, as scripts call them: ApplyMapping.apply(frame=..., mappings=...)."""
from awsglue.dynamicframe import null_fields


class GlueTransform:
    @classmethod
    def apply(cls, *args, **kwargs):
        return cls()(*args, **kwargs)

    @classmethod
    def name(cls):
        return cls.__name__


def _of_frame(name, method, documentation):
    """A transformation that is a method of its frame."""

    def run(self, frame, *args, **kwargs):
        return getattr(frame, method)(*args, **kwargs)

    return type(name, (GlueTransform,), {"__call__": run, "__doc__": documentation})


ApplyMapping = _of_frame("ApplyMapping", "apply_mapping", "Fields chosen, renamed, cast.")
Coalesce = _of_frame("Coalesce", "coalesce", "Fewer partitions.")
DropFields = _of_frame("DropFields", "drop_fields", "Without these fields.")
ErrorsAsDynamicFrame = _of_frame("ErrorsAsDynamicFrame", "errorsAsDynamicFrame", "What failed.")
Filter = _of_frame("Filter", "filter", "Records for which a function is true.")
Map = _of_frame("Map", "map", "What a function makes of each record.")
Relationalize = _of_frame("Relationalize", "relationalize", "Flat frames of nested records.")
Repartition = _of_frame("Repartition", "repartition", "As many partitions.")
ResolveChoice = _of_frame("ResolveChoice", "resolveChoice", "One type for each field.")
SelectFields = _of_frame("SelectFields", "select_fields", "These fields alone.")
Spigot = _of_frame("Spigot", "spigot", "A sample of the frame goes to a path.")
SplitRows = _of_frame("SplitRows", "split_rows", "Two frames by comparisons.")
Unbox = _of_frame("Unbox", "unbox", "What a field's texts of JSON say.")
Union = _of_frame("Union", "union", "The records of both.")
UnnestFrame = _of_frame("UnnestFrame", "unnest", "Nested fields as columns.")


class RenameField(GlueTransform):
    """A field by another name."""

    def __call__(self, frame, old_name, new_name, *args, **kwargs):
        return frame.rename_field(old_name, new_name, *args, **kwargs)


class SplitFields(GlueTransform):
    """Two frames: these fields, and the others."""

    def __call__(self, frame, paths, name1=None, name2=None, *args, **kwargs):
        name1, name2 = name1 or frame.name + "1", name2 or frame.name + "2"
        return frame.split_fields(paths, name1, name2, *args, **kwargs)


class Join(GlueTransform):
    """Records of both whose keys are equal."""

    def __call__(self, frame1, frame2, keys1, keys2, transformation_ctx=""):
        return frame1.join(keys1, keys2, frame2, transformation_ctx)


class DropNullFields(GlueTransform):
    """Without the fields whose type is null."""

    def __call__(self, frame, *args, **kwargs):
        return frame.drop_fields(null_fields(frame.schema()))


class SelectFromCollection(GlueTransform):
    """One frame of a collection."""

    def __call__(self, dfc, key, transformation_ctx=""):
        return dfc.select(key, transformation_ctx)


class MapToCollection(GlueTransform):
    """What a function makes of each frame."""

    def __call__(self, dfc, callable, transformation_ctx=""):
        return dfc.map(callable, transformation_ctx)


class FlatMap(GlueTransform):
    """A transformation of each frame; frame_name: the argument that is the frame."""

    def __call__(self, dfc, BaseTransform, frame_name, transformation_ctx="", **kwargs):
        def run(frame, context):
            given = dict(kwargs, transformation_ctx=context)
            given[frame_name] = frame
            return BaseTransform.apply(**given)

        return dfc.flatmap(run, transformation_ctx)


__all__ = sorted(
    name
    for name, value in list(globals().items())
    if isinstance(value, type) and issubclass(value, GlueTransform) and value is not GlueTransform
)
