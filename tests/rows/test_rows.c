/* The room's readers, which cut files into pieces and read them in threads, against the csv room's
 * on the whole text: whatever the size of a piece and the number of threads, plain or gzip, in one
 * file or many, the rows are the same, and so are the errors. */
#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

#include "csv/json_rows.h"
#include "rows/rows_inside.h"

static char folder[] = "/tmp/rows-test-XXXXXX";

/* ---- files ---- */

static char *path_of(const char *name)
{
    return g_build_filename(folder, name, NULL);
}

static void write_file(const char *name, const char *bytes, size_t size)
{
    g_autofree char *path = path_of(name);
    g_autofree char *parent = g_path_get_dirname(path);
    assert_int_equal(g_mkdir_with_parents(parent, 0700), 0);
    bool pack = g_str_has_suffix(name, ".gz");
    gzFile file = gzopen(path, pack ? "wb1" : "wbT");
    assert_non_null(file);
    assert_int_equal(gzwrite(file, bytes, (unsigned)size), size);
    gzclose(file);
}

static void write_text(const char *name, const char *text)
{
    write_file(name, text, strlen(text));
}

static GPtrArray *one(const char *name)
{
    g_autofree char *path = path_of(name);
    GPtrArray *files = rows_files(path, NULL);
    assert_int_equal(files->len, 1);
    return files;
}

/* ---- numbers ---- */

struct read {
    struct csv_matrix dense;
    struct libsvm_rows sparse;
    char error[512]; /* "": none */
    size_t batches;
};

static void read_clear(struct read *read)
{
    csv_matrix_clear(&read->dense);
    libsvm_clear(&read->sparse);
}

static void take(struct read *read, const struct rows_numbers_batch *batch)
{
    struct csv_matrix *all = &read->dense;
    if (batch->sparse) {
        assert_true(libsvm_join(&read->sparse, batch->sparse, NULL));
        return;
    }
    assert_int_equal(batch->rows, batch->dense->rows);
    all->columns = batch->dense->columns;
    assert_true(csv_matrix_reserve(all, batch->rows, NULL));
    memcpy(all->values + all->rows * all->columns, batch->dense->values,
           batch->rows * all->columns * sizeof(float));
    all->rows += batch->rows;
}

static struct read read_numbers(const GPtrArray *files, enum rows_format format, unsigned threads,
                                size_t piece)
{
    struct read read = {0};
    struct rows_numbers *numbers = rows_numbers_open(
        files,
        &(struct rows_numbers_options){.format = format, .threads = threads, .piece = piece});
    for (;;) {
        struct rows_numbers_batch batch;
        g_autoptr(GError) error = NULL;
        if (!rows_numbers_next(numbers, &batch, &error)) {
            g_strlcpy(read.error, error->message, sizeof read.error);
            assert_true(rows_numbers_next(numbers, &batch, NULL)); /* nothing follows */
        }
        if (!batch.rows)
            break;
        take(&read, &batch);
        read.batches++;
    }
    rows_numbers_close(numbers);
    return read;
}

static bool same_floats(const float *a, const float *b, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (isnan(a[i]) ? !isnan(b[i]) : a[i] != b[i])
            return false;
    return true;
}

/* The text's rows as csv reads them whole. */
static struct read read_whole(const char *name, const char *text, size_t size)
{
    struct read read = {0};
    struct lathe_error error;
    const struct csv_options options = {.name = name};
    if (!csv_matrix_append(&read.dense, text, size, &options, &error))
        g_strlcpy(read.error, error.message, sizeof read.error);
    return read;
}

static const size_t piece_sizes[] = {1, 2, 3, 5, 8, 13, 64, 1000, 0};
static const unsigned thread_counts[] = {1, 3};

static void check_as_whole(const char *name, const char *text, size_t size)
{
    write_file(name, text, size);
    g_autoptr(GPtrArray) files = one(name);
    struct read whole = read_whole(name, text, size);
    for (size_t p = 0; p < G_N_ELEMENTS(piece_sizes); p++)
        for (size_t t = 0; t < G_N_ELEMENTS(thread_counts); t++) {
            struct read read = read_numbers(files, ROWS_CSV, thread_counts[t], piece_sizes[p]);
            if (strcmp(read.error, whole.error) != 0)
                fail_msg("%s in pieces of %zu: \"%s\", whole \"%s\"", name, piece_sizes[p],
                         read.error, whole.error);
            if (!*whole.error) {
                assert_int_equal(read.dense.rows, whole.dense.rows);
                assert_int_equal(read.dense.columns, whole.dense.columns);
                assert_true(same_floats(read.dense.values, whole.dense.values,
                                        whole.dense.rows * whole.dense.columns));
            }
            read_clear(&read);
        }
    read_clear(&whole);
}

/* ---- columns ---- */

/* All fields of the text as csv reads them whole, or the error. */
static GString *fields_whole(const char *name, const char *text, size_t size, size_t width)
{
    g_autofree struct csv_column *columns = g_new0(struct csv_column, width + 1);
    GString *all = g_string_new(NULL);
    for (size_t i = 0; i < width; i++)
        columns[i] = (struct csv_column){.type = CSV_TEXT, .field = i};
    for (size_t i = 0; i < width; i++)
        columns[i].texts = g_new0(struct csv_text, size + 1);
    struct lathe_error error;
    const struct csv_columns_options options = {.name = name, .width = width};
    struct csv_columns *reader = csv_columns_open(columns, width, &options, &error);
    size_t rows;
    const char *at = text;
    if (!csv_columns_read(reader, &at, text + size, size + 1, &rows, &error))
        g_string_printf(all, "%s", error.message);
    else
        for (size_t row = 0; row < rows; row++)
            for (size_t i = 0; i < width; i++) {
                const struct csv_text *field = &columns[i].texts[row];
                g_string_append_printf(all, field->bytes ? "<" : "null");
                g_string_append_len(all, field->bytes, field->size);
            }
    csv_columns_close(reader);
    for (size_t i = 0; i < width; i++)
        g_free(columns[i].texts);
    return all;
}

static GString *fields_read(const GPtrArray *files, size_t width, unsigned threads, size_t piece)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    g_autofree struct csv_column *columns = g_new0(struct csv_column, width + 1);
    for (size_t i = 0; i < width; i++) {
        g_ptr_array_add(names, g_strdup_printf("c%zu", i));
        columns[i] = (struct csv_column){.name = names->pdata[i], .type = CSV_TEXT};
    }
    const struct rows_columns_options options = {.header = (const char *const *)names->pdata,
                                                 .header_count = width,
                                                 .threads = threads,
                                                 .piece = piece};
    struct rows_columns *rows = rows_columns_open(files, &options);
    GString *all = g_string_new(NULL);
    assert_true(rows_columns_start(rows, columns, width, NULL, NULL));
    for (size_t before = 0;;) {
        struct rows_columns_batch batch;
        g_autoptr(GError) error = NULL;
        if (!rows_columns_next(rows, &batch, &error)) {
            g_string_printf(all, "%s", error->message);
            break;
        }
        if (!batch.rows)
            break;
        assert_int_equal(batch.first_row, before + 1);
        assert_true(batch.rows <= ROWS_BATCH);
        for (size_t row = 0; row < batch.rows; row++)
            for (size_t i = 0; i < width; i++) {
                const struct csv_text *field = &batch.columns[i].texts[row];
                g_string_append_printf(all, field->bytes ? "<" : "null");
                g_string_append_len(all, field->bytes, field->size);
            }
        before += batch.rows;
    }
    rows_columns_close(rows);
    return all;
}

static void check_columns(const char *name, const char *text, size_t size)
{
    struct csv_reader reader;
    size_t width;
    csv_reader_start(&reader, name, text, size, NULL, (struct csv_scratch){0});
    if (csv_reader_next(&reader, NULL, 0, &width, NULL) != CSV_RECORD)
        return;
    write_file(name, text, size);
    g_autoptr(GPtrArray) files = one(name);
    GString *whole = fields_whole(name, text, size, width);
    for (size_t p = 0; p < G_N_ELEMENTS(piece_sizes); p++)
        for (size_t t = 0; t < G_N_ELEMENTS(thread_counts); t++) {
            GString *read = fields_read(files, width, thread_counts[t], piece_sizes[p]);
            if (!g_string_equal(read, whole))
                fail_msg("%s in pieces of %zu: %s\n whole: %s", name, piece_sizes[p], read->str,
                         whole->str);
            g_string_free(read, TRUE);
        }
    g_string_free(whole, TRUE);
}

/* ---- what csv's corpus has ---- */

static void odd_texts_read_in_pieces_as_they_do_whole(void **unused)
{
    (void)unused;
    GDir *odd = g_dir_open(TEST_FOLDER "/../csv/odd", 0, NULL);
    const char *entry;
    size_t seen = 0;
    assert_non_null(odd);
    while ((entry = g_dir_read_name(odd))) {
        g_autofree char *path = g_build_filename(TEST_FOLDER "/../csv/odd", entry, NULL);
        g_autofree char *text = NULL;
        gsize size;
        if (!g_str_has_suffix(entry, ".csv"))
            continue;
        assert_true(g_file_get_contents(path, &text, &size, NULL));
        g_autofree char *packed = g_strconcat(entry, ".gz", NULL);
        check_as_whole(entry, text, size);
        check_as_whole(packed, text, size);
        check_columns(entry, text, size);
        check_columns(packed, text, size);
        seen++;
    }
    g_dir_close(odd);
    assert_true(seen > 40);
}

static void what_pieces_may_cut_wrongly(void **unused)
{
    (void)unused;
    static const char *const texts[] = {
        "\"1\",\"2\"\r\n\"3\",\"4\"\r\n",
        "1,2\r3,4\r\n5,6\n\n\r\n7,8",
        "1;2\n\"3\";4\n\"5;6\n",      /* a quote that is never closed, behind a semicolon */
        "\xef\xbb\xbf\"1\",2\n3,4\n", /* a byte order mark at the start, */
        "1,2\n\357\273\2773,4\n",     /* and inside, where it is none */
        "\n\n\n1,2\n3\n",             /* the short row is on line 5 */
        "1,2\n3,\"4\n5\"\n6,7,8\n",   /* not a number on line 2 */
        "1,nan\nNaN,2\n,\n",
        "a,b\n1,2\n",
        "1,2\n3,x\n4,y\n",
        "1\n2\n\n3\n",
        "1,2\n3,4\n\"",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        check_as_whole("cut.csv", texts[i], strlen(texts[i]));
        check_columns("cut.csv", texts[i], strlen(texts[i]));
    }
}

static void a_quote_may_span_many_pieces(void **unused)
{
    (void)unused;
    g_autoptr(GString) text = g_string_new("a,\"");
    for (int i = 0; i < 5000; i++)
        g_string_append(text, "line of a \"\"text\"\"\n");
    g_string_append(text, "\",b\nc,d,e\n");
    check_columns("long.csv", text->str, text->len);
    g_string_truncate(text, text->len - 10);
    check_columns("long.csv", text->str, text->len);
}

static void a_row_may_have_a_hundred_thousand_columns(void **unused)
{
    (void)unused;
    g_autoptr(GString) text = g_string_new(NULL);
    for (int row = 0; row < 4; row++)
        for (int i = 0; i < 100000; i++)
            g_string_append_printf(text, "%d%c", row * i % 97, i == 99999 ? '\n' : ',');
    write_file("wide.csv", text->str, text->len);
    g_autoptr(GPtrArray) files = one("wide.csv");
    struct read read = read_numbers(files, ROWS_CSV, 2, 1 << 16);
    assert_string_equal(read.error, "");
    assert_int_equal(read.dense.rows, 4);
    assert_int_equal(read.dense.columns, 100000);
    assert_true(read.dense.values[3 * 100000 + 96] == (float)(3 * 96 % 97));
    read_clear(&read);
}

/* ---- many files ---- */

static void files_of_a_folder_come_in_order(void **unused)
{
    (void)unused;
    write_text("many/b/part-1.csv.gz", "3,30\n4,40");
    write_text("many/a.csv", "\n1,10\r\n2,20\r\n");
    write_text("many/b/empty.csv", "");
    write_text("many/c", "\"5\",\n");
    write_text("many/_SUCCESS", "no");
    write_text("many/.part.crc", "no");
    write_text("many/_temporary/0/x.csv", "no");
    g_autofree char *path = path_of("many");
    g_autoptr(GPtrArray) files = rows_files(path, NULL);
    static const char *const names[] = {"a.csv", "b/empty.csv", "b/part-1.csv.gz", "c"};
    assert_int_equal(files->len, G_N_ELEMENTS(names));
    for (size_t i = 0; i < files->len; i++)
        assert_string_equal(((struct rows_file *)files->pdata[i])->name, names[i]);
    struct read read = read_numbers(files, ROWS_CSV, 3, 4);
    assert_string_equal(read.error, "");
    static const float values[] = {1, 10, 2, 20, 3, 30, 4, 40, 5, NAN};
    assert_int_equal(read.dense.rows, 5);
    assert_true(same_floats(read.dense.values, values, 10));
    read_clear(&read);
    write_text("many/d", "1,2\n3\n");
    g_ptr_array_unref(files);
    files = rows_files(path, NULL);
    read = read_numbers(files, ROWS_CSV, 3, 4);
    assert_non_null(strstr(read.error, "d, line 2, column 1: found 1 field"));
    read_clear(&read);
}

static void no_folder_has_no_files(void **unused)
{
    (void)unused;
    g_autofree char *path = path_of("nowhere");
    g_autoptr(GPtrArray) files = rows_files(path, NULL);
    assert_int_equal(files->len, 0);
    struct read read = read_numbers(files, ROWS_CSV, 0, 0);
    assert_int_equal(read.dense.rows, 0);
    assert_string_equal(read.error, "");
}

static void a_folder_that_is_in_itself_is_told(void **unused)
{
    (void)unused;
    write_text("loop/a.csv", "1\n");
    g_autofree char *link = path_of("loop/again"), *path = path_of("loop");
    assert_int_equal(symlink(path, link), 0);
    g_autoptr(GError) error = NULL;
    assert_null(rows_files(path, &error));
    assert_non_null(strstr(error->message, "nested deeper"));
}

static void a_cut_gzip_file_is_told(void **unused)
{
    (void)unused;
    g_autoptr(GString) text = g_string_new(NULL);
    for (int i = 0; i < 20000; i++)
        g_string_append_printf(text, "%d,%d\n", i, i * 7919 % 10007);
    write_file("cut.csv.gz", text->str, text->len);
    g_autofree char *path = path_of("cut.csv.gz");
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(truncate(path, status.st_size / 2), 0);
    g_autoptr(GPtrArray) files = one("cut.csv.gz");
    struct read read = read_numbers(files, ROWS_CSV, 2, 1000);
    assert_non_null(strstr(read.error, "cut.csv.gz"));
    read_clear(&read);
}

/* ---- errors and memory ---- */

static void of_two_errors_the_first_is_told(void **unused)
{
    (void)unused;
    g_autoptr(GString) text = g_string_new(NULL);
    for (int i = 1; i <= 9000; i++)
        g_string_append_printf(text, i == 4321 ? "1,here\n" : i == 4500 ? "1,there\n" : "1,2\n");
    write_file("wrong.csv", text->str, text->len);
    g_autoptr(GPtrArray) files = one("wrong.csv");
    for (unsigned threads = 1; threads <= 4; threads++)
        for (size_t piece = 16; piece < 4096; piece *= 4) {
            struct read read = read_numbers(files, ROWS_CSV, threads, piece);
            assert_non_null(strstr(read.error, "wrong.csv, line 4321, column 2: found \"here\""));
            assert_true(read.dense.rows < 4321);
            read_clear(&read);
        }
}

/* Counts what is made: results, and bytes that a piece has at once. */
struct counted {
    gint results;
    size_t largest;
};

static void *count_result(void *state)
{
    struct counted *counted = state;
    g_atomic_int_inc(&counted->results);
    return g_malloc(1);
}

static bool count_piece(void *state, struct rows_piece *piece, struct lathe_error *error)
{
    (void)state;
    (void)error;
    piece->rows = csv_count_lines(piece->text, piece->text + piece->size);
    return true;
}

static void only_so_many_pieces_are_on_their_way(void **unused)
{
    (void)unused;
    const size_t lines = 100000;
    g_autoptr(GString) text = g_string_new(NULL);
    for (size_t i = 0; i < lines; i++)
        g_string_append(text, "12345,67890\n");
    write_file("large.csv", text->str, text->len);
    g_autoptr(GPtrArray) files = one("large.csv");
    struct counted counted = {0};
    const struct rows_reader reader = {.state = &counted,
                                       .cut = {.piece = 4096},
                                       .read = count_piece,
                                       .new_result = count_result,
                                       .free_result = g_free};
    struct rows_pieces *pieces = rows_pieces_open(files, &reader, 3);
    struct rows_piece *piece;
    size_t rows = 0, count = 0;
    while (rows_pieces_next(pieces, &piece, NULL) && piece) {
        assert_int_equal(piece->first_row, rows + 1);
        assert_int_equal(piece->first_line, rows + 1);
        counted.largest = MAX(counted.largest, piece->size);
        rows += piece->rows;
        count++;
    }
    rows_pieces_close(pieces);
    assert_int_equal(rows, lines);
    assert_true(count > 200);
    assert_true(counted.results <= 3 + 2);
    assert_true(counted.largest <= 4096);
}

static void readers_may_be_closed_at_any_time(void **unused)
{
    (void)unused;
    g_autoptr(GPtrArray) files = one("large.csv");
    for (int taken = 0; taken < 6; taken++) {
        struct rows_numbers_batch batch;
        struct rows_numbers *numbers =
            rows_numbers_open(files, &(struct rows_numbers_options){.threads = 3, .piece = 4096});
        for (int i = 0; i < taken; i++)
            assert_true(rows_numbers_next(numbers, &batch, NULL));
        rows_numbers_close(numbers);
    }
}

/* ---- other formats ---- */

static void check_libsvm(const char *text)
{
    struct libsvm_rows whole = {0};
    struct lathe_error error = {0};
    const struct libsvm_options options = {.name = "rows.libsvm"};
    bool right = libsvm_append(&whole, text, strlen(text), &options, &error);
    write_text("rows.libsvm", text);
    g_autoptr(GPtrArray) files = one("rows.libsvm");
    for (size_t p = 0; p < G_N_ELEMENTS(piece_sizes); p++) {
        struct read read = read_numbers(files, ROWS_LIBSVM, 3, piece_sizes[p]);
        assert_string_equal(read.error, right ? "" : error.message);
        if (right && whole.rows) {
            size_t entries = whole.starts[whole.rows];
            assert_int_equal(read.sparse.rows, whole.rows);
            assert_memory_equal(read.sparse.starts, whole.starts,
                                (whole.rows + 1) * sizeof(size_t));
            assert_memory_equal(read.sparse.indices, whole.indices, entries * sizeof(uint32_t));
            assert_memory_equal(read.sparse.values, whole.values, entries * sizeof(float));
            assert_memory_equal(read.sparse.labels, whole.labels, whole.rows * sizeof(float));
            assert_memory_equal(read.sparse.weights, whole.weights, whole.rows * sizeof(float));
            assert_memory_equal(read.sparse.queries, whole.queries, whole.rows * sizeof(uint32_t));
            assert_int_equal(read.sparse.highest, whole.highest);
            assert_int_equal(read.sparse.lowest, whole.lowest);
            assert_int_equal(read.sparse.has_weights, whole.has_weights);
            assert_int_equal(read.sparse.has_queries, whole.has_queries);
        }
        read_clear(&read);
    }
    libsvm_clear(&whole);
}

static void libsvm_in_pieces(void **unused)
{
    (void)unused;
    check_libsvm("1 1:2 5:3\n0 0:1\r\n# nothing\n\n1:0.5 7:1\n0\n1 2:2");
    check_libsvm("# a comment\n1 qid:1 1:2\n0 qid:1 2:2\n1 qid:2 3:3\n");
    check_libsvm("1 qid:1 1:2\n0 qid:1 2:2\n1 3:3\n");
    check_libsvm("1 1:2\n0 2:2\n1 qid:7 3:3\n");
    check_libsvm("1 1:2\n0 2:2\n1 3:x\n");
    check_libsvm("");
}

static void json_lines_by_name(void **unused)
{
    (void)unused;
    write_text("rows.jsonl",
               "{\"a\": 1, \"t\": \"x\\ny\", \"z\": [1]}\n\n{\"t\": null,\r \"a\": 2.5}\n"
               "{\"a\": 3}\n{\"a\": \"four\"}\n");
    g_autoptr(GPtrArray) files = one("rows.jsonl");
    const struct csv_column columns[] = {{.name = "a", .type = CSV_NUMBER},
                                         {.name = "t", .type = CSV_TEXT}};
    for (size_t p = 0; p < G_N_ELEMENTS(piece_sizes); p++) {
        struct rows_columns *rows = rows_columns_open(
            files, &(struct rows_columns_options){
                       .format = ROWS_JSON_LINES, .threads = 2, .piece = piece_sizes[p]});
        assert_true(rows_columns_start(rows, columns, 2, NULL, NULL));
        GString *all = g_string_new(NULL);
        g_autoptr(GError) error = NULL;
        struct rows_columns_batch batch;
        while (rows_columns_next(rows, &batch, &error) && batch.rows)
            for (size_t i = 0; i < batch.rows; i++)
                g_string_append_printf(all, "%g %.*s|", batch.columns[0].numbers[i],
                                       (int)batch.columns[1].texts[i].size,
                                       batch.columns[1].texts[i].bytes);
        assert_non_null(error);
        assert_true(g_str_has_prefix(error->message, "rows.jsonl, line 5: "));
        assert_non_null(strstr(error->message, "row 4, column 1: found \"four\", expected"));
        if (piece_sizes[p] && piece_sizes[p] < 10)
            assert_string_equal(all->str, "1 x\ny|2.5 |3 |");
        g_string_free(all, TRUE);
        rows_columns_close(rows);
    }
}

static void columns_are_read_as_often_as_wanted(void **unused)
{
    (void)unused;
    write_text("twice/1.csv", "a,b,c\n1,x,2\nNA,y,3\n");
    write_text("twice/2.csv.gz", "c,a,b\n5,4,z\n");
    g_autofree char *path = path_of("twice");
    g_autoptr(GPtrArray) files = rows_files(path, NULL);
    static const char *const nulls[] = {"NA"};
    struct rows_columns *rows = rows_columns_open(
        files, &(struct rows_columns_options){.nulls = nulls, .null_count = 1, .threads = 2});
    const struct csv_column columns[] = {{.name = "a", .type = CSV_NUMBER},
                                         {.name = "b", .type = CSV_TEXT},
                                         {.name = "c", .type = CSV_NUMBER}};
    static const bool some[] = {true, false, true};
    for (int pass = 0; pass < 3; pass++) {
        struct rows_columns_batch batch;
        assert_true(rows_columns_start(rows, columns, 3, pass == 1 ? some : NULL, NULL));
        assert_true(rows_columns_next(rows, &batch, NULL));
        assert_int_equal(batch.rows, 2);
        assert_true(batch.columns[0].numbers[0] == 1 && isnan(batch.columns[0].numbers[1]));
        assert_int_equal(pass == 1, !batch.columns[1].texts);
        if (pass == 2)
            continue; /* begins anew in the middle */
        assert_true(rows_columns_next(rows, &batch, NULL));
        assert_int_equal(batch.first_row, 3);
        assert_true(batch.columns[0].numbers[0] == 4 && batch.columns[2].numbers[0] == 5);
        assert_true(rows_columns_next(rows, &batch, NULL));
        assert_int_equal(batch.rows, 0);
    }
    rows_columns_close(rows);
}

/* ---- records ---- */

/* What work was given comes out again, between brackets, and what take was told. */
struct seen {
    GString *out;
    size_t largest, limit; /* bytes of a piece */
    const char *refused;   /* a record that is an error */
    enum rows_split split;
};

static void add_text(struct lathe_text *text, const char *bytes, size_t size)
{
    text->bytes = realloc(text->bytes, text->size + size + 1);
    memcpy(text->bytes + text->size, bytes, size);
    text->size += size;
    text->capacity = text->size;
}

static void work_on(void *data, const char *records, size_t size, struct rows_outcome *outcome)
{
    const struct seen *seen = data;
    assert_true(!seen->limit || size <= seen->limit);
    for (size_t at = 0, number = 1; at < size; number++) {
        size_t own = rows_record_size(seen->split, records + at, size - at);
        assert_true(own > 0);
        if (seen->refused && own >= strlen(seen->refused) &&
            memcmp(records + at, seen->refused, strlen(seen->refused)) == 0) {
            outcome->record = number;
            g_set_error(&outcome->error, g_quark_from_static_string("test"), 1, "refused");
            return;
        }
        add_text(&outcome->text, "[", 1);
        add_text(&outcome->text, records + at, own);
        add_text(&outcome->text, "]", 1);
        at += own;
    }
}

static bool take_out(void *data, size_t file, const struct lathe_text *text, GError **error)
{
    (void)error;
    struct seen *seen = data;
    if (text)
        g_string_append_len(seen->out, text->bytes, (gssize)text->size);
    else
        g_string_append_printf(seen->out, "|%zu|", file);
    return true;
}

static char *records_of(const char *folder_name, struct seen *seen, size_t piece, unsigned threads,
                        struct rows_fault *fault, GError **error)
{
    g_autofree char *path = path_of(folder_name);
    g_autoptr(GPtrArray) files = rows_all_files(path, NULL);
    seen->out = g_string_new(NULL);
    struct rows_records_options options = {.split = seen->split,
                                           .piece = piece,
                                           .longest = seen->limit,
                                           .threads = threads,
                                           .work = work_on,
                                           .take = take_out,
                                           .data = seen};
    rows_records_each(files, 0, &options, fault, error);
    return g_string_free(seen->out, FALSE);
}

static void lines_come_out_in_order(void **unused)
{
    (void)unused;
    write_text("lines/_a", "one\n\"two\nthree\"\n\n");
    write_text("lines/b", "");
    write_text("lines/c/d", "four");
    static const size_t pieces[] = {0, 7, 8, 100};
    for (size_t p = 0; p < G_N_ELEMENTS(pieces); p++) {
        struct seen seen = {.split = ROWS_SPLIT_LINES, .limit = pieces[p]};
        struct rows_fault fault;
        GError *error = NULL;
        g_autofree char *out = records_of("lines", &seen, pieces[p], 3, &fault, &error);
        assert_null(error);
        assert_string_equal(out, "[one\n][\"two\n][three\"\n][\n]|0||1|[four]|2|");
    }
}

static void a_refused_record_is_counted_in_its_file(void **unused)
{
    (void)unused;
    g_autoptr(GString) text = g_string_new(NULL);
    for (int i = 0; i < 5000; i++)
        g_string_append_printf(text, "line %d\n", i);
    write_file("refused/a", text->str, text->len);
    write_file("refused/b", text->str, text->len);
    for (unsigned threads = 1; threads < 4; threads++) {
        struct seen seen = {.split = ROWS_SPLIT_LINES, .refused = "line 4321"};
        struct rows_fault fault = {0};
        g_autoptr(GError) error = NULL;
        g_autofree char *out = records_of("refused", &seen, 1000, threads, &fault, &error);
        assert_string_equal(error->message, "refused");
        assert_int_equal(fault.file, 0);
        assert_int_equal(fault.record, 4322);
        assert_null(strstr(out, "|"));
    }
}

static void frames_are_cut_at_their_ends(void **unused)
{
    (void)unused;
    static const char recordio[] = "\x0a\x23\xd7\xce\x05\0\0\0hello\0\0\0"
                                   "\x0a\x23\xd7\xce\x02\0\0\x20"
                                   "ab\0\0"
                                   "\x0a\x23\xd7\xce\x01\0\0\x60"
                                   "c\0\0\0";
    size_t size = sizeof recordio - 1;
    assert_int_equal(rows_record_size(ROWS_SPLIT_RECORDIO, recordio, size), 16);
    assert_int_equal(rows_record_size(ROWS_SPLIT_RECORDIO, recordio + 16, size - 16), 24);
    assert_int_equal(rows_record_size(ROWS_SPLIT_RECORDIO, recordio + 16, size - 17), 0);
    assert_int_equal(rows_frame_size(ROWS_SPLIT_RECORDIO, recordio + 1, size - 1), -1);
    assert_int_equal(rows_frame_size(ROWS_SPLIT_RECORDIO, recordio + 28, size - 28), -1);
    static const char tf[] = "\x03\0\0\0\0\0\0\0crcsabccrcs";
    assert_int_equal(rows_record_size(ROWS_SPLIT_TFRECORD, tf, sizeof tf - 1), 19);
    assert_int_equal(rows_record_size(ROWS_SPLIT_TFRECORD, tf, sizeof tf - 2), 0);
    write_file("frames/a", recordio, size);
    for (size_t piece = 24; piece < 64; piece += 8) {
        struct seen seen = {.split = ROWS_SPLIT_RECORDIO, .limit = 64};
        struct rows_fault fault;
        GError *error = NULL;
        g_autofree char *out = records_of("frames", &seen, piece, 2, &fault, &error);
        assert_null(error);
        assert_int_equal(out[17], ']');
    }
}

static void what_is_too_long_is_told(void **unused)
{
    (void)unused;
    write_text("long/a", "1234567\n12345678\n");
    struct seen seen = {.split = ROWS_SPLIT_LINES, .limit = 8};
    struct rows_fault fault;
    g_autoptr(GError) error = NULL;
    g_autofree char *out = records_of("long", &seen, 8, 2, &fault, &error);
    assert_string_equal(error->message,
                        "a: Too much data for max payload size: a record has more than 8 bytes");
    assert_string_equal(out, "[1234567\n]");
    seen.split = ROWS_SPLIT_NONE;
    seen.limit = 17;
    g_autoptr(GError) whole = NULL;
    g_autofree char *nothing = records_of("long", &seen, 8, 2, &fault, &whole);
    assert_non_null(strstr(whole->message, "the file has more than 17 bytes"));
    assert_string_equal(nothing, "");
    seen.limit = 18;
    GError *none = NULL;
    g_autofree char *all = records_of("long", &seen, 8, 2, &fault, &none);
    assert_null(none);
    assert_string_equal(all, "[1234567\n12345678\n]|0|");
}

static int make_folder(void **unused)
{
    (void)unused;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **unused)
{
    (void)unused;
    g_autofree char *command = g_strdup_printf("rm -rf %s", folder);
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(odd_texts_read_in_pieces_as_they_do_whole),
        cmocka_unit_test(what_pieces_may_cut_wrongly),
        cmocka_unit_test(a_quote_may_span_many_pieces),
        cmocka_unit_test(a_row_may_have_a_hundred_thousand_columns),
        cmocka_unit_test(files_of_a_folder_come_in_order),
        cmocka_unit_test(no_folder_has_no_files),
        cmocka_unit_test(a_folder_that_is_in_itself_is_told),
        cmocka_unit_test(a_cut_gzip_file_is_told),
        cmocka_unit_test(of_two_errors_the_first_is_told),
        cmocka_unit_test(only_so_many_pieces_are_on_their_way),
        cmocka_unit_test(readers_may_be_closed_at_any_time),
        cmocka_unit_test(libsvm_in_pieces),
        cmocka_unit_test(json_lines_by_name),
        cmocka_unit_test(columns_are_read_as_often_as_wanted),
        cmocka_unit_test(lines_come_out_in_order),
        cmocka_unit_test(a_refused_record_is_counted_in_its_file),
        cmocka_unit_test(frames_are_cut_at_their_ends),
        cmocka_unit_test(what_is_too_long_is_told),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
