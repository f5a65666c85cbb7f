"""Athena by boto3: workgroups, kept queries, definitions, and what executions tell."""

import time

import botocore.exceptions
import pytest

from sagemaker_jobs import unique

TEXT = "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"


def refused(call, code, match, **request):
    with pytest.raises(botocore.exceptions.ClientError, match=match) as caught:
        call(**request)
    assert caught.value.response["Error"]["Code"] == code


@pytest.fixture(scope="module")
def bucket(server):
    name = unique("athena")
    server.client("s3").create_bucket(Bucket=name)
    return name


class Asker:
    def __init__(self, server, bucket):
        self.athena, self.s3 = server.client("athena"), server.client("s3")
        self.output = f"s3://{bucket}/results/"

    def execute(self, sql, database="default", **more):
        started = self.athena.start_query_execution(
            QueryString=sql, QueryExecutionContext={"Database": database},
            ResultConfiguration={"OutputLocation": self.output}, **more)["QueryExecutionId"]
        return self.wait(started)

    def wait(self, started):
        while True:
            told = self.athena.get_query_execution(QueryExecutionId=started)["QueryExecution"]
            if told["Status"]["State"] not in ("QUEUED", "RUNNING"):
                return told
            time.sleep(0.005)

    def succeed(self, sql, database="default", **more):
        told = self.execute(sql, database, **more)
        assert told["Status"]["State"] == "SUCCEEDED", told["Status"]
        return told

    def fail(self, sql, database="default"):
        told = self.execute(sql, database)
        assert told["Status"]["State"] == "FAILED", told["Status"]
        assert told["Status"]["AthenaError"]["ErrorMessage"] == told["Status"]["StateChangeReason"]
        return told["Status"]["StateChangeReason"]

    def rows(self, told):
        pages = self.athena.get_paginator("get_query_results").paginate(
            QueryExecutionId=told["QueryExecutionId"])
        return [[value.get("VarCharValue") for value in row["Data"]]
                for page in pages for row in page["ResultSet"]["Rows"]]

    def lines(self, sql, database="default"):
        told = self.succeed(sql, database)
        assert told["ResultConfiguration"]["OutputLocation"] == (
            f"{self.output}{told['QueryExecutionId']}.txt")
        return [value.rstrip() for value, in self.rows(told)]


@pytest.fixture(scope="module")
def asker(server, bucket):
    return Asker(server, bucket)


@pytest.fixture
def database(asker):
    name = unique("db").replace("-", "_")
    told = asker.succeed(f"CREATE DATABASE IF NOT EXISTS {name} COMMENT 'of a test'")
    assert (told["StatementType"], told["SubstatementType"]) == ("DDL", "CREATE_DATABASE")
    yield name
    asker.succeed(f"DROP DATABASE IF EXISTS {name} CASCADE")


def test_a_table_by_its_definition(server, asker, bucket, database):
    glue = server.client("glue")
    place = f"s3://{bucket}/{database}/"
    define = (f"CREATE EXTERNAL TABLE {database}.T (`Id` bigint COMMENT 'it', v decimal(10, 2)) "
              "PARTITIONED BY (day string) ROW FORMAT DELIMITED FIELDS TERMINATED BY ',' "
              f"LOCATION '{place}' TBLPROPERTIES ('skip.header.line.count'='1')")
    told = asker.succeed(define)
    assert told["StatementType"] == "DDL"
    assert asker.rows(told) == []
    table = glue.get_table(DatabaseName=database, Name="t")["Table"]
    assert table["StorageDescriptor"]["Columns"] == [
        {"Name": "id", "Type": "bigint", "Comment": "it"}, {"Name": "v", "Type": "decimal(10,2)"}]
    assert table["StorageDescriptor"]["SerdeInfo"]["SerializationLibrary"] == TEXT
    assert table["PartitionKeys"] == [{"Name": "day", "Type": "string"}]
    assert table["Parameters"]["skip.header.line.count"] == "1"
    assert "Table exists" in asker.fail(define)
    asker.succeed(define.replace("TABLE", "TABLE IF NOT EXISTS"))
    assert asker.lines("SHOW TABLES", database) == ["t"]
    assert asker.lines(f"SHOW TABLES IN {database} 'x*'") == []
    assert asker.lines(f"SHOW COLUMNS IN {database}.t") == ["id", "v", "day"]
    described = asker.lines("DESCRIBE t", database)
    assert described[0].split("\t")[:2] == ["id".ljust(20), "bigint".ljust(20)]
    assert described[0].endswith("it")
    assert "# Partition Information" in described[4]
    shown = asker.lines("SHOW CREATE TABLE t", database)
    assert shown[0] == "CREATE EXTERNAL TABLE `t`("
    assert asker.lines(f"SHOW CREATE TABLE {database}.t")[0] == (
        f"CREATE EXTERNAL TABLE `{database}.t`(")
    again = "\n".join(shown).replace("`t`", f"`{database}`.`u`")
    asker.succeed(again)
    other = glue.get_table(DatabaseName=database, Name="u")["Table"]
    for member in ("StorageDescriptor", "PartitionKeys", "Parameters"):
        assert other[member] == table[member]
    assert "not empty" in asker.fail(f"DROP DATABASE {database}")
    asker.succeed("DROP TABLE t", database)
    assert "Table not found" in asker.fail("DROP TABLE t", database)
    asker.succeed("DROP TABLE IF EXISTS t", database)


def test_partitions_by_definition_and_by_repair(server, asker, bucket, database):
    glue, s3 = server.client("glue"), server.client("s3")
    place = f"s3://{bucket}/{database}-parts"
    asker.succeed(f"CREATE EXTERNAL TABLE t (a int) PARTITIONED BY (y int, m string) LOCATION "
                  f"'{place}/'", database)
    asker.succeed("ALTER TABLE t ADD PARTITION (y=2008, m='01')", database)
    assert "already exists" in asker.fail("ALTER TABLE t ADD PARTITION (m='01', y=2008)", database)
    asker.succeed("ALTER TABLE t ADD IF NOT EXISTS PARTITION (y=2008, m='01') "
                  f"PARTITION (y=2008, m='02') LOCATION 's3://{bucket}/elsewhere/'", database)
    assert asker.lines("SHOW PARTITIONS t", database) == ["y=2008/m=01", "y=2008/m=02"]
    assert "keys" in asker.fail("ALTER TABLE t ADD PARTITION (y=1)", database)
    for key in ("y=2009/m=a%2Fb/f.csv", "y=2009/m=c/f.csv", "y=2008/m=01/f.csv", "other/f.csv",
                "y=2010/f.csv"):
        s3.put_object(Bucket=bucket, Key=f"{database}-parts/{key}", Body=b"1\n")
    told = asker.succeed("MSCK REPAIR TABLE t", database)
    body = s3.get_object(Bucket=bucket, Key=f"results/{told['QueryExecutionId']}.txt")["Body"].read()
    assert b"Added partition to metastore t:y=2009/m=a%2Fb" in body
    assert asker.lines("SHOW PARTITIONS t", database) == [
        "y=2008/m=01", "y=2008/m=02", "y=2009/m=a%2Fb", "y=2009/m=c"]
    found = glue.get_partition(DatabaseName=database, TableName="t", PartitionValues=["2009", "a/b"])
    assert found["Partition"]["StorageDescriptor"]["Location"] == f"{place}/y=2009/m=a%2Fb/"
    asker.succeed("ALTER TABLE t DROP PARTITION (y=2009)", database)
    assert "Partition not found" in asker.fail("ALTER TABLE t DROP PARTITION (y=2009)", database)
    asker.succeed("ALTER TABLE t PARTITION (y=2008, m='02') RENAME TO PARTITION (y=2008, m='03')",
                  database)
    asker.succeed(f"ALTER TABLE t PARTITION (y=2008, m='03') SET LOCATION 's3://{bucket}/moved/'",
                  database)
    assert asker.lines("SHOW PARTITIONS t", database) == ["y=2008/m=01", "y=2008/m=03"]
    found = glue.get_partition(DatabaseName=database, TableName="t", PartitionValues=["2008", "03"])
    assert found["Partition"]["StorageDescriptor"]["Location"] == f"s3://{bucket}/moved/"


def test_changes_of_a_table(server, asker, bucket, database):
    glue = server.client("glue")
    asker.succeed(f"CREATE EXTERNAL TABLE t (a int) LOCATION 's3://{bucket}/t/'", database)
    asker.succeed("ALTER TABLE t ADD COLUMNS (b struct<x:int,y:string>)", database)
    assert "Duplicate column name: a" in asker.fail("ALTER TABLE t ADD COLUMNS (a int)", database)
    asker.succeed("ALTER TABLE t SET TBLPROPERTIES ('owner'='me')", database)
    asker.succeed(f"ALTER TABLE t SET LOCATION 's3://{bucket}/u/'", database)
    table = glue.get_table(DatabaseName=database, Name="t")["Table"]
    assert [column["Type"] for column in table["StorageDescriptor"]["Columns"]] == [
        "int", "struct<x:int,y:string>"]
    assert table["StorageDescriptor"]["Location"] == f"s3://{bucket}/u/"
    assert table["Parameters"]["owner"] == "me"
    assert asker.lines("SHOW TBLPROPERTIES t('owner')", database) == ["me"]
    asker.succeed("ALTER TABLE t REPLACE COLUMNS (c date)", database)
    athena = server.client("athena")
    told = athena.get_table_metadata(CatalogName="AwsDataCatalog", DatabaseName=database,
                                     TableName="t")["TableMetadata"]
    assert told["Columns"] == [{"Name": "c", "Type": "date"}]
    assert told["Parameters"]["location"] == f"s3://{bucket}/u/"
    refused(athena.get_table_metadata, "MetadataException", "nothere", CatalogName="AwsDataCatalog",
            DatabaseName=database, TableName="nothere")
    assert database in [each["Name"] for page in athena.get_paginator("list_databases").paginate(
        CatalogName="AwsDataCatalog") for each in page["DatabaseList"]]


def test_what_is_wrong_fails_with_a_reason(asker, bucket, database):
    assert asker.fail("DROP TABL t").startswith("FAILED: ParseException line 1:0")
    assert "Database does not exist: nowhere" in asker.fail("SHOW TABLES IN nowhere")
    assert "Database does not exist" in asker.fail(
        f"CREATE EXTERNAL TABLE nowhere.t (a int) LOCATION 's3://{bucket}/x/'")
    assert "ORC" in asker.fail(
        f"CREATE EXTERNAL TABLE t (a int) STORED AS ORC LOCATION 's3://{bucket}/x/'", database)
    athena = asker.athena
    refused(athena.start_query_execution, "InvalidRequestException", "No output location",
            QueryString="SELECT 1")
    refused(athena.start_query_execution, "InvalidRequestException", "output bucket",
            QueryString="SELECT 1", ResultConfiguration={"OutputLocation": "s3://no-such-bucket/"})
    refused(athena.start_query_execution, "InvalidRequestException", "WorkGroup none",
            QueryString="SELECT 1", WorkGroup="none")
    refused(athena.get_query_execution, "InvalidRequestException", "was not found",
            QueryExecutionId="0" * 36)
    told = asker.execute("DROP TABL t")
    refused(athena.get_query_results, "InvalidRequestException", "Final query state: FAILED",
            QueryExecutionId=told["QueryExecutionId"])


def test_executions_are_told(server, asker):
    athena = server.client("athena")
    group = unique("group")
    athena.create_work_group(Name=group)
    token = unique("t" * 32)
    started = [athena.start_query_execution(
        QueryString="SHOW DATABASES", WorkGroup=group, ClientRequestToken=token,
        ResultConfiguration={"OutputLocation": asker.output})["QueryExecutionId"] for _ in range(2)]
    assert started[0] == started[1]
    told = asker.wait(started[0])
    assert told["WorkGroup"] == group and told["Status"]["CompletionDateTime"]
    assert "default" in [value for value, in asker.rows(told)]
    other = athena.start_query_execution(
        QueryString="SHOW DATABASES", WorkGroup=group,
        ResultConfiguration={"OutputLocation": asker.output})["QueryExecutionId"]
    asker.wait(other)
    assert athena.list_query_executions(WorkGroup=group)["QueryExecutionIds"] == [other, started[0]]
    first = athena.list_query_executions(WorkGroup=group, MaxResults=1)
    assert first["QueryExecutionIds"] == [other]
    rest = athena.list_query_executions(WorkGroup=group, NextToken=first["NextToken"])
    assert rest["QueryExecutionIds"] == [started[0]]
    batch = athena.batch_get_query_execution(QueryExecutionIds=[other, "1" * 36])
    assert [each["QueryExecutionId"] for each in batch["QueryExecutions"]] == [other]
    assert batch["UnprocessedQueryExecutionIds"][0]["QueryExecutionId"] == "1" * 36
    athena.stop_query_execution(QueryExecutionId=other)
    assert asker.wait(other)["Status"]["State"] == "SUCCEEDED"
    refused(athena.delete_work_group, "InvalidRequestException", "not empty", WorkGroup=group)
    athena.delete_work_group(WorkGroup=group, RecursiveDeleteOption=True)
    refused(athena.get_query_execution, "InvalidRequestException", "not found",
            QueryExecutionId=other)


def test_workgroups(server, bucket):
    athena = server.client("athena")
    primary = athena.get_work_group(WorkGroup="primary")["WorkGroup"]
    assert primary["Configuration"]["EnforceWorkGroupConfiguration"] is False
    assert "OutputLocation" not in primary["Configuration"]["ResultConfiguration"]
    name = unique("group")
    place = f"s3://{bucket}/groups/"
    athena.create_work_group(Name=name, Description="d", Tags=[{"Key": "a", "Value": "b"}],
                             Configuration={"ResultConfiguration": {"OutputLocation": place}})
    refused(athena.create_work_group, "InvalidRequestException", "already created", Name=name)
    started = athena.start_query_execution(
        QueryString="SHOW DATABASES", WorkGroup=name,
        ResultConfiguration={"OutputLocation": f"s3://{bucket}/mine/"})["QueryExecutionId"]
    told = Asker(server, bucket).wait(started)
    assert told["ResultConfiguration"]["OutputLocation"] == f"{place}{started}.txt"
    athena.update_work_group(WorkGroup=name, State="DISABLED", ConfigurationUpdates={
        "ResultConfigurationUpdates": {"RemoveOutputLocation": True},
        "EnforceWorkGroupConfiguration": False, "BytesScannedCutoffPerQuery": 10000000})
    group = athena.get_work_group(WorkGroup=name)["WorkGroup"]
    assert group["State"] == "DISABLED" and group["Description"] == "d"
    assert group["Configuration"]["ResultConfiguration"] == {}
    assert group["Configuration"]["BytesScannedCutoffPerQuery"] == 10000000
    refused(athena.start_query_execution, "InvalidRequestException", "disabled",
            QueryString="SHOW DATABASES", WorkGroup=name)
    names = [each["Name"] for page in [athena.list_work_groups()] for each in page["WorkGroups"]]
    assert {"primary", name} <= set(names)
    refused(athena.delete_work_group, "InvalidRequestException", "primary", WorkGroup="primary")
    arn = f"arn:aws:athena:us-east-1:{server.account}:workgroup/{name}" if hasattr(
        server, "account") else None
    if arn:
        assert athena.list_tags_for_resource(ResourceARN=arn)["Tags"] == [{"Key": "a", "Value": "b"}]
    athena.delete_work_group(WorkGroup=name, RecursiveDeleteOption=True)


def test_kept_queries(server):
    athena = server.client("athena")
    group = unique("group")
    athena.create_work_group(Name=group)
    made = athena.create_named_query(Name="n", Database="d", QueryString="SELECT 1",
                                     WorkGroup=group)["NamedQueryId"]
    athena.update_named_query(NamedQueryId=made, Name="m", QueryString="SELECT 2")
    assert athena.get_named_query(NamedQueryId=made)["NamedQuery"] == {
        "Name": "m", "Database": "d", "QueryString": "SELECT 2", "NamedQueryId": made,
        "WorkGroup": group}
    assert athena.list_named_queries(WorkGroup=group)["NamedQueryIds"] == [made]
    athena.delete_named_query(NamedQueryId=made)
    refused(athena.get_named_query, "InvalidRequestException", "not found", NamedQueryId=made)
    athena.create_prepared_statement(StatementName="ps", WorkGroup=group, QueryStatement="SELECT ?")
    refused(athena.create_prepared_statement, "InvalidRequestException", "already created",
            StatementName="ps", WorkGroup=group, QueryStatement="SELECT ?")
    athena.update_prepared_statement(StatementName="ps", WorkGroup=group, QueryStatement="SELECT ?+1")
    told = athena.get_prepared_statement(StatementName="ps", WorkGroup=group)["PreparedStatement"]
    assert told["QueryStatement"] == "SELECT ?+1" and told["WorkGroupName"] == group
    assert [each["StatementName"] for each in athena.list_prepared_statements(
        WorkGroup=group)["PreparedStatements"]] == ["ps"]
    batch = athena.batch_get_prepared_statement(PreparedStatementNames=["ps", "qs"], WorkGroup=group)
    assert len(batch["PreparedStatements"]) == len(batch["UnprocessedPreparedStatementNames"]) == 1
    athena.delete_prepared_statement(StatementName="ps", WorkGroup=group)
    refused(athena.get_prepared_statement, "ResourceNotFoundException", "not found",
            StatementName="ps", WorkGroup=group)
    athena.delete_work_group(WorkGroup=group)


def test_data_catalogs(server):
    athena = server.client("athena")
    own = athena.get_data_catalog(Name="AwsDataCatalog")["DataCatalog"]
    assert own["Type"] == "GLUE"
    name, account = unique("c").replace("-", "_"), own["Parameters"]["catalog-id"]
    refused(athena.create_data_catalog, "InvalidRequestException", "catalog-id", Name=name,
            Type="GLUE")
    athena.create_data_catalog(Name=name, Type="GLUE", Parameters={"catalog-id": account})
    assert [each["CatalogName"] for each in athena.list_data_catalogs()["DataCatalogsSummary"]] == [
        "AwsDataCatalog", name]
    athena.delete_data_catalog(Name=name)
    refused(athena.get_data_catalog, "InvalidRequestException", "not found", Name=name)


def test_a_crash_fails_what_was_on_its_way(server_factory):
    server = server_factory()
    server.client("s3").create_bucket(Bucket="results")
    athena = server.client("athena")
    started = [athena.start_query_execution(
        QueryString="SHOW DATABASES", ResultConfiguration={"OutputLocation": "s3://results/"})
        ["QueryExecutionId"] for _ in range(20)]
    server.kill()
    server.start()
    told = athena.batch_get_query_execution(QueryExecutionIds=started)["QueryExecutions"]
    assert len(told) == 20
    for each in told:
        assert each["Status"]["State"] in ("SUCCEEDED", "FAILED")
        if each["Status"]["State"] == "SUCCEEDED":
            assert athena.get_query_results(QueryExecutionId=each["QueryExecutionId"])
        else:
            assert "server ended" in each["Status"]["StateChangeReason"]


def test_columns_are_changed_one_by_one(server, asker, bucket, database):
    glue = server.client("glue")
    asker.succeed(f"CREATE EXTERNAL TABLE t (a int, b string COMMENT 'b', c date) PARTITIONED BY "
                  f"(p int) LOCATION 's3://{bucket}/t/'", database)
    asker.succeed("ALTER TABLE t ADD PARTITION (p=1)", database)

    def columns():
        told = glue.get_table(DatabaseName=database, Name="t")["Table"]["StorageDescriptor"]
        return [(each["Name"], each["Type"]) for each in told["Columns"]]

    for change, expected in (
            ("COLUMN a id bigint COMMENT 'x' AFTER b", [("b", "string"), ("id", "bigint"),
                                                        ("c", "date")]),
            ("c c timestamp FIRST", [("c", "timestamp"), ("b", "string"), ("id", "bigint")]),
            ("b b varchar(5)", [("c", "timestamp"), ("b", "varchar(5)"), ("id", "bigint")])):
        asker.succeed(f"ALTER TABLE t CHANGE {change}", database)
        assert columns() == expected
    asker.succeed("ALTER TABLE t PARTITION (p=1) ADD COLUMNS (n int)", database)
    told = glue.get_partition(DatabaseName=database, TableName="t", PartitionValues=["1"])
    assert [each["Name"] for each in told["Partition"]["StorageDescriptor"]["Columns"]] == [
        "a", "b", "c", "n"]
    assert len(columns()) == 3
    for wrong, words in (("none x int", "Invalid column reference none"),
                         ("b p int", "Duplicate column name: p"),
                         ("b c int", "Duplicate column name: c"),
                         ("b x int AFTER none", "Invalid column reference none"),
                         ("p p int", "Invalid column reference p")):
        assert words in asker.fail(f"ALTER TABLE t CHANGE {wrong}", database)
