"""lathe_import_sklearn.py FILE OUTPUT: a fitted scikit-learn transformer, from a joblib or pickle
file, as stages of a feature pipeline (the terms of `lathe help features`), in JSON.

Runs in the user's Python. OUTPUT holds either {"error": text} or

    {"specification": "{\\"stages\\": [...], \\"schema\\": ...}"}

whose stages are all fitted, and answer the vector features. Each stage does the float64 operations
that scikit-learn's transform does, in its order. A column of texts is not changed by stages: what
imputers make of it is kept in mind until an encoder maps it. Rows that transform refuses for a gap or
an unknown category are refused; infinities, which it refuses too, are computed with."""

import json
import math
import sys
import tarfile
import warnings

MISSING = "what is missing"  # compared by identity


class Refused(Exception):
    """What cannot be imported: where it is, what was found, what would be right."""


class Place:
    """Where an object is in those around it."""

    def __init__(self, text):
        self.text = text

    def inside(self, what, name, estimator):
        return Place(f"{self.text} > {what} '{name}' ({type(estimator).__name__})")

    def refuse(self, text):
        raise Refused(f"{self.text}: {text}")

    def refuse_parameter(self, name, found, right):
        self.refuse(f"{name} is {found!r}, and {right}")


class Column:
    """A column on its way: a scalar column of the pipeline, or an element of a one-hot vector."""

    def __init__(self, name, vector=None, element=None, replaced=()):
        self.name = name
        self.vector, self.element = vector, element
        self.replaced = dict(replaced)  # of texts: what stands for what


class Hot:
    """A one-hot vector: element i is 1 where the column `index` is i."""

    def __init__(self, index, size):
        self.index, self.size, self.name = index, size, None


class Block:
    """What a transformer makes: columns, and whether it is a sparse matrix."""

    def __init__(self, columns, sparse=False):
        self.columns, self.sparse = columns, sparse


def number(value):
    """A number as the specification writes it: what JSON has no words for is a text."""
    value = float(value)
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return value


def is_missing(value):
    """None, NaN, pandas.NA."""
    return value is None or type(value).__name__ == "NAType" or (
        isinstance(value, float) and math.isnan(value))


def is_nan(value):
    """What scikit-learn takes for missing where missing_values is left alone."""
    return is_missing(value) and value is not None


def plain(value):
    """A value of NumPy's as Python's own."""
    return value.item() if hasattr(value, "item") and not isinstance(value, (str, bytes)) else value


class Pipeline:
    """The stages so far."""

    def __init__(self, names):
        self.raw = dict.fromkeys(names)  # types, once a stage asks for one
        self.names = set(names)
        self.stages = []

    def new_name(self, base):
        name, count = base, 1
        while name in self.names:
            count += 1
            name = f"{base}_{count}"
        self.names.add(name)
        return name

    def add(self, kind, inputs, base, **parameters):
        """Adds a stage and gives the column that it makes."""
        name = self.new_name(base)
        stage = {"type": kind, **inputs, "outputCol": name, **parameters}
        self.stages.append(stage)
        return name

    # ---- what a column is asked to be ----

    def demand(self, column, kind, place):
        """Notes that a column from outside has this type, and that no other was asked for."""
        if column.name not in self.raw:
            if kind == "string":
                place.refuse(f"it reads texts, and '{column.name}' is computed: put it before what "
                             "makes numbers")
            return
        known = self.raw[column.name]
        if known and known != kind and "string" in (known, kind):
            place.refuse(f"column '{column.name}' has {'texts' if kind == 'string' else 'numbers'} "
                         f"here and {'texts' if known == 'string' else 'numbers'} elsewhere: a "
                         "column has one type")
        if not known or known == "double":
            self.raw[column.name] = kind

    def scalar(self, column, place):
        """The name of a column of numbers that has the column's values."""
        if column.vector:
            hot = column.vector
            return self.add("NumberMap", {"inputCol": hot.index}, base_name(column),
                            keys=[column.element], values=[1], handleInvalid="keep")
        if column.replaced or self.raw.get(column.name) == "string":
            place.refuse(f"it reads numbers, and column '{column.name}' has texts: encode it first "
                         "(OneHotEncoder, OrdinalEncoder)")
        self.demand(column, "double", place)
        return column.name

    # ---- small stages ----

    def binary(self, name, operation, constant, base):
        return self.add("MathBinary", {"inputA": name}, base, operation=operation,
                        db=number(constant))

    def checked(self, name, base):
        """The same column, refusing rows where it is missing."""
        return self.add("VectorAssembler", {"inputCols": [name]}, base, handleInvalid="error",
                        exact=True)

    def map_numbers(self, column, values, unknown, missing, base, place):
        """values: number by number; unknown, missing: a number, or None: such rows are refused."""
        name = self.scalar(column, place)
        keys = sorted(values)
        return self.add("NumberMap", {"inputCol": name}, base, keys=[number(k) for k in keys],
                        values=[number(values[k]) for k in keys], **others(unknown, missing))

    def map_texts(self, column, values, unknown, missing, base, place):
        """The same by text, after what imputers have replaced."""
        self.demand(column, "string", place)
        labels = dict(values)
        for found, becomes in column.replaced.items():
            value = values.get(becomes, unknown)
            if found is MISSING:
                missing = value
            elif value is None:
                labels.pop(found, None)
            else:
                labels[found] = value
        return self.add("StringMap", {"inputCol": column.name}, base,
                        labels={text: number(value) for text, value in labels.items()},
                        **others(unknown, missing))

    def hot_name(self, hot):
        if not hot.name:
            hot.name = self.add("OneHotEncoder", {"inputCol": hot.index}, f"{hot.index}_hot",
                                handleInvalid="keep", dropLast=True, categorySizes=[hot.size])
        return hot.name


def others(unknown, missing):
    """A map's parameters for what is not in it."""
    said = {"handleInvalid": "error" if unknown is None else "keep"}
    if unknown is not None:
        said["defaultValue"] = number(unknown)
    if missing is not None:
        said["missingValue"] = number(missing)
    return said


def base_name(column):
    return column.name or f"{column.vector.index}_is_{column.element}"


def refuse_sparse(block, place):
    if block.sparse:
        place.refuse("it reads dense rows, and gets a sparse matrix: set sparse_output=False before it")


# ---- scalers ----


def scale(pipeline, block, place, shifts, scales):
    """Less the shift, divided by the scale; in a sparse matrix, times its reciprocal."""
    made = []
    for i, column in enumerate(block.columns):
        name, base = pipeline.scalar(column, place), base_name(column)
        if shifts is not None:
            name = pipeline.binary(name, "sub", shifts[i], f"{base}_centered")
        if scales is not None and block.sparse:
            name = pipeline.binary(name, "mul", 1 / scales[i], f"{base}_scaled")
        elif scales is not None:
            name = pipeline.binary(name, "div", scales[i], f"{base}_scaled")
        made.append(Column(name))
    return Block(made, block.sparse)


def clip(pipeline, block, lower, upper):
    made = []
    for column in block.columns:
        name = pipeline.binary(column.name, "max", lower, f"{column.name}_raised")
        made.append(Column(pipeline.binary(name, "min", upper, f"{column.name}_clipped")))
    return Block(made, block.sparse)


def standard_scaler(pipeline, estimator, block, place):
    if block.sparse and estimator.with_mean:
        place.refuse_parameter("with_mean", True, "a sparse matrix cannot be centered: set it to "
                                                  "False, or sparse_output=False before it")
    return scale(pipeline, block, place, estimator.mean_ if estimator.with_mean else None,
                 estimator.scale_ if estimator.with_std else None)


def robust_scaler(pipeline, estimator, block, place):
    centered = estimator.with_centering and not block.sparse
    return scale(pipeline, block, place, estimator.center_ if centered else None,
                 estimator.scale_ if estimator.with_scaling else None)


def max_abs_scaler(pipeline, estimator, block, place):
    scaled = scale(pipeline, block, place, None, estimator.scale_)
    return clip(pipeline, scaled, -1, 1) if getattr(estimator, "clip", False) else scaled


def min_max_scaler(pipeline, estimator, block, place):
    refuse_sparse(block, place)
    made = []
    for i, column in enumerate(block.columns):
        name, base = pipeline.scalar(column, place), base_name(column)
        name = pipeline.binary(name, "mul", estimator.scale_[i], f"{base}_times")
        made.append(Column(pipeline.binary(name, "add", estimator.min_[i], f"{base}_scaled")))
    if not getattr(estimator, "clip", False):
        return Block(made)
    return clip(pipeline, Block(made), *estimator.feature_range)


# ---- imputers ----


def impute_text(column, found, becomes):
    replaced = {old: becomes if new == found else new for old, new in column.replaced.items()}
    replaced.setdefault(found, becomes)
    return Column(column.name, replaced=replaced)


def impute_number(pipeline, column, missing, becomes, place):
    name, base = pipeline.scalar(column, place), base_name(column)
    more = {}
    if not is_missing(missing):
        name = pipeline.checked(name, f"{base}_there")
        more["missingValue"] = number(missing)
    return Column(pipeline.add("Imputer", {"inputCol": name}, f"{base}_imputed",
                               surrogate=number(becomes), **more))


def indicate(pipeline, column, missing, text, place):
    """1 where the column is missing, else 0."""
    base = f"{base_name(column)}_missing"
    gone = is_missing(missing)
    values = {} if gone else {missing: 1}
    if text:
        return Column(pipeline.map_texts(column, values, 0, 1 if gone else 0, base, place))
    if not gone:
        column = Column(pipeline.checked(pipeline.scalar(column, place), f"{base}_there"))
    return Column(pipeline.map_numbers(column, values, 0, 1 if gone else None, base, place))


def is_text_column(pipeline, column, statistic, missing, place):
    """What an imputer's statistic says of its column."""
    if isinstance(statistic, str):
        return True
    known = column.replaced or pipeline.raw.get(column.name) == "string"
    if known and not is_missing(statistic):
        place.refuse(f"column '{column.name}' has texts, and what is missing would become "
                     f"{statistic!r}: impute texts by a text")
    return bool(known) or isinstance(missing, str)


def simple_imputer(pipeline, estimator, block, place):
    statistics, missing = estimator.statistics_, plain(estimator.missing_values)
    if hasattr(estimator, "_fill_dtype") and getattr(estimator, "keep_empty_features", False):
        statistics = statistics.astype(estimator._fill_dtype)
    made, texts = [], []
    for column, statistic in zip(block.columns, map(plain, statistics)):
        text = is_text_column(pipeline, column, statistic, missing, place)
        texts.append(text)
        if is_nan(statistic) and not getattr(estimator, "keep_empty_features", False):
            continue  # it was missing in all rows that it was fitted on
        if text:
            found = MISSING if is_missing(missing) else missing
            if not isinstance(found, str):
                place.refuse_parameter("missing_values", missing,
                                       f"column '{column.name}' has texts: it has to be a text, "
                                       "NaN or None")
            made.append(impute_text(column, found, statistic))
        else:
            if not isinstance(missing, (int, float)) and not is_missing(missing):
                place.refuse_parameter("missing_values", missing, "must be a number, a text or NaN")
            made.append(impute_number(pipeline, column, missing, statistic, place))
    return Block(made + indicators(pipeline, estimator, block, texts, place), block.sparse)


def indicators(pipeline, estimator, block, texts, place):
    indicator = getattr(estimator, "indicator_", None)
    if not getattr(estimator, "add_indicator", False) or indicator is None:
        return []
    missing = plain(estimator.missing_values)
    return [indicate(pipeline, block.columns[i], missing, texts[i], place)
            for i in map(int, indicator.features_)]


# ---- encoders ----


class Categories:
    """The categories of one column of an encoder: its values by code, and the code of what is
    missing."""

    def __init__(self, categories, column, place):
        self.codes, self.missing = {}, None
        kinds = set()
        for code, value in enumerate(map(plain, categories)):
            if is_missing(value):
                if self.missing is not None:
                    place.refuse(f"column '{base_name(column)}' has both None and NaN as "
                                 "categories, and rows have one way only to have no value: fit it "
                                 "on rows with one of them")
                self.missing = code
                continue
            kinds.add("string" if isinstance(value, str) else
                      "boolean" if isinstance(value, bool) else
                      "double" if isinstance(value, (int, float)) else type(value).__name__)
            if isinstance(value, int) and int(float(value)) != value:
                place.refuse(f"column '{base_name(column)}' has the category {value}, which no "
                             "float64 is: fit it on texts")
            self.codes[value if isinstance(value, str) else float(value)] = code
        self.kind = kinds.pop() if len(kinds) == 1 else "double" if not kinds else None
        if self.kind not in ("string", "boolean", "double"):
            place.refuse(f"the categories of column '{base_name(column)}' are of the types "
                         f"{sorted(kinds) or self.kind}, and must be all texts, all numbers or all "
                         "truths")


def map_categories(pipeline, column, categories, becomes, unknown, missing, base, place):
    """becomes: a category's code to a number."""
    values = {value: becomes(code) for value, code in categories.codes.items()}
    if categories.kind == "string":
        return pipeline.map_texts(column, values, unknown, missing, base, place)
    if not column.vector:
        pipeline.demand(column, categories.kind, place)
    return pipeline.map_numbers(column, values, unknown, missing, base, place)


def infrequent(estimator, i):
    """Which codes become which, and the code of an infrequent category; None: there is none."""
    if not getattr(estimator, "_infrequent_enabled", False):
        return None, None
    rare = estimator._infrequent_indices[i]
    return estimator._default_to_infrequent_mappings[i], None if rare is None else int(rare[0])


def one_hot_column(pipeline, estimator, i, column, place):
    categories = Categories(estimator.categories_[i], column, place)
    mapping, rare = infrequent(estimator, i)
    drops = getattr(estimator, "_drop_idx_after_grouping", getattr(estimator, "drop_idx_", None))
    drop = None if drops is None or drops[i] is None else int(drops[i])
    count = len(estimator.categories_[i]) if mapping is None else int(max(mapping)) + 1
    size = count - (drop is not None)

    def becomes(code):
        code = code if mapping is None else int(mapping[code])
        return code if drop is None or code < drop else size if code == drop else code - 1

    unknown = None if estimator.handle_unknown == "error" else size
    if estimator.handle_unknown in ("infrequent_if_exist", "warn") and rare is not None:
        unknown = becomes(rare)
    missing = unknown if categories.missing is None else becomes(categories.missing)
    base = f"{base_name(column)}_index"
    hot = Hot(map_categories(pipeline, column, categories, becomes, unknown, missing, base, place),
              size)
    return [Column(None, hot, element) for element in range(size)]


def one_hot_encoder(pipeline, estimator, block, place):
    made = []
    for i, column in enumerate(block.columns):
        made += one_hot_column(pipeline, estimator, i, column, place)
    sparse = getattr(estimator, "sparse_output", getattr(estimator, "sparse", True))
    return Block(made, bool(sparse))


def ordinal_column(pipeline, estimator, i, column, place):
    categories = Categories(estimator.categories_[i], column, place)
    mapping, _ = infrequent(estimator, i)
    unknown = missing = None
    if estimator.handle_unknown == "use_encoded_value":
        unknown = missing = estimator.unknown_value
    if categories.missing is not None:
        missing = getattr(estimator, "encoded_missing_value", math.nan)

    def becomes(code):
        return code if mapping is None else int(mapping[code])

    return Column(map_categories(pipeline, column, categories, becomes, unknown, missing,
                                 f"{base_name(column)}_index", place))


def ordinal_encoder(pipeline, estimator, block, place):
    return Block([ordinal_column(pipeline, estimator, i, column, place)
                  for i, column in enumerate(block.columns)])


# ---- others ----


def bin_column(pipeline, edges, column, place):
    """How many of the inner edges are not above the value."""
    name, base = pipeline.scalar(column, place), base_name(column)
    inner = [float(edge) for edge in edges[1:-1]]
    if not inner:
        return pipeline.add("NumberMap", {"inputCol": pipeline.checked(name, f"{base}_there")},
                            f"{base}_bin", keys=[], values=[], handleInvalid="keep")
    # Both zeros are at or above an edge of -0.0.
    splits = [-math.inf] + [-0.0 if edge == 0 else edge for edge in inner] + [math.inf]
    return pipeline.add("Bucketizer", {"inputCol": name}, f"{base}_bin",
                        splits=[number(split) for split in splits])


def k_bins_discretizer(pipeline, estimator, block, place):
    refuse_sparse(block, place)
    dtype = getattr(estimator, "dtype", None)
    if dtype is not None and "32" in str(dtype):
        place.refuse_parameter("dtype", dtype, "must be None or numpy.float64: rows are float64")
    made = []
    for i, column in enumerate(block.columns):
        name = bin_column(pipeline, estimator.bin_edges_[i], column, place)
        if estimator.encode == "ordinal":
            made.append(Column(name))
        else:
            hot = Hot(name, len(estimator.bin_edges_[i]) - 1)
            made += [Column(None, hot, element) for element in range(hot.size)]
    return Block(made, estimator.encode == "onehot")


UNARY = ("log", "log1p", "log2", "log10", "exp", "expm1", "sqrt", "sin", "cos", "tan", "absolute",
         "fabs", "floor", "ceil")


def known_functions():
    """The operations of NumPy's functions. (What depends on whether a column has whole numbers, as
    numpy.negative and numpy.reciprocal do, is none of them: here all numbers are float64.)"""
    import numpy
    functions = {getattr(numpy, name): "abs" if name in ("absolute", "fabs") else name
                 for name in UNARY}
    functions[numpy.square] = "mul"
    functions[numpy.positive] = None
    return functions


def function_transformer(pipeline, estimator, block, place):
    if estimator.func is None and not estimator.validate:
        return block
    if estimator.kw_args:
        place.refuse_parameter("kw_args", estimator.kw_args, "only functions without are imported")
    known, func = known_functions(), estimator.func
    if func is not None and (type(func).__name__ != "ufunc" or func not in known):
        place.refuse(f"func is {getattr(func, '__name__', repr(func))}, and must be None or one of "
                     "NumPy's " + ", ".join((*UNARY, "square", "positive")))
    operation = known.get(func)
    made = []
    for column in block.columns:
        name = pipeline.scalar(column, place)
        base = f"{base_name(column)}_{getattr(func, '__name__', 'same')}"
        if estimator.validate:
            name = pipeline.checked(name, f"{base_name(column)}_there")
        if operation == "mul":
            name = pipeline.add("MathBinary", {"inputA": name, "inputB": name}, base,
                                operation="mul")
        elif operation:
            name = pipeline.add("MathUnary", {"inputCol": name}, base, operation=operation)
        made.append(Column(name))
    return Block(made, block.sparse)


# ---- transformers of transformers ----


def pipeline_of_steps(pipeline, estimator, block, place):
    for name, step in estimator.steps:
        if step is None or isinstance(step, str):  # "passthrough"
            continue
        inner = place.inside("step", name, step)
        if hasattr(step, "predict") and not hasattr(step, "transform"):
            inner.refuse("it is a model, and transformers are imported: dump what stands before it "
                         "(pipeline[:-1]), and give the model as an artifact or a container of its "
                         "own")
        block = lower(pipeline, step, block, inner)
    return block


def weighted(pipeline, block, weights, name, place):
    weight = (weights or {}).get(name)
    if weight is None:
        return block
    return Block([Column(pipeline.binary(pipeline.scalar(column, place), "mul", weight,
                                         f"{base_name(column)}_weighted"))
                  for column in block.columns], block.sparse)


def dense(pipeline, block, place):
    """The block as a dense matrix: a sparse one has lost the signs of its zeros."""
    return Block([column if column.vector else Column(pipeline.binary(
        pipeline.scalar(column, place), "add", 0, f"{column.name}_dense")) for column in block.columns])


def column_transformer(pipeline, estimator, block, place):
    positions = getattr(estimator, "_transformer_to_input_indices", None)
    if positions is None:
        place.refuse("it was fitted by a scikit-learn before 1.0: fit it with a newer one")
    made = []
    for name, transformer, _ in estimator.transformers_:
        chosen = [block.columns[int(i)] for i in positions[name]]
        if not chosen or (isinstance(transformer, str) and transformer == "drop"):
            continue
        part = Block(chosen, block.sparse)
        inner = place.inside("transformer", name, transformer)
        if not isinstance(transformer, str):  # else "passthrough"
            part = lower(pipeline, transformer, part, inner)
        part = weighted(pipeline, part, estimator.transformer_weights, name, inner)
        if part.sparse and not estimator.sparse_output_:
            part = dense(pipeline, part, inner)
        made += part.columns
    return Block(made, bool(estimator.sparse_output_))


def feature_union(pipeline, estimator, block, place):
    made, sparse = [], False
    for name, transformer in estimator.transformer_list:
        part, inner = block, place.inside("transformer", name, transformer)
        if transformer == "drop":
            continue
        if transformer != "passthrough":
            part = lower(pipeline, transformer, block, inner)
        part = weighted(pipeline, part, estimator.transformer_weights, name, inner)
        made += part.columns
        sparse = sparse or part.sparse
    return Block(made, sparse)


LOWERED = {
    "ColumnTransformer": column_transformer,
    "FeatureUnion": feature_union,
    "FunctionTransformer": function_transformer,
    "KBinsDiscretizer": k_bins_discretizer,
    "MaxAbsScaler": max_abs_scaler,
    "MinMaxScaler": min_max_scaler,
    "OneHotEncoder": one_hot_encoder,
    "OrdinalEncoder": ordinal_encoder,
    "Pipeline": pipeline_of_steps,
    "RobustScaler": robust_scaler,
    "SimpleImputer": simple_imputer,
    "StandardScaler": standard_scaler,
}
UNFITTED = ("FunctionTransformer", "Pipeline", "FeatureUnion")
MARKS = {"ColumnTransformer": "transformers_", "KBinsDiscretizer": "bin_edges_",
         "OneHotEncoder": "categories_", "OrdinalEncoder": "categories_",
         "SimpleImputer": "statistics_"}


def lower(pipeline, estimator, block, place):
    """What the transformer makes of the block, as stages."""
    name, module = type(estimator).__name__, type(estimator).__module__
    if name not in LOWERED or module.split(".")[0] != "sklearn":
        place.refuse(f"a {module}.{name} is not imported; these are: " + ", ".join(sorted(LOWERED)))
    if name not in UNFITTED and not hasattr(estimator, MARKS.get(name, "n_features_in_")):
        place.refuse("it is not fitted: dump it after fit")
    count = getattr(estimator, "n_features_in_", len(block.columns))
    if name != "Pipeline" and count != len(block.columns):
        place.refuse(f"it was fitted on {count} columns, and gets {len(block.columns)}")
    return LOWERED[name](pipeline, estimator, block, place)


# ---- the whole ----


def find_inputs(estimator, place):
    """The names of the columns that it was fitted on."""
    names = getattr(estimator, "feature_names_in_", None)
    if names is not None:
        return [str(name) for name in names]
    count = getattr(estimator, "n_features_in_", None)
    if count is not None:
        return [f"x{i}" for i in range(int(count))]
    parts = getattr(estimator, "steps", None) or getattr(estimator, "transformer_list", ())
    for name, step in parts:
        if step is not None and not isinstance(step, str):
            return find_inputs(step, place.inside("step", name, step))
    return place.refuse("it is not fitted: dump it after fit")


def group(pipeline, columns, place):
    """The names of the columns and of the vectors that are there as a whole."""
    names, at = [], 0
    while at < len(columns):
        hot = columns[at].vector
        whole = hot and [(c.vector, c.element) for c in columns[at:at + hot.size]] == [
            (hot, element) for element in range(hot.size)]
        if whole:
            names.append(pipeline.hot_name(hot))
            at += hot.size
            continue
        if columns[at].replaced or pipeline.raw.get(columns[at].name) == "string":
            place.refuse(f"it answers the texts of column '{columns[at].name}', and an answer has "
                         "numbers: encode it (OneHotEncoder, OrdinalEncoder) or drop it")
        names.append(pipeline.scalar(columns[at], place))
        at += 1
    return names


def inputs_of(stage):
    return stage.get("inputCols") or [stage[key] for key in ("inputCol", "inputA", "inputB")
                                      if key in stage]


def prune(stages, wanted):
    """Those on which the column depends."""
    needed, kept = {wanted}, []
    for stage in reversed(stages):
        if stage["outputCol"] in needed:
            needed.update(inputs_of(stage))
            kept.append(stage)
    return kept[::-1]


def schema_of(pipeline, output):
    """The rows' columns, as Amazon SageMaker's SparkML container has them described."""
    return {"input": [{"name": name, "type": kind or "double"}
                      for name, kind in pipeline.raw.items()],
            "output": {"name": output, "type": "double", "struct": "vector"}}


def describe(estimator):
    place = Place(type(estimator).__name__)
    if type(estimator).__name__ not in LOWERED:
        lower(None, estimator, Block([]), place)
    names = find_inputs(estimator, place)
    if len(set(names)) != len(names):
        place.refuse("two of the columns that it was fitted on have one name")
    pipeline = Pipeline(names)
    block = lower(pipeline, estimator, Block([Column(name) for name in names]), place)
    if not block.columns:
        place.refuse("it makes no column")
    output = pipeline.add("VectorAssembler", {"inputCols": group(pipeline, block.columns, place)},
                          "features", handleInvalid="keep", exact=not block.sparse)
    return {"stages": prune(pipeline.stages, output),
            "schema": json.dumps(schema_of(pipeline, output))}


ENDINGS = (".joblib", ".pkl", ".pickle")


def open_archived(path):
    """The one dumped object in a model.tar.gz."""
    archive = tarfile.open(path)
    found = [member for member in archive if member.isfile() and member.name.endswith(ENDINGS)]
    if len(found) != 1:
        names = ", ".join(member.name for member in found) or "none"
        raise Refused(f"of an archive's files one must end in {', '.join(ENDINGS)}; found {names}")
    return archive.extractfile(found[0])


def load(path):
    try:
        from joblib import load as load_file
    except ImportError:
        from pickle import load as load_file
    with (open_archived(path) if tarfile.is_tarfile(path) else open(path, "rb")) as file:
        return load_file(file)


def load_and_describe(path):
    try:
        estimator = load(path)
    except Refused:
        raise
    except ModuleNotFoundError as error:
        raise Refused(f"it needs the module {error.name}, which {sys.executable} does not have: "
                      f"install it there, or name the Python that wrote the file as "
                      "runtime.python in lathe.yaml")
    except Exception as error:
        raise Refused(f"it cannot be loaded as a joblib or pickle file ({type(error).__name__}: "
                      f"{error})")
    return json.dumps(describe(estimator), allow_nan=False)


def main(path, output):
    warnings.simplefilter("ignore")
    try:
        said = {"specification": load_and_describe(path)}
    except Refused as refused:
        said = {"error": str(refused)}
    with open(output, "w", encoding="utf-8") as file:
        json.dump(said, file)


if __name__ == "__main__":
    main(*sys.argv[1:])
