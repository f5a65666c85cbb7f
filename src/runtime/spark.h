/* spark.h: programs for Spark. What of it has to be there, what is told to spark-submit, and how it
 * reaches this server's objects as s3:// and s3a://. */
#ifndef LATHE_RUNTIME_SPARK_H
#define LATHE_RUNTIME_SPARK_H

#include "runtime/settings.h"

/* Whether there is a Spark that programs can be submitted to, with Java and with what it needs for
 * S3, and a way to its cluster where it has one. ERROR_VALIDATION says what is missing and what
 * would bring it. */
bool spark_check(const struct settings *settings, GError **error);

/* What is the same for all programs of a job: an object
 *
 *   Home        Spark's folder, absolute: SPARK_HOME
 *   Java        Java's: JAVA_HOME
 *   Classes     Java's archive of the classes that programs begin with, where Spark has one
 *   Properties  texts by name: spark-defaults.conf as the program finds it
 *
 * url: this server, for s3://; executors: how many are asked of a cluster. Only after spark_check.
 * A new reference. */
json_t *spark_settings(const struct settings *settings, const char *url, const char *region,
                       gint64 executors);

/* What is submitted. Paths are those that the program sees; s3:// and s3a:// URIs are fetched by
 * Spark. */
struct spark_submit {
    const char *application;               /* a .py file or a jar */
    const char *class_name;                /* of a jar's main class, or NULL */
    const json_t *arguments;               /* of the application; texts, or NULL */
    const json_t *py_files, *jars, *files; /* texts, or NULL */
    const json_t *conf;     /* an object of texts that count for more than Properties, or NULL */
    const char *event_logs; /* a folder, or NULL: none are kept */
};

/* spark-submit by its absolute path, and its arguments: what the sandbox is to run. A new
 * reference.
 */
json_t *spark_command(const struct settings *settings, const struct spark_submit *submit);

#endif
