#include "proxy/aws_host.h"

#include <glib.h>
#include <string.h>

const char *const aws_domains[] = {"amazonaws.com", "amazonaws.com.cn", "sagemaker.aws", "api.aws",
                                   NULL};

/* The length of the name before the dot and the domain; 0 where there is none. */
static size_t length_before_domain(const char *name)
{
    size_t length = strlen(name);
    for (const char *const *domain = aws_domains; *domain; domain++) {
        size_t rest = strlen(*domain) + 1;
        if (length > rest && name[length - rest] == '.' && g_str_has_suffix(name, *domain))
            return length - rest;
    }
    return 0;
}

bool aws_host_is(const char *name)
{
    return length_before_domain(name) > 0;
}

/* "us-east-1", "us-gov-west-1": words, then a number. */
static bool is_region(const char *label)
{
    const char *dash = strrchr(label, '-');
    bool ends =
        dash && g_ascii_isdigit(dash[1]) && strspn(dash + 1, "0123456789") == strlen(dash + 1);
    size_t words = strspn(label, "abcdefghijklmnopqrstuvwxyz-");
    return ends && dash - label >= 4 && label + words == dash + 1 && strchr(label, '-') < dash;
}

/* "sts-fips" is sts; SQS has its oldest name still. */
static void set_service(struct aws_host *host, const char *label)
{
    g_strlcpy(host->service, strcmp(label, "queue") == 0 ? "sqs" : label, sizeof host->service);
    if (g_str_has_suffix(host->service, "-fips"))
        host->service[strlen(host->service) - strlen("-fips")] = '\0';
}

/* A label that stands for S3, which may hold the region: "s3", "s3-eu-west-1". */
static bool is_s3(const char *label)
{
    static const char *const names[] = {"s3", "s3-fips", "s3-accelerate", "s3-external-1", NULL};
    return g_strv_contains(names, label) ||
           (g_str_has_prefix(label, "s3-") && is_region(label + 3));
}

/* What may stand behind it: nothing, dualstack, the region, or both. */
static bool fits_behind_s3(char **labels)
{
    labels += *labels && strcmp(*labels, "dualstack") == 0;
    return !*labels || (is_region(*labels) && !labels[1]);
}

/* The place of S3's label, or -1. The last that fits: a bucket's name may have such a label too. */
static int place_of_s3(char **labels)
{
    for (int i = (int)g_strv_length(labels) - 1; i >= 0; i--)
        if (is_s3(labels[i]) && fits_behind_s3(labels + i + 1))
            return i;
    return -1;
}

static void read_s3(char **labels, int place, struct aws_host *host)
{
    int last = (int)g_strv_length(labels) - 1;
    const char *region =
        last > place ? labels[last] : labels[place] + 3 * (labels[place][2] == '-');
    g_strlcpy(host->service, "s3", sizeof host->service);
    if (is_region(region))
        g_strlcpy(host->region, region, sizeof host->region);
    g_free(g_steal_pointer(&labels[place]));
    g_autofree char *bucket = g_strjoinv(".", labels);
    g_strlcpy(host->bucket, bucket, sizeof host->bucket);
    for (int i = place + 1; i <= last; i++)
        g_free(labels[i]);
    host->is_telemetry =
        g_str_has_prefix(bucket, "sm-pysdk-t-") || g_str_has_prefix(bucket, "dev-exp-t-");
}

/* "runtime.sagemaker.us-east-1", "iam", "us-east-1.queue": the label before the region, or the last
 * that is none. */
static void read_other(char **labels, struct aws_host *host)
{
    for (char **label = labels; *label; label++) {
        if (!is_region(*label))
            set_service(host, *label);
        else
            g_strlcpy(host->region, *label, sizeof host->region);
        if (*host->region && *host->service)
            return;
    }
}

void aws_host_read(const char *name, struct aws_host *host)
{
    *host = (struct aws_host){0};
    g_autofree char *start = g_strndup(name, length_before_domain(name));
    g_auto(GStrv) labels = g_strsplit(start, ".", -1);
    int place = place_of_s3(labels);
    if (place >= 0)
        read_s3(labels, place, host);
    else
        read_other(labels, host);
    if (g_str_has_suffix(name, ".sagemaker.aws"))
        g_strlcpy(host->service, "sagemaker", sizeof host->service);
}
