/* sample.h: what is read of an object to tell what it is: its beginning, unpacked, and a footer
 * where it has one. */
#ifndef LATHE_CRAWL_SAMPLE_H
#define LATHE_CRAWL_SAMPLE_H

#include "crawl/classify.h"
#include "lake/lake.h"

struct sampled {
    struct sample sample;
    bool gzip;
    char *head, *tail; /* its bytes */
    char *pieces[SAMPLE_PIECES];
};

/* False where it cannot be read; one that is damaged has what could be read of it. */
bool sample_read(struct lake *lake, const struct lake_object *object, struct sampled *sampled,
                 GError **error);
void sample_clear(struct sampled *sampled);

#endif
