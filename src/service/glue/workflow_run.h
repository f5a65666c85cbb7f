/* workflow_run.h: a run in hand, between the files that move it. */
#ifndef LATHE_SERVICE_GLUE_WORKFLOW_RUN_H
#define LATHE_SERVICE_GLUE_WORKFLOW_RUN_H

#include "service/glue/trigger.h"

struct workflow_node {
    gint64 number;
    json_t *body;
    bool changed; /* since it was written */
    bool heard;
};

struct workflow_run {
    struct flow_life *life;
    struct lathe *lathe;
    char *workflow;
    json_t *body;
    GPtrArray *nodes; /* struct workflow_node */
    bool stops, stop_sent;
};

const char *workflow_node_text(const struct workflow_node *node, const char *member);
/* body is taken. */
struct workflow_node *workflow_run_add(struct workflow_run *run, gint64 number, json_t *body);

/* Adds what is to be started as nodes that are PENDING: by the trigger that begins the run, where
 * it has none yet; by those whose conditions are met and that have not fired in it
 * (workflow_fire.c). */
bool workflow_run_fire_first(struct workflow_run *run, GError **error);
bool workflow_run_fire(struct workflow_run *run, GError **error);

#endif
