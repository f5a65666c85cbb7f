-- The raw files as tables. NA is not a number and therefore null.
CREATE EXTERNAL TABLE ontime (
    year int, month int, dayofmonth int, dayofweek int, deptime int, crsdeptime int, arrtime int,
    crsarrtime int, uniquecarrier string, flightnum int, tailnum string, actualelapsedtime int,
    crselapsedtime int, airtime int, arrdelay int, depdelay int, origin string, dest string,
    distance int, taxiin int, taxiout int, cancelled int, cancellationcode string, diverted int,
    carrierdelay int, weatherdelay int, nasdelay int, securitydelay int, lateaircraftdelay int)
ROW FORMAT DELIMITED FIELDS TERMINATED BY ','
LOCATION 's3://lathe-flights/raw/ontime/'
TBLPROPERTIES ('skip.header.line.count' = '1');

CREATE EXTERNAL TABLE carriers (code string, description string)
ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.OpenCSVSerde'
LOCATION 's3://lathe-flights/raw/carriers/'
TBLPROPERTIES ('skip.header.line.count' = '1');

CREATE EXTERNAL TABLE planes (
    tailnum string, type string, manufacturer string, issue_date string, model string,
    status string, aircraft_type string, engine_type string, year string)
ROW FORMAT DELIMITED FIELDS TERMINATED BY ','
LOCATION 's3://lathe-flights/raw/planes/'
TBLPROPERTIES ('skip.header.line.count' = '1');

-- OpenFlights: strings in quotes, which they hold as \"
CREATE EXTERNAL TABLE airports (
    id string, name string, city string, country string, iata string, icao string, latitude string,
    longitude string, altitude string, hours string, dst string, zone string, type string,
    source string)
ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.OpenCSVSerde'
LOCATION 's3://lathe-flights/raw/airports/';

-- GHCN-Daily in the columns of NOAA's files by year
CREATE EXTERNAL TABLE weather (
    station string, day string, element string, value int, mflag string, qflag string,
    sflag string, time string)
ROW FORMAT DELIMITED FIELDS TERMINATED BY ','
LOCATION 's3://lathe-flights/raw/weather/';

-- GHCN-Daily's list of stations, as CSV
CREATE EXTERNAL TABLE stations (
    id string, latitude string, longitude string, elevation string, state string, name string,
    gsn_flag string, hcn_crn_flag string, wmo_id string)
ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.OpenCSVSerde'
LOCATION 's3://lathe-flights/raw/stations/'
TBLPROPERTIES ('skip.header.line.count' = '1');
