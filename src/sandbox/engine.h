/* engine.h: a container's image run by podman or docker, as a sandbox is: the job's folder as its
 * /opt/ml, no privileges and no new ones, nothing of its own that it could write. */
#ifndef LATHE_SANDBOX_ENGINE_H
#define LATHE_SANDBOX_ENGINE_H

#include "sandbox/sandbox.h"

/* How the container reaches what the sandbox's servers are. */
enum engine_network {
    ENGINE_ALONE,  /* not at all */
    ENGINE_SHARED, /* by the network of whoever starts it: ours with the forwarder, or the machine's
                    */
};
/* Only podman that is root can start a container in a network that we made. */
enum engine_network engine_network(const struct sandbox *sandbox);

/* The command that runs an image's own program under a name, to its end; g_ptr_array_unref. */
GPtrArray *engine_arguments(const struct sandbox *sandbox, const struct sandbox_command *command,
                            const char *name);
/* The one that ends it. */
GPtrArray *engine_end_arguments(const struct sandbox *sandbox, const char *name);
/* Engines keep containers whoever dies: a process of its own ends this one when we are gone. */
pid_t engine_watch(const struct sandbox *sandbox, const char *name);
/* Ends it now. */
void engine_end(const struct sandbox *sandbox, const char *name);

#endif
