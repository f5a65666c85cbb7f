"""Glue's data catalog: databases, tables, versions, partitions and what is recorded beside them, as
boto3 asks for them."""

import random
import threading
import time
import uuid

import botocore.exceptions
import pytest
from botocore.config import Config

ACCOUNT = "000000000000"


def unique(word="db"):
    return f"{word}_{uuid.uuid4().hex[:8]}"


@pytest.fixture(scope="module")
def glue(server):
    return server.client("glue")


@pytest.fixture
def database(glue):
    name = unique()
    glue.create_database(DatabaseInput={"Name": name})
    yield name
    glue.delete_database(Name=name)


def code_of(call, **request):
    with pytest.raises(call.__self__.exceptions.ClientError) as failed:
        call(**request)
    return failed.value.response["Error"]["Code"]


def table_input(name, keys=(), **more):
    return {"Name": name, "TableType": "EXTERNAL_TABLE", "Parameters": {"classification": "csv"},
            "StorageDescriptor": {"Columns": [{"Name": "a", "Type": "bigint", "Comment": "first"},
                                              {"Name": "b", "Type": "array<struct<x:int>>"}],
                                  "Location": f"s3://lake/{name}/", "Compressed": False,
                                  "SerdeInfo": {"Parameters": {"field.delim": ","}}},
            "PartitionKeys": [{"Name": key, "Type": type} for key, type in keys], **more}


def partition(values, location="s3://lake/p/", columns=2):
    return {"Values": [str(value) for value in values], "Parameters": {"objectCount": "1"},
            "StorageDescriptor": {"Location": location, "Parameters": {"own": str(values[0])},
                                  "Columns": [{"Name": f"c{i}", "Type": "double"}
                                              for i in range(columns)]}}


def pages(glue, operation, member, **request):
    return [one for page in glue.get_paginator(operation).paginate(**request)
            for one in page[member]]


# ---- databases ----

def test_a_database_lives_and_default_is_there(glue):
    assert "default" in [one["Name"] for one in glue.get_databases()["DatabaseList"]]
    name = unique("DB").upper()
    glue.create_database(DatabaseInput={"Name": name, "Description": "rows",
                                        "LocationUri": "s3://lake/", "Parameters": {"a": "1"}},
                         Tags={"plant": "seven"})
    told = glue.get_database(Name=name)["Database"]
    assert told["Name"] == name.lower() and told["Description"] == "rows"
    assert told["CatalogId"] == ACCOUNT and told["CreateTime"]
    arn = f"arn:aws:glue:us-east-1:{ACCOUNT}:database/{name.lower()}"
    assert glue.get_tags(ResourceArn=arn)["Tags"] == {"plant": "seven"}
    glue.tag_resource(ResourceArn=arn, TagsToAdd={"line": "two"})
    glue.untag_resource(ResourceArn=arn, TagsToRemove=["plant"])
    assert glue.get_tags(ResourceArn=arn)["Tags"] == {"line": "two"}
    assert code_of(glue.create_database, DatabaseInput={"Name": name}) == "AlreadyExistsException"
    glue.update_database(Name=name, DatabaseInput={"Name": name, "Description": "other"})
    told = glue.get_database(Name=name)["Database"]
    assert told["Description"] == "other" and "LocationUri" not in told
    assert code_of(glue.update_database, Name=name, DatabaseInput={"Name": "x"}) == "InvalidInputException"
    glue.create_table(DatabaseName=name, TableInput=table_input("t"))
    glue.delete_database(Name=name)
    for call in (glue.get_database, glue.delete_database):
        assert code_of(call, Name=name) == "EntityNotFoundException"
    glue.create_database(DatabaseInput={"Name": name})
    assert glue.get_tables(DatabaseName=name)["TableList"] == []
    assert glue.get_tags(ResourceArn=arn)["Tags"] == {}
    glue.delete_database(Name=name)


def test_databases_come_in_pages(glue):
    names = sorted(unique() for _ in range(5))
    for name in names:
        glue.create_database(DatabaseInput={"Name": name})
    told = pages(glue, "get_databases", "DatabaseList", PaginationConfig={"PageSize": 2})
    assert [one["Name"] for one in told if one["Name"] in names] == names
    for name in names:
        glue.delete_database(Name=name)


def test_another_catalog_is_refused(glue):
    assert glue.get_database(Name="default", CatalogId=ACCOUNT)
    assert code_of(glue.get_database, Name="default",
                   CatalogId="111111111111") == "EntityNotFoundException"
    assert code_of(glue.create_table, DatabaseName="default", TableInput={"Name": "i"},
                   OpenTableFormatInput={"IcebergInput": {"MetadataOperation": "CREATE"}}
                   ) == "ValidationException"


# ---- tables ----

def test_a_table_comes_back_as_it_went(glue, database):
    given = table_input("T", [("day", "string")], Description="of rows", Retention=3, Owner="me")
    glue.create_table(DatabaseName=database.upper(), TableInput=given)
    told = glue.get_table(DatabaseName=database, Name="t")["Table"]
    assert told["Name"] == "t" and told["DatabaseName"] == database
    assert told["CatalogId"] == ACCOUNT and told["VersionId"] == "0" and told["CreateTime"]
    assert {key: told[key] for key in given if key != "Name"} == {
        key: given[key] for key in given if key != "Name"}
    assert code_of(glue.create_table, DatabaseName=database, TableInput=given) == "AlreadyExistsException"
    assert code_of(glue.create_table, DatabaseName="none", TableInput=given) == "EntityNotFoundException"
    assert code_of(glue.get_table, DatabaseName=database, Name="none") == "EntityNotFoundException"
    assert code_of(glue.get_table, DatabaseName="none", Name="t") == "EntityNotFoundException"
    glue.delete_table(DatabaseName=database, Name="T")
    assert code_of(glue.delete_table, DatabaseName=database, Name="t") == "EntityNotFoundException"


def test_tables_are_listed_by_pattern_and_in_pages(glue, database):
    names = ["abc", "abd", "raw_a", "raw_b", "z"]
    for name in names:
        glue.create_table(DatabaseName=database, TableInput=table_input(name))

    def listed(**more):
        return [one["Name"] for one in pages(glue, "get_tables", "TableList", DatabaseName=database,
                                             **more)]

    assert listed() == names
    assert listed(PaginationConfig={"PageSize": 2}) == names
    assert listed(Expression="raw_*") == listed(Expression="raw_.*") == ["raw_a", "raw_b"]
    assert listed(Expression="*b*", PaginationConfig={"PageSize": 1}) == ["abc", "abd", "raw_b"]
    assert listed(Expression="AB[cd]|z") == ["abc", "abd", "z"]
    assert listed(Expression="ab") == []
    assert code_of(glue.get_tables, DatabaseName=database, Expression="(") == "InvalidInputException"
    assert code_of(glue.get_tables, DatabaseName=database, NextToken="x") == "InvalidInputException"
    told = glue.get_tables(DatabaseName=database, AttributesToGet=["NAME"])["TableList"][0]
    assert told["Name"] == "abc" and "StorageDescriptor" not in told
    errors = glue.batch_delete_table(DatabaseName=database, TablesToDelete=[*names, "none"])["Errors"]
    assert [(one["TableName"], one["ErrorDetail"]["ErrorCode"]) for one in errors] == [
        ("none", "EntityNotFoundException")]
    assert listed() == []


def test_versions_are_kept_told_and_deleted(glue, database):
    glue.create_table(DatabaseName=database, TableInput=table_input("t", Description="0"))
    for i in range(1, 5):
        glue.update_table(DatabaseName=database, TableInput=table_input("t", Description=str(i)),
                          SkipArchive=i == 3)
    told = glue.get_table(DatabaseName=database, Name="t")["Table"]
    assert (told["VersionId"], told["Description"]) == ("4", "4")
    versions = pages(glue, "get_table_versions", "TableVersions", DatabaseName=database,
                     TableName="t", PaginationConfig={"PageSize": 2})
    assert [(one["VersionId"], one["Table"]["Description"]) for one in versions] == [
        ("4", "4"), ("3", "3"), ("1", "1"), ("0", "0")]
    assert code_of(glue.update_table, DatabaseName=database, TableInput=table_input("t"),
                   VersionId="3") == "ConcurrentModificationException"
    one = glue.get_table_version(DatabaseName=database, TableName="t", VersionId="1")["TableVersion"]
    assert one["Table"]["Description"] == "1"
    glue.delete_table_version(DatabaseName=database, TableName="t", VersionId="1")
    errors = glue.batch_delete_table_version(DatabaseName=database, TableName="t",
                                             VersionIds=["0", "1", "4"])["Errors"]
    assert [(one["VersionId"], one["ErrorDetail"]["ErrorCode"]) for one in errors] == [
        ("1", "EntityNotFoundException"), ("4", "InvalidInputException")]


def test_the_search_finds_by_words_filters_and_order(glue, database):
    for name, words in (("flights", "delays of carriers"), ("cars", "prices")):
        glue.create_table(DatabaseName=database, TableInput=table_input(name, Description=words))
    here = {"Key": "DatabaseName", "Value": database}

    def found(**request):
        told = glue.search_tables(Filters=[here, *request.pop("more", [])], **request)
        return [one["Name"] for one in told["TableList"]]

    assert found(SearchText="CARRIERS") == ["flights"]
    assert found(SearchText='"delays carriers"') == []
    assert found(SearchText="first", SortCriteria=[{"FieldName": "Name", "Sort": "DESC"}]) == [
        "flights", "cars"]
    assert found(more=[{"Key": "classification", "Value": "csv"}]) == ["cars", "flights"]
    assert found(more=[{"Key": "classification", "Value": "parquet"}]) == []


# ---- partitions ----

def test_partitions_live_and_batches_tell_what_failed(glue, database):
    where = {"DatabaseName": database, "TableName": "t"}
    glue.create_table(DatabaseName=database,
                      TableInput=table_input("t", [("year", "int"), ("city", "string")]))
    glue.create_partition(**where, PartitionInput=partition([2026, "a/b c"]))
    told = glue.get_partition(**where, PartitionValues=["2026", "a/b c"])["Partition"]
    given = partition([2026, "a/b c"])
    assert {key: told[key] for key in given} == given and told["TableName"] == "t"
    assert told["CreationTime"] and told["CatalogId"] == ACCOUNT
    assert code_of(glue.create_partition, **where, PartitionInput=given) == "AlreadyExistsException"
    assert code_of(glue.create_partition, **where,
                   PartitionInput=partition([1])) == "InvalidInputException"
    errors = glue.batch_create_partition(
        **where, PartitionInputList=[given, partition([2027, "b"]), partition([3])])["Errors"]
    assert [(one["PartitionValues"], one["ErrorDetail"]["ErrorCode"]) for one in errors] == [
        (["2026", "a/b c"], "AlreadyExistsException"), (["3"], "InvalidInputException")]
    got = glue.batch_get_partition(**where, PartitionsToGet=[{"Values": ["2027", "b"]},
                                                             {"Values": ["9", "b"]}])
    assert [one["Values"] for one in got["Partitions"]] == [["2027", "b"]]
    assert got["UnprocessedKeys"] == [{"Values": ["9", "b"]}]
    glue.update_partition(**where, PartitionValueList=["2027", "b"],
                          PartitionInput=partition([2028, "c"], "s3://lake/new/"))
    assert code_of(glue.get_partition, **where, PartitionValues=["2027", "b"]) == "EntityNotFoundException"
    errors = glue.batch_update_partition(**where, Entries=[
        {"PartitionValueList": ["2028", "c"], "PartitionInput": partition([2028, "c"], "s3://x/")},
        {"PartitionValueList": ["1", "c"], "PartitionInput": partition([1, "c"])}])["Errors"]
    assert [one["PartitionValueList"] for one in errors] == [["1", "c"]]
    told = glue.get_partition(**where, PartitionValues=["2028", "c"])["Partition"]
    assert told["StorageDescriptor"]["Location"] == "s3://x/"
    errors = glue.batch_delete_partition(**where, PartitionsToDelete=[
        {"Values": ["2028", "c"]}, {"Values": ["2028", "d"]}])["Errors"]
    assert [one["PartitionValues"] for one in errors] == [["2028", "d"]]
    glue.delete_partition(**where, PartitionValues=["2026", "a/b c"])
    assert glue.get_partitions(**where)["Partitions"] == []
    assert code_of(glue.delete_partition, **where,
                   PartitionValues=["2026", "a/b c"]) == "EntityNotFoundException"


@pytest.fixture(scope="module")
def days(glue):
    """A table of 2 years x 12 months x 5 kinds."""
    name = unique()
    glue.create_database(DatabaseInput={"Name": name})
    where = {"DatabaseName": name, "TableName": "days"}
    glue.create_table(DatabaseName=name, TableInput=table_input(
        "days", [("year", "int"), ("month", "string"), ("kind", "string")]))
    rows = [(year, f"{month:02}", kind) for year in (2025, 2026) for month in range(1, 13)
            for kind in ("H", "L", "M", "it's", "__HIVE_DEFAULT_PARTITION__")]
    for i in range(0, len(rows), 100):
        told = glue.batch_create_partition(**where, PartitionInputList=[
            partition(row) for row in rows[i:i + 100]])
        assert told["Errors"] == []
    yield where, rows
    glue.delete_database(Name=name)


def null(kind):
    return kind.startswith("__")


@pytest.mark.parametrize("expression, holds", [
    ("year = 2026", lambda y, m, k: y == 2026),
    ("year = '2026' AND month = '03'", lambda y, m, k: y == 2026 and m == "03"),
    ("year=2025 and month between '03' and '05' and kind='L'",
     lambda y, m, k: y == 2025 and "03" <= m <= "05" and k == "L"),
    ("year > 2025 OR kind = 'H'", lambda y, m, k: y > 2025 or k == "H"),
    ("kind in ('H', 'it''s')", lambda y, m, k: k in ("H", "it's")),
    ("kind not in ('H')", lambda y, m, k: k != "H" and not null(k)),
    ("kind is null", lambda y, m, k: null(k)),
    ("kind IS NOT NULL and not (month < '12')", lambda y, m, k: not null(k) and m == "12"),
    ("month like '0%' and kind <> 'H'", lambda y, m, k: m[0] == "0" and k != "H" and not null(k)),
    ("(((2026 = \"year\")))", lambda y, m, k: y == 2026),
    ("`kind` != 'M'", lambda y, m, k: k != "M" and not null(k)),
    ("month >= '11' and year < 3000", lambda y, m, k: m >= "11"),
])
def test_partitions_are_filtered(glue, days, expression, holds):
    where, rows = days
    wanted = sorted([str(one) for one in row] for row in rows if holds(*row))
    for size in (7, 1000):
        told = pages(glue, "get_partitions", "Partitions", **where, Expression=expression,
                     PaginationConfig={"PageSize": size})
        assert sorted(one["Values"] for one in told) == wanted


def test_segments_are_parts_of_a_table(glue, days):
    where, rows = days
    told = [pages(glue, "get_partitions", "Partitions", **where, ExcludeColumnSchema=True,
                  Segment={"SegmentNumber": i, "TotalSegments": 4}) for i in range(4)]
    assert sorted(one["Values"] for part in told for one in part) == sorted(
        [str(one) for one in row] for row in rows)
    assert all(told) and "Columns" not in told[0][0]["StorageDescriptor"]
    assert told[0][0]["StorageDescriptor"]["Parameters"]
    assert code_of(glue.get_partitions, **where,
                   Segment={"SegmentNumber": 4, "TotalSegments": 4}) == "InvalidInputException"


@pytest.mark.parametrize("expression", ["colour = 'x'", "year =", "year = 'x", "year", "a(year) = 1"])
def test_wrong_expressions_are_refused(glue, days, expression):
    assert code_of(glue.get_partitions, **days[0], Expression=expression) == "InvalidInputException"


# ---- what is recorded ----

def test_indexes_and_statistics_are_recorded(glue, database):
    where = {"DatabaseName": database, "TableName": "t"}
    glue.create_table(DatabaseName=database, TableInput=table_input("t", [("day", "string")]),
                      PartitionIndexes=[{"IndexName": "one", "Keys": ["day"]}])
    glue.create_partition(**where, PartitionInput=partition(["1"]))
    glue.create_partition_index(**where, PartitionIndex={"IndexName": "two", "Keys": ["day"]})
    told = glue.get_partition_indexes(**where)["PartitionIndexDescriptorList"]
    assert [(one["IndexName"], one["Keys"], one["IndexStatus"]) for one in told] == [
        (name, [{"Name": "day", "Type": "string"}], "ACTIVE") for name in ("one", "two")]
    assert code_of(glue.create_partition_index, **where, PartitionIndex={
        "IndexName": "three", "Keys": ["a"]}) == "InvalidInputException"
    glue.delete_partition_index(**where, IndexName="one")
    assert code_of(glue.delete_partition_index, **where, IndexName="one") == "EntityNotFoundException"
    column = {"ColumnName": "a", "ColumnType": "bigint", "AnalyzedTime": 1_700_000_000,
              "StatisticsData": {"Type": "LONG", "LongColumnStatisticsData": {
                  "MinimumValue": 1, "MaximumValue": 9, "NumberOfNulls": 0,
                  "NumberOfDistinctValues": 5}}}
    glue.update_column_statistics_for_table(**where, ColumnStatisticsList=[column])
    got = glue.get_column_statistics_for_table(**where, ColumnNames=["a", "b"])
    assert got["ColumnStatisticsList"][0]["StatisticsData"] == column["StatisticsData"]
    assert got["Errors"][0]["ColumnName"] == "b"
    part = {**where, "PartitionValues": ["1"]}
    got = glue.get_column_statistics_for_partition(**part, ColumnNames=["a"])
    assert got["ColumnStatisticsList"] == []
    glue.update_column_statistics_for_partition(**part, ColumnStatisticsList=[column])
    glue.delete_column_statistics_for_partition(**part, ColumnName="a")
    assert code_of(glue.delete_column_statistics_for_partition, **part,
                   ColumnName="a") == "EntityNotFoundException"
    glue.delete_column_statistics_for_table(**where, ColumnName="a")


def test_functions_and_connections_are_recorded(glue, database):
    glue.create_user_defined_function(DatabaseName=database, FunctionInput={
        "FunctionName": "Up", "ClassName": "a.b.Up", "OwnerType": "USER",
        "ResourceUris": [{"ResourceType": "JAR", "Uri": "s3://lake/up.jar"}]})
    told = glue.get_user_defined_function(DatabaseName=database, FunctionName="up")
    assert told["UserDefinedFunction"]["ClassName"] == "a.b.Up"
    glue.update_user_defined_function(DatabaseName=database, FunctionName="up",
                                      FunctionInput={"FunctionName": "up", "ClassName": "c"})
    listed = glue.get_user_defined_functions(DatabaseName=database, Pattern="*")
    assert [one["ClassName"] for one in listed["UserDefinedFunctions"]] == ["c"]
    glue.delete_user_defined_function(DatabaseName=database, FunctionName="up")
    assert code_of(glue.get_user_defined_function, DatabaseName=database,
                   FunctionName="up") == "EntityNotFoundException"

    name = unique("connection")
    given = {"Name": name, "ConnectionType": "JDBC", "MatchCriteria": ["x"], "ConnectionProperties": {
        "JDBC_CONNECTION_URL": "jdbc:postgresql://h/db", "USERNAME": "u", "PASSWORD": "p"}}
    glue.create_connection(ConnectionInput=given, Tags={"a": "b"})
    told = glue.get_connection(Name=name)["Connection"]
    assert {key: told[key] for key in given} == given
    told = glue.get_connection(Name=name, HidePassword=True)["Connection"]
    assert "PASSWORD" not in told["ConnectionProperties"]
    assert code_of(glue.create_connection, ConnectionInput=given) == "AlreadyExistsException"
    glue.update_connection(Name=name, ConnectionInput={**given, "Description": "d"})
    listed = glue.get_connections(Filter={"ConnectionType": "JDBC"})["ConnectionList"]
    assert [one["Description"] for one in listed if one["Name"] == name] == ["d"]
    assert glue.batch_delete_connection(ConnectionNameList=[name, "none"])["Succeeded"] == [name]
    assert code_of(glue.get_connection, Name=name) == "EntityNotFoundException"
    assert glue.get_catalog_import_status()["ImportStatus"]["ImportCompleted"]


# ---- killed ----

class Client(threading.Thread):
    """Changes a table of its own until the server goes. `kept` is what was acknowledged, {value:
    location} or None for no table; `next` what the call under way makes of it."""

    def __init__(self, server, database, name, seed, kept=None):
        super().__init__(daemon=True)
        self.glue = server.client("glue", config=Config(retries={"total_max_attempts": 1}))
        self.where = {"DatabaseName": database, "TableName": name}
        self.chance, self.kept, self.next, self.refusal = random.Random(seed), kept, kept, None

    def run(self):
        try:
            while True:
                call = self.choose()
                call()
                self.kept = self.next
        except botocore.exceptions.ClientError as error:
            self.refusal = error
        except (botocore.exceptions.BotoCoreError, OSError):
            pass

    def choose(self):
        name, database = self.where["TableName"], self.where["DatabaseName"]
        values = {str(self.chance.randrange(50)) for _ in range(8)}
        location = f"s3://lake/{self.chance.random()}/"
        if self.kept is None:
            self.next = {}
            return lambda: self.glue.create_table(
                DatabaseName=database, TableInput=table_input(name, [("k", "int")]))
        if self.chance.random() < 0.1:
            self.next = None
            return lambda: self.glue.delete_table(DatabaseName=database, Name=name)
        if self.chance.random() < 0.3:
            self.next = {key: self.kept[key] for key in self.kept.keys() - values}
            return lambda: self.glue.batch_delete_partition(**self.where, PartitionsToDelete=[
                {"Values": [value]} for value in values])
        self.next = {**dict.fromkeys(values, location), **self.kept}
        return lambda: self.glue.batch_create_partition(**self.where, PartitionInputList=[
            partition([value], location) for value in values])

    def told(self):
        try:
            return {one["Values"][0]: one["StorageDescriptor"]["Location"]
                    for one in pages(self.glue, "get_partitions", "Partitions", **self.where)}
        except self.glue.exceptions.EntityNotFoundException:
            return None


@pytest.mark.parametrize("seed", range(2))
def test_kill_9_leaves_each_change_whole_or_undone(server_factory, seed):
    server = server_factory()
    server.client("glue").create_database(DatabaseInput={"Name": "kept"})
    kept = dict.fromkeys(["a", "b", "c", "d"])
    chance = random.Random(seed)
    for life in range(4):
        clients = [Client(server, "kept", name, f"{seed} {life} {name}", kept[name]) for name in kept]
        for client in clients:
            client.start()
        time.sleep(chance.random() * 0.6)
        server.kill()
        for client in clients:
            client.join()
        server.start()
        for client in clients:
            assert client.refusal is None
            kept[client.where["TableName"]] = told = client.told()
            assert told in (client.kept, client.next)
