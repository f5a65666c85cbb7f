/* What a connection is told once. */
#include "sql/prelude_clock.h"
#include "sql/prelude_lists.h"
#include "sql/prelude_values.h"
#include "sql/sql.h"

#define SETTINGS                                         \
    "SET default_null_order='nulls_last';\n"             \
    "SET scalar_subquery_error_on_multiple_rows=true;\n" \
    "SET ieee_floating_point_ops=true;\n"                \
    "SET TimeZone='UTC';\n"

const char *sql_prelude(void)
{
    return SETTINGS SQL_PRELUDE_VALUES SQL_PRELUDE_CLOCK SQL_PRELUDE_LISTS;
}
