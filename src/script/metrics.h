/* metrics.h: metrics that a script's log holds, by the regular expressions of MetricDefinitions. */
#ifndef LATHE_SCRIPT_METRICS_H
#define LATHE_SCRIPT_METRICS_H

#include "base/json.h"

struct metrics;

/* Of [{Name, Regex}], or NULL. A regular expression that does not compile is an error that names
 * its metric. report: a descriptor for JSON lines (job/README.md), which becomes the metrics'. */
struct metrics *metrics_new(const json_t *definitions, int report, GError **error);
/* Whether they all compile, before there is a job. */
bool metrics_check(const json_t *definitions, GError **error);
void metrics_free(struct metrics *metrics);

/* What the script wrote next. The first group of a match is the value, as in SageMaker; a value
 * that is no number is passed over. A tab is what an expression has as "#011", too. */
void metrics_hear(struct metrics *metrics, const char *bytes, size_t size);

#endif
