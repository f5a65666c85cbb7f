/* script.h: jobs whose program the request brings: an entry point, or script mode. */
#ifndef LATHE_SERVICE_SCRIPT_H
#define LATHE_SERVICE_SCRIPT_H

#include "service/home.h"

/* What such a job is given beside its folder; parts of the request. */
struct script {
    const json_t *entrypoint, *arguments; /* lists of texts, or NULL: script mode */
    const char *image;                    /* whose own program is run; NULL: one of the above */
    const json_t *environment;            /* an object of texts, or NULL */
    const json_t *metrics;                /* MetricDefinitions, or NULL */
    const char *name_variable, *name;     /* how it finds its own name; or NULL */
    const char *arn_variable, *arn;
    gint64 volume;       /* VolumeSizeInGB; 0: no limit */
    const json_t *spark; /* how it finds Spark (spark_settings of runtime/spark.h), or NULL */
};

/* The sandbox as this home's configuration has it, with the way to this server in its Environment.
 * A new reference. */
json_t *script_sandbox(const struct lathe *lathe, const char *region);
/* What layout_script writes for it: the sandbox as this home's configuration has it, the command,
 * and the environment with the way to this server. A new reference. */
json_t *script_settings(const struct call *call, const struct script *script);

/* Whether there is an interpreter for scripts at all, ERROR_VALIDATION. */
bool script_check(const struct call *call, GError **error);

#endif
