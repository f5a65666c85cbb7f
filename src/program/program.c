#include "program/program.h"

#include <glib.h>
#include <string.h>

#include "program/evaluate_job.h"
#include "program/features_job.h"
#include "program/fetch_job.h"
#include "program/ruled_job.h"
#include "program/transform_job.h"
#include "program/tune_job.h"
#include "sandbox/sandbox.h"
#include "script/script_job.h"
#include "script/serve_job.h"
#include "train/xgboost_job.h"

/* What these need is lathe's own, and has been loaded. */
static bool warm_as_it_is(void)
{
    return true;
}

static int engine_main(const char *folder, int report)
{
    (void)report;
    return sandbox_inside(folder);
}

static const struct program all[] = {
    {"xgboost",
     "the XGBoost algorithm: input/config and input/data to model; the image in LATHE_IMAGE",
     train_main, train_warm_up, train_prepare, false},
    {"features",
     "lathe-features: fits and applies a feature pipeline, processing/input/config (one YAML or\n"
     "JSON file) and processing/input/data to processing/output",
     features_main, NULL, NULL, false},
    {"evaluate",
     "lathe-evaluate: measures a model on rows it has not seen, processing/input/model, test and\n"
     "validation to processing/output/evaluation/evaluation.json",
     evaluate_main, NULL, NULL, false},
    {"fetch",
     "lathe-fetch: brings what a list of addresses holds, processing/input/config (one YAML or\n"
     "JSON file) to processing/output",
     fetch_main, NULL, NULL, false},
    {"transform",
     "a batch transform: input/ through the containers of config/transformjob.json to results/",
     transform_main, NULL, NULL, true},
    {"script",
     "a user's own program, in a sandbox: what .lathe/sandbox.json says, or script mode as\n"
     "input/config/hyperparameters.json says it",
     script_main, warm_as_it_is, NULL, true},
    {"ruled",
     "the same, with the debugger rules of input/config/debugrules.json on what its hook saves",
     ruled_main, warm_as_it_is, NULL, true},
    {"serve", "a user's inference script, as one process of an endpoint's pool", serve_main, NULL,
     NULL, true},
    {"tune",
     "what a tuning job tries next, as one process of its pool; by hand, of the study in\n"
     "study.json",
     tune_main, NULL, NULL, false},
    {"engine", "what stands in front of podman or docker; `script` runs it", engine_main, NULL,
     NULL, true},
};

const struct program *programs(size_t *count)
{
    *count = G_N_ELEMENTS(all);
    return all;
}

const struct program *program_find(const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(all); i++)
        if (strcmp(all[i].name, name) == 0)
            return &all[i];
    return NULL;
}
