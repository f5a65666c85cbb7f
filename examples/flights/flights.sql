-- Flights joined with their carrier, plane, airports and the day's weather. Times are minutes
-- since 1970 in UTC; scheduled and actual arrivals follow from departures and durations, which
-- knows nothing of dates and zones at the other end.
CREATE TABLE flights
WITH (format = 'PARQUET', external_location = 's3://lathe-flights/flights/') AS
WITH daily AS (
    SELECT station, date_diff('day', DATE '1970-01-01', CAST(date_parse(day, '%Y%m%d') AS date)) AS day,
           max(CASE WHEN element = 'PRCP' THEN value END) AS rain,
           max(CASE WHEN element = 'SNOW' THEN value END) AS snow,
           max(CASE WHEN element = 'AWND' THEN value END) AS wind,
           min(CASE WHEN element = 'TMIN' THEN value END) AS coldest
    FROM weather
    WHERE qflag = '' AND substr(day, 1, 4) = '2008'
    GROUP BY station, day
), places AS (
    SELECT iata, zone, CAST(latitude AS double) AS latitude, CAST(longitude AS double) AS longitude
    FROM airports
    WHERE iata IN (SELECT origin FROM ontime UNION SELECT dest FROM ontime)
), nearest AS (
    SELECT p.iata, min_by(s.id, abs(p.latitude - CAST(s.latitude AS double))
                                + abs(p.longitude - CAST(s.longitude AS double))) AS station
    FROM places p
    JOIN stations s ON abs(p.latitude - CAST(s.latitude AS double)) < 0.1
                   AND abs(p.longitude - CAST(s.longitude AS double)) < 0.1
    GROUP BY p.iata
), here AS (
    SELECT p.iata, p.zone, d.day, d.rain, d.snow, d.wind, d.coldest
    FROM places p
    LEFT JOIN nearest n ON n.iata = p.iata
    LEFT JOIN daily d ON d.station = n.station
), local AS (
    SELECT o.*, date_diff('day', DATE '1970-01-01', DATE '2008-01-01')
                + date_diff('day', DATE '2008-01-01', date_add('month', o.month - 1, DATE '2008-01-01'))
                + o.dayofmonth - 1 AS day,
           o.crsdeptime / 100 * 60 + o.crsdeptime % 100 AS minute
    FROM ontime o
), clocks AS (
    -- each minute of each zone is converted once
    SELECT zone, day, minute, CAST(to_unixtime(with_timezone(
               date_add('minute', day * 1440 + minute, TIMESTAMP '1970-01-01 00:00:00'), zone)) AS bigint)
               / 60 AS departure
    FROM (SELECT DISTINCT p.zone, l.day, l.minute FROM local l JOIN places p ON p.iata = l.origin)
)
SELECT l.month, l.dayofmonth, l.dayofweek, l.day, l.uniquecarrier AS carrier, c.description AS airline,
       l.flightnum AS flight, l.tailnum AS tail, p.manufacturer, p.model,
       try_cast(p.year AS integer) AS built, l.origin, l.dest, l.distance,
       l.minute AS departs, l.crsarrtime / 100 * 60 + l.crsarrtime % 100 AS arrives,
       l.crselapsedtime AS lasts, k.departure AS scheduled,
       k.departure + l.depdelay AS departed,
       k.departure + l.depdelay + l.taxiout AS took_off,
       k.departure + l.depdelay + l.actualelapsedtime AS arrived,
       l.depdelay, l.arrdelay, l.taxiout, l.cancelled,
       CASE WHEN l.arrdelay >= 15 THEN 1 WHEN l.arrdelay < 15 THEN 0 END AS late,
       a.rain AS origin_rain, a.snow AS origin_snow, a.wind AS origin_wind, a.coldest AS origin_coldest,
       b.rain AS dest_rain, b.snow AS dest_snow, b.wind AS dest_wind, b.coldest AS dest_coldest
FROM local l
JOIN places o ON o.iata = l.origin
JOIN clocks k ON k.zone = o.zone AND k.day = l.day AND k.minute = l.minute
LEFT JOIN carriers c ON c.code = l.uniquecarrier
LEFT JOIN planes p ON p.tailnum = l.tailnum
LEFT JOIN here a ON a.iata = l.origin AND a.day = l.day
LEFT JOIN here b ON b.iata = l.dest AND b.day = l.day
