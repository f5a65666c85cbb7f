/* runtime.h: an image is a runtime. The repository of an image's URI chooses who does the work;
 * account and region are only recorded. What depends on the tag, the runtime itself knows. */
#ifndef LATHE_RUNTIME_RUNTIME_H
#define LATHE_RUNTIME_RUNTIME_H

#include <glib.h>
#include <stdbool.h>

struct runtime {
    const char *repository;   /* after the last '/', before ':' */
    const char *train_verb;   /* `lathe <verb> <folder>` trains; NULL: it does not train */
    const char *process_verb; /* likewise for processing jobs */
    bool serves;              /* its model artifacts can be put behind an endpoint */
};

/* The runtime of an image; ERROR_VALIDATION naming the image and what would run where there is
 * none. */
const struct runtime *runtime_find(const char *image, GError **error);

#endif
