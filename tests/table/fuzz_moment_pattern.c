/* Patterns of days and times: what a pattern puts, it reads back, where it says all of a time. The
 * first byte says whose pattern it is, the next eight a time, a line the pattern, the rest a text.
 */
#include <stdlib.h>
#include <string.h>

#include "table/moment.h"
#include "table/moment_pattern.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_round_trip(const struct moment_pattern *pattern, const char *text, size_t size,
                             int64_t local)
{
    static const char *const whole[] = {"%Y-%m-%d %H:%i:%s", "yyyy-MM-dd HH:mm:ss",
                                        "%d.%m.%Y %k:%i:%S", "D/yyyy H:m:s"};
    bool known = false;
    for (size_t i = 0; i < G_N_ELEMENTS(whole); i++)
        known |= strlen(whole[i]) == size && memcmp(whole[i], text, size) == 0;
    g_autoptr(GString) put = g_string_new(NULL);
    struct moment_parsed parsed;
    if (!moment_pattern_put(pattern, put, local, 0, NULL, 0, NULL) || !known)
        return;
    if (!moment_pattern_parse(pattern, put->str, put->len, &parsed, NULL) || parsed.local != local)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int64_t local;
    if (size < 10)
        return 0;
    memcpy(&local, data + 1, sizeof local);
    /* a second of the years 1900 to 2099: what four digits say */
    local =
        ((local & INT64_MAX) % (200 * INT64_C(31556952)) - 70 * INT64_C(31536000)) * MOMENT_SECOND;
    const char *text = (const char *)data + 9;
    size_t rest = size - 9;
    const char *line = memchr(text, '\n', rest);
    size_t length = line ? (size_t)(line - text) : rest;
    g_autofree char *copy = g_strndup(text, length);
    struct moment_pattern *pattern = moment_pattern_new(copy, strlen(copy), data[0] & 1, NULL);
    struct moment_parsed parsed;
    if (pattern) {
        check_round_trip(pattern, copy, strlen(copy), local);
        if (line)
            moment_pattern_parse(pattern, line + 1, rest - length - 1, &parsed, NULL);
    }
    moment_pattern_free(pattern);
    moment_parse_iso(text, rest, &parsed, NULL);
    return 0;
}
