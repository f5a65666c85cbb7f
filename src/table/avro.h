/* avro.h: Avro's data files: their rows, read by the schema that each has in its head. A column is
 * the field of its name, or of a name that the table's avro.schema.literal calls an alias of it;
 * one that a file lacks has that schema's default, else null. */
#ifndef LATHE_TABLE_AVRO_H
#define LATHE_TABLE_AVRO_H

#include "table/relation.h"
#include "table/sink.h"

struct avro_file;

/* The blocks whose marker begins from byte `from` to before byte `to` (-1: all). The relation and
 * the file have to outlive it. */
struct avro_file *avro_file_open(const struct relation *relation, const struct relation_file *file,
                                 int64_t from, int64_t to, GError **error);
/* Sets rows from *rows on, up to `room`, in each column that is wanted (NULL: not); *rows says how
 * many there are then: none more where the part is over. */
bool avro_file_read(struct avro_file *file, struct sink *const *columns, uint64_t room,
                    uint64_t *rows, GError **error);
void avro_file_close(struct avro_file *file);

#endif
