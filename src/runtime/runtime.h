/* runtime.h: an image is a runtime. The repository and the tag of an image's URI choose who does
 * the work; account and region are only recorded. */
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
 * none. tag (may be NULL) becomes the text after ':', "latest" where there is none; g_free. */
const struct runtime *runtime_find(const char *image, char **tag, GError **error);

#endif
