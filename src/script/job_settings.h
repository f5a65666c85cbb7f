/* job_settings.h: what a folder's SANDBOX_FILE says for the rooms above the sandbox. */
#ifndef LATHE_SCRIPT_JOB_SETTINGS_H
#define LATHE_SCRIPT_JOB_SETTINGS_H

#include "base/json.h"
#include "sandbox/sandbox.h"

json_t *job_settings_read(const char *folder, GError **error);

/* What every program finds: output as it comes, our stand-ins for packages that the user's Python
 * lacks, behind all that it has, and the settings' own Environment. A new reference. */
json_t *job_settings_environment(const struct sandbox *sandbox, const json_t *settings);

#endif
