/* data_options.h: what a specification's "data" says of how its rows are written. */
#ifndef LATHE_PROGRAM_DATA_OPTIONS_H
#define LATHE_PROGRAM_DATA_OPTIONS_H

#include "base/json.h"
#include "rows/rows.h"

struct data_options {
    struct rows_columns_options rows;
    GPtrArray *header, *nulls; /* char *: what it points to */
};

/* {"header": true, "delimiter": ",", "columns": [names, where there is no header], "nulls":
 * ["NA"]}; NULL: defaults. To be cleared in any case. */
bool data_options_read(struct data_options *options, const json_t *data, GError **error);
void data_options_clear(struct data_options *options);

#endif
