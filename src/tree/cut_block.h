/* cut_block.h: a block's rows, or columns, through the search trees of its bands: the file that
 * includes it says for what CPU (CUT_TARGET) and how many floats a band's search tree takes
 * (CUT_FLOATS), and has the three functions below and TILE, how many features it transposes at
 * once. */
#include "tree/sliced.h"

/* Transposes a tile of TILE features (fewer at the end) of all rows: tile[feature][row]. */
CUT_TARGET static void load_tile(const float *rows, size_t count, size_t stride, size_t width,
                                 float tile[TILE][BLOCK_ROWS]);
/* Values of a column. */
CUT_TARGET static void load_column(const double *column, size_t count, float *values);
/* The codes of a band's values, in the columns that it has. `levels`: of its search tree. */
CUT_TARGET static ALWAYS_INLINE void cut_band(const struct band *band, const float *search,
                                              uint32_t levels, const float *values, size_t count,
                                              int8_t *columns);

/* One copy of the search a number of levels, each without the levels it does not have. */
CUT_TARGET static void cut_values(const struct band *band, const float *search, const float *values,
                                  size_t count, int8_t *columns)
{
    switch (band->levels) {
    case 8:
        cut_band(band, search, 8, values, count, columns);
        break;
    case 7:
        cut_band(band, search, 7, values, count, columns);
        break;
    case 6:
        cut_band(band, search, 6, values, count, columns);
        break;
    case 5:
        cut_band(band, search, 5, values, count, columns);
        break;
    default:
        cut_band(band, search, band->levels, values, count, columns);
    }
}

/* Bands lie by feature, so those of a tile of features follow one another. */
CUT_TARGET static void cut_rows(const struct cut_plan *plan, const struct row_block *block,
                                size_t features)
{
    size_t stride = block->source->stride;
    const float *rows = block->source->rows + block->first * stride;
    _Alignas(64) float tile[TILE][BLOCK_ROWS];
    size_t next = 0;
    while (next < plan->band_count) {
        size_t first = plan->bands[next].feature / TILE * TILE;
        size_t width = features - first < TILE ? features - first : TILE;
        load_tile(rows + first, block->count, stride, width, tile);
        for (; next < plan->band_count && plan->bands[next].feature < first + TILE; next++)
            cut_values(&plan->bands[next], plan->search + next * CUT_FLOATS,
                       tile[plan->bands[next].feature - first], block->count, block->columns);
    }
}

CUT_TARGET static void cut_columns(const struct cut_plan *plan, const struct row_block *block)
{
    _Alignas(64) float values[BLOCK_ROWS] = {0}; /* vectors reach beyond the last row's */
    for (size_t b = 0; b < plan->band_count; b++) {
        const struct band *band = &plan->bands[b];
        if (b == 0 || band->feature != plan->bands[b - 1].feature)
            load_column(block->source->columns[band->feature] + block->first, block->count, values);
        cut_values(band, plan->search + b * CUT_FLOATS, values, block->count, block->columns);
    }
}

CUT_TARGET static void cut_block(const struct cut_plan *plan, const struct row_block *block,
                                 size_t features)
{
    if (block->source->columns)
        cut_columns(plan, block);
    else
        cut_rows(plan, block, features);
}
