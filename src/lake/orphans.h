/* orphans.h: whose the files of the lake are, and what becomes of those that no row names.
 *
 * A start may find a meta.db that is not the one its lake was last used with: an older copy put
 * back, one of another home. What no row names is then no garbage, but somebody's objects. */
#ifndef LATHE_LAKE_ORPHANS_H
#define LATHE_LAKE_ORPHANS_H

#include "lake/lake_inside.h"

/* The file in the lake's folder that holds its database's identity, and the folder of what was
 * moved aside, lake/aside/<day>/<id>. */
#define LAKE_OWNER_FILE "owner"
#define LAKE_ASIDE "aside"

/* Takes the lake for this database, or fails where it is another's; notes that the run of the
 * lake's ids is this database's. To be called before the first file is made. */
bool owner_claim(struct lake *lake, GError **error);

/* Files aside that a row names go back to their place: the database was put back, too. */
bool orphans_put_back(struct lake *lake, GError **error);

/* Of a lake, in a thread of its own: moves aside the files that no row names and that an earlier
 * run of this database made. Ends early where the lake is being closed. */
void orphans_collect(void *lake);

/* Removes what had lain aside for seven days at `now`. */
void orphans_drop_old(struct lake *lake, double now);

#endif
