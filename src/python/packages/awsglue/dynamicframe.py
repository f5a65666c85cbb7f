"""DynamicFrame, and collections of them."""
from pyspark.sql import Row, functions
from pyspark.sql.types import ArrayType, NullType, StructType

from awsglue import catalog, choice, records
from awsglue.columns import assembled, column, find, parts_of, quoted, tree, with_leaf, without
from awsglue.gluetypes import glue_word, spark_type

COMPARISONS = {
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    "=": lambda a, b: a == b,
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
}


class ResolveOption:
    """How toDF takes a choice: action "Project", "KeepAsStruct" or "Cast"; target: a type of Spark's."""

    def __init__(self, path, action, target=None):
        self.path, self.action, self.target = path, action, target


def _listed(value):
    return [value] if isinstance(value, (str, tuple)) else list(value)


class DynamicFrame:
    """frame: a DataFrame; errors: a list of DataFrames of records that failed on the way here."""

    def __init__(self, frame, glue_ctx, name="", errors=()):
        self._frame = frame
        self.glue_ctx = glue_ctx
        self.name = name
        self._errors = list(errors)

    def _with(self, frame, errors=()):
        return DynamicFrame(frame, self.glue_ctx, self.name, self._errors + list(errors))

    # ---- what it is ----

    @classmethod
    def fromDF(cls, dataframe, glue_ctx, name=""):
        return cls(dataframe, glue_ctx, name)

    def toDF(self, options=None):
        frame = self._frame
        for option in options or []:
            if option.action != "KeepAsStruct" and option.target is None:
                raise ValueError("Missing target type for resolve action %s." % option.action)
            target = option.target.simpleString() if option.target is not None else ""
            words = {"Cast": "cast:", "Project": "project:", "KeepAsStruct": "make_struct"}
            frame = choice.resolve(frame, option.path, words[option.action] + target)
        return frame

    def schema(self):
        return self._frame.schema

    def count(self):
        return self._frame.count()

    def getNumPartitions(self):
        return self._frame.rdd.getNumPartitions()

    def printSchema(self):
        print("\n".join(["root"] + _schema_lines(self._frame.schema, "|-- ")))

    def show(self, num_rows=20):
        for line in self._frame.toJSON().take(num_rows):
            print(line)

    # ---- records that failed ----

    def errorsCount(self):
        return sum(errors.count() for errors in self._errors)

    def stageErrorsCount(self):
        return self._errors[-1].count() if self._errors else 0

    def errorsAsDynamicFrame(self):
        frame = records.no_errors(self.glue_ctx.spark_session)
        for errors in self._errors:
            frame = frame.unionByName(errors)
        return DynamicFrame(frame, self.glue_ctx, self.name + "_errors")

    def assertErrorThreshold(self):
        """Kept where the transformation that set a threshold was made."""

    # ---- fields ----

    def select_fields(self, paths, transformation_ctx="", info="", stageThreshold=0, totalThreshold=0):
        chosen = tree()
        for path in _listed(paths):
            found = find(self._frame.schema, path)
            if found:
                with_leaf(chosen, found[0], self._kept(found[0]))
        return self._with(self._frame.select(*assembled(chosen)))

    def _kept(self, names):
        """The column, with what its metadata say where it is one of the frame's own."""
        metadata = self._frame.schema[names[0]].metadata if len(names) == 1 else {}
        return column(names).alias(names[-1], metadata=metadata)

    def drop_fields(self, paths, transformation_ctx="", info="", stageThreshold=0, totalThreshold=0):
        found = [find(self._frame.schema, path) or _below_arrays(self._frame.schema, path)
                 for path in _listed(paths)]
        dropped = [names for names, _ in filter(None, found)]
        kept = without(lambda name: functions.col(quoted(name)), self._frame.schema, dropped)
        return self._with(self._frame.select(*kept))

    def rename_field(self, oldName, newName, transformation_ctx="", info="", stageThreshold=0,
                     totalThreshold=0):
        found = find(self._frame.schema, oldName)
        if not found:
            return self
        moved, target = column(found[0]), parts_of(newName)
        if len(found[0]) == len(target) == 1:
            return self._with(self._frame.withColumnRenamed(found[0][0], target[0]))
        rest = self.drop_fields([oldName])._frame
        combined = self._frame.select(moved.alias("__moved"), *[
            made for made in without(lambda name: functions.col(quoted(name)), self._frame.schema,
                                     [found[0]])])
        return self._with(_placed(combined, rest.schema, target))

    def split_fields(self, paths, name1, name2, transformation_ctx="", info="", stageThreshold=0,
                     totalThreshold=0):
        chosen, rest = self.select_fields(paths), self.drop_fields(paths)
        chosen.name, rest.name = name1, name2
        return DynamicFrameCollection({name1: chosen, name2: rest}, self.glue_ctx)

    def apply_mapping(self, mappings, case_sensitive=False, transformation_ctx="", info="",
                      stageThreshold=0, totalThreshold=0):
        """mappings: (source, target), (source, source type, target) or (source, source type, target,
        target type). A source that is not there is left out."""
        made = tree()
        for mapping in _listed(mappings):
            source, target, type_word = _mapping(mapping)
            found = find(self._frame.schema, source, case_sensitive)
            if found:
                with_leaf(made, parts_of(target), self._cast(found, type_word))
        return self._with(self._frame.select(*assembled(made)))

    applyMapping = apply_mapping

    def _cast(self, found, word):
        names, data_type = found
        target = spark_type(word) if word else None
        if len(names) == 1 and choice.is_choice(self._frame.schema[names[0]]):
            text = choice.as_text(self._frame, names[0])
            return text.try_cast(target) if target else self._kept(names)
        if not target or target.startswith("struct") and "<" not in target:
            return column(names)
        if target in ("array", "map") or target == data_type.simpleString():
            return column(names)
        return column(names).try_cast(target)

    def resolveChoice(self, specs=None, choice="", database=None, table_name=None,
                      transformation_ctx="", info="", stageThreshold=0, totalThreshold=0,
                      catalog_id=None):
        if specs is None and not choice:
            raise ValueError("Parameter specs and option are both missing, add one.")
        if specs is not None and choice:
            raise ValueError("Parameter specs and option are both specified, choose one.")
        frame = self._frame
        for path, action in _listed(specs or []):
            frame = _resolve(frame, path, action)
        if choice.lower() == "match_catalog":
            frame = _resolve_by_catalog(frame, database, table_name)
        elif choice:
            frame = _resolve_rest(frame, choice)
        return self._with(frame)

    # ---- records ----

    def filter(self, f, transformation_ctx="", info="", stageThreshold=0, totalThreshold=0):
        kept, errors = records.filtered(self._frame, f)
        return self._held(kept, errors, stageThreshold, totalThreshold)

    def map(self, f, preservesPartitioning=False, transformation_ctx="", info="", stageThreshold=0,
            totalThreshold=0):
        made, errors = records.mapped(self._frame, f)
        return self._held(made, errors, stageThreshold, totalThreshold)

    def mapPartitions(self, f, preservesPartitioning=True, transformation_ctx="", info="",
                      stageThreshold=0, totalThreshold=0):
        return self._with(records.mapped_partitions(self._frame, f))

    def _held(self, frame, errors, stage, total):
        """stage, total: how many errors are allowed; 0: any number."""
        made = self._with(frame, [errors])
        if (stage and made.stageErrorsCount() > stage) or (total and made.errorsCount() > total):
            first = errors.first()
            raise RuntimeError("%d records failed, more than the %d that are allowed; the first: %s" % (
                made.errorsCount(), stage or total, first["errorMessage"] if first else ""))
        return made

    def split_rows(self, comparison_dict, name1="frame1", name2="frame2", transformation_ctx="", info="",
                   stageThreshold=0, totalThreshold=0):
        meets = functions.lit(True)
        for path, comparisons in comparison_dict.items():
            found = find(self._frame.schema, path)
            if not found:
                raise ValueError("SplitRows: there is no field %s" % path)
            for sign, value in comparisons.items():
                meets = meets & COMPARISONS[sign](column(found[0]), functions.lit(value))
        meets = functions.coalesce(meets, functions.lit(False))
        first, second = self._with(self._frame.filter(meets)), self._with(self._frame.filter(~meets))
        first.name, second.name = name1, name2
        return DynamicFrameCollection({name1: first, name2: second}, self.glue_ctx)

    def join(self, paths1, paths2, frame2, transformation_ctx="", info="", stageThreshold=0,
             totalThreshold=0):
        """Where keys are equal. A field of frame2 whose name the first has, too, gets a dot before it."""
        left, right = self._frame, frame2._frame
        taken = {field.name.lower() for field in left.schema.fields}
        renamed = right.select(*[
            functions.col(quoted(name)).alias("." + name if name.lower() in taken else name)
            for name in right.columns])
        condition = functions.lit(True)
        for path1, path2 in zip(_listed(paths1), _listed(paths2)):
            names1, names2 = _key(left, path1), _key(right, path2)
            if names2[0].lower() in taken:
                names2 = ["." + names2[0]] + names2[1:]
            condition = condition & (_of(left, names1) == _of(renamed, names2))
        joined = DynamicFrame(left.join(renamed, condition), self.glue_ctx, self.name + frame2.name,
                              self._errors + frame2._errors)
        return joined

    def union(self, other_frame, transformation_ctx="", info="", stageThreshold=0, totalThreshold=0):
        frame = self._frame.unionByName(other_frame._frame, allowMissingColumns=True)
        return self._with(frame, other_frame._errors)

    def mergeDynamicFrame(self, stage_dynamic_frame, primary_keys, transformation_ctx="", options=None,
                          info="", stageThreshold=0, totalThreshold=0):
        """Records of the stage take the place of those with the same keys."""
        keys, stage = _listed(primary_keys), stage_dynamic_frame._frame
        condition = [self._frame[quoted(key)].eqNullSafe(stage[quoted(key)]) for key in keys]
        rest = self._frame.join(stage, condition, "left_anti")
        return self._with(rest.unionByName(stage, allowMissingColumns=True))

    def repartition(self, num_partitions, transformation_ctx="", info="", stageThreshold=0,
                    totalThreshold=0):
        return self._with(self._frame.repartition(num_partitions))

    def coalesce(self, num_partitions, shuffle=False, transformation_ctx="", info="", stageThreshold=0,
                 totalThreshold=0):
        frame = self._frame
        return self._with((frame.repartition if shuffle else frame.coalesce)(num_partitions))

    # ---- levels ----

    def unnest(self, transformation_ctx="", info="", stageThreshold=0, totalThreshold=0):
        return self._with(self._frame.select(*_leaves(self._frame.schema)))

    def relationalize(self, root_table_name, staging_path, options=None, transformation_ctx="", info="",
                      stageThreshold=0, totalThreshold=0):
        """Flat frames: the root, and one for each list within, which its column `id` joins to the
        number in the list's place. staging_path is not needed: Spark keeps what it must."""
        frames = {}
        _relationalize(self._frame.select(*_leaves(self._frame.schema)), root_table_name, frames)
        made = {name: DynamicFrame(frame, self.glue_ctx, name, self._errors)
                for name, frame in frames.items()}
        return DynamicFrameCollection(made, self.glue_ctx)

    def unbox(self, path, format, transformation_ctx="", info="", stageThreshold=0, totalThreshold=0,
              **options):
        """A field of JSON texts becomes what they say."""
        if format != "json":
            raise NotImplementedError("Unbox of %s is not there: json is" % format)
        found = find(self._frame.schema, path)
        if not found or len(found[0]) > 1:
            raise ValueError("Unbox: there is no field %s at the top" % path)
        name = found[0][0]
        texts = self._frame.select(functions.col(quoted(name)).alias("text")).where("text is not null")
        inner = self.glue_ctx.spark_session.read.json(texts.rdd.map(lambda row: row["text"])).schema
        return self._with(self._frame.withColumn(name, functions.from_json(column([name]), inner)))

    # ---- elsewhere ----

    def spigot(self, path, options=None, transformation_ctx="", info="", stageThreshold=0,
               totalThreshold=0):
        """A sample goes to the path as JSON; the frame goes on."""
        options = options or {}
        sample = self._frame
        if "prob" in options:
            sample = sample.sample(float(options["prob"]))
        if "topk" in options:
            sample = sample.limit(int(options["topk"]))
        sample.write.mode("append").json(path)
        return self

    def write(self, connection_type, connection_options=None, format=None, format_options=None,
              accumulator_size=0):
        return self.glue_ctx.write_from_options(self, connection_type, connection_options or {}, format,
                                                format_options or {})


# choice, the module, has the name of an argument that scripts give.
def _resolve(frame, path, action):
    return choice.resolve(frame, path, action)


def _resolve_rest(frame, action):
    return choice.resolve_all(frame, action)


def _resolve_by_catalog(frame, database, table):
    if not database or not table:
        raise ValueError("match_catalog needs database and table_name")
    return choice.match_catalog(frame, catalog.table(database, table))


def _mapping(mapping):
    if not isinstance(mapping, (tuple, list)) or not 2 <= len(mapping) <= 4:
        raise TypeError("ApplyMapping: a mapping is a tuple of 2 to 4 texts, not %r" % (mapping,))
    if len(mapping) == 2:
        return mapping[0], mapping[1], None
    return mapping[0], mapping[2], mapping[3] if len(mapping) == 4 else None


def _key(frame, path):
    found = find(frame.schema, path)
    if not found:
        raise ValueError("Join: there is no field %s; there are %s" % (path, ", ".join(frame.columns)))
    return found[0]


def _of(frame, names):
    made = frame[quoted(names[0])]
    for name in names[1:]:
        made = made.getField(name)
    return made


def _below_arrays(schema, path):
    """As find, through lists of structs."""
    names, data_type = [], schema
    for part in parts_of(path):
        while isinstance(data_type, ArrayType):
            data_type = data_type.elementType
        if not isinstance(data_type, StructType) or part not in data_type.names:
            return None
        names.append(part)
        data_type = data_type[part].dataType
    return names, data_type


def _placed(frame, schema, target):
    """The column __moved goes where `target` says; the rest stays."""
    root = tree()
    for field in schema.fields:
        root[field.name] = column([field.name])
        if field.name == target[0] and len(target) > 1 and isinstance(field.dataType, StructType):
            root[field.name] = {one: column([field.name, one]) for one in field.dataType.names}
    with_leaf(root, target, column(["__moved"]))
    return frame.select(*assembled(root))


def _schema_lines(schema, indent):
    lines = []
    for field in schema.fields:
        word = "choice" if choice.is_choice(field) else glue_word(field.dataType)
        lines.append("%s%s: %s" % (indent, field.name, word))
        inner = field.dataType
        deeper = "|    " + indent
        if choice.is_choice(field):
            lines += ["%s%s" % (deeper, one.name) for one in inner.fields]
        elif isinstance(inner, ArrayType):
            lines.append("%selement: %s" % (deeper, glue_word(inner.elementType)))
            if isinstance(inner.elementType, StructType):
                lines += _schema_lines(inner.elementType, "|    " + deeper)
        elif isinstance(inner, StructType):
            lines += _schema_lines(inner, deeper)
    return lines


def _leaves(schema, names=()):
    """Structs' fields as columns of their own, named by their path."""
    made = []
    for field in schema.fields:
        path = list(names) + [field.name]
        if isinstance(field.dataType, StructType) and not choice.is_choice(field):
            made += _leaves(field.dataType, path)
        else:
            made.append(column(path).alias(".".join(path), metadata=field.metadata))
    return made


def _relationalize(frame, name, frames):
    """Lists become numbers, by which their own frames join."""
    lists = [field for field in frame.schema.fields if isinstance(field.dataType, ArrayType)]
    if lists:
        frame = frame.withColumn("__id", functions.monotonically_increasing_id()).persist()
    frames[name] = frame.select(*[
        (functions.when(column([field.name]).isNotNull(), functions.col("__id"))
         if field in lists else column([field.name])).alias(field.name, metadata=field.metadata)
        for field in frame.schema.fields if field.name != "__id"])
    for field in lists:
        rows = frame.select(functions.col("__id").alias("id"),
                            functions.posexplode(column([field.name])).alias("index", "val"))
        _relationalize(_list_frame(rows, field.name), name + "_" + field.name, frames)


def _list_frame(rows, name):
    element = rows.schema["val"].dataType
    if not isinstance(element, StructType):
        inner = [functions.col("val").alias(name + ".val")]
    else:
        inner = [column(["val"] + one).alias(".".join([name, "val"] + one)) for one in _paths(element)]
    return rows.select("id", "index", *inner)


def _paths(schema, names=()):
    found = []
    for field in schema.fields:
        path = list(names) + [field.name]
        found += _paths(field.dataType, path) if isinstance(field.dataType, StructType) else [path]
    return found


def null_fields(schema, names=()):
    """Paths of the fields that have no type, since all values are null."""
    found = []
    for field in schema.fields:
        path, inner = list(names) + [quoted(field.name)], field.dataType
        if isinstance(inner, ArrayType):
            inner = inner.elementType if isinstance(inner.elementType, StructType) else None
        if isinstance(inner, StructType):
            found += null_fields(inner, path)
        elif isinstance(inner, NullType):
            found.append(".".join(path))
    return found


class DynamicFrameCollection:
    def __init__(self, dynamic_frames, glue_ctx):
        if isinstance(dynamic_frames, list):
            dynamic_frames = {frame.name: frame for frame in dynamic_frames}
        if not isinstance(dynamic_frames, dict):
            raise TypeError("dynamic_frames must be list or dict.")
        self._frames, self._glue_ctx = dynamic_frames, glue_ctx

    def __getitem__(self, key):
        return self._frames[key]

    def __len__(self):
        return len(self._frames)

    def keys(self):
        return self._frames.keys()

    def values(self):
        return self._frames.values()

    def items(self):
        return self._frames.items()

    def select(self, key, transformation_ctx=""):
        """The frame of that name; an empty one where there is none."""
        if key in self._frames:
            return self._frames[key]
        spark = self._glue_ctx.spark_session
        return DynamicFrame(spark.createDataFrame([], StructType([])), self._glue_ctx, key)

    def map(self, callable, transformation_ctx=""):
        made = {name: callable(frame, transformation_ctx + ":" + name)
                for name, frame in self._frames.items()}
        for one in made.values():
            if not isinstance(one, DynamicFrame):
                raise TypeError("callable must return a DynamicFrame. Got %s" % type(one))
        return DynamicFrameCollection(made, self._glue_ctx)

    def flatmap(self, f, transformation_ctx=""):
        made = {}
        for name, frame in self._frames.items():
            result = f(frame, transformation_ctx + ":" + name)
            if isinstance(result, DynamicFrame):
                made[result.name] = result
            elif isinstance(result, DynamicFrameCollection):
                made.update(result.items())
            else:
                raise TypeError("f must return a DynamicFrame or a DynamicFrameCollection. Got %s"
                                % type(result))
        return DynamicFrameCollection(made, self._glue_ctx)


class _Access:
    def __init__(self, glue_context):
        self._glue_context = glue_context


def database_of(database, options):
    """database, or what older scripts call name_space."""
    if database is not None and "name_space" in options:
        raise ValueError("Parameter name_space and database are both specified, choose one.")
    database = options.get("name_space", database)
    if database is None:
        raise ValueError("Parameter name_space or database is missing.")
    return database


class DynamicFrameReader(_Access):
    def from_rdd(self, data, name, schema=None, sampleRatio=None):
        return self._glue_context.create_dynamic_frame_from_rdd(data, name, schema, sampleRatio)

    def from_options(self, connection_type, connection_options=None, format=None, format_options=None,
                     transformation_ctx="", push_down_predicate="", **kwargs):
        return self._glue_context.create_dynamic_frame_from_options(
            connection_type, connection_options or {}, format, format_options or {}, transformation_ctx,
            push_down_predicate, **kwargs)

    def from_catalog(self, database=None, table_name=None, redshift_tmp_dir="", transformation_ctx="",
                     push_down_predicate="", additional_options=None, catalog_id=None, **kwargs):
        return self._glue_context.create_dynamic_frame_from_catalog(
            database_of(database, kwargs), table_name, redshift_tmp_dir, transformation_ctx,
            push_down_predicate, additional_options or {}, catalog_id)


class DynamicFrameWriter(_Access):
    def from_options(self, frame, connection_type, connection_options=None, format=None,
                     format_options=None, transformation_ctx=""):
        return self._glue_context.write_from_options(
            frame, connection_type, connection_options or {}, format, format_options or {},
            transformation_ctx)

    def from_catalog(self, frame, database=None, table_name=None, redshift_tmp_dir="",
                     transformation_ctx="", additional_options=None, catalog_id=None, **kwargs):
        return self._glue_context.write_dynamic_frame_from_catalog(
            frame, database_of(database, kwargs), table_name, redshift_tmp_dir, transformation_ctx,
            additional_options or {}, catalog_id)

    def from_jdbc_conf(self, frame, catalog_connection, connection_options=None, redshift_tmp_dir="",
                       transformation_ctx=""):
        return self._glue_context.write_from_jdbc_conf(frame, catalog_connection)
