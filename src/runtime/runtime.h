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
};

struct runtime {
    const char *repository; /* after the last '/', before ':' */
    /* NULL: it does not do that */
    const struct runtime_role *trains, *processes, *serves;
};

/* The runtime of an image; ERROR_VALIDATION naming the image and what would run where there is
 * none. */
const struct runtime *runtime_find(const char *image, GError **error);

/* In xgboost.c: refuses what algorithm mode does not do. */
extern const struct runtime_role xgboost_trains;

#endif
