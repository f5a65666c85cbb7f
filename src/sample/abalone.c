/* Abalone (W. Nash and others, 1994; UCI Machine Learning Repository 1), as an animal grows: its
 * rings by its sex, its length by its rings, its other sizes by its length, and its weights by its
 * size and age, each with a spread. The coefficients are least squares of the logarithms on the
 * published 4,177 animals; lengths are in units of 200 mm and steps of 1 mm, weights in units of
 * 200 g and steps of 0.1 g, as there. */
#include "sample/generators.h"

#include "sample/random.h"
#include "sample/row.h"

static const struct sex {
    const char *letter;
    double share, rings, spread; /* of the logarithm of the rings */
} sexes[] = {{"M", 1528, 2.334, 0.269}, {"F", 1307, 2.376, 0.255}, {"I", 1342, 2.019, 0.308}};

/* e^(mean + spread * a normal number), drawn again until it is within the limits. */
static double draw(struct random *random, double mean, double spread, double least, double most)
{
    for (;;) {
        double value = exact_exp(mean + spread * random_normal(random));
        if (value >= least && value <= most)
            return value;
    }
}

static bool write_animal(struct row *row, struct random *random)
{
    const double shares[] = {sexes[0].share, sexes[1].share, sexes[2].share};
    const struct sex *sex = &sexes[random_pick(random, shares, 3)];
    double age = draw(random, sex->rings, sex->spread, 1, 29), rings = exact_log(age);
    /* Growth ends, and with it most of the spread, with some 15 rings. */
    double grown = rings < 2.7 ? rings : 2.7;
    double length = draw(random, -4.8266 + 3.2048 * grown - 0.5927 * grown * grown,
                         0.40 - 0.1 * grown, 0.075, 0.815);
    double size = exact_log(length);
    double diameter = draw(random, -0.2138 + 1.0608 * size, 0.0429, 0.055, 0.65);
    double height = draw(random, -1.6934 + 0.9831 * size + 0.1526 * rings, 0.12, 0.01, 0.3);
    double whole =
        draw(random, 2.2829 + 2.4489 * size + 0.526 * exact_log(height), 0.13, 0.002, 2.8255);
    double weight = exact_log(whole);
    double meat = draw(random, -0.1297 + 1.0963 * weight - 0.3022 * rings, 0.1236, 0.0005, whole);
    double gut = draw(random, -1.5338 + 0.9982 * weight, 0.161, 0.0005, whole);
    double shell = draw(random, -1.9014 + 0.884 * weight + 0.2753 * rings, 0.13, 0.0005, whole);

    row_text(row, sex->letter);
    const double sizes[] = {length, diameter, height}, weights[] = {whole, meat, gut, shell};
    for (size_t i = 0; i < 3; i++)
        row_shortest(row, 5 * nearest_integer(sizes[i] * 200), 3);
    for (size_t i = 0; i < 4; i++)
        row_shortest(row, 5 * nearest_integer(weights[i] * 2000), 4);
    row_integer(row, nearest_integer(age));
    return row_end(row, "\n");
}

void abalone_write(size_t rows, uint64_t seed, FILE *out)
{
    struct row row = {.out = out, .delimiter = ','};
    struct random random = random_start(seed, 0);
    for (size_t i = 0; i < rows && write_animal(&row, &random); i++)
        ;
}
