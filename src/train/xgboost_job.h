/* xgboost_job.h: one training job of the built-in XGBoost, as its own process.
 *
 * It knows nothing of the server: it reads a folder laid out as /opt/ml is in a SageMaker training
 * container, and leaves its model there.
 *
 *   input/config/hyperparameters.json     names to strings
 *   input/config/inputdataconfig.json     {"train":{"ContentType":"text/csv",...},...}
 *   input/config/resourceconfig.json      (optional) {"hosts":["algo-1"],...}
 *   input/config/debugrules.json          (optional) rules.h
 *   input/config/debughookconfig.json     (optional) hook.h
 *   input/data/train/, validation/        the channels' files
 *   checkpoints/                          (optional) where it is, a checkpoint a round is kept
 * there,
 *                                         and training goes on from the newest
 *   model/xgboost-model                   the model in the release's form (with _kfold
 *                                         xgboost-model-0, -1 ...)
 *   output/rules/                         what debugger rules made: reports
 *   output/failure                        why it failed, in the release's words
 *   output/data/predictions.csv           with _kfold: what was predicted for rows left out
 */
#ifndef LATHE_TRAIN_XGBOOST_JOB_H
#define LATHE_TRAIN_XGBOOST_JOB_H

#include <stdbool.h>

/* Trains in the folder opt_ml. The log goes to standard output; metrics and progress as JSON lines
 * to report_fd (-1: nowhere), see report.h. The environment's LATHE_IMAGE is the image,
 * or its tag (xgboost_release.h). SIGTERM ends it after the round that is running; it is held back
 * in the calling thread from then on. Returns the exit status: 0, also when stopped, or 1 with
 * output/failure. */
int train_main(const char *opt_ml, int report_fd);

/* Loads the library of the image that the environment names, for a process that forks for each
 * training; false: it cannot be loaded. */
bool train_warm_up(void);
/* In such a process, before it forks for the folder: reads what the training will read, unless it
 * has it from the training before (inputs.h). Says nothing, and starts no thread that stays. */
void train_prepare(const char *opt_ml);

#endif
