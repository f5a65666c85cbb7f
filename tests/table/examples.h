/* examples.h: one engine for a file's tests, and lists of statements with what they answer. */
#ifndef TESTS_TABLE_EXAMPLES_H
#define TESTS_TABLE_EXAMPLES_H

#include "trino.h"

static struct engine *engine;
static char *folder;

static int open_engine(void **state)
{
    (void)state;
    GError *error = NULL;
    folder = g_dir_make_tmp("lathe-trino-XXXXXX", NULL);
    engine = trino_open(folder, &error);
    return engine ? 0 : -1;
}

static int close_engine(void **state)
{
    (void)state;
    engine_close(engine);
    file_remove_tree(folder, NULL);
    g_free(folder);
    return 0;
}

#define TRY_ALL(examples)                               \
    for (size_t i = 0; i < G_N_ELEMENTS(examples); i++) \
    try(&examples[i])

#endif
