"""SQL over lines that Grok patterns and regular expressions tell: tables of crawlers, with built-in
and custom classifiers, and made by hand, as AWS's documentation has them."""

import pytest

from e2e.test_athena import Asker
from e2e.test_crawlers import Lake, unique

GROK = "com.amazonaws.glue.serde.GrokSerDe"
LOG = ['10.0.0.1 - bob [10/Oct/2000:13:55:36 -0700] "GET /a.gif HTTP/1.0" 200 2326',
       'host.example - - [10/Oct/2000:13:55:37 -0700] "POST /b HTTP/1.1" 404 -']


@pytest.fixture(scope="module")
def lake(server):
    return Lake(server)


@pytest.fixture(scope="module")
def asker(server, lake):
    return Asker(server, lake.bucket)


def rows(lake, asker, sql):
    return asker.rows(asker.succeed(sql, lake.database))[1:]


def made(lake, asker, name, columns, serde, **properties):
    told = ", ".join(f"'{key.replace('__', '.')}' = '{value}'"
                     for key, value in properties.items())
    asker.succeed(f"CREATE EXTERNAL TABLE {name} ({columns}) ROW FORMAT SERDE '{serde}' WITH "
                  f"SERDEPROPERTIES ({told}) STORED AS INPUTFORMAT "
                  "'org.apache.hadoop.mapred.TextInputFormat' OUTPUTFORMAT "
                  "'org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat' "
                  f"LOCATION 's3://{lake.bucket}/{name}/'", lake.database)


def test_a_crawled_log_of_apaches(lake, asker):
    lake.put("web/d=1/1.log", "\n".join(LOG * 3) + "\n")
    lake.crawl(lake.crawler("web/"))
    serde = lake.tables()["web"]["StorageDescriptor"]["SerdeInfo"]
    assert serde["SerializationLibrary"] == GROK and set(serde["Parameters"]) == {"input.format"}
    assert rows(lake, asker, "SELECT DISTINCT clientip, auth, verb, request, httpversion, response,"
                             " bytes, d FROM web ORDER BY response") == [
        ["10.0.0.1", "bob", "GET", "/a.gif", "1.0", "200", "2326", "1"],
        ["host.example", "-", "POST", "/b", "1.1", "404", None, "1"]]


def test_a_crawled_table_of_a_custom_classifier(lake, asker):
    name = unique("grok")
    lake.glue.create_classifier(GrokClassifier={
        "Name": name, "Classification": "machine",
        "GrokPattern": "%{MACHINE:machine} (?<mode>[ab]) %{NUMBER:heat:double} %{WORD:state}",
        "CustomPatterns": "MACHINE M([0-9]+)"})
    lake.put("m/1.log", "M1 a 20.5 up\nM22 b 21 down\nnoise\nM3 a 1 up\nM4 a 2 up\nM5 b 3 up\n")
    lake.crawl(lake.crawler("m/", Classifiers=[name]))
    assert lake.columns("m") == {"machine": "string", "mode": "string", "heat": "double",
                                 "state": "string"}
    assert rows(lake, asker, "SELECT * FROM m")[:3] == [
        ["M1", "a", "20.5", "up"], ["M22", "b", "21.0", "down"], [None] * 4]


def test_a_table_by_hand_whose_columns_are_patterns_too(lake, asker):
    """As Athena's documentation reads the logs of a mail server."""
    lake.put("mail/1.log", "Feb  9 07:15:00 m4eastmail postfix/cleanup[14822]: 7B7E7DD2: message-id=<a>\n"
                           "Feb 10 07:15:01 m4eastmail postfix/smtp: 8B7E7DD2: to=<b>\nother\n")
    made(lake, asker, "mail", "syslogbase string, queue_id string, syslog_message string, pid int",
         GROK, input__format="%{SYSLOGBASE} %{POSTFIX_QUEUEID:queue_id}: %{GREEDYDATA:syslog_message}",
         input__grokCustomPatterns="POSTFIX_QUEUEID [0-9A-F]{7,12}")
    assert rows(lake, asker, "SELECT * FROM mail") == [
        ["Feb  9 07:15:00 m4eastmail postfix/cleanup[14822]:", "7B7E7DD2", "message-id=<a>",
         "14822"],
        ["Feb 10 07:15:01 m4eastmail postfix/smtp:", "8B7E7DD2", "to=<b>", None], [None] * 4]


def test_a_name_in_several_branches(lake, asker):
    lake.put("branches/1.log", "in 5\nout six\n")
    made(lake, asker, "branches", "what string, n int", GROK,
         input__format="in %{INT:n}|out %{WORD:WHAT}|both %{WORD:what} %{INT:n}")
    lake.put("branches/2.log", "both seven 7\n")
    assert rows(lake, asker, "SELECT * FROM branches ORDER BY n") == [
        [None, "5"], ["seven", "7"], ["six", None]]


def test_regular_expressions(lake, asker):
    lake.put("regex/1.log", "10 GET /a\nnothing\n20 PUT /b\nx GET /c\n")
    made(lake, asker, "regex", "n int, verb string",
         "org.apache.hadoop.hive.serde2.RegexSerDe", input__regex=r"(\\w+) (get|put) .*",
         input__regex__case__insensitive="true")
    assert rows(lake, asker, "SELECT * FROM regex") == [
        ["10", "GET"], [None, None], ["20", "PUT"], [None, "GET"]]


def test_patterns_that_are_none(lake, asker):
    for name, serde, properties, words in (
            ("none", GROK, {"a": "b"}, "no SerDe property input.format"),
            ("unknown", GROK, {"input__format": "%{NO:a}"}, "there is no pattern NO:a"),
            ("endless", GROK, {"input__format": "%{A:a}", "input__grokCustomPatterns": "A %{A}"},
             "refer to each other without end"),
            ("regexless", "org.apache.hadoop.hive.serde2.RegexSerDe", {"a": "b"},
             "no SerDe property input.regex")):
        lake.put(f"{name}/1.log", "a\n")
        made(lake, asker, name, "a string", serde, **properties)
        told = asker.fail(f"SELECT * FROM {name}", lake.database)
        assert told.startswith("HIVE_INVALID_METADATA") and words in told
