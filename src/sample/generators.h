/* generators.h: one function a sample, for sample.c. Each writes its header, if any, and its rows,
 * and stops early where the file cannot take them. */
#ifndef LATHE_SAMPLE_GENERATORS_H
#define LATHE_SAMPLE_GENERATORS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

void ai4i_write(size_t rows, uint64_t seed, FILE *out);
void car_write(size_t rows, uint64_t seed, FILE *out);
void abalone_write(size_t rows, uint64_t seed, FILE *out);
void cmapss_write(size_t rows, uint64_t seed, FILE *out);
void flights_write(size_t rows, uint64_t seed, FILE *out);

#endif
