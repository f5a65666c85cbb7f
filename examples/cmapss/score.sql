-- The answers for the last cycle of each test engine. Capped: against lives of 125 at most, as the
-- model was trained. PHM08: the score of the challenge of 2008, a sum over the engines.
SELECT count(*) AS engines,
       round(sqrt(avg(power(prediction - rul, 2))), 2) AS rmse,
       round(sqrt(avg(power(prediction - least(rul, 125), 2))), 2) AS capped_rmse,
       round(sum(IF(prediction < rul, exp((rul - prediction) / 13), exp((prediction - rul) / 10)) - 1), 1)
           AS phm08
FROM predictions
