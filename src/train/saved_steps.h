/* saved_steps.h: debugger rules over the steps that a script's hook saves while the script runs. */
#ifndef LATHE_TRAIN_SAVED_STEPS_H
#define LATHE_TRAIN_SAVED_STEPS_H

#include <jansson.h>

struct saved_steps;

/* config: as rules_open has it; the hook's LocalPath in it, or smdebug's own, is looked at below
 * the folder that /opt/ml stands for. Both outlive it. */
struct saved_steps *saved_steps_open(const json_t *config, const char *opt_ml, int report_fd);

/* Evaluates the rules on the steps that came since, in their order. What cannot be read is told in
 * the log, once. */
void saved_steps_look(struct saved_steps *steps);

/* There are no more. What rules make goes below the folder `output`; NULL: nothing is made, and
 * nothing more is said. */
void saved_steps_close(struct saved_steps *steps, const char *output);

#endif
