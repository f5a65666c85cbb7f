/* hyperparameter_answers VERSION: for each line of standard input, a JSON object of
 * hyperparameters, a line of JSON with the reason why that release of the image refuses it, or
 * null. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "train/hyperparameters.h"

static bool answer(const struct xgboost_release *release, const char *line)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(json_auto) given = json_parse(line, strlen(line), "standard input", &error);
    if (!given) {
        fprintf(stderr, "%s\n", error->message);
        return false;
    }
    bool good = train_check_hyperparameters(given, release, NULL, &error);
    g_autoptr(json_auto) reason = good ? json_null() : json_string(error->message);
    g_autofree char *text = json_text_of(reason);
    puts(text);
    return true;
}

int main(int argc, char **argv)
{
    const struct xgboost_release *release = xgboost_release_find(argc > 1 ? argv[1] : NULL);
    static char line[1 << 16];
    while (fgets(line, sizeof line, stdin)) {
        if (!answer(release, line)) {
            return 1;
        }
    }
    return 0;
}
