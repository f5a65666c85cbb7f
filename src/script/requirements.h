/* requirements.h: the libraries that a script's requirements.txt asks for, installed once for all
 * jobs that ask for the same. */
#ifndef LATHE_SCRIPT_REQUIREMENTS_H
#define LATHE_SCRIPT_REQUIREMENTS_H

#include "sandbox/sandbox.h"

/* The text of the requirements.txt of what is about to run: beside the program in script mode and
 * beside an inference script, beside or within the source in the channel `code` of the SDK 3 and of
 * a processing job; under another name where the SDK 3 has said one; in the workspace of a remote
 * function. NULL where there is none, or only comments. g_free. */
char *requirements_find(const char *folder);

/* The folder that has them, below `cache` (absolute, made where it is missing); g_free. Installed
 * by the job's own interpreter with its pip, in a sandbox with the machine's network that sees
 * nothing but the text and pip's configuration. Who asks for the same meanwhile waits. NULL with an
 * error that has pip's last words. hear: what pip writes. */
char *requirements_install(const struct sandbox *job, const char *text, const char *cache,
                           void (*hear)(const char *bytes, size_t size, void *data), void *data,
                           GError **error);

#endif
