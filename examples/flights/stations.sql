-- A list of stations with the columns that NOAA publishes: one at each airport that a flight
-- of the tables touches. The identifier is real for Chicago O'Hare alone.
SELECT CASE iata WHEN 'ORD' THEN 'USW00094846' ELSE concat('LATHE000', iata) END AS id,
       latitude, longitude,
       CAST(round(CAST(altitude AS double) * 0.3048, 1) AS varchar) AS elevation,
       '' AS state, upper(name) AS name, '' AS gsn_flag, '' AS hcn_crn_flag, '' AS wmo_id
FROM airports
WHERE iata IN (SELECT origin FROM ontime UNION SELECT dest FROM ontime)
ORDER BY iata
