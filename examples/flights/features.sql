-- What was known at the beginning of a day. A day begins at 4:00 UTC, before midnight in every
-- zone that the flights touch; what became known since its beginning counts from the next on.
CREATE TABLE rates
WITH (format = 'PARQUET', write_compression = 'SNAPPY',
      external_location = 's3://lathe-flights/rates/') AS
WITH facts AS (
    SELECT carrier, flight, origin, dest, departs / 60 AS hour, arrives / 60 AS landing,
           (arrived - 240) / 1440 + 1 AS day, 1 AS flown, late, greatest(-30, least(arrdelay, 180)) AS delay,
           0 AS cancelled, 1 AS planned
    FROM flights WHERE late IS NOT NULL AND arrived IS NOT NULL
    UNION ALL
    SELECT carrier, flight, origin, dest, departs / 60, arrives / 60, (scheduled - 240) / 1440 + 1,
           0, 0, 0, 1, 1
    FROM flights WHERE cancelled = 1
    UNION ALL -- the days that are asked for
    SELECT DISTINCT carrier, flight, origin, dest, departs / 60, arrives / 60, day, 0, 0, 0, 0, 0
    FROM flights
), daily AS (
    SELECT grouping(carrier, flight, origin, hour, dest, landing) AS kind, carrier, flight, origin, hour,
           dest, landing, day, sum(flown) AS flown, sum(late) AS late, sum(delay) AS delay,
           sum(cancelled) AS cancelled, sum(planned) AS planned
    FROM facts
    GROUP BY GROUPING SETS ((day), (carrier, day), (origin, day), (dest, day), (origin, hour, day),
                            (dest, landing, day), (carrier, origin, hour, day),
                            (carrier, flight, origin, dest, day))
)
SELECT kind, carrier, flight, origin, hour, dest, landing, day,
       CAST(late AS double) / nullif(flown, 0) AS late, CAST(delay AS double) / nullif(flown, 0) AS delay,
       CAST(cancelled AS double) / nullif(planned, 0) AS cancelled,
       (CAST(sum(late) OVER before AS double) + 5) / (sum(flown) OVER before + 20) AS always_late,
       CAST(sum(delay) OVER before AS double) / nullif(sum(flown) OVER before, 0) AS always_delay
FROM daily
WINDOW before AS (PARTITION BY kind, carrier, flight, origin, hour, dest, landing ORDER BY day
                  ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW);

-- What was known two hours before a departure, in steps of ten minutes: at airports, of carriers, and of
-- carriers at airports. Of the two hours before that moment: departures, departures towards the place,
-- arrivals, taxiing, cancellations, which count from the scheduled minute. Waiting: flights that should
-- have left and have not. A step in which nothing happens and nothing is asked has no row, so the steps
-- of the two hours are counted once a row: a sum finds that many rows back at once, where each would
-- search for the beginning of a RANGE.
CREATE TABLE airport_hours
WITH (format = 'PARQUET', write_compression = 'SNAPPY',
      external_location = 's3://lathe-flights/airport_hours/') AS
WITH events AS (
    SELECT origin AS place, departed / 10 AS step, 1 AS gone, if(depdelay >= 15, 1, 0) AS gone_late,
           0 AS landed, 0 AS landed_late, 0 AS landed_delay, 0 AS taxied, 0 AS taxi, 0 AS planned,
           0 AS cancelled, 0 AS waiting
    FROM flights WHERE departed IS NOT NULL
    UNION ALL
    SELECT origin, took_off / 10, 0, 0, 0, 0, 0, 1, taxiout, 0, 0, 0 FROM flights WHERE took_off IS NOT NULL
    UNION ALL
    SELECT dest, arrived / 10, 0, 0, 1, late, greatest(-30, least(arrdelay, 240)), 0, 0, 0, 0, 0
    FROM flights WHERE late IS NOT NULL AND arrived IS NOT NULL
    UNION ALL
    SELECT origin, scheduled / 10, 0, 0, 0, 0, 0, 0, 0, 1, cancelled, 1 FROM flights
    UNION ALL
    SELECT origin, greatest(scheduled, coalesce(departed, scheduled)) / 10, 0, 0, 0, 0, 0, 0, 0, 0, 0, -1
    FROM flights
    UNION ALL -- the moments that are asked for
    SELECT place, (scheduled - 120) / 10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
    FROM flights CROSS JOIN UNNEST(ARRAY[origin, dest]) AS ends (place)
), steps AS (
    SELECT place, step, sum(gone) AS gone, sum(gone_late) AS gone_late, sum(landed) AS landed,
           sum(landed_late) AS landed_late, sum(landed_delay) AS landed_delay, sum(taxied) AS taxied,
           sum(taxi) AS taxi, sum(planned) AS planned, sum(cancelled) AS cancelled, sum(waiting) AS waiting
    FROM events GROUP BY place, step
), counted AS (
    SELECT *, count(*) OVER (PARTITION BY place ORDER BY step
                             RANGE BETWEEN 12 PRECEDING AND 1 PRECEDING) AS back
    FROM steps
)
SELECT place, step,
       CAST(sum(gone_late) OVER recent AS double) / nullif(sum(gone) OVER recent, 0) AS gone_late,
       CAST(sum(landed_late) OVER recent AS double) / nullif(sum(landed) OVER recent, 0) AS landed_late,
       CAST(sum(landed_delay) OVER recent AS double) / nullif(sum(landed) OVER recent, 0) AS landed_delay,
       CAST(sum(taxi) OVER recent AS double) / nullif(sum(taxied) OVER recent, 0) AS taxi,
       CAST(sum(cancelled) OVER recent AS double) / nullif(sum(planned) OVER recent, 0) AS cancelled,
       sum(waiting) OVER before AS waiting
FROM counted
WINDOW recent AS (PARTITION BY place ORDER BY step ROWS BETWEEN back PRECEDING AND 1 PRECEDING),
       before AS (PARTITION BY place ORDER BY step ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING);

CREATE TABLE carrier_hours
WITH (format = 'PARQUET', write_compression = 'SNAPPY',
      external_location = 's3://lathe-flights/carrier_hours/') AS
WITH events AS (
    SELECT carrier, departed / 10 AS step, 1 AS gone, if(depdelay >= 15, 1, 0) AS gone_late, 0 AS waiting
    FROM flights WHERE departed IS NOT NULL
    UNION ALL
    SELECT carrier, scheduled / 10, 0, 0, 1 FROM flights
    UNION ALL
    SELECT carrier, greatest(scheduled, coalesce(departed, scheduled)) / 10, 0, 0, -1 FROM flights
    UNION ALL
    SELECT carrier, (scheduled - 120) / 10, 0, 0, 0 FROM flights
), steps AS (
    SELECT carrier, step, sum(gone) AS gone, sum(gone_late) AS gone_late, sum(waiting) AS waiting
    FROM events GROUP BY carrier, step
), counted AS (
    SELECT *, count(*) OVER (PARTITION BY carrier ORDER BY step
                             RANGE BETWEEN 12 PRECEDING AND 1 PRECEDING) AS back
    FROM steps
)
SELECT carrier, step,
       CAST(sum(gone_late) OVER recent AS double) / nullif(sum(gone) OVER recent, 0) AS gone_late,
       sum(waiting) OVER before AS waiting
FROM counted
WINDOW recent AS (PARTITION BY carrier ORDER BY step ROWS BETWEEN back PRECEDING AND 1 PRECEDING),
       before AS (PARTITION BY carrier ORDER BY step ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING);

CREATE TABLE carrier_airport_hours
WITH (format = 'PARQUET', write_compression = 'SNAPPY',
      external_location = 's3://lathe-flights/carrier_airport_hours/') AS
WITH events AS (
    SELECT origin AS place, carrier, departed / 10 AS step, 1 AS gone,
           greatest(-20, least(depdelay, 240)) AS gone_delay, 0 AS coming, 0 AS coming_delay, 0 AS landed,
           0 AS landed_delay
    FROM flights WHERE departed IS NOT NULL
    UNION ALL
    SELECT dest, carrier, departed / 10, 0, 0, 1, greatest(-20, least(depdelay, 240)), 0, 0
    FROM flights WHERE departed IS NOT NULL
    UNION ALL
    SELECT dest, carrier, arrived / 10, 0, 0, 0, 0, 1, greatest(-30, least(arrdelay, 240))
    FROM flights WHERE late IS NOT NULL AND arrived IS NOT NULL
    UNION ALL
    SELECT place, carrier, (scheduled - 120) / 10, 0, 0, 0, 0, 0, 0
    FROM flights CROSS JOIN UNNEST(ARRAY[origin, dest]) AS ends (place)
), steps AS (
    SELECT place, carrier, step, sum(gone) AS gone, sum(gone_delay) AS gone_delay, sum(coming) AS coming,
           sum(coming_delay) AS coming_delay, sum(landed) AS landed, sum(landed_delay) AS landed_delay
    FROM events GROUP BY place, carrier, step
), counted AS (
    SELECT *, count(*) OVER (PARTITION BY place, carrier ORDER BY step
                             RANGE BETWEEN 12 PRECEDING AND 1 PRECEDING) AS back
    FROM steps
)
SELECT place, carrier, step,
       CAST(sum(gone_delay) OVER recent AS double) / nullif(sum(gone) OVER recent, 0) AS gone_delay,
       CAST(sum(coming_delay) OVER recent AS double) / nullif(sum(coming) OVER recent, 0) AS coming_delay,
       CAST(sum(landed_delay) OVER recent AS double) / nullif(sum(landed) OVER recent, 0) AS landed_delay
FROM counted
WINDOW recent AS (PARTITION BY place, carrier ORDER BY step ROWS BETWEEN back PRECEDING AND 1 PRECEDING);

-- One row a flight that arrived: what it is, its label, and what was known of it. The columns aircraft_...
-- say how the aircraft that flew stood two hours before: which one that would be is known only afterwards.
-- Its leg before is the one it was to fly before, whatever became of that one.
CREATE TABLE features
WITH (format = 'PARQUET', write_compression = 'SNAPPY',
      external_location = 's3://lathe-flights/features/') AS
WITH chained AS (
    SELECT *, (scheduled - 120) / 10 * 10 AS moment,
           lag(dest) OVER chain AS before_dest, lag(scheduled) OVER chain AS before_scheduled,
           lag(lasts) OVER chain AS before_lasts, lag(departed) OVER chain AS before_departed,
           lag(arrived) OVER chain AS before_arrived, lag(cancelled) OVER chain AS before_cancelled,
           lag(scheduled, 2) OVER chain AS earlier_scheduled, lag(departed, 2) OVER chain AS earlier_departed,
           lag(cancelled, 2) OVER chain AS earlier_cancelled
    FROM flights
    WINDOW chain AS (PARTITION BY tail ORDER BY scheduled, flight, origin)
), legs AS (
    SELECT *, tail LIKE 'N%' AND before_dest = origin AND scheduled - before_scheduled < 1440 AS follows
    FROM chained
)
SELECT f.month, f.carrier, f.flight, f.tail, f.day, f.scheduled, f.late, f.origin, f.dest,
       f.dayofweek, f.departs, f.arrives, f.lasts, f.distance,
       n.always_late AS number_late, n.always_delay AS number_delay,
       c.always_late AS carrier_late, o.always_late AS origin_late, d.always_late AS dest_late,
       oh.always_late AS origin_hour_late, dh.always_late AS dest_hour_late,
       ch.always_late AS carrier_hour_late,
       a.late AS all_yesterday,
       c.late AS carrier_yesterday, c.delay AS carrier_yesterday_delay,
       c.cancelled AS carrier_yesterday_cancelled,
       o.late AS origin_yesterday, o.delay AS origin_yesterday_delay,
       o.cancelled AS origin_yesterday_cancelled,
       d.late AS dest_yesterday, d.delay AS dest_yesterday_delay,
       d.cancelled AS dest_yesterday_cancelled,
       po.gone_late AS origin_gone_late, po.taxi AS origin_taxi, po.landed_late AS origin_landed_late,
       po.cancelled AS origin_cancelled, po.waiting AS origin_waiting,
       pd.taxi AS dest_taxi, pd.landed_late AS dest_landed_late, pd.landed_delay AS dest_landed_delay,
       pd.waiting AS dest_waiting,
       co.gone_delay AS carrier_origin_gone_delay, co.coming_delay AS carrier_origin_coming_delay,
       co.landed_delay AS carrier_origin_landed_delay,
       cd.landed_delay AS carrier_dest_landed_delay,
       pc.gone_late AS carrier_gone_late, pc.waiting AS carrier_waiting,
       2008 - f.built AS aircraft_age,
       if(follows, f.scheduled - f.before_scheduled - f.before_lasts) AS aircraft_turn,
       CASE WHEN follows AND before_departed < moment THEN before_departed - before_scheduled
            WHEN follows AND before_scheduled < moment AND before_cancelled = 0 THEN moment - before_scheduled
       END AS aircraft_late,
       CASE WHEN follows AND earlier_departed < moment THEN earlier_departed - earlier_scheduled
            WHEN follows AND earlier_scheduled < moment AND earlier_cancelled = 0
            THEN moment - earlier_scheduled
       END AS aircraft_earlier_late,
       CASE WHEN follows AND before_arrived < moment THEN f.scheduled - before_arrived
            WHEN follows AND before_departed < moment
            THEN f.scheduled - greatest(before_departed + before_lasts, moment)
            WHEN follows THEN f.scheduled - greatest(before_scheduled, moment) - before_lasts
       END AS aircraft_spare
FROM legs f
LEFT JOIN rates a ON a.kind = 63 AND a.day = f.day
LEFT JOIN rates c ON c.kind = 31 AND c.carrier = f.carrier AND c.day = f.day
LEFT JOIN rates o ON o.kind = 55 AND o.origin = f.origin AND o.day = f.day
LEFT JOIN rates d ON d.kind = 61 AND d.dest = f.dest AND d.day = f.day
LEFT JOIN rates oh ON oh.kind = 51 AND oh.origin = f.origin AND oh.hour = f.departs / 60 AND oh.day = f.day
LEFT JOIN rates dh ON dh.kind = 60 AND dh.dest = f.dest AND dh.landing = f.arrives / 60 AND dh.day = f.day
LEFT JOIN rates ch ON ch.kind = 19 AND ch.carrier = f.carrier AND ch.origin = f.origin
                  AND ch.hour = f.departs / 60 AND ch.day = f.day
LEFT JOIN rates n ON n.kind = 5 AND n.carrier = f.carrier AND n.flight = f.flight AND n.origin = f.origin
                 AND n.dest = f.dest AND n.day = f.day
LEFT JOIN airport_hours po ON po.place = f.origin AND po.step = (f.scheduled - 120) / 10
LEFT JOIN airport_hours pd ON pd.place = f.dest AND pd.step = (f.scheduled - 120) / 10
LEFT JOIN carrier_hours pc ON pc.carrier = f.carrier AND pc.step = (f.scheduled - 120) / 10
LEFT JOIN carrier_airport_hours co ON co.place = f.origin AND co.carrier = f.carrier
                                  AND co.step = (f.scheduled - 120) / 10
LEFT JOIN carrier_airport_hours cd ON cd.place = f.dest AND cd.carrier = f.carrier
                                  AND cd.step = (f.scheduled - 120) / 10
WHERE f.late IS NOT NULL
