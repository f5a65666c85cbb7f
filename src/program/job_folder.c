#include "program/job_folder.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/file.h"

char *job_folder_path(const char *folder, const char *below)
{
    return g_build_filename(folder, below, NULL);
}

void job_say(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    putchar('\n');
    fflush(stdout);
}

int job_fail(const char *folder, const GError *error)
{
    g_autofree char *output = job_folder_path(folder, "output");
    g_autofree char *path = g_build_filename(output, "failure", NULL);
    job_say("ERROR: %s", error->message);
    /* Without the file the service still has the exit status and the log. */
    if (file_make_folders(output, NULL))
        g_file_set_contents(path, error->message, -1, NULL);
    return 1;
}
