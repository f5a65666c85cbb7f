#include "serve/place.h"

#include "base/clock.h"
#include "base/s3_uri.h"
#include "lake/lake.h"
#include "log/log_stream.h"

static GBytes *get(void *lake, const char *uri, size_t limit, GError **error)
{
    return lake_get_bytes(lake, uri, limit, error);
}

static bool has(void *lake, const char *uri)
{
    g_autofree char *bucket = NULL;
    g_autofree char *key = NULL;
    g_autoptr(lake_object_auto) object =
        s3_uri_parse(uri, &bucket, &key, NULL) ? lake_stat(lake, bucket, key, NULL) : NULL;
    return object != NULL;
}

struct model_objects lake_objects(struct lake *lake)
{
    return (struct model_objects){get, has, lake};
}

static void *open_log(void *logs, const char *endpoint, const char *stream, GError **error)
{
    g_autofree char *group = g_strconcat("/aws/sagemaker/Endpoints/", endpoint, NULL);
    return log_writer_open(logs, group, stream, error);
}

static void write_line(void *log, const char *line, size_t size)
{
    log_writer_add(log, (gint64)(clock_now() * 1000), line, size, NULL);
}

static void close_log(void *log)
{
    log_writer_close(log);
}

struct model_logs endpoint_logs(struct logs *logs)
{
    return (struct model_logs){open_log, write_line, close_log, logs};
}
