/* features_job.h: the image lathe-features: fits a feature pipeline written in Spark ML's terms,
 * and applies it. */
#ifndef LATHE_PROGRAM_FEATURES_JOB_H
#define LATHE_PROGRAM_FEATURES_JOB_H

/* Works on a folder that a processing job sees as /opt/ml:
 *
 *   processing/input/config/     one .yaml, .yml or .json file: the specification
 *   processing/input/data/       the rows: CSV (plain or gzip) or Parquet
 *   processing/output/train/     train.csv: the label first, then the features, no header
 *   processing/output/validation/, test/   the same for the other parts of the split
 *   processing/output/bundle/    model.tar.gz: the fitted pipeline as an MLeap bundle
 *   processing/output/after/     model.tar.gz: the specification's "after" stages, where it has any
 *
 * The specification holds, beside fit.h's "stages" and "after":
 *
 *   data:        how the rows are written (data_options.h)
 *   featuresCol: the vector (or number) that becomes the features; "features" by default
 *   labelCol:    the number that becomes the label; "label" by default
 *   split:       {train: 0.8, validation: 0.1, test: 0.1, seed: 1, stratifyBy: column} (or
 *                groupBy: column, whose rows stay together); or {folds: 5, fold: 0}: fold 0 of 5 is
 *                the test part. Without it all rows train.
 *
 * The pipeline is fitted on the train part alone. A part without rows has no file. Returns the exit
 * status: 0, or 1 with the reason in output/failure. */
int features_main(const char *opt_ml, int report);

/* What a specification can say: the stages with their parameters. The caller frees it. */
char *features_help(void);

#endif
