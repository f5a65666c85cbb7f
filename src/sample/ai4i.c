/* AI4I 2020 (S. Matzka, Explainable Artificial Intelligence for Predictive Maintenance
 * Applications, AI4I 2020; UCI Machine Learning Repository 601), itself a published recipe:
 *
 * - air temperature: a random walk, brought to a standard deviation of 2 K around 300 K;
 * - process temperature: air temperature, plus 10 K, plus a random walk of 1 K;
 * - torque: normal, 40 Nm with 10 Nm, no negative values;
 * - tool wear: H, M and L parts take 5, 3 and 2 minutes each; the tool is changed, or fails (51 of
 *   120 times), at a wear drawn from 200 to 240 minutes;
 * - a part fails by tool wear (TWF) as said; by heat (HDF) where the temperatures differ by less
 * than 8.6 K and the speed is below 1380 rpm; by power (PWF) outside 3500 to 9000 W; by overstrain
 * (OSF) where wear times torque passes 11,000 min Nm for L, 12,000 for M, 13,000 for H; and at
 * random (RNF) in 0.1 % of the cases.
 *
 * Where the published rows say more than the text, or something else, they are followed: the rules
 * hold on the values as written; parts are 60 % L, 30 % M, 10 % H (the text: 50, 30, 20); the
 * speed, "from a power of 2860 W with normal noise", is 1000 rpm + 20,000 / torque with 50 rpm of
 * noise, and 3000 rpm less 30 a Nm where that would pass 2700; a random failure is not counted as a
 * machine failure. */
#include "sample/generators.h"

#include <math.h>

#include "sample/random.h"
#include "sample/row.h"

enum stream { AIR = 1, DIFFERENCE, PARTS };

/* A random walk of `count` steps brought to a mean and a standard deviation. It is walked once to
 * learn its own, and then again, which needs no memory however long it is. */
struct walk {
    struct random random;
    double at, mean, scale;
};

static struct walk walk_start(uint64_t seed, enum stream stream, size_t count, double deviation)
{
    struct walk walk = {.random = random_start(seed, stream)};
    double at = 0, sum = 0, squares = 0;
    for (size_t i = 0; i < count; i++) {
        at += random_normal(&walk.random);
        sum += at;
        squares += at * at;
    }
    double total = count ? (double)count : 1;
    double variance = squares / total - sum / total * (sum / total);
    walk.random = random_start(seed, stream);
    walk.mean = sum / total;
    walk.scale = variance > 0 ? deviation / sqrt(variance) : 0;
    return walk;
}

static double walk_next(struct walk *walk)
{
    walk->at += random_normal(&walk->random);
    return (walk->at - walk->mean) * walk->scale;
}

/* The three qualities of parts. */
static const struct quality {
    const char *letter;
    double share;
    int serial; /* less the row's number, of the product */
    int wear;   /* minutes a part takes off the tool */
    double strain;
} qualities[] = {
    {"L", 0.6, 47179, 2, 11000}, {"M", 0.3, 14859, 3, 12000}, {"H", 0.1, 29413, 5, 13000}};

static double torque_draw(struct random *random)
{
    double torque;
    do
        torque = 40 + 10 * random_normal(random);
    while (torque <= 1);
    return torque;
}

static double speed_draw(struct random *random, double torque)
{
    double speed = 1000 + 20000 / torque + 50 * random_normal(random);
    return speed > 2700 ? 3000 - 30 * torque : speed;
}

struct part {
    const struct quality *quality;
    int64_t air, process, torque; /* in tenths */
    int64_t speed, wear;
    bool worn_out;
};

static void write_part(struct row *row, size_t number, const struct part *part,
                       struct random *random)
{
    const double pi = 3.14159265358979323846;
    double torque = (double)part->torque / 10;
    double power = torque * (double)part->speed * 2 * pi / 60;
    /* In double, of the written values, as the published labels were made. */
    double difference = (double)part->process / 10 - (double)part->air / 10;
    bool heat = difference < 8.6 && part->speed < 1380;
    bool strength = power < 3500 || power > 9000;
    bool strain = (double)part->wear * torque > part->quality->strain;
    bool chance = random_uniform(random) < 0.001;

    char product[32];
    snprintf(product, sizeof product, "%s%zu", part->quality->letter,
             (size_t)part->quality->serial + number);
    row_integer(row, (int64_t)number);
    row_text(row, product);
    row_text(row, part->quality->letter);
    row_decimal(row, part->air, 1);
    row_decimal(row, part->process, 1);
    row_integer(row, part->speed);
    row_decimal(row, part->torque, 1);
    row_integer(row, part->wear);
    row_integer(row, part->worn_out || heat || strength || strain);
    row_integer(row, part->worn_out);
    row_integer(row, heat);
    row_integer(row, strength);
    row_integer(row, strain);
    row_integer(row, chance);
}

void ai4i_write(size_t rows, uint64_t seed, FILE *out)
{
    struct row row = {.out = out, .delimiter = ','};
    struct walk airs = walk_start(seed, AIR, rows, 2);
    struct walk differences = walk_start(seed, DIFFERENCE, rows, 1);
    struct random random = random_start(seed, PARTS);
    const double shares[] = {qualities[0].share, qualities[1].share, qualities[2].share};
    int64_t wear = 0, limit = 200 + random_below(&random, 41);
    row_text(&row, "UDI,Product ID,Type,Air temperature [K],Process temperature [K],"
                   "Rotational speed [rpm],Torque [Nm],Tool wear [min],Machine failure,"
                   "TWF,HDF,PWF,OSF,RNF");
    bool written = row_end(&row, "\n");
    for (size_t i = 1; written && i <= rows; i++) {
        struct part part = {.quality = &qualities[random_pick(&random, shares, 3)]};
        double air = 300 + walk_next(&airs), torque = torque_draw(&random);
        part.air = nearest_integer(10 * air);
        part.process = nearest_integer(10 * (air + 10 + walk_next(&differences)));
        part.torque = nearest_integer(10 * torque);
        part.speed = nearest_integer(speed_draw(&random, torque));
        part.wear = wear;
        bool changed = wear >= limit;
        part.worn_out = changed && random_below(&random, 120) < 51;
        write_part(&row, i, &part, &random);
        written = row_end(&row, "\n");
        wear = changed ? 0 : wear + part.quality->wear;
        if (changed)
            limit = 200 + random_below(&random, 41);
    }
}
