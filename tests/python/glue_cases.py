"""What scripts of Glue's do, in one session of Spark's: FOLDER DATABASE. Prints a line of JSON a case.
test_awsglue.py says what each is to answer, from Glue's documentation."""
import json
import sys

from pyspark.context import SparkContext

from awsglue.context import GlueContext
from awsglue.dynamicframe import DynamicFrame, ResolveOption
from awsglue.job import Job
from awsglue.transforms import (
    ApplyMapping, DropFields, DropNullFields, FlatMap, Filter, Join, Map, Relationalize, RenameField,
    ResolveChoice, SelectFields, SelectFromCollection, SplitFields, SplitRows, Unbox)
from awsglue.utils import getResolvedOptions
from awsgluedq.transforms import EvaluateDataQuality

args = getResolvedOptions(sys.argv, ["JOB_NAME", "folder", "database"])
glue = GlueContext(SparkContext.getOrCreate())
spark = glue.spark_session
job = Job(glue)
job.init(args["JOB_NAME"], args)
FOLDER = args["folder"]


def tell(case, value):
    print(json.dumps({"case": case, "value": value}, default=str), flush=True)


def rows(frame, *order):
    frame = frame.toDF()
    return [row.asDict(recursive=True) for row in frame.orderBy(*order or frame.columns[:1]).collect()]


def types(frame):
    return {name: word for name, word in frame.toDF().dtypes}


def read(name, kind, **options):
    return glue.create_dynamic_frame.from_options(
        "s3", {"paths": [f"{FOLDER}/{name}/"]}, format=kind, format_options=options,
        transformation_ctx=name)


orders, people = read("orders", "json"), read("people", "csv", withHeader=True)

# choices
tell("a choice's types", types(orders)["price"])
for action in ("cast:double", "project:long", "make_cols", "make_struct"):
    resolved = ResolveChoice.apply(orders, specs=[("price", action)])
    tell(action, [{name: value for name, value in row.items() if name.startswith("price")}
                  for row in rows(resolved, "id")])
tell("all choices", types(ResolveChoice.apply(orders, choice="cast:string"))["price"])
tell("toDF", dict(orders.toDF([ResolveOption("price", "Project", spark.createDataFrame(
    [], "a double").schema["a"].dataType)]).dtypes)["price"])

# fields
mapped = ApplyMapping.apply(frame=orders, mappings=[
    ("id", "long", "number", "string"), ("name.first", "string", "who.given", "string"),
    ("price", "choice", "price", "double"), ("absent", "string", "absent", "string")])
tell("ApplyMapping", {"types": types(mapped), "rows": rows(mapped)})
tell("SelectFields", types(SelectFields.apply(orders, ["name.first", "id", "absent"])))
tell("DropFields", types(DropFields.apply(orders, ["name.last", "tags.value", "price"])))
tell("RenameField", types(RenameField.apply(orders, "name.first", "name.given"))["name"])
split = SplitFields.apply(people, ["age"], "ages", "others")
tell("SplitFields", [types(split["ages"]), types(SelectFromCollection.apply(split, "others"))])
empty = DynamicFrame.fromDF(spark.sql("select 1 a, null b, struct(null c, 2 d) e"), glue, "empty")
tell("DropNullFields", types(DropNullFields.apply(empty)))

# records
tell("Filter", rows(Filter.apply(people, lambda person: int(person["age"]) > 30)))


def older(person):
    if person["name"] == "Bob":
        raise RuntimeError("Bob stays as he is")
    person["age"] = int(person["age"]) + 1
    person["of"] = {"town": "x"}
    return person


aged = Map.apply(people, older)
tell("Map", {"types": types(aged), "rows": rows(aged, "name"), "errors": aged.errorsCount(),
             "text": aged.errorsAsDynamicFrame().toDF().first()["errorMessage"]})
try:
    Map.apply(people, older, stageThreshold=0, totalThreshold=0)
    people.map(lambda person: 1 / 0, stageThreshold=1)
except RuntimeError as error:
    tell("too many errors", "3 records failed, more than the 1" in str(error))
tell("Join", rows(Join.apply(people, SelectFields.apply(aged, ["name", "age"]), "name", "name"), "name"))
parts = SplitRows.apply(aged, {"age": {">": 20, "<": 50}}, "within", "outside")
tell("SplitRows", [rows(parts["within"], "name"), rows(parts["outside"], "name")])
texts = DynamicFrame.fromDF(spark.createDataFrame([('{"a": 1, "b": "x"}',)], ["t"]), glue, "texts")
tell("Unbox", rows(Unbox.apply(texts, "t", "json")))
fewer = FlatMap.apply(parts, DropFields, "frame", paths=["of"])
tell("FlatMap", sorted(types(fewer["within"])))

# levels
flat = Relationalize.apply(orders, "orders", "unused")
tell("Relationalize", {name: types(flat[name]) for name in sorted(flat.keys())})
joined = Join.apply(flat["orders"], flat["orders_tags"], "tags", "id")
tell("Relationalize joins", rows(joined.select_fields(["id", "`tags.val.key`"]), "id", "`tags.val.key`"))

# the catalog
logs = glue.create_dynamic_frame.from_catalog(
    database=args["database"], table_name="logs", transformation_ctx="logs",
    push_down_predicate="year = '2024' and month >= 2")
tell("from_catalog", {"types": types(logs), "rows": rows(logs)})
sink = glue.getSink(path=f"file://{FOLDER}/made", connection_type="s3", partitionKeys=["month"],
                    updateBehavior="UPDATE_IN_DATABASE", enableUpdateCatalog=True)
sink.setFormat("glueparquet")
sink.setCatalogInfo(catalogDatabase=args["database"], catalogTableName="made")
sink.writeFrame(ResolveChoice.apply(logs, specs=[("value", "cast:double")]))
tell("getSink", rows(glue.create_dynamic_frame.from_catalog(args["database"], "made")))
try:
    glue.create_dynamic_frame.from_catalog(args["database"], "absent")
except Exception as error:
    tell("no table", str(error))
tell("SQL over the catalog", [row.asDict() for row in
                              spark.sql(f"select count(*) n from {args['database']}.flat").collect()])

tell("a connection", glue.extract_jdbc_conf("base"))
tell("the catalog's schema", glue.get_catalog_schema_as_spark_schema(
    args["database"], "made").simpleString())

# what is not there says so
for case, call in {"jdbc": lambda: glue.create_dynamic_frame.from_options("mysql", {}),
                   "ion": lambda: read("people", "ion"),
                   "redshift": lambda: glue.write_dynamic_frame.from_jdbc_conf(people, "redshift3"),
                   "streaming": lambda: glue.getStreamingSource("kinesis"),
                   "quality": lambda: EvaluateDataQuality().process_rows(
                       frame=people, ruleset="Rules = [ColumnCount > 0]")}.items():
    try:
        call()
    except NotImplementedError as error:
        tell(case, str(error))
job.commit()
