-- The two channels, CSV with the label first: every cycle of the training engines, and the last one of
-- each test engine, with its true remaining life.
--
-- Far from the end wear does not show, so lives are capped at 125. Two cycles less, since PHM08's
-- score charges more for a prediction that is late than for one that is early.
CREATE TABLE training WITH (
    format = 'TEXTFILE', field_delimiter = ',', external_location = 's3://lathe-cmapss/training/',
    partitioned_by = ARRAY['source']) AS
SELECT IF(source = 'train', least(rul, 125) - 2, rul) AS label, cycle,
       mean_2, slope_2, recent_2, mean_3, slope_3, recent_3,
       mean_4, slope_4, recent_4, mean_7, slope_7, recent_7,
       mean_8, slope_8, recent_8, mean_9, slope_9, recent_9,
       mean_11, slope_11, recent_11, mean_12, slope_12, recent_12,
       mean_13, slope_13, recent_13, mean_14, slope_14, recent_14,
       mean_15, slope_15, recent_15, mean_17, slope_17, recent_17,
       mean_20, slope_20, recent_20, mean_21, slope_21, recent_21,
       source
FROM (SELECT *, max(cycle) OVER (PARTITION BY source, unit_number) AS last_cycle FROM features)
WHERE source = 'train' OR cycle = last_cycle
ORDER BY unit_number, cycle
