/* rules.h: SageMaker Debugger's built-in rules for XGBoost, evaluated between the rounds, on what
 * the rounds made: no tensors are written for them. Those of a script are evaluated on the steps
 * that its hook saves (saved_steps.h). */
#ifndef LATHE_TRAIN_RULES_H
#define LATHE_TRAIN_RULES_H

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>

#include "train/round_view.h"

struct rules;

/* input/config/debugrules.json: {"Rules": [{"RuleConfigurationName", "RuleParameters"}, ...],
 * "Hook": a DebugHookConfig, or none, "Profile": where what the job uses is recorded, or none}.
 * Rules that are not known are reported as Stopped; NULL where
 * there are no others. The configuration must outlive the rules. */
struct rules *rules_open(const json_t *config, int report_fd);

/* What the rule CreateXgboostReport makes of the training once it is over, of what the last view
 * shows and of what the job used, in the folder `output`: in one of the rule's configuration's
 * name. opt_ml: the folder that /opt/ml stands for. A rule that found nothing to
 * look at says that. NULL: the training showed nothing. */
void rules_finish(struct rules *rules, struct round_view *last, const char *opt_ml,
                  const char *output);
void rules_close(struct rules *rules);

/* Evaluates those that are due after a round. One whose condition is met says so in the log, and on
 * the report pipe as
 *   {"rule":"LossNotDecreasing","status":"IssuesFound","step":20,"details":"..."}
 * by its configuration's name, and is not evaluated again; nor is one that cannot be evaluated,
 * whose status is Error: a rule never fails a training. NULL rules are none. */
void rules_round(struct rules *rules, struct round_view *view);

#endif
