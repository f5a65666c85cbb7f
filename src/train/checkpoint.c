#include "train/checkpoint.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "train/booster.h"
#include "train/report.h"

#define NAME "xgboost-checkpoint."
#define KEPT 5

static char *checkpoint_path(const char *folder, int round)
{
    return g_strdup_printf("%s/" NAME "%d", folder, round);
}

/* The round in a checkpoint's name, or -1 for any other file (one that is being written, say). */
static int round_of(const char *name)
{
    if (!g_str_has_prefix(name, NAME))
        return -1;
    guint64 round;
    bool number =
        g_ascii_string_to_unsigned(name + strlen(NAME), 10, 0, G_MAXINT - 1, &round, NULL);
    return number ? (int)round : -1;
}

static int newest_below(const char *folder, int limit)
{
    g_autoptr(GDir) entries = g_dir_open(folder, 0, NULL);
    int newest = -1;
    const char *name;
    while (entries && (name = g_dir_read_name(entries))) {
        int round = round_of(name);
        if (round < limit && round > newest)
            newest = round;
    }
    return newest;
}

bool checkpoint_resume(const struct xgboost *xgboost, const char *folder, void **booster,
                       int *rounds, GError **error)
{
    *rounds = 0;
    for (int round = newest_below(folder, G_MAXINT); round >= 0;
         round = newest_below(folder, round)) {
        g_autofree char *path = checkpoint_path(folder, round);
        g_autoptr(GError) unreadable = NULL;
        if (booster_read(xgboost, *booster, path, &unreadable)) {
            report_log("INFO", "Checkpoint loaded from %s", path);
            report_log("INFO", "Resuming from iteration %d", round + 1);
            *rounds = round + 1;
            return true;
        }
        report_log("WARNING", "passing over a checkpoint: %s", unreadable->message);
        /* Half of the model may be in the booster: the next one goes into a new one. */
        xgboost->booster_free(*booster);
        *booster = NULL;
        if (xgboost->booster_create(NULL, 0, booster) != 0)
            return xgboost_fail(xgboost, error, "making a booster");
    }
    return true;
}

bool checkpoint_save(const struct xgboost *xgboost, void *booster, const char *folder, int round,
                     GError **error)
{
    g_autofree char *path = checkpoint_path(folder, round);
    if (!booster_write(xgboost, booster, path, error))
        return false;
    g_autofree char *old = checkpoint_path(folder, round - KEPT);
    if (round >= KEPT && unlink(old) != 0 && errno != ENOENT)
        return error_set_errno(error, errno, "removing the checkpoint %s", old);
    return true;
}
