/* evaluate_job.h: the image lathe-evaluate: how good a model is on rows that it has not seen. */
#ifndef LATHE_PROGRAM_EVALUATE_JOB_H
#define LATHE_PROGRAM_EVALUATE_JOB_H

/* Works on a folder that a processing job sees as /opt/ml:
 *
 *   processing/input/model/       the model: model.tar.gz, or an XGBoost model file
 *   processing/input/test/        rows: CSV (plain or gzip) or Parquet, the label first, no
 *                                 header
 *   processing/input/validation/  (optional) rows on which a binary model's threshold is chosen:
 *                                 that with the largest F1
 *   processing/input/config/      (optional) one .yaml or .json file:
 *                                   threshold: 0.3   instead of a chosen one, or 0.5
 *                                   labels: [unacc, acc, good, vgood]   names of the classes
 *   processing/output/evaluation/ evaluation.json: regression_metrics,
 *                                 binary_classification_metrics or
 *                                 multiclass_classification_metrics, by the model's objective
 *
 * The same numbers go to the log as a table. Returns the exit status: 0, or 1 with the reason in
 * output/failure. */
int evaluate_main(const char *opt_ml, int report);

#endif
