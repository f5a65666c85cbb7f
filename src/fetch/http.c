#include "fetch/http.h"

#include <curl/curl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/library.h"
#include "lathe.h"

#define CURL_LIBRARY "libcurl.so.4" /* Debian's package libcurl4 */
#define CONNECT_SECONDS 30L
#define STALLED_SECONDS 60L /* without a byte */
#define MOST_REDIRECTS 10
#define LONGEST_REDIRECT ((size_t)1 << 20) /* bytes of all redirects' bodies */
#define LONGEST_RETRY_AFTER 60

/* ---- the library ---- */

struct curl {
    CURLcode (*global_init)(long flags);
    CURL *(*easy_init)(void);
    CURLcode (*easy_setopt)(CURL *easy, CURLoption option, ...);
    CURLcode (*easy_perform)(CURL *easy);
    CURLcode (*easy_getinfo)(CURL *easy, CURLINFO info, ...);
    void (*easy_cleanup)(CURL *easy);
    const char *(*easy_strerror)(CURLcode code);
    struct curl_slist *(*slist_append)(struct curl_slist *list, const char *text);
    void (*slist_free_all)(struct curl_slist *list);
    CURLU *(*url)(void);
    CURLUcode (*url_set)(CURLU *url, CURLUPart part, const char *text, unsigned flags);
    CURLUcode (*url_get)(const CURLU *url, CURLUPart part, char **text, unsigned flags);
    void (*url_cleanup)(CURLU *url);
    void (*free)(void *memory);
};

static const struct library_symbol symbols[] = {
    {"curl_global_init", offsetof(struct curl, global_init)},
    {"curl_easy_init", offsetof(struct curl, easy_init)},
    {"curl_easy_setopt", offsetof(struct curl, easy_setopt)},
    {"curl_easy_perform", offsetof(struct curl, easy_perform)},
    {"curl_easy_getinfo", offsetof(struct curl, easy_getinfo)},
    {"curl_easy_cleanup", offsetof(struct curl, easy_cleanup)},
    {"curl_easy_strerror", offsetof(struct curl, easy_strerror)},
    {"curl_slist_append", offsetof(struct curl, slist_append)},
    {"curl_slist_free_all", offsetof(struct curl, slist_free_all)},
    {"curl_url", offsetof(struct curl, url)},
    {"curl_url_set", offsetof(struct curl, url_set)},
    {"curl_url_get", offsetof(struct curl, url_get)},
    {"curl_url_cleanup", offsetof(struct curl, url_cleanup)},
    {"curl_free", offsetof(struct curl, free)},
};

/* A process that fetches does so in one thread. */
static const struct curl *load(GError **error)
{
    static struct curl curl;
    static void *library;
    if (!library) {
        library = library_load(CURL_LIBRARY, symbols, G_N_ELEMENTS(symbols), &curl,
                               "libcurl 7.85 or later (Debian's package libcurl4)", error);
        if (library)
            curl.global_init(CURL_GLOBAL_DEFAULT);
    }
    return library ? &curl : NULL;
}

/* ---- one answer ---- */

struct exchange {
    const struct curl *curl;
    const struct http_question *question;
    struct http_answer *answer;
    CURL *easy;
    CURLU *url;    /* of this hop */
    char *host;    /* its, g_free */
    unsigned port; /* its */
    bool listed;   /* this hop, by its name */
    size_t passed; /* of redirects' bodies */
    char *refused; /* the address that was not connected to */
    struct curl_slist *headers;
    GError *cause; /* what take said */
};

void http_answer_clear(struct http_answer *answer)
{
    g_free(answer->etag);
    g_free(answer->modified);
    *answer = (struct http_answer){.length = -1, .first = -1, .total = -1};
}

char *http_shown(const char *url)
{
    const char *query = strpbrk(url, "?#");
    return query ? g_strdup_printf("%.*s?...", (int)(query - url), url) : g_strdup(url);
}

static const char *header_value(const char *line, const char *name)
{
    size_t length = strlen(name);
    if (g_ascii_strncasecmp(line, name, length) != 0 || line[length] != ':')
        return NULL;
    return line + length + 1 + strspn(line + length + 1, " \t");
}

static void read_range(struct http_answer *answer, const char *value)
{
    long long first, last, total;
    if (sscanf(value, "bytes %lld-%lld/%lld", &first, &last, &total) == 3) {
        answer->first = first;
        answer->total = total;
    } else if (sscanf(value, "bytes */%lld", &total) == 1) {
        answer->total = total;
    }
}

static void read_retry_after(struct http_answer *answer, const char *value)
{
    double at;
    bool is_date = !g_ascii_isdigit(*value) && clock_parse(value, &at);
    double seconds = is_date ? at - clock_now() : g_ascii_strtod(value, NULL);
    answer->retry_after = CLAMP(seconds, 0, LONGEST_RETRY_AFTER);
}

static size_t take_header(char *bytes, size_t one, size_t size, void *data)
{
    struct exchange *exchange = data;
    struct http_answer *answer = exchange->answer;
    g_autofree char *line = g_strchomp(g_strndup(bytes, one * size));
    const char *value;
    if (g_str_has_prefix(line, "HTTP/")) /* of an answer before the one that counts, such as 100 */
        http_answer_clear(answer);
    else if ((value = header_value(line, "ETag")) && !answer->etag)
        answer->etag = g_strdup(value);
    else if ((value = header_value(line, "Last-Modified")) && !answer->modified)
        answer->modified = g_strdup(value);
    else if ((value = header_value(line, "Content-Range")))
        read_range(answer, value);
    else if ((value = header_value(line, "Retry-After")))
        read_retry_after(answer, value);
    return one * size;
}

static void read_head(struct exchange *exchange)
{
    curl_off_t length = -1;
    exchange->curl->easy_getinfo(exchange->easy, CURLINFO_RESPONSE_CODE, &exchange->answer->status);
    exchange->curl->easy_getinfo(exchange->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    exchange->answer->length = length;
}

static bool is_redirect(long status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/* What a redirect says has to be passed over for libcurl to tell where it leads; it is short. */
static size_t pass_over(struct exchange *exchange, size_t size)
{
    exchange->passed += size;
    return exchange->passed <= LONGEST_REDIRECT ? size : 0;
}

/* What is said with another status is not read. */
static size_t take_body(char *bytes, size_t one, size_t size, void *data)
{
    struct exchange *exchange = data;
    const struct http_question *question = exchange->question;
    read_head(exchange);
    if (is_redirect(exchange->answer->status))
        return pass_over(exchange, one * size);
    bool is_file = exchange->answer->status == 200 || exchange->answer->status == 206;
    return is_file && question->take(exchange->answer, bytes, one * size, question->data,
                                     &exchange->cause)
               ? one * size
               : 0;
}

/* The address that is connected to, whatever a name said before. */
static bool may_connect(const struct exchange *exchange, const struct sockaddr *peer)
{
    const struct fetch_rules *rules = exchange->question->rules;
    return exchange->listed || fetch_peer_is_listed(rules, peer) ||
           (!rules->listed_only && fetch_peer_is_public(peer));
}

static curl_socket_t open_socket(void *data, curlsocktype purpose, struct curl_sockaddr *peer)
{
    struct exchange *exchange = data;
    (void)purpose;
    if (may_connect(exchange, &peer->addr))
        return socket(peer->family, peer->socktype | SOCK_CLOEXEC, peer->protocol);
    g_free(exchange->refused);
    exchange->refused = fetch_peer_text(&peer->addr);
    return CURL_SOCKET_BAD;
}

/* ---- a hop ---- */

static char *part_of(const struct exchange *exchange, CURLUPart part, unsigned flags)
{
    char *text = NULL;
    exchange->curl->url_get(exchange->url, part, &text, flags);
    char *own = g_strdup(text);
    exchange->curl->free(text);
    return own;
}

char *http_place(const char *url)
{
    const struct curl *curl = load(NULL);
    struct exchange exchange = {.curl = curl, .url = curl ? curl->url() : NULL};
    if (!curl || curl->url_set(exchange.url, CURLUPART_URL, url, 0) != CURLUE_OK) {
        if (curl)
            curl->url_cleanup(exchange.url);
        return NULL;
    }
    g_autofree char *host = part_of(&exchange, CURLUPART_HOST, 0);
    g_autofree char *port = part_of(&exchange, CURLUPART_PORT, CURLU_DEFAULT_PORT);
    curl->url_cleanup(exchange.url);
    return g_strdup_printf("%s:%s", host, port ? port : "0");
}

static bool refuse_host(const struct exchange *exchange, const char *shown, GError **error)
{
    return error_set(error, ERROR_VALIDATION,
                     "%s: a script in a sandbox asks for it, which may fetch only what lathe.yaml "
                     "lists: %s:%u is not under fetch.allow there",
                     shown, exchange->host, exchange->port);
}

/* The hop's address as libcurl will understand it: nobody else reads it for the rules. */
static bool set_hop(struct exchange *exchange, const char *url, GError **error)
{
    g_autofree char *shown = http_shown(url);
    const struct fetch_rules *rules = exchange->question->rules;
    bool is_url = exchange->curl->url_set(exchange->url, CURLUPART_URL, url, 0) == CURLUE_OK;
    g_autofree char *scheme = is_url ? part_of(exchange, CURLUPART_SCHEME, 0) : NULL;
    if (g_strcmp0(scheme, "http") != 0 && g_strcmp0(scheme, "https") != 0)
        return error_set(error, ERROR_VALIDATION,
                         "%s: only addresses of http:// and https:// are fetched", shown);
    g_autofree char *user = part_of(exchange, CURLUPART_USER, 0);
    if (user)
        return error_set(error, ERROR_VALIDATION,
                         "an address of %s:// has a user in it; such addresses are not fetched",
                         scheme);
    g_autofree char *port = part_of(exchange, CURLUPART_PORT, CURLU_DEFAULT_PORT);
    g_free(exchange->host);
    exchange->host = part_of(exchange, CURLUPART_HOST, 0);
    exchange->port = port ? (unsigned)atoi(port) : 0;
    exchange->listed = fetch_is_listed(rules, exchange->host, exchange->port);
    return exchange->listed || !rules->listed_only || refuse_host(exchange, shown, error);
}

static void add_header(struct exchange *exchange, const char *name, const char *value)
{
    g_autofree char *line = value ? g_strdup_printf("%s: %s", name, value) : NULL;
    if (line)
        exchange->headers = exchange->curl->slist_append(exchange->headers, line);
}

static void add_headers(struct exchange *exchange)
{
    const struct http_question *question = exchange->question;
    g_autofree char *range =
        question->from ? g_strdup_printf("bytes=%" G_GINT64_FORMAT "-", question->from) : NULL;
    add_header(exchange, "Accept-Encoding", "identity");
    add_header(exchange, "Range", range);
    add_header(exchange, "If-Range", question->from ? question->if_range : NULL);
    add_header(exchange, "If-None-Match", question->if_none_match);
    add_header(exchange, "If-Modified-Since",
               question->if_none_match ? NULL : question->if_modified);
}

/* No proxy: the address that is connected to would be its. */
static void set_options(struct exchange *exchange)
{
    CURL *easy = exchange->easy;
    CURLcode (*set)(CURL *, CURLoption, ...) = exchange->curl->easy_setopt;
    set(easy, CURLOPT_CURLU, exchange->url);
    if (g_getenv("SSL_CERT_FILE")) /* whom to trust, where the machine's list does not say it */
        set(easy, CURLOPT_CAINFO, g_getenv("SSL_CERT_FILE"));
    set(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    set(easy, CURLOPT_PROXY, "");
    set(easy, CURLOPT_FOLLOWLOCATION, 0L);
    set(easy, CURLOPT_NOSIGNAL, 1L);
    set(easy, CURLOPT_USERAGENT, "lathe");
    set(easy, CURLOPT_CONNECTTIMEOUT, CONNECT_SECONDS);
    set(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
    set(easy, CURLOPT_LOW_SPEED_TIME, STALLED_SECONDS);
    set(easy, CURLOPT_HTTPHEADER, exchange->headers);
    set(easy, CURLOPT_HEADERFUNCTION, take_header);
    set(easy, CURLOPT_HEADERDATA, exchange);
    set(easy, CURLOPT_WRITEFUNCTION, take_body);
    set(easy, CURLOPT_WRITEDATA, exchange);
    set(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    set(easy, CURLOPT_OPENSOCKETDATA, exchange);
}

/* ---- what came of it ---- */

static bool may_pass(CURLcode code)
{
    static const CURLcode passing[] = {
        CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_CONNECT,   CURLE_OPERATION_TIMEDOUT,
        CURLE_PARTIAL_FILE,         CURLE_GOT_NOTHING,       CURLE_RECV_ERROR,
        CURLE_SEND_ERROR,           CURLE_SSL_CONNECT_ERROR, CURLE_HTTP2,
        CURLE_HTTP2_STREAM,         CURLE_WEIRD_SERVER_REPLY};
    for (size_t i = 0; i < G_N_ELEMENTS(passing); i++)
        if (passing[i] == code)
            return true;
    return false;
}

static enum http_end tell_refused(const struct exchange *exchange, const char *shown,
                                  GError **error)
{
    error_set(error, ERROR_VALIDATION,
              "%s: %s is at %s, which is not of the public internet; lathe.yaml has to list %s:%u "
              "under fetch.allow for it to be fetched",
              shown, exchange->host, exchange->refused, exchange->host, exchange->port);
    return HTTP_FAILED;
}

static enum http_end tell_broken(const struct exchange *exchange, CURLcode code, const char *shown,
                                 GError **error)
{
    error_set(error, ERROR_VALIDATION, "%s: %s", shown, exchange->curl->easy_strerror(code));
    return may_pass(code) ? HTTP_AGAIN : HTTP_FAILED;
}

static enum http_end tell_status(long status, const char *shown, GError **error)
{
    bool passing = status == 408 || status == 425 || status == 429 || status >= 500;
    error_set(error, ERROR_VALIDATION, "%s: the server answered with the HTTP status %ld", shown,
              status);
    return passing ? HTTP_AGAIN : HTTP_FAILED;
}

static enum http_end end_of(struct exchange *exchange, CURLcode code, const char *shown,
                            GError **error)
{
    long status = exchange->answer->status;
    if (exchange->cause) {
        g_propagate_error(error, g_steal_pointer(&exchange->cause));
        return HTTP_FAILED;
    }
    if (code != CURLE_OK && exchange->refused)
        return tell_refused(exchange, shown, error);
    if (code != CURLE_OK && code != CURLE_WRITE_ERROR)
        return tell_broken(exchange, code, shown, error);
    if (status == 200 || status == 206 || status == 304 || status == 416)
        return HTTP_ANSWERED;
    return tell_status(status, shown, error);
}

/* One hop: *next is where it leads, g_free, or NULL. */
static enum http_end hop(struct exchange *exchange, const char *url, char **next, GError **error)
{
    g_autofree char *shown = http_shown(url);
    char *target = NULL;
    if (!set_hop(exchange, url, error))
        return HTTP_FAILED;
    http_answer_clear(exchange->answer);
    set_options(exchange);
    CURLcode code = exchange->curl->easy_perform(exchange->easy);
    read_head(exchange);
    exchange->curl->easy_getinfo(exchange->easy, CURLINFO_REDIRECT_URL, &target);
    bool leads_on = !exchange->cause && target && is_redirect(exchange->answer->status);
    *next = leads_on ? g_strdup(target) : NULL;
    return leads_on ? HTTP_ANSWERED : end_of(exchange, code, shown, error);
}

static enum http_end follow(struct exchange *exchange, GError **error)
{
    g_autofree char *url = g_strdup(exchange->question->url);
    for (unsigned hops = 0; hops <= MOST_REDIRECTS; hops++) {
        char *next = NULL;
        enum http_end end = hop(exchange, url, &next, error);
        if (!next)
            return end;
        g_free(url);
        url = next;
    }
    g_autofree char *shown = http_shown(exchange->question->url);
    error_set(error, ERROR_VALIDATION, "%s: it is redirected more than %d times", shown,
              MOST_REDIRECTS);
    return HTTP_FAILED;
}

enum http_end http_ask(const struct http_question *question, struct http_answer *answer,
                       GError **error)
{
    const struct curl *curl = load(error);
    if (!curl)
        return HTTP_FAILED;
    struct exchange exchange = {.curl = curl, .question = question, .answer = answer};
    exchange.easy = curl->easy_init();
    exchange.url = curl->url();
    add_headers(&exchange);
    enum http_end end = follow(&exchange, error);
    curl->easy_cleanup(exchange.easy);
    curl->url_cleanup(exchange.url);
    curl->slist_free_all(exchange.headers);
    g_free(exchange.host);
    g_free(exchange.refused);
    return end;
}
