/* describe_table.h: `lathe describe TABLE`. */
#ifndef LATHE_CLI_DESCRIBE_TABLE_H
#define LATHE_CLI_DESCRIBE_TABLE_H

#include <glib.h>
#include <stdbool.h>

/* Prints a table of the running lathe's catalog, "database.table" or one of the database "default":
 * its rows and partitions, and of each column what its values are. */
bool describe_table(const char *name, GError **error);

#endif
