/* runtime.h: an image is a runtime. The repository of an image's URI chooses who does the work;
 * account and region are only recorded. What depends on the tag, the runtime itself knows. */
#ifndef LATHE_RUNTIME_RUNTIME_H
#define LATHE_RUNTIME_RUNTIME_H

#include "base/json.h"

/* What an image does in one of its roles. */
struct runtime_role {
    const char *program; /* of program.h: `lathe job PROGRAM FOLDER`; NULL: the server itself */
    /* What this runtime refuses in the request that creates such a job; NULL: nothing of its own.
     */
    bool (*check)(const json_t *request, GError **error);
    /* Of what trains: refuses a tuning job's objective that this runtime never reports; NULL: what
     * the request's MetricDefinitions name. */
    bool (*check_objective)(const char *image, const char *metric, GError **error);
    /* MetricDefinitions of what it reports by itself; NULL: none. */
    json_t *(*metric_definitions)(void);
    /* JSON: ParameterRanges that are worth searching where a tuning job leaves that open; or NULL.
     */
    const char *ranges;
    bool fetches; /* it reaches the network: it is told what this home lets be fetched */
};

enum runtime_work { RUNTIME_TRAINS, RUNTIME_PROCESSES, RUNTIME_SERVES, RUNTIME_WORKS };

struct runtime {
    const char *repository; /* after the last '/', before ':' */
    /* By what is to be done; NULL: it does not do that. */
    const struct runtime_role *roles[RUNTIME_WORKS];
};

/* Who does that work for an image. Where the request brings a program of its own (an entry point,
 * script mode), the user's interpreter, whatever the image; else the program that its repository
 * stands for. ERROR_VALIDATION naming the image and what would run where there is none. */
const struct runtime_role *runtime_role(const char *image, enum runtime_work work, bool own_program,
                                        GError **error);

/* MetricDefinitions that training jobs of an image have by themselves, scripts' too: a new list, or
 * NULL. */
json_t *runtime_metric_definitions(const char *image);

/* The image of programs for Spark (spark.h), and whether an image is of such a repository. */
#define RUNTIME_SPARK "sagemaker-spark-processing"
bool runtime_is(const char *image, const char *repository);

/* The program of runtime_role where a request brings its own. */
#define RUNTIME_SCRIPT "script"
/* Where debugger rules are evaluated beside it. */
#define RUNTIME_RULED_SCRIPT "ruled"

/* In xgboost.c: refuses what algorithm mode does not do. */
extern const struct runtime_role xgboost_trains;

#endif
