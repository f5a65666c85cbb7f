#include "sample/sample.h"

#include <string.h>

#include "parse/fail.h"
#include "sample/generators.h"

static const struct sample {
    struct sample_info info;
    void (*write)(size_t rows, uint64_t seed, FILE *out);
} samples[] = {
    {{"ai4i", "machines, six readings each, and whether and how they fail"}, ai4i_write},
    {{"car", "cars by six words, and how acceptable they are"}, car_write},
    {{"abalone", "shellfish by sex, size and weight, and their rings"}, abalone_write},
    {{"cmapss", "turbofan engines, 21 sensors a cycle, run until they fail"}, cmapss_write},
    {{"flights", "U.S. flights of early 2008: times, delays and their causes"}, flights_write},
};

enum { SAMPLES = sizeof samples / sizeof samples[0] };

const struct sample_info *sample_list(size_t index)
{
    return index < SAMPLES ? &samples[index].info : NULL;
}

static bool fail_unknown(const char *name, struct lathe_error *error)
{
    char names[256] = "";
    for (size_t i = 0; i < SAMPLES; i++) {
        strcat(names, i ? ", " : "");
        strcat(names, samples[i].info.name);
    }
    return fail(error, LATHE_UNSUPPORTED, "no sample is called \"%s\"; there are %s", name, names);
}

bool sample_write(const char *name, size_t rows, uint64_t seed, FILE *out,
                  struct lathe_error *error)
{
    size_t i = 0;
    while (i < SAMPLES && strcmp(samples[i].info.name, name) != 0)
        i++;
    if (i == SAMPLES)
        return fail_unknown(name, error);
    samples[i].write(rows, seed, out);
    if (fflush(out) != 0 || ferror(out))
        return fail(error, LATHE_IO, "sample %s: its %zu rows could not all be written", name,
                    rows);
    return true;
}
