/* tuning.h: SageMaker's hyperparameter tuning jobs, as they stand in the store for the driver that
 * runs them. */
#ifndef LATHE_FLOW_TUNING_TUNING_H
#define LATHE_FLOW_TUNING_TUNING_H

#include "flow/driver.h"

/* A tuning job. To start one, create it as InProgress; to stop it, make its status Stopping. Body:
 * what CreateHyperParameterTuningJob was asked, what DescribeHyperParameterTuningJob tells, and
 *     Region, Seed (of all that is random)
 *     UnderWay   the numbers of the trials whose end is not in the body's counters yet
 * Its entries are its trials (trial.h), each found again by the name of its training job. */
#define TUNING_JOB "hyper-parameter-tuning-job"
#define TUNING_UNDER_WAY "UnderWay"

/* Runs tuning jobs. */
extern const struct flow_driver tuning_driver;

#endif
