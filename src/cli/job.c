/* The verb that runs one of the jobs' programs on a folder: what a job's process executes, and
 * users by hand. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/process.h"
#include "base/warm.h"
#include "cli/cli.h"
#include "program/program.h"

static int show_programs(FILE *file)
{
    size_t count;
    const struct program *all = programs(&count);
    for (size_t i = 0; i < count; i++) {
        g_auto(GStrv) lines = g_strsplit(all[i].summary, "\n", -1);
        for (char **line = lines; *line; line++)
            fprintf(file, "  %-10s %s\n", line == lines ? all[i].name : "", *line);
    }
    return file == stdout ? CLI_OK : CLI_USAGE;
}

/* In place of a folder: those come one after another, on the line at PROCESS_REPORT. */
#define MANY "-"

int cli_job(int argc, char **argv)
{
    if (!cli_options(&argc, &argv, NULL))
        return CLI_USAGE;
    if (argc == 1)
        return show_programs(stdout);
    const struct program *program = program_find(argv[1]);
    if (!program || argc != 3) {
        fprintf(stderr, "lathe job: a program and a folder in the /opt/ml layout are needed\n");
        return show_programs(stderr);
    }
    const char *report = g_getenv("LATHE_REPORT_FD");
    if (!program->makes_sandbox)
        process_lay_down_override();
    if (program->warm_up && strcmp(argv[2], MANY) == 0)
        return program->warm_up() ? warm_serve(PROCESS_REPORT, program->prepare, program->run) : 1;
    return program->run(argv[2], report ? atoi(report) : -1);
}
