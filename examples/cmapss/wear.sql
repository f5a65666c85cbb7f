-- The ETL job: to each row that no earlier run has read, how many cycles its engine had left.
-- A file holds engines whole, from their first cycle until they failed.
UNLOAD (
    SELECT unit_number, cycle, setting_1, setting_2, setting_3,
           sensor_1, sensor_2, sensor_3, sensor_4, sensor_5, sensor_6, sensor_7, sensor_8, sensor_9,
           sensor_10, sensor_11, sensor_12, sensor_13, sensor_14, sensor_15, sensor_16, sensor_17,
           sensor_18, sensor_19, sensor_20, sensor_21,
           max(cycle) OVER (PARTITION BY "$path", unit_number) - cycle AS rul, hour
    FROM "raw$new"
) TO 's3://lathe-cmapss/wear/batch=${batch}/' WITH (format = 'PARQUET', partitioned_by = ARRAY['hour'])
