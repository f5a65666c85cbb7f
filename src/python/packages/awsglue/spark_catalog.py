"""--enable-glue-datacatalog: Spark's SQL sees the tables of the data catalog.

Tables are told to Spark's own catalog when the session begins, and what a script makes there with
saveAsTable or CREATE TABLE goes back to the data catalog when it commits. Glue has a client in Java
for that; this way needs no jar.
"""
from awsglue import catalog
from awsglue.columns import quoted
from awsglue.data_sink import describe
from awsglue.gluetypes import spark_type
from awsglue.sources import Table

# By database: the names of the tables that were there before.
_known = {}


def is_asked_for(arguments):
    if "--enable-glue-datacatalog" not in arguments:
        return False
    after = arguments[arguments.index("--enable-glue-datacatalog") + 1:][:1]
    return after != ["false"]


def bring_in(spark):
    for one in catalog.pages("GetDatabases", "DatabaseList"):
        database, place = one["Name"], one.get("LocationUri")
        spark.sql("CREATE DATABASE IF NOT EXISTS %s" % quoted(database)
                  + (" LOCATION '%s'" % place if place else ""))
        _known[database] = set()
        for described in catalog.tables(database):
            try:
                _bring_table(spark, Table(spark, database, described["Name"]))
            except Exception as error:  # one table that Spark cannot read hides no other
                print("The table %s.%s is not there in Spark's SQL: %s" % (
                    database, described["Name"], error))
            _known[database].add(described["Name"])


def _bring_table(spark, table):
    columns = table.columns + table.keys
    said = ", ".join("%s %s" % (quoted(one["Name"]), spark_type(one["Type"])) for one in columns)
    kind, options = table.kind(), {}
    if kind == "csv":
        options = table.csv_options()
    told = ", ".join("%s '%s'" % (name, value.replace("\\", "\\\\").replace("'", "\\'"))
                     for name, value in options.items())
    statement = "CREATE TABLE IF NOT EXISTS %s.%s (%s) USING %s" % (
        quoted(table.database), quoted(table.name), said, kind)
    if told:
        statement += " OPTIONS (%s)" % told
    if table.keys:
        statement += " PARTITIONED BY (%s)" % ", ".join(quoted(one["Name"]) for one in table.keys)
    spark.sql(statement + " LOCATION '%s'" % table.location.replace("'", "\\'"))


# ---- what a script made ----


def take_out(spark):
    """Tables that were not there before become the data catalog's, where their files are in S3."""
    for database, before in _known.items():
        for found in spark.catalog.listTables(database):
            if not found.isTemporary and found.name not in before:
                _take_table(spark, database, found.name)
                before.add(found.name)


def _take_table(spark, database, name):
    java = spark._jvm.org.apache.spark.sql.catalyst.TableIdentifier
    identifier = java(name, spark._jvm.scala.Option.apply(database))
    told = spark._jsparkSession.sessionState().catalog().getTableMetadata(identifier)
    location = told.location().toString()
    if not location.startswith("s3"):
        raise ValueError("The table %s.%s has its files in %s, which ends with this job: give it a "
                         "LOCATION in S3, or its database a LocationUri" % (database, name, location))
    frame = spark.table("%s.%s" % (quoted(database), quoted(name)))
    keys = [told.partitionColumnNames().apply(index) for index in range(told.partitionColumnNames().size())]
    describe(frame, told.provider().get(), {}, (database, name), keys, location)
