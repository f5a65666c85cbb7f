/* Car Evaluation (M. Bohanec, V. Rajkovic, Expert system for decision making, 1988; UCI Machine
 * Learning Repository 19): made by a hierarchical model. A car's price comes from what it costs to
 * buy and to keep, its comfort from doors, persons and luggage; price, comfort and safety decide.
 * The tables are that model with its intermediate grades numbered from the worst. */
#include "sample/generators.h"

#include "sample/random.h"
#include "sample/row.h"

enum { ATTRIBUTES = 6, PRODUCT = 4 * 4 * 4 * 3 * 3 * 3 };

static const char *const values[ATTRIBUTES][4] = {
    {"vhigh", "high", "med", "low"}, {"vhigh", "high", "med", "low"},
    {"2", "3", "4", "5more"},        {"2", "4", "more"},
    {"small", "med", "big"},         {"low", "med", "high"},
};
static const unsigned counts[ATTRIBUTES] = {4, 4, 4, 3, 3, 3};
static const char *const classes[] = {"unacc", "acc", "good", "vgood"};

/* [buying][maint] */
static const unsigned char price[4][4] = {{0, 0, 1, 1}, {0, 1, 1, 1}, {1, 1, 2, 3}, {1, 2, 3, 3}};

/* [doors][persons][lug_boot] */
static const unsigned char comfort[4][3][3] = {
    {{0, 0, 0}, {1, 1, 2}, {0, 1, 2}},
    {{0, 0, 0}, {1, 1, 2}, {1, 2, 2}},
    {{0, 0, 0}, {1, 2, 2}, {1, 2, 2}},
    {{0, 0, 0}, {1, 2, 2}, {1, 2, 2}},
};

/* [price][safety][comfort] */
static const unsigned char verdict[4][3][3] = {
    {{0, 0, 0}, {0, 0, 0}, {0, 0, 0}},
    {{0, 0, 0}, {0, 0, 1}, {0, 1, 1}},
    {{0, 0, 0}, {0, 1, 1}, {0, 1, 3}},
    {{0, 0, 0}, {0, 1, 2}, {0, 2, 3}},
};

/* Car number `index` of the product, in which the last attribute changes first. */
static bool write_car(struct row *row, unsigned index)
{
    unsigned car[ATTRIBUTES];
    for (size_t i = ATTRIBUTES; i-- > 0; index /= counts[i])
        car[i] = index % counts[i];
    for (size_t i = 0; i < ATTRIBUTES; i++)
        row_text(row, values[i][car[i]]);
    unsigned grade = comfort[car[2]][car[3]][car[4]];
    row_text(row, classes[verdict[price[car[0]][car[1]]][car[5]][grade]]);
    return row_end(row, "\n");
}

/* The whole product in its order, then cars drawn at random. Fewer rows are a choice from the
 * product, in order and none twice: each car has the chance that what is still due makes up. */
void car_write(size_t rows, uint64_t seed, FILE *out)
{
    struct row row = {.out = out, .delimiter = ','};
    struct random random = random_start(seed, 0);
    size_t due = rows < PRODUCT ? rows : PRODUCT;
    bool written = true;
    for (unsigned i = 0; written && i < PRODUCT; i++) {
        if (random_below(&random, PRODUCT - i) >= due)
            continue;
        written = write_car(&row, i);
        due--;
    }
    for (size_t i = PRODUCT; written && i < rows; i++)
        written = write_car(&row, random_below(&random, PRODUCT));
}
