/* U.S. airline on-time performance (Bureau of Transportation Statistics), in the 29 columns of the
 * ASA Data Expo 2009: January to March 2008, between the 24 busiest airports. Not real flights:
 * times follow from distance and taxiing, delays from the hour and the carrier, with the spreads of
 * the published January. */
#include "sample/generators.h"

#include <math.h>
#include <string.h>

#include "sample/random.h"
#include "sample/row.h"

static const struct airport {
    const char *code;
    double north, east; /* degrees */
    int zone;           /* hours from UTC, in winter */
    double departures;  /* hundreds, in January 2008 */
} airports[] = {
    {"ATL", 33.64, -84.43, -5, 339},  {"ORD", 41.98, -87.90, -6, 299},
    {"DFW", 32.90, -97.04, -6, 239},  {"DEN", 39.86, -104.67, -7, 195},
    {"LAX", 33.94, -118.41, -8, 189}, {"PHX", 33.43, -112.01, -7, 177},
    {"IAH", 29.98, -95.34, -6, 155},  {"LAS", 36.08, -115.15, -8, 153},
    {"DTW", 42.21, -83.35, -5, 144},  {"EWR", 40.69, -74.17, -5, 125},
    {"SLC", 40.79, -111.98, -7, 124}, {"MSP", 44.88, -93.22, -6, 118},
    {"SFO", 37.62, -122.38, -8, 116}, {"MCO", 28.43, -81.31, -5, 111},
    {"CLT", 35.21, -80.94, -5, 108},  {"LGA", 40.78, -73.87, -5, 103},
    {"JFK", 40.64, -73.78, -5, 100},  {"BOS", 42.36, -71.01, -5, 97},
    {"BWI", 39.18, -76.67, -5, 89},   {"CVG", 39.05, -84.66, -5, 87},
    {"SEA", 47.45, -122.31, -8, 85},  {"PHL", 39.87, -75.24, -5, 82},
    {"SAN", 32.73, -117.19, -8, 80},  {"MDW", 41.79, -87.75, -6, 77},
};
enum { AIRPORTS = sizeof airports / sizeof airports[0] };

static const struct carrier {
    const char *code;
    double flights; /* thousands, in January 2008 */
    double late;    /* how much likelier than others to leave late */
} carriers[] = {
    {"WN", 101, 1.05}, {"AA", 52, 1.2},  {"OO", 49, 1.15}, {"MQ", 43, 1.1},  {"US", 39, 0.75},
    {"DL", 38, 0.7},   {"UA", 38, 1.4},  {"XE", 35, 0.95}, {"NW", 31, 0.75}, {"CO", 25, 0.9},
    {"EV", 23, 1.05},  {"9E", 23, 1.1},  {"YV", 22, 1.1},  {"FL", 21, 0.7},  {"OH", 19, 0.85},
    {"B6", 16, 0.85},  {"AS", 13, 0.95},
};
enum { CARRIERS = sizeof carriers / sizeof carriers[0] };

/* Departures by the hour from 5 to 23, in hundreds a month. */
static const double hours[] = {37,  432, 406, 408, 397, 378, 405, 369, 408, 378,
                               365, 401, 405, 362, 349, 229, 211, 75,  30};

enum cause { CARRIER, WEATHER, AIR_SYSTEM, SECURITY, LATE_AIRCRAFT, CAUSES };
static const double cause_shares[CAUSES] = {0.44, 0.066, 0.58, 0.005, 0.47};

struct flight {
    const struct airport *from, *to;
    const struct carrier *carrier;
    int64_t distance;
    int64_t planned_departure, planned_minutes; /* the first in minutes of the day */
    int64_t delay, taxi_out, taxi_in, air;
    bool cancelled, diverted;
};

/* Miles, on a cylinder through the parallel midway: within 2 % of the great circle here. */
static int64_t distance_between(const struct airport *from, const struct airport *to)
{
    const double degree = 3.14159265358979323846 / 180, radius = 3959;
    double middle = (from->north + to->north) / 2 * degree, square = middle * middle;
    /* The cosine, by its series: exact to 1e-5 up to 50 degrees, and the same everywhere. */
    double cosine = 1 - square / 2 * (1 - square / 12 * (1 - square / 30 * (1 - square / 56)));
    double north = (to->north - from->north) * degree;
    double east = (to->east - from->east) * degree * cosine;
    return nearest_integer(radius * sqrt(north * north + east * east));
}

/* Minutes by a logarithmic normal distribution. */
static int64_t draw_minutes(struct random *random, double median, double spread)
{
    double minutes = median * exact_exp(spread * random_normal(random));
    return nearest_integer(minutes < 1200 ? minutes : 1200);
}

static int64_t draw_delay(struct random *random, const struct flight *flight)
{
    double late =
        (0.16 + 0.032 * ((double)flight->planned_departure / 60 - 5)) * flight->carrier->late;
    if (random_uniform(random) < late)
        return 1 + draw_minutes(random, 14, 1.29);
    return -(int64_t)(random_uniform(random) * random_uniform(random) * 13);
}

static struct flight flight_draw(struct random *random)
{
    double departures[AIRPORTS], flights[CARRIERS];
    for (size_t i = 0; i < AIRPORTS; i++)
        departures[i] = airports[i].departures;
    for (size_t i = 0; i < CARRIERS; i++)
        flights[i] = carriers[i].flights;
    struct flight flight = {.from = &airports[random_pick(random, departures, AIRPORTS)]};
    do {
        flight.to = &airports[random_pick(random, departures, AIRPORTS)];
        flight.distance = distance_between(flight.from, flight.to);
    } while (flight.distance < 60); /* the same, or another of the same city */
    flight.carrier = &carriers[random_pick(random, flights, CARRIERS)];
    size_t hour = 5 + random_pick(random, hours, sizeof hours / sizeof hours[0]);
    flight.planned_departure = (int64_t)(60 * hour + 5 * random_below(random, 12));

    double miles = (double)flight.distance;
    double wind = (flight.from->east - flight.to->east) * 0.35; /* westward takes longer */
    flight.planned_minutes =
        nearest_integer(41 + 0.1223 * miles + wind + 6 * random_normal(random));
    double air = 19 + 0.1181 * miles + wind + 8 * random_normal(random);
    flight.air = nearest_integer(air < 18 ? 18 : air);
    flight.taxi_out = 1 + draw_minutes(random, 13, 0.55);
    flight.taxi_in = 1 + draw_minutes(random, 5, 0.6);
    flight.delay = draw_delay(random, &flight);
    flight.cancelled = random_uniform(random) < 0.0286;
    flight.diverted = !flight.cancelled && random_uniform(random) < 0.0023;
    return flight;
}

/* Minutes of some day as hhmm without leading zeros; midnight is 2400. */
static void row_clock(struct row *row, int64_t minutes)
{
    minutes = (minutes % 1440 + 1440) % 1440;
    if (minutes == 0)
        minutes = 1440;
    row_integer(row, minutes / 60 * 100 + minutes % 60);
}

static void row_integer_or_missing(struct row *row, bool known, int64_t value)
{
    if (known)
        row_integer(row, value);
    else
        row_text(row, "NA");
}

/* The arrival's delay shared out to its causes; only delays of 15 minutes and more have any. */
static void row_causes(struct row *row, bool known, int64_t delay, struct random *random)
{
    int64_t minutes[CAUSES] = {0}, left = delay;
    double weights[CAUSES], sum = 0;
    known = known && delay >= 15;
    for (size_t i = 0; known && i < CAUSES; i++) {
        bool there = random_uniform(random) < cause_shares[i];
        weights[i] = there ? random_uniform(random) + 0.05 : 0;
        sum += weights[i];
    }
    for (size_t i = 0; known && sum > 0 && i < CAUSES; i++) {
        minutes[i] = (int64_t)((double)delay * weights[i] / sum);
        left -= minutes[i];
    }
    /* What rounding leaves, or all: to the first cause there is, or else the air system. */
    size_t first = 0;
    while (first < CAUSES && !minutes[first])
        first++;
    minutes[first < CAUSES ? first : AIR_SYSTEM] += left;
    for (size_t i = 0; i < CAUSES; i++)
        row_integer_or_missing(row, known, minutes[i]);
}

/* Day 0 is Tuesday, 1 January 2008. */
static void row_date(struct row *row, int64_t day)
{
    static const int64_t lengths[] = {31, 29, 31};
    int64_t month = 0, of_month = day;
    for (; of_month >= lengths[month]; month++)
        of_month -= lengths[month];
    row_integer(row, 2008);
    row_integer(row, month + 1);
    row_integer(row, of_month + 1);
    row_integer(row, (day + 1) % 7 + 1);
}

static bool write_flight(struct row *row, int64_t day, const struct flight *flight,
                         struct random *random)
{
    static const double reasons[] = {0.383, 0.388, 0.229};
    bool left = !flight->cancelled, arrived = left && !flight->diverted;
    int64_t zones = 60 * (flight->to->zone - flight->from->zone);
    int64_t elapsed = flight->taxi_out + flight->air + flight->taxi_in;
    int64_t departure = flight->planned_departure + flight->delay;
    int64_t late = flight->delay + elapsed - flight->planned_minutes;
    char tail[16];
    snprintf(tail, sizeof tail, "N%03u%s", (unsigned)(100 + random_below(random, 900)),
             flight->carrier->code);
    bool tail_known = left || random_uniform(random) < 0.43;

    row_date(row, day);
    if (left)
        row_clock(row, departure);
    else
        row_text(row, "NA");
    row_clock(row, flight->planned_departure);
    if (arrived)
        row_clock(row, departure + elapsed + zones);
    else
        row_text(row, "NA");
    row_clock(row, flight->planned_departure + flight->planned_minutes + zones);
    row_text(row, flight->carrier->code);
    row_integer(row, 1 + random_below(random, 7000));
    row_text(row, tail_known ? tail : "");
    row_integer_or_missing(row, arrived, elapsed);
    row_integer(row, flight->planned_minutes);
    row_integer_or_missing(row, arrived, flight->air);
    row_integer_or_missing(row, arrived, late);
    row_integer_or_missing(row, left, flight->delay);
    row_text(row, flight->from->code);
    row_text(row, flight->to->code);
    row_integer(row, flight->distance);
    row_integer_or_missing(row, arrived, flight->taxi_in);
    row_integer_or_missing(row, left, flight->taxi_out);
    row_integer(row, flight->cancelled);
    row_text(row, left ? "" : (const char *[]){"A", "B", "C"}[random_pick(random, reasons, 3)]);
    row_integer(row, flight->diverted);
    row_causes(row, arrived, late, random);
    return row_end(row, "\n");
}

void flights_write(size_t rows, uint64_t seed, FILE *out)
{
    enum { DAYS = 31 + 29 + 31 };
    struct row row = {.out = out, .delimiter = ','};
    struct random random = random_start(seed, 0);
    row_text(&row, "Year,Month,DayofMonth,DayOfWeek,DepTime,CRSDepTime,ArrTime,CRSArrTime,"
                   "UniqueCarrier,FlightNum,TailNum,ActualElapsedTime,CRSElapsedTime,AirTime,"
                   "ArrDelay,DepDelay,Origin,Dest,Distance,TaxiIn,TaxiOut,Cancelled,"
                   "CancellationCode,Diverted,CarrierDelay,WeatherDelay,NASDelay,SecurityDelay,"
                   "LateAircraftDelay");
    bool written = row_end(&row, "\n");
    for (size_t i = 0; written && i < rows; i++) {
        struct flight flight = flight_draw(&random);
        int64_t day = (int64_t)((double)i * DAYS / (double)rows);
        written = write_flight(&row, day < DAYS ? day : DAYS - 1, &flight, &random);
    }
}
