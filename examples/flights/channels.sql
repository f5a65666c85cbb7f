-- The trees' channels: the label first. Trained on January and February, tested on March; the day
-- of the month is left out, since trees would learn its weather by heart.
UNLOAD (
    SELECT late, dayofweek, departs, arrives, lasts, distance, number_late, number_delay, carrier_late,
           origin_late, dest_late, origin_hour_late, dest_hour_late, carrier_hour_late, all_yesterday,
           carrier_yesterday, carrier_yesterday_delay, carrier_yesterday_cancelled, origin_yesterday,
           origin_yesterday_delay, origin_yesterday_cancelled, dest_yesterday, dest_yesterday_delay,
           dest_yesterday_cancelled
    FROM features WHERE month < 3
) TO 's3://lathe-flights/schedule/train/' WITH (format = 'PARQUET');

UNLOAD (
    SELECT late, dayofweek, departs, arrives, lasts, distance, number_late, number_delay, carrier_late,
           origin_late, dest_late, origin_hour_late, dest_hour_late, carrier_hour_late, all_yesterday,
           carrier_yesterday, carrier_yesterday_delay, carrier_yesterday_cancelled, origin_yesterday,
           origin_yesterday_delay, origin_yesterday_cancelled, dest_yesterday, dest_yesterday_delay,
           dest_yesterday_cancelled
    FROM features WHERE month = 3
) TO 's3://lathe-flights/schedule/test/' WITH (format = 'PARQUET');

UNLOAD (
    SELECT late, dayofweek, departs, arrives, lasts, distance, number_late, number_delay, carrier_late,
           origin_late, dest_late, origin_hour_late, dest_hour_late, carrier_hour_late, carrier_yesterday,
           origin_yesterday, dest_yesterday, origin_gone_late, origin_taxi, origin_landed_late,
           origin_cancelled, origin_waiting, dest_taxi, dest_landed_late, dest_landed_delay, dest_waiting,
           carrier_origin_gone_delay, carrier_origin_coming_delay, carrier_origin_landed_delay,
           carrier_dest_landed_delay, carrier_gone_late, carrier_waiting
    FROM features WHERE month < 3
) TO 's3://lathe-flights/hours-before/train/' WITH (format = 'PARQUET');

UNLOAD (
    SELECT late, dayofweek, departs, arrives, lasts, distance, number_late, number_delay, carrier_late,
           origin_late, dest_late, origin_hour_late, dest_hour_late, carrier_hour_late, carrier_yesterday,
           origin_yesterday, dest_yesterday, origin_gone_late, origin_taxi, origin_landed_late,
           origin_cancelled, origin_waiting, dest_taxi, dest_landed_late, dest_landed_delay, dest_waiting,
           carrier_origin_gone_delay, carrier_origin_coming_delay, carrier_origin_landed_delay,
           carrier_dest_landed_delay, carrier_gone_late, carrier_waiting
    FROM features WHERE month = 3
) TO 's3://lathe-flights/hours-before/test/' WITH (format = 'PARQUET');

-- And the aircraft that flew, which is known only afterwards.
UNLOAD (
    SELECT late, dayofweek, departs, arrives, lasts, distance, number_late, number_delay, carrier_late,
           origin_late, dest_late, origin_hour_late, dest_hour_late, carrier_hour_late, carrier_yesterday,
           origin_yesterday, dest_yesterday, origin_gone_late, origin_taxi, origin_landed_late,
           origin_cancelled, origin_waiting, dest_taxi, dest_landed_late, dest_landed_delay, dest_waiting,
           carrier_origin_gone_delay, carrier_origin_coming_delay, carrier_origin_landed_delay,
           carrier_dest_landed_delay, carrier_gone_late, carrier_waiting, aircraft_age, aircraft_turn,
           aircraft_late, aircraft_earlier_late, aircraft_spare
    FROM features WHERE month < 3
) TO 's3://lathe-flights/aircraft/train/' WITH (format = 'PARQUET');

UNLOAD (
    SELECT late, dayofweek, departs, arrives, lasts, distance, number_late, number_delay, carrier_late,
           origin_late, dest_late, origin_hour_late, dest_hour_late, carrier_hour_late, carrier_yesterday,
           origin_yesterday, dest_yesterday, origin_gone_late, origin_taxi, origin_landed_late,
           origin_cancelled, origin_waiting, dest_taxi, dest_landed_late, dest_landed_delay, dest_waiting,
           carrier_origin_gone_delay, carrier_origin_coming_delay, carrier_origin_landed_delay,
           carrier_dest_landed_delay, carrier_gone_late, carrier_waiting, aircraft_age, aircraft_turn,
           aircraft_late, aircraft_earlier_late, aircraft_spare
    FROM features WHERE month = 3
) TO 's3://lathe-flights/aircraft/test/' WITH (format = 'PARQUET');

-- March once more, as lines to be scored: what tells a flight, whether it was late, and what was known of
-- it two hours before in the order of the channel hours-before. A null is an empty field.
UNLOAD (
    SELECT array_join(ARRAY[carrier, CAST(flight AS varchar), origin, dest, CAST(scheduled AS varchar),
                            CAST(late AS varchar)], ',') || ',' || array_join(ARRAY[
           dayofweek, departs, arrives, lasts, distance, number_late, number_delay, carrier_late,
           origin_late, dest_late, origin_hour_late, dest_hour_late, carrier_hour_late, carrier_yesterday,
           origin_yesterday, dest_yesterday, origin_gone_late, origin_taxi, origin_landed_late,
           origin_cancelled, origin_waiting, dest_taxi, dest_landed_late, dest_landed_delay, dest_waiting,
           carrier_origin_gone_delay, carrier_origin_coming_delay, carrier_origin_landed_delay,
           carrier_dest_landed_delay, carrier_gone_late, carrier_waiting], ',', '') AS line
    FROM features WHERE month = 3
) TO 's3://lathe-flights/march/' WITH (format = 'TEXTFILE');
