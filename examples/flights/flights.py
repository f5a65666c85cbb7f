"""flights.sql in PySpark: the same rows from the same files. SOURCE RESULT, folders or s3a://."""

import sys

from pyspark.sql import SparkSession, functions as F

ONTIME = """year int, month int, dayofmonth int, dayofweek int, deptime int, crsdeptime int, arrtime int,
    crsarrtime int, uniquecarrier string, flightnum int, tailnum string, actualelapsedtime int,
    crselapsedtime int, airtime int, arrdelay int, depdelay int, origin string, dest string,
    distance int, taxiin int, taxiout int, cancelled int, cancellationcode string, diverted int,
    carrierdelay int, weatherdelay int, nasdelay int, securitydelay int, lateaircraftdelay int"""
PLANES = """tailnum string, type string, manufacturer string, issue_date string, model string,
    status string, aircraft_type string, engine_type string, year string"""
AIRPORTS = """id string, name string, city string, country string, iata string, icao string,
    latitude double, longitude double, altitude string, hours string, dst string, zone string,
    type string, source string"""
WEATHER = """station string, day string, element string, value int, mflag string, qflag string,
    sflag string, time string"""
STATIONS = """id string, latitude double, longitude double, elevation string, state string,
    name string, gsn_flag string, hcn_crn_flag string, wmo_id string"""


def minutes(clock):
    return F.floor(clock / 100) * 60 + clock % 100


def days(date):
    return F.datediff(date, F.lit("1970-01-01"))


def weather_by_airport(airports, stations, weather):
    kinds = {"rain": "PRCP", "snow": "SNOW", "wind": "AWND", "coldest": "TMIN"}
    daily = (weather.where("qflag IS NULL AND day LIKE '2008%'")
             .withColumn("day", days(F.to_date("day", "yyyyMMdd")))
             .groupBy("station", "day")
             .agg(*(F.max(F.when(F.col("element") == kind, F.col("value"))).alias(name)
                    for name, kind in kinds.items())))
    places = stations.select(F.col("id").alias("station"), F.col("latitude").alias("north"),
                             F.col("longitude").alias("east"))
    north, east = F.abs(F.col("latitude") - F.col("north")), F.abs(F.col("longitude") - F.col("east"))
    nearest = (airports.join(places, (north < 0.1) & (east < 0.1))
               .groupBy("iata").agg(F.min_by("station", north + east).alias("station")))
    return nearest.join(daily, "station").drop("station")


def at(weather, end):
    """Its columns as those of one end of a flight."""
    return weather.select(F.col("iata").alias(end), "day", *(
        F.col(name).alias(f"{end}_{name}") for name in ("rain", "snow", "wind", "coldest")))


def flights(ontime, carriers, planes, airports, stations, weather):
    weather = weather_by_airport(airports, stations, weather)
    date = F.make_date("year", "month", "dayofmonth")
    minute = minutes(F.col("crsdeptime"))
    local = F.timestamp_seconds(days(date) * 86400 + minute * 60)  # the session's zone is UTC
    return (
        ontime.join(airports.select(F.col("iata").alias("origin"), "zone"), "origin")
        .withColumn("day", days(date))
        .withColumn("scheduled", F.floor(F.to_utc_timestamp(local, F.col("zone")).cast("long") / 60))
        .join(F.broadcast(carriers.select(F.col("code").alias("uniquecarrier"),
                                          F.col("description").alias("airline"))),
              "uniquecarrier", "left")
        .join(F.broadcast(planes.select("tailnum", "manufacturer", "model",
                                        F.expr("try_cast(year AS int)").alias("built"))),
              "tailnum", "left")
        .join(F.broadcast(at(weather, "origin")), ["origin", "day"], "left")
        .join(F.broadcast(at(weather, "dest")), ["dest", "day"], "left")
        .withColumn("departed", F.col("scheduled") + F.col("depdelay"))
        .select("month", "dayofmonth", "dayofweek", "day", F.col("uniquecarrier").alias("carrier"),
                "airline", F.col("flightnum").alias("flight"), F.col("tailnum").alias("tail"),
                "manufacturer", "model", "built", "origin", "dest", "distance",
                minute.alias("departs"), minutes(F.col("crsarrtime")).alias("arrives"),
                F.col("crselapsedtime").alias("lasts"), "scheduled", "departed",
                (F.col("departed") + F.col("taxiout")).alias("took_off"),
                (F.col("departed") + F.col("actualelapsedtime")).alias("arrived"),
                "depdelay", "arrdelay", "taxiout", "cancelled",
                (F.col("arrdelay") >= 15).cast("int").alias("late"),
                *(f"{end}_{name}" for end in ("origin", "dest")
                  for name in ("rain", "snow", "wind", "coldest"))))


def main(source, result):
    spark = (SparkSession.builder.appName("flights").config("spark.sql.session.timeZone", "UTC")
             .config("spark.sql.ansi.enabled", "false").getOrCreate())

    def table(name, schema, header=True, **options):
        return spark.read.csv(f"{source}/{name}", schema=schema, header=header, **options)

    flights(table("ontime", ONTIME, nullValue="NA"),
            table("carriers", "code string, description string"), table("planes", PLANES),
            table("airports", AIRPORTS, header=False, escape="\\"), table("stations", STATIONS),
            table("weather", WEATHER, header=False)).write.parquet(result, mode="overwrite")
    spark.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
