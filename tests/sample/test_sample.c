/* The samples: the same bytes everywhere, the form of the real files, and their statistics against
 * the real data, which is found under LATHE_TEST_DATA (default ../shared/data beside the checkout).
 */
#include "sample/sample.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { COLUMNS = 32 };

/* A text and its fields as numbers: words are counted by their first letter, NaN where missing. */
struct table {
    char *text;
    size_t size;
    size_t rows, columns;
    double *values; /* rows x columns */
};

static void read_all(FILE *file, struct table *table)
{
    size_t room = 1 << 16, more;
    *table = (struct table){.text = malloc(room)};
    while ((more = fread(table->text + table->size, 1, room - table->size, file)) > 0) {
        table->size += more;
        if (table->size == room)
            table->text = realloc(table->text, room *= 2);
    }
    table->text = realloc(table->text, table->size + 1);
    table->text[table->size] = '\0';
}

static double field_value(const char *field, size_t size)
{
    char *stop;
    double value = strtod(field, &stop);
    if (stop != field && (size_t)(stop - field) == size)
        return value;
    return size && strncmp(field, "NA", size) != 0 ? (unsigned char)field[0] : NAN;
}

static void split(struct table *table, char delimiter, bool header)
{
    const char *at = table->text;
    if (header)
        at = strchr(at, '\n') + 1;
    size_t room = 0;
    while (*at) {
        size_t end = strcspn(at, "\n"), column = 0;
        for (size_t from = 0; from <= end && column < COLUMNS; column++) {
            const char set[] = {delimiter, '\n', '\0'};
            size_t size = strcspn(at + from, set);
            if (table->rows * COLUMNS + column >= room) {
                room = room ? 2 * room : 1 << 16;
                table->values = realloc(table->values, (room + COLUMNS) * sizeof(double));
            }
            size_t width = table->rows ? table->columns : COLUMNS;
            table->values[table->rows * width + column] = field_value(at + from, size);
            from += size + 1;
        }
        if (!table->rows)
            table->columns = column;
        else if (column != table->columns)
            fail_msg("row %zu has %zu columns", table->rows, column);
        table->rows++;
        at += end + (at[end] == '\n');
    }
}

static struct table sample(const char *name, size_t rows, uint64_t seed)
{
    struct table table;
    FILE *file = tmpfile();
    struct lathe_error error;
    if (!sample_write(name, rows, seed, file, &error))
        fail_msg("%s", error.message);
    rewind(file);
    read_all(file, &table);
    fclose(file);
    return table;
}

/* The real file, or where `every` is more than 1 its header and every so many lines; skips the test
 * where there is none. */
static struct table real_part(const char *path, unsigned every)
{
    struct table table;
    const char *folder = getenv("LATHE_TEST_DATA");
    char command[1024];
    snprintf(command, sizeof command,
             "gzip -cdf '%s/%s' 2>/dev/null | awk 'NR == 1 || NR %% %u == 0'",
             folder ? folder : TEST_FOLDER "/../../../shared/data", path, every);
    FILE *pipe = popen(command, "r"); /* NOLINT(cert-env33-c): a test's own command */
    read_all(pipe, &table);
    pclose(pipe);
    if (!table.size) {
        print_message("%s is not under LATHE_TEST_DATA\n", path);
        free(table.text);
        skip();
    }
    return table;
}

static struct table real(const char *path)
{
    return real_part(path, 1);
}

static void clear(struct table *table)
{
    free(table->text);
    free(table->values);
}

struct statistics {
    double mean, deviation, least, most, known;
};

static struct statistics column_statistics(const struct table *table, size_t column)
{
    struct statistics found = {.least = INFINITY, .most = -INFINITY};
    double sum = 0, squares = 0;
    for (size_t i = 0; i < table->rows; i++) {
        double value = table->values[i * table->columns + column];
        if (isnan(value))
            continue;
        found.known++;
        sum += value;
        squares += value * value;
        found.least = fmin(found.least, value);
        found.most = fmax(found.most, value);
    }
    found.mean = sum / found.known;
    found.deviation = sqrt(fmax(0, squares / found.known - found.mean * found.mean));
    found.known /= (double)table->rows;
    return found;
}

/* The mean within `shift` real standard deviations, the deviation within the factor `spread`, as
 * many known values (within 2 % of the rows), and no value further out than the real ones by more
 * than `beyond` of their range. */
static void expect_alike(const char *name, size_t column, const struct statistics *found,
                         const struct statistics *real_ones, double shift, double spread,
                         double beyond)
{
    double margin = beyond * (real_ones->most - real_ones->least) + 1e-9;
    bool alike = fabs(found->mean - real_ones->mean) <= shift * real_ones->deviation + 1e-9 &&
                 found->deviation <= spread * real_ones->deviation + 1e-9 &&
                 found->deviation >= real_ones->deviation / spread - 1e-9 &&
                 found->least >= real_ones->least - margin &&
                 found->most <= real_ones->most + margin &&
                 fabs(found->known - real_ones->known) < 0.02;
    if (!alike)
        fail_msg(
            "%s, column %zu: mean %g (%g), deviation %g (%g), %g to %g (%g to %g), known %g (%g)",
            name, column + 1, found->mean, real_ones->mean, found->deviation, real_ones->deviation,
            found->least, found->most, real_ones->least, real_ones->most, found->known,
            real_ones->known);
}

static double correlation(const struct table *table, size_t a, size_t b)
{
    struct statistics of_a = column_statistics(table, a), of_b = column_statistics(table, b);
    double sum = 0, count = 0;
    for (size_t i = 0; i < table->rows; i++) {
        const double *row = table->values + i * table->columns;
        if (!isnan(row[a]) && !isnan(row[b])) {
            sum += (row[a] - of_a.mean) * (row[b] - of_b.mean);
            count++;
        }
    }
    return sum / count / of_a.deviation / of_b.deviation;
}

static uint64_t checksum(const struct table *table) /* FNV-1a */
{
    uint64_t hash = 0xcbf29ce484222325;
    for (size_t i = 0; i < table->size; i++)
        hash = (hash ^ (unsigned char)table->text[i]) * 0x100000001b3;
    return hash;
}

/* A change of these numbers changes every example made from the samples. */
static void the_same_bytes_everywhere(void **unused)
{
    (void)unused;
    static const struct {
        const char *name;
        uint64_t checksum;
    } cases[] = {
        {"ai4i", 0x1e31cc4b94f9103a},    {"car", 0x6454df7287874f65},
        {"abalone", 0x92c24e6018c45679}, {"cmapss", 0x3ea54da731e1a911},
        {"flights", 0x54be00a98b128635},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct table first = sample(cases[i].name, 5000, 42),
                     second = sample(cases[i].name, 5000, 43);
        if (checksum(&first) != cases[i].checksum)
            fail_msg("{\"%s\", 0x%llx},", cases[i].name, (unsigned long long)checksum(&first));
        assert_true(checksum(&second) != checksum(&first));
        clear(&first);
        clear(&second);
    }
}

static void as_many_rows_as_asked_for(void **unused)
{
    (void)unused;
    const struct sample_info *info;
    size_t count = 0;
    for (; (info = sample_list(count)); count++) {
        bool header = !strcmp(info->name, "ai4i") || !strcmp(info->name, "flights");
        for (size_t rows = 0; rows < 3000; rows = 3 * rows + 1) {
            struct table table = sample(info->name, rows, 7);
            size_t lines = 0;
            for (size_t i = 0; i < table.size; i++)
                lines += table.text[i] == '\n';
            assert_int_equal(lines, rows + header);
            clear(&table);
        }
    }
    assert_int_equal(count, 5);
}

static void unknown_names_and_full_disks_are_errors(void **unused)
{
    (void)unused;
    struct lathe_error error;
    assert_false(sample_write("iris", 1, 1, stdout, &error));
    assert_int_equal(error.code, LATHE_UNSUPPORTED);
    assert_non_null(strstr(error.message, "\"iris\""));
    assert_non_null(strstr(error.message, "flights"));
    FILE *full = fopen("/dev/full", "w");
    if (!full)
        skip();
    assert_false(sample_write("ai4i", 100000, 1, full, &error));
    assert_int_equal(error.code, LATHE_IO);
    fclose(full);
}

static void expect_same_header(const struct table *a, const struct table *b)
{
    size_t size = strcspn(a->text, "\n") + 1;
    if (strncmp(a->text, b->text, size) != 0)
        fail_msg("header %.*s", (int)size, a->text);
}

/* Means over several seeds: a random walk's extremes, on which heat failures hang, vary a lot. */
static void ai4i_fails_as_published(void **unused)
{
    (void)unused;
    enum { SEEDS = 10, TYPE = 2, READINGS = 3, FAILURE = 8, RNF = 13 };
    struct table published = real("ai4i2020/ai4i2020.csv.gz");
    split(&published, ',', true);
    double rates[RNF + 1] = {0}, letters[128] = {0};
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct table made = sample("ai4i", 10000, seed);
        expect_same_header(&made, &published);
        split(&made, ',', true);
        assert_int_equal(made.rows, published.rows);
        for (size_t c = READINGS; c < FAILURE; c++) {
            struct statistics a = column_statistics(&made, c), b = column_statistics(&published, c);
            bool process = c == READINGS + 1; /* two walks added: theirs happened to cancel */
            expect_alike("ai4i", c, &a, &b, 0.08, process ? 2.2 : 1.08, process ? 0.5 : 0.15);
        }
        assert_true(fabs(correlation(&made, 5, 6) - correlation(&published, 5, 6)) < 0.02);
        for (size_t c = FAILURE; c <= RNF; c++)
            rates[c] += column_statistics(&made, c).mean / SEEDS;
        for (size_t i = 0; i < made.rows; i++)
            letters[(size_t)made.values[i * made.columns + TYPE]] += 1.0 / SEEDS;
        clear(&made);
    }
    assert_true(fabs(letters['L'] - 6000) < 120 && fabs(letters['H'] - 1003) < 60);
    for (size_t c = FAILURE; c <= RNF; c++) {
        double rate = column_statistics(&published, c).mean;
        /* The text says 0.1 % at random, the published rows have 19 of 10,000. */
        double factor = c == RNF ? 2.5 : 1.4;
        if (rates[c] > rate * factor || rates[c] < rate / factor)
            fail_msg("column %zu: %g, published %g", c + 1, rates[c], rate);
    }
    clear(&published);
}

static void car_is_the_published_product(void **unused)
{
    (void)unused;
    struct table published = real("car/car.data"), made = sample("car", 1728, 9);
    assert_int_equal(made.size, published.size);
    assert_memory_equal(made.text, published.text, made.size);
    clear(&made);

    /* Fewer rows: none twice, in order. More: the product first. */
    made = sample("car", 300, 9);
    const char *at = published.text;
    for (char *line = strtok(made.text, "\n"); line; line = strtok(NULL, "\n")) {
        const char *found = strstr(at, line);
        if (found)
            at = found + strlen(line);
        else
            fail_msg("%s", line);
    }
    clear(&made);
    made = sample("car", 5000, 9);
    assert_memory_equal(made.text, published.text, published.size);
    clear(&made);
    clear(&published);
}

static void abalone_grow_as_published(void **unused)
{
    (void)unused;
    struct table published = real("abalone/abalone.csv"), made = sample("abalone", 4177, 1);
    bool header = !strchr("MFI", published.text[0]) || published.text[1] != ',';
    split(&published, ',', header);
    split(&made, ',', false);
    assert_int_equal(made.columns, published.columns);
    for (size_t c = 1; c < made.columns; c++) {
        struct statistics a = column_statistics(&made, c), b = column_statistics(&published, c);
        expect_alike("abalone", c, &a, &b, 0.08, 1.15, 0.1);
        double apart = correlation(&made, c, 8) - correlation(&published, c, 8);
        if (fabs(apart) > 0.1)
            fail_msg("column %zu: correlation with the rings differs by %g", c + 1, apart);
    }
    clear(&made);
    clear(&published);
}

static void engines_wear_as_published(void **unused)
{
    (void)unused;
    struct table published = real("cmapss/train_FD001.txt.gz"), made = sample("cmapss", 20631, 1);
    split(&published, ' ', false);
    split(&made, ' ', false);
    assert_int_equal(made.columns, 28); /* 26, and the two blanks that end each line */
    assert_int_equal(made.columns, published.columns);
    for (size_t c = 0; c < 26; c++) {
        struct statistics a = column_statistics(&made, c), b = column_statistics(&published, c);
        bool pressure = c == 10; /* P15 is 21.61, or now and then 21.60 */
        expect_alike("cmapss", c, &a, &b, pressure ? 0.3 : 0.12, pressure ? 2 : 1.25, 0.6);
    }
    struct statistics lives = {.least = INFINITY};
    double engines = 0;
    for (size_t i = 1; i < made.rows; i++) {
        const double *row = made.values + i * made.columns, *before = row - made.columns;
        bool next = row[0] != before[0];
        assert_true(row[1] == (next ? 1 : before[1] + 1));
        if (next) {
            engines++;
            lives.mean += before[1];
            lives.least = fmin(lives.least, before[1]);
            lives.most = fmax(lives.most, before[1]);
        }
    }
    lives.mean /= engines;
    assert_true(engines > 85 && engines < 115);
    assert_true(fabs(lives.mean - 206) < 15 && lives.least >= 128 && lives.most < 600);
    clear(&made);
    clear(&published);
}

/* That the columns of a flight agree with each other. */
static void expect_consistent(const double *flight)
{
    enum { ACTUAL = 11, PLANNED, AIR, ARRIVAL, DEPARTURE, TAXI_IN = 19, TAXI_OUT, CANCELLED };
    if (isnan(flight[ARRIVAL])) {
        assert_true(isnan(flight[24]) && isnan(flight[ACTUAL]));
        assert_true(flight[CANCELLED] == 1 || flight[23] == 1);
        return;
    }
    assert_true(flight[ACTUAL] == flight[AIR] + flight[TAXI_IN] + flight[TAXI_OUT]);
    assert_true(flight[ARRIVAL] == flight[DEPARTURE] + flight[ACTUAL] - flight[PLANNED]);
    assert_true(isnan(flight[24]) == (flight[ARRIVAL] < 15));
    if (flight[ARRIVAL] >= 15)
        assert_true(flight[24] + flight[25] + flight[26] + flight[27] + flight[28] ==
                    flight[ARRIVAL]);
}

static void flights_are_late_as_published(void **unused)
{
    (void)unused;
    struct table published = real_part("bts_ontime_2008/ontime_2008_01.csv.gz", 10);
    struct table made = sample("flights", 60000, 1);
    expect_same_header(&made, &published);
    split(&published, ',', true);
    split(&made, ',', true);
    assert_int_equal(made.columns, published.columns);
    for (size_t i = 0; i < made.rows; i++)
        expect_consistent(made.values + i * made.columns);
    static const struct {
        size_t column;
        double shift, spread;
    } checked[] = {
        {3, 0.1, 1.1},   /* day of the week */
        {5, 0.1, 1.1},   /* planned departure */
        {14, 0.1, 1.4},  /* delay of the arrival */
        {15, 0.1, 1.4},  /* and of the departure */
        {19, 0.2, 1.4},  /* taxiing in */
        {20, 0.2, 1.4},  /* and out */
        {21, 0.02, 1.1}, /* cancelled */
        {23, 0.02, 1.3}, /* diverted */
        {24, 0.2, 1.4},  /* the carrier's delay */
    };
    for (size_t i = 0; i < sizeof checked / sizeof checked[0]; i++) {
        size_t c = checked[i].column;
        struct statistics a = column_statistics(&made, c), b = column_statistics(&published, c);
        expect_alike("flights", c, &a, &b, checked[i].shift, checked[i].spread, 0.5);
    }
    clear(&made);
    clear(&published);
}

/* Distances of the sample against the published ones, route by route. */
static void routes_are_as_long_as_published(void **unused)
{
    (void)unused;
    struct table published = real_part("bts_ontime_2008/ontime_2008_01.csv.gz", 10);
    struct table made = sample("flights", 1500, 1);
    size_t found = 0;
    char *save = NULL;
    strtok_r(made.text, "\n", &save); /* the header */
    for (char *line; (line = strtok_r(NULL, "\n", &save));) {
        const char *at = line;
        for (int comma = 0; comma < 16; comma++)
            at = strchr(at, ',') + 1;
        char route[16];
        snprintf(route, sizeof route, ",%.8s", at); /* ,ATL,LAX, */
        const char *same = strstr(published.text, route);
        if (!same)
            continue;
        double ours = strtod(at + 8, NULL), theirs = strtod(same + 9, NULL);
        if (fabs(ours - theirs) > 0.03 * theirs + 6)
            fail_msg("%s%g, published %g", route, ours, theirs);
        found++;
    }
    assert_true(found > 1000);
    clear(&made);
    clear(&published);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_bytes_everywhere),
        cmocka_unit_test(as_many_rows_as_asked_for),
        cmocka_unit_test(unknown_names_and_full_disks_are_errors),
        cmocka_unit_test(ai4i_fails_as_published),
        cmocka_unit_test(car_is_the_published_product),
        cmocka_unit_test(abalone_grow_as_published),
        cmocka_unit_test(engines_wear_as_published),
        cmocka_unit_test(flights_are_late_as_published),
        cmocka_unit_test(routes_are_as_long_as_published),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
