"""Crawls: a thousand objects of a megabyte, the first time and again."""

import time

from harness import Row, rows

OBJECTS = 1000
SIZE = 1 << 20
FOLDERS = 10
FIRST_GOAL_S = 2.0  # for these many objects
AGAIN_PART = 0.1


def rows_of(number):
    """A CSV object of a header and some 20,000 records."""
    lines, size, i = ["id,kind,heat,load,words\n"], 0, 0
    while size < SIZE:
        line = f"{number * 100000 + i},{'LMH'[i % 3]},{290 + i % 97 / 10},{i * 7 % 1000},part {i % 13}\n"
        lines.append(line)
        size += len(line)
        i += 1
    return "".join(lines).encode()


def crawl(glue, name):
    """Seconds from StartCrawler to READY, by the crawl's own times."""
    glue.start_crawler(Name=name)
    while glue.get_crawler(Name=name)["Crawler"]["State"] != "READY":
        time.sleep(0.01)
    last = glue.list_crawls(CrawlerName=name)["Crawls"][0]
    if last["State"] != "COMPLETED":
        raise RuntimeError(f"the crawl ended as {last}")
    return (last["EndTime"] - last["StartTime"]).total_seconds()


@rows(Row("crawl", 1, "time", "s", f"A first crawl of {OBJECTS} CSV objects of 1 MB",
          f"{FIRST_GOAL_S} s"),
      Row("crawl-again", 1, "time", "s", "The same again, with nothing new",
          "a tenth of the first"))
def crawls(bench):
    server = bench.server().start()
    glue, s3 = server.client("glue"), server.client("s3")
    s3.create_bucket(Bucket="bench")
    for i in range(OBJECTS):
        s3.put_object(Bucket="bench", Key=f"t/k={i % FOLDERS}/{i}.csv", Body=rows_of(i))
    bench.note("objects are in the page cache; each round has a crawler of its own, which has seen "
               "nothing")
    for number in bench.rounds:
        name = f"crawler-{number}"
        glue.create_crawler(Name=name, Role="r", DatabaseName=f"db{number}",
                            Targets={"S3Targets": [{"Path": "s3://bench/t/"}]})
        first, again = crawl(glue, name), crawl(glue, name)
        yield {"crawl": (first, FIRST_GOAL_S), "crawl-again": (again, first * AGAIN_PART)}
    table = glue.get_table(DatabaseName="db0", Name="t")["Table"]
    types = [column["Type"] for column in table["StorageDescriptor"]["Columns"]]
    bench.check(types == ["bigint", "string", "double", "bigint", "string"],
                f"the crawl found {types}")
    partitions = glue.get_partitions(DatabaseName="db0", TableName="t")["Partitions"]
    bench.check(len(partitions) == FOLDERS, f"the crawl found {len(partitions)} partitions")
