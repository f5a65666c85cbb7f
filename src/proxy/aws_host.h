/* aws_host.h: the names of AWS's hosts, and what a request to one asks for by its name alone. */
#ifndef LATHE_PROXY_AWS_HOST_H
#define LATHE_PROXY_AWS_HOST_H

#include <stdbool.h>

/* The domains that AWS's APIs live under, without a dot before them; ends with NULL. */
extern const char *const aws_domains[];

/* Whether a name, in lower case, lies under one of them ("sts.amazonaws.com"; not
 * "amazonaws.com"). */
bool aws_host_is(const char *name);

/* What a name says; "" what it does not. */
struct aws_host {
    char service[64]; /* as in a signature's scope: "sagemaker" of runtime.sagemaker */
    char region[64];
    char bucket[256];
    bool is_telemetry; /* a bucket that the SageMaker SDK tells about its use */
};

/* Reads a name for which aws_host_is is true and that is no longer than 253 characters. */
void aws_host_read(const char *name, struct aws_host *host);

#endif
