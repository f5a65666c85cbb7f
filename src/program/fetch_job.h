/* fetch_job.h: the image lathe-fetch: brings what a list of addresses holds. */
#ifndef LATHE_PROGRAM_FETCH_JOB_H
#define LATHE_PROGRAM_FETCH_JOB_H

/* Works on a folder that a processing job sees as /opt/ml:
 *
 *   processing/input/config/   one .yaml, .yml or .json file: the list (src/fetch/README.md)
 *   config/fetch.json          {"Allow": [...], "ListedOnly": false, "Cache": "..."}: what may be
 *                              fetched, and where half of it is kept; without it, only what is on
 *                              the public internet, and below the folder
 *   processing/output/         the files
 *
 * Returns the exit status: 0, or 1 with the reason in output/failure. */
int fetch_main(const char *opt_ml, int report);

#endif
