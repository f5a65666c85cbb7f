/* spark_files.h: how a program finds Spark: SANDBOX_FILE's member Spark (runtime/spark.h). */
#ifndef LATHE_SCRIPT_SPARK_FILES_H
#define LATHE_SCRIPT_SPARK_FILES_H

#include "script/job_settings.h"

/* Writes spark-defaults.conf, where the settings have Spark. */
bool spark_files_write(const char *folder, const json_t *settings, GError **error);

/* Adds SPARK_HOME, JAVA_HOME, SPARK_CONF_DIR, SPARK_LOCAL_IP and PYSPARK_PYTHON. */
void spark_files_environment(const struct sandbox *sandbox, const json_t *settings,
                             json_t *environment);

#endif
