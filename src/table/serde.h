/* serde.h: a line of text to the values of a relation's columns, as Hive's SerDes read it. */
#ifndef LATHE_TABLE_SERDE_H
#define LATHE_TABLE_SERDE_H

#include "table/relation.h"
#include "table/sink.h"

/* What a relation's options say, worked out once; many threads read by it. */
struct serde {
    const struct relation *relation;
    const struct serde_kind *kind;
    void *state;   /* the kind's */
    int64_t heads; /* lines at a file's start that are passed over */
};

/* What a thread needs to read by it. */
struct serde_work {
    GString *scratch;
    GArray *fields; /* struct serde_field */
    void *state;    /* the kind's */
};

struct serde_field {
    const char *bytes; /* NULL: there is none */
    size_t size;
};

struct serde_kind {
    bool forgives; /* a text that is no value of its column's type is null */
    bool (*open)(struct serde *serde, GError **error);
    void (*close)(struct serde *serde);
    void (*begin)(const struct serde *serde, struct serde_work *work); /* may be NULL */
    void (*end)(struct serde_work *work);                              /* likewise */
    /* Sets the row in each column that is wanted (NULL: not), a sink for each of the relation's. */
    bool (*read)(const struct serde *serde, struct serde_work *work, const char *line, size_t size,
                 struct sink *const *columns, uint64_t row, GError **error);
};

struct serde *serde_open(const struct relation *relation, GError **error);
void serde_close(struct serde *serde);

void serde_begin(const struct serde *serde, struct serde_work *work);
void serde_end(const struct serde *serde, struct serde_work *work);

/* Sets values by their texts alone: for SerDes all of whose columns are texts to Hive, and other
 * types what Trino makes of them. */
bool serde_set_fields(const struct serde *serde, const struct serde_work *work,
                      struct sink *const *columns, uint64_t row, GError **error);

extern const struct serde_kind serde_delimited, serde_csv, serde_regex, serde_grok, serde_json;

#endif
