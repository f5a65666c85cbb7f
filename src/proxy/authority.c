#include "proxy/authority.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "proxy/aws_host.h"
#include "proxy/certificate.h"
#include "proxy/request.h"

#define MOST_CERTIFICATES 256
#define RENEW_BEFORE (30 * 24 * 3600) /* seconds */

G_DEFINE_AUTOPTR_CLEANUP_FUNC(SSL, SSL_free)

struct authority {
    EVP_PKEY *key;
    X509 *certificate;
    EVP_PKEY *server_key; /* of all hosts, as long as this process lives */
    SSL_CTX *context;
    pthread_mutex_t lock;
    GHashTable *certificates; /* under the lock: the hosts', by name */
};

/* ---- the file ---- */

static char *make_text(GError **error)
{
    g_autoptr(EVP_PKEY) key = certificate_key(error);
    g_autoptr(X509) certificate = key ? certificate_authority(key, error) : NULL;
    return certificate ? certificate_text(key, certificate, error) : NULL;
}

/* The file whole, readable by its user alone, under a name of its own. */
static bool write_private(const char *path, const char *text, GError **error)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return error_set_errno(error, errno, "writing %s", path);
    bool written = file_write_all(fd, text, strlen(text), error);
    if (written && fsync(fd) != 0)
        written = error_set_errno(error, errno, "writing %s", path);
    close(fd);
    return written;
}

/* Linked to its name, which fails where another has been quicker: then that one's is right. */
static bool create(const char *home, const char *path, GError **error)
{
    g_autofree char *text = make_text(error);
    g_autofree char *aside = g_strdup_printf("%s.%d-%u", path, (int)getpid(), g_random_int());
    if (!text || !file_make_folders(home, error) || !write_private(aside, text, error))
        return false;
    bool there = link(aside, path) == 0 || errno == EEXIST;
    if (!there)
        error_set_errno(error, errno, "writing %s", path);
    unlink(aside);
    return there && file_sync_folder(home, error);
}

static bool is_old(X509 *certificate)
{
    time_t then = time(NULL) + RENEW_BEFORE;
    return X509_cmp_time(X509_get0_notAfter(certificate), &then) <= 0;
}

static bool read_file(struct authority *authority, const char *path, GError **error)
{
    g_autofree char *text = NULL;
    return g_file_get_contents(path, &text, NULL, error) &&
           certificate_read(text, &authority->key, &authority->certificate, error);
}

static bool read_or_create(struct authority *authority, const char *home, GError **error)
{
    g_autofree char *path = g_build_filename(home, "authority.pem", NULL);
    if (access(path, F_OK) != 0 && !create(home, path, error))
        return false;
    if (!read_file(authority, path, error))
        return false;
    if (!is_old(authority->certificate))
        return true;
    g_clear_pointer(&authority->key, EVP_PKEY_free);
    g_clear_pointer(&authority->certificate, X509_free);
    unlink(path);
    return create(home, path, error) && read_file(authority, path, error);
}

/* ---- hosts ---- */

/* Under the lock: the host's certificate, which stays the authority's. */
static X509 *host_certificate(struct authority *authority, const char *host, GError **error)
{
    X509 *found = g_hash_table_lookup(authority->certificates, host);
    if (found && !is_old(found))
        return found;
    g_autofree char *names = g_strdup_printf("DNS:%s", host);
    X509 *made = certificate_server(authority->server_key, names, authority->certificate,
                                    authority->key, error);
    if (!made)
        return NULL;
    if (g_hash_table_size(authority->certificates) >= MOST_CERTIFICATES)
        g_hash_table_remove_all(authority->certificates);
    g_hash_table_replace(authority->certificates, g_strdup(host), made);
    return made;
}

/* Has the session show the host's certificate. */
static bool show(struct authority *authority, SSL *session, const char *host, GError **error)
{
    pthread_mutex_lock(&authority->lock);
    X509 *certificate = host_certificate(authority, host, error);
    bool shown = certificate && SSL_use_certificate(session, certificate) == 1 &&
                 SSL_use_PrivateKey(session, authority->server_key) == 1;
    pthread_mutex_unlock(&authority->lock);
    return shown;
}

/* Within the handshake, with the host that the client names there, or none. */
static int check_name(SSL *session, int *alert, void *data)
{
    char *host = SSL_get_app_data(session);
    const char *asked = SSL_get_servername(session, TLSEXT_NAMETYPE_host_name);
    if (!asked && *host)
        return SSL_TLSEXT_ERR_OK;
    *alert = SSL_AD_UNRECOGNIZED_NAME;
    g_autofree char *name = g_ascii_strdown(asked ? asked : "", -1);
    if (*host)
        return strcmp(host, name) == 0 ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
    if (strlen(name) > LONGEST_HOST || !proxy_is_name(name) || !aws_host_is(name) ||
        !show(data, session, name, NULL))
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    g_strlcpy(host, name, LONGEST_HOST + 1);
    return SSL_TLSEXT_ERR_OK;
}

/* ---- opening ---- */

/* HTTP/1.1 is what is spoken; a client that offers nothing of it hears so in the handshake. */
static int choose_protocol(SSL *session, const unsigned char **chosen, unsigned char *size,
                           const unsigned char *offered, unsigned offered_size, void *data)
{
    static const unsigned char ours[] = "\x08http/1.1";
    (void)session, (void)data;
    unsigned char *found;
    int result = SSL_select_next_proto(&found, size, ours, sizeof ours - 1, offered, offered_size);
    *chosen = found;
    return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* Tickets would let a client take up one host's session on another's connection. */
static bool open_context(struct authority *authority, GError **error)
{
    authority->context = SSL_CTX_new(TLS_server_method());
    if (!authority->context || !SSL_CTX_set_min_proto_version(authority->context, TLS1_2_VERSION))
        return certificate_error(error, "opening TLS");
    SSL_CTX_set_options(authority->context,
                        SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_session_cache_mode(authority->context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(authority->context, 0);
    SSL_CTX_set_mode(authority->context, SSL_MODE_ENABLE_PARTIAL_WRITE |
                                             SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                             SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_alpn_select_cb(authority->context, choose_protocol, NULL);
    SSL_CTX_set_tlsext_servername_callback(authority->context, check_name);
    SSL_CTX_set_tlsext_servername_arg(authority->context, authority);
    return true;
}

static void free_certificate(gpointer certificate)
{
    X509_free(certificate);
}

struct authority *authority_open(const char *home, GError **error)
{
    struct authority *authority = g_new0(struct authority, 1);
    pthread_mutex_init(&authority->lock, NULL);
    authority->certificates =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_certificate);
    authority->server_key = certificate_key(error);
    if (authority->server_key && read_or_create(authority, home, error) &&
        open_context(authority, error))
        return authority;
    authority_free(authority);
    return NULL;
}

void authority_free(struct authority *authority)
{
    if (!authority)
        return;
    SSL_CTX_free(authority->context);
    EVP_PKEY_free(authority->key);
    EVP_PKEY_free(authority->server_key);
    X509_free(authority->certificate);
    g_hash_table_unref(authority->certificates);
    pthread_mutex_destroy(&authority->lock);
    g_free(authority);
}

/* ---- what clients trust ---- */

/* Where distributions keep them, after what the user says; our own file is none. */
static char *system_roots(const char *bundle)
{
    const char *const places[] = {g_getenv("SSL_CERT_FILE"),
                                  X509_get_default_cert_file(),
                                  "/etc/ssl/certs/ca-certificates.crt",
                                  "/etc/pki/tls/certs/ca-bundle.crt",
                                  "/etc/ssl/ca-bundle.pem",
                                  "/etc/ssl/cert.pem"};
    for (size_t i = 0; i < G_N_ELEMENTS(places); i++) {
        char *text;
        gsize size;
        if (!places[i] || strcmp(places[i], bundle) == 0 ||
            !g_file_get_contents(places[i], &text, &size, NULL))
            continue;
        if (strstr(text, "BEGIN CERTIFICATE"))
            return text;
        g_free(text);
    }
    return NULL;
}

/* A script's user may be another than the server's. */
static bool let_read(const char *path, GError **error)
{
    return chmod(path, 0644) == 0 || error_set_errno(error, errno, "letting scripts read %s", path);
}

bool authority_write_bundle(const struct authority *authority, const char *home, char **own,
                            char **bundle, bool *has_roots, GError **error)
{
    *own = g_build_filename(home, "ca.pem", NULL);
    *bundle = g_build_filename(home, "ca-bundle.pem", NULL);
    g_autofree char *text = certificate_text(NULL, authority->certificate, error);
    g_autofree char *roots = system_roots(*bundle);
    g_autofree char *all = text ? g_strdup_printf("%s\n%s", roots ? roots : "", text) : NULL;
    *has_roots = roots != NULL;
    if (all && file_replace(*own, text, strlen(text), error) &&
        file_replace(*bundle, all, strlen(all), error) && let_read(*bundle, error))
        return true;
    g_clear_pointer(own, g_free);
    g_clear_pointer(bundle, g_free);
    return false;
}

/* ---- sessions ---- */

SSL *authority_session(struct authority *authority, char *host, GError **error)
{
    g_autoptr(SSL) session = SSL_new(authority->context);
    if (session && SSL_set_app_data(session, host) &&
        (!*host || show(authority, session, host, error)))
        return g_steal_pointer(&session);
    if (error && !*error)
        certificate_error(error, "opening TLS");
    return NULL;
}
