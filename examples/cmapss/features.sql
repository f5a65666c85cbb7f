-- What is known of an engine at a cycle, from that cycle and those before it: for each sensor that
-- is not constant the mean of the last 10 cycles, and the slope (least squares, units a cycle) over
-- the history so far and over its last 30; and the cycle itself.
--
-- Sensors have four decimals at most, so they are taken as integers of ten-thousandths. Sums of
-- integers are exact in whatever order they are added, and each feature is rounded once, at the
-- end: the same rows give the same bits wherever they stand. regr_slope's floating-point sums would
-- differ in their last bits as soon as another engine has more rows.
CREATE OR REPLACE VIEW features AS
WITH readings AS (
    SELECT 'train' AS source, * FROM split
    UNION ALL
    SELECT 'test' AS source, * FROM test_split
), sensors AS (
    SELECT source, part, unit_number, cycle, rul, sensor, CAST(round(reading * 1e4) AS bigint) AS y
    FROM readings
    CROSS JOIN UNNEST(
        ARRAY[2, 3, 4, 7, 8, 9, 11, 12, 13, 14, 15, 17, 20, 21],
        ARRAY[sensor_2, sensor_3, sensor_4, sensor_7, sensor_8, sensor_9, sensor_11, sensor_12,
              sensor_13, sensor_14, sensor_15, sensor_17, sensor_20, sensor_21])
        AS each (sensor, reading)
), sums AS (
    SELECT source, part, unit_number, cycle, rul, sensor,
           count(*) OVER last_10 AS n_10, sum(y) OVER last_10 AS y_10,
           count(*) OVER last_30 AS n_30, sum(y) OVER last_30 AS y_30,
           sum(cycle) OVER last_30 AS t_30, sum(cycle * cycle) OVER last_30 AS tt_30,
           sum(cycle * y) OVER last_30 AS ty_30,
           count(*) OVER history AS n, sum(y) OVER history AS y,
           sum(cycle) OVER history AS t, sum(cycle * cycle) OVER history AS tt,
           sum(cycle * y) OVER history AS ty
    FROM sensors
    WINDOW history AS (PARTITION BY source, unit_number, sensor ORDER BY cycle
                       ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW),
           last_30 AS (PARTITION BY source, unit_number, sensor ORDER BY cycle
                       ROWS BETWEEN 29 PRECEDING AND CURRENT ROW),
           last_10 AS (PARTITION BY source, unit_number, sensor ORDER BY cycle
                       ROWS BETWEEN 9 PRECEDING AND CURRENT ROW)
), told AS (
    SELECT source, part, unit_number, cycle, rul, sensor,
           CAST(y_10 AS double) / n_10 / 1e4 AS mean, -- a first cycle has no slope: 0
           coalesce(CAST(n * ty - t * y AS double) / nullif(n * tt - t * t, 0) / 1e4, 0) AS slope,
           coalesce(CAST(n_30 * ty_30 - t_30 * y_30 AS double)
                    / nullif(n_30 * tt_30 - t_30 * t_30, 0) / 1e4, 0) AS recent
    FROM sums
), engines AS (
    SELECT source, part, unit_number, cycle, rul, array_agg(mean ORDER BY sensor) AS mean,
           array_agg(slope ORDER BY sensor) AS slope, array_agg(recent ORDER BY sensor) AS recent
    FROM told
    GROUP BY source, part, unit_number, cycle, rul
)
SELECT source, part, unit_number, rul, cycle,
    mean[1] AS mean_2, slope[1] AS slope_2, recent[1] AS recent_2,
    mean[2] AS mean_3, slope[2] AS slope_3, recent[2] AS recent_3,
    mean[3] AS mean_4, slope[3] AS slope_4, recent[3] AS recent_4,
    mean[4] AS mean_7, slope[4] AS slope_7, recent[4] AS recent_7,
    mean[5] AS mean_8, slope[5] AS slope_8, recent[5] AS recent_8,
    mean[6] AS mean_9, slope[6] AS slope_9, recent[6] AS recent_9,
    mean[7] AS mean_11, slope[7] AS slope_11, recent[7] AS recent_11,
    mean[8] AS mean_12, slope[8] AS slope_12, recent[8] AS recent_12,
    mean[9] AS mean_13, slope[9] AS slope_13, recent[9] AS recent_13,
    mean[10] AS mean_14, slope[10] AS slope_14, recent[10] AS recent_14,
    mean[11] AS mean_15, slope[11] AS slope_15, recent[11] AS recent_15,
    mean[12] AS mean_17, slope[12] AS slope_17, recent[12] AS recent_17,
    mean[13] AS mean_20, slope[13] AS slope_20, recent[13] AS recent_20,
    mean[14] AS mean_21, slope[14] AS slope_21, recent[14] AS recent_21
FROM engines
