/* Which database the files of a lake belong to. */
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/id.h"
#include "lake/orphans.h"

/* ---- a database that is not there ---- */

/* What is in the lake's folder: the files, without the owner's; whether there is anything. */
static guint count_files(const char *folder, bool *any)
{
    guint count = 0, entries = 0;
    g_autoptr(GDir) names = g_dir_open(folder, 0, NULL);
    const char *name;
    while (names && (name = g_dir_read_name(names))) {
        entries++;
        count += strcmp(name, LAKE_OWNER_FILE) != 0 && strcmp(name, LAKE_ASIDE) != 0;
    }
    *any = entries > 0;
    return count;
}

static bool has_bytes(const char *path, const char *suffix)
{
    g_autofree char *name = g_strconcat(path, suffix, NULL);
    struct stat status;
    return stat(name, &status) == 0 && status.st_size > 0;
}

bool lake_check_home(const char *database, const char *folder, GError **error)
{
    bool any;
    guint files = count_files(folder, &any);
    bool log = has_bytes(database, "-wal");
    if (has_bytes(database, "") || (!any && !log))
        return true;
    const char *what = g_file_test(database, G_FILE_TEST_EXISTS) ? "empty" : "missing";
    return error_set(error, ERROR_INTERNAL,
                     "%s is %s, and yet this is no new home: %s was a database's, and holds %u "
                     "files%s. Nothing was changed. Put that meta.db back%s; or, to begin anew "
                     "without what it knew, move %s and what is left of meta.db elsewhere",
                     database, what, folder, files,
                     log ? ", and meta.db-wal holds changes of it" : "",
                     log ? "" : " (with its meta.db-wal, where there is one)", folder);
}

/* ---- identities ---- */

static bool read_identity(struct store_connection *connection, void *data, GError **error)
{
    char **identity = data;
    struct store_rows *row = store_ask(connection, error, "SELECT identity FROM lake_owner", "");
    enum store_step step = store_next(row, error);
    if (step == STORE_ROW)
        *identity = store_text_copy(row, 0);
    store_end(row);
    return step != STORE_FAILED;
}

struct claim {
    char *identity; /* a new one; NULL: there is one */
    const char *run;
};

static bool write_claim(struct store_connection *connection, void *data, GError **error)
{
    const struct claim *claim = data;
    return (!claim->identity ||
            store_run(connection, error, "INSERT INTO lake_owner (identity) VALUES (?)", "s",
                      claim->identity)) &&
           store_run(connection, error,
                     "INSERT OR IGNORE INTO lake_run (run, started) VALUES (?, ?)", "sd",
                     claim->run, clock_now());
}

/* A database that owns no lake yet gets an empty one. */
static bool check_new(const struct lake *lake, GError **error)
{
    bool any;
    guint files = count_files(lake->folder, &any);
    return !any ||
           error_set(error, ERROR_INTERNAL,
                     "meta.db is new, and %s was another's, and holds %u files. Nothing was "
                     "changed. Put that meta.db back; or, to begin anew without what it knew, move "
                     "%s elsewhere",
                     lake->folder, files, lake->folder);
}

static bool check_same(const struct lake *lake, const char *ours, const char *path,
                       const char *there, GError **error)
{
    return strcmp(ours, there) == 0 ||
           error_set(error, ERROR_INTERNAL,
                     "%s is the lake of another meta.db: it belongs to %s, as %s says, and the "
                     "meta.db beside it is %s. Nothing was changed. Put the two that belong "
                     "together back; or, if these do, remove %s and start again",
                     lake->folder, there, path, ours, path);
}

bool owner_claim(struct lake *lake, GError **error)
{
    g_autofree char *path = g_build_filename(lake->folder, LAKE_OWNER_FILE, NULL);
    g_autofree char *ours = NULL;
    g_autofree char *there = NULL;
    if (!store_read(lake->store, read_identity, &ours, error))
        return false;
    if (g_file_get_contents(path, &there, NULL, NULL))
        g_strstrip(there);
    if (!ours && !check_new(lake, error))
        return false;
    if (ours && there && !check_same(lake, ours, path, there, error))
        return false;
    struct claim claim = {ours ? NULL : id_hex(32), lake->run};
    /* A start does not wait for the disk, since what names a file is written after this; but for an
     * identity, which the file is to follow. */
    bool written = ours ? store_write_ordered(lake->store, write_claim, &claim, error)
                        : store_write_spare(lake->store, write_claim, &claim, error);
    ours = ours ? ours : claim.identity;
    if (!written)
        return false;
    g_autofree char *line = g_strconcat(ours, "\n", NULL);
    return there || file_replace(path, line, strlen(line), error);
}
