/* reserve.h: space on the disk that is kept for when there is none (inside this room).
 *
 * A file beside the database that takes up some space. Where the disk is full, it is given up for
 * changes that give space back (deletes) or end what is under way (statuses), since these write to
 * the log too, and for opening the database; then it is taken again, as much of it as there is. */
#ifndef LATHE_STORE_RESERVE_H
#define LATHE_STORE_RESERVE_H

#include <glib.h>
#include <stdbool.h>

struct reserve;

/* The reserve beside a database, as an earlier run left it. Never NULL: what cannot be reserved is
 * low for good. */
struct reserve *reserve_open(const char *database);
void reserve_close(struct reserve *reserve);

/* Its size when whole: enough for the database to grow by a log of reserve_log_pages. */
gint64 reserve_wanted(const struct reserve *reserve);
int reserve_log_pages(const struct reserve *reserve);

/* Whether the disk has less space than the reserve, or the reserve is not whole. */
bool reserve_is_low(const struct reserve *reserve);

void reserve_take(struct reserve *reserve);
void reserve_give(struct reserve *reserve);

#endif
