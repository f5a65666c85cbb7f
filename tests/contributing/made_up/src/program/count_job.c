#include "program/count_job.h"

#include "program/job_folder.h"
#include "rows/rows.h"

static bool count(const char *folder, GError **error)
{
    g_autofree char *input = job_folder_path(folder, "processing/input/rows");
    g_autofree char *output = job_folder_path(folder, "processing/output/count");
    g_autoptr(GPtrArray) files = rows_files(input, error);
    if (!files)
        return false;
    g_autofree char *text = g_strdup_printf("%u", files->len);
    job_say("%s files", text);
    return g_file_set_contents(output, text, -1, error);
}

int count_main(const char *folder, int report)
{
    (void)report;
    g_autoptr(GError) error = NULL;
    return count(folder, &error) ? 0 : job_fail(folder, error);
}
