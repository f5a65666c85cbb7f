-- The area under the ROC curve of what the batch transform said of March: how often a flight that was
-- late has a higher chance than one that was not. Flights of the same chance share their ranks.
WITH ranked AS (
    SELECT late, rank() OVER (ORDER BY chance)
                 + (count(*) OVER (PARTITION BY chance) - 1) / 2e0 AS place
    FROM scores
), counted AS (
    SELECT count(*) AS flights, CAST(sum(late) AS double) AS late, sum(if(late = 1, place, 0)) AS places
    FROM ranked
)
SELECT flights, (places - late * (late + 1) / 2) / (late * (flights - late)) AS auc FROM counted
