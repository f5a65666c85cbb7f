/* C-MAPSS FD001 (A. Saxena, K. Goebel, D. Simon, N. Eklund, Damage Propagation Modeling for
 * Aircraft Engine Run-to-Failure Simulation, PHM 2008): engines under one operating condition, a
 * row a cycle, until the compressor's wear ends them. Wear grows exponentially towards the end;
 * every sensor is its healthy level, plus what full wear adds, plus the engine's own offset, plus
 * noise. Levels and spreads are those of the published set's healthy (more than 150 cycles left)
 * and last cycles. The last engine is cut where the rows end. */
#include "sample/generators.h"

#include "sample/random.h"
#include "sample/row.h"

static const struct sensor {
    double healthy, worn; /* worn: what full wear adds */
    double offset, noise; /* standard deviations, an engine's and a cycle's */
    unsigned decimals;
    double own; /* standard deviation of an engine's own `worn` */
} sensors[] = {
    {518.67, 0, 0, 0, 2, 0},              /* T2, fan inlet temperature */
    {642.35, 1.3, 0.2, 0.3, 2, 0},        /* T24 */
    {1586.7, 15.5, 2.0, 4.1, 2, 0},       /* T30 */
    {1402.2, 26.5, 4.0, 4.2, 2, 0},       /* T50 */
    {14.62, 0, 0, 0, 2, 0},               /* P2 */
    {21.607, 0.003, 0, 0.001, 2, 0},      /* P15 */
    {553.95, -2.5, 0.35, 0.48, 2, 0},     /* P30 */
    {2388.052, 0.178, 0, 0.05, 2, 0},     /* Nf, fan speed */
    {9056.0, 41.5, 6.0, 5.5, 2, 52},      /* Nc, core speed */
    {1.3, 0, 0, 0, 2, 0},                 /* epr */
    {47.335, 0.8, 0.12, 0.12, 2, 0},      /* Ps30 */
    {521.96, -2.12, 0.3, 0.4, 2, 0},      /* phi */
    {2388.051, 0.18, 0, 0.05, 2, 0},      /* NRf */
    {8137.7, 29, 6.0, 5.0, 2, 47},        /* NRc */
    {8.416, 0.1035, 0.017, 0.02, 4, 0},   /* BPR */
    {0.03, 0, 0, 0, 2, 0},                /* farB */
    {392.18, 4.0, 0.5, 1.0, 0, 0},        /* htBleed */
    {2388, 0, 0, 0, 0, 0},                /* Nf_dmd */
    {100, 0, 0, 0, 2, 0},                 /* PCNfR_dmd */
    {38.942, -0.493, 0.075, 0.105, 2, 0}, /* W31 */
    {23.354, -0.296, 0.045, 0.062, 4, 0}, /* W32 */
};
enum { SENSORS = sizeof sensors / sizeof sensors[0] };

struct engine {
    int64_t life; /* cycles */
    double offsets[SENSORS], worn[SENSORS];
};

static struct engine engine_draw(struct random *random)
{
    struct engine engine;
    engine.life = 128 + nearest_integer(exact_exp(4.2 + 0.55 * random_normal(random)));
    double own = random_normal(random); /* the core's two speeds go together */
    for (size_t i = 0; i < SENSORS; i++) {
        engine.offsets[i] = sensors[i].offset * random_normal(random);
        engine.worn[i] = sensors[i].worn + sensors[i].own * own;
    }
    return engine;
}

static int64_t scaled(double value, unsigned decimals)
{
    for (; decimals > 0; decimals--)
        value *= 10;
    return nearest_integer(value);
}

static bool write_cycle(struct row *row, int64_t number, const struct engine *engine, int64_t cycle,
                        struct random *random)
{
    double wear = 1.05 * exact_exp(-(double)(engine->life - cycle) / 50);
    row_integer(row, number);
    row_integer(row, cycle);
    row_decimal(row, nearest_integer(22 * random_normal(random)), 4);  /* altitude */
    row_decimal(row, nearest_integer(2.9 * random_normal(random)), 4); /* Mach number */
    row_text(row, "100.0");                                            /* throttle */
    for (size_t i = 0; i < SENSORS; i++) {
        double value = sensors[i].healthy + engine->offsets[i] + engine->worn[i] * wear;
        if (sensors[i].noise > 0)
            value += sensors[i].noise * random_normal(random);
        row_decimal(row, scaled(value, sensors[i].decimals), sensors[i].decimals);
    }
    return row_end(row, "  \n"); /* as the published files end their lines */
}

void cmapss_write(size_t rows, uint64_t seed, FILE *out)
{
    struct row row = {.out = out, .delimiter = ' '};
    struct random random = random_start(seed, 0);
    bool written = true;
    for (int64_t number = 1; written && rows > 0; number++) {
        struct engine engine = engine_draw(&random);
        for (int64_t cycle = 1; written && rows > 0 && cycle <= engine.life; cycle++, rows--)
            written = write_cycle(&row, number, &engine, cycle, &random);
    }
}
