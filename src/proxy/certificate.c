#include "proxy/certificate.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "base/error.h"
#include "proxy/aws_host.h"

#define DAY (24L * 3600)
#define AUTHORITY_DAYS 3650
#define SERVER_DAYS 365
#define EARLIER_DAYS 1 /* for clocks that go slow */

bool certificate_error(GError **error, const char *attempted)
{
    char why[256];
    ERR_error_string_n(ERR_get_error(), why, sizeof why);
    ERR_clear_error();
    return error_set(error, ERROR_INTERNAL, "%s: %s", attempted, why);
}

EVP_PKEY *certificate_key(GError **error)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    if (!key)
        certificate_error(error, "making a key");
    return key;
}

/* ---- what a certificate says ---- */

/* Positive, and never the same twice: a client that has seen another of this issuer with the same
 * number refuses both. */
static bool set_number(X509 *certificate)
{
    unsigned char bytes[16];
    if (RAND_bytes(bytes, sizeof bytes) != 1)
        return false;
    bytes[0] = (bytes[0] & 0x7f) | 0x40;
    BIGNUM *number = BN_bin2bn(bytes, sizeof bytes, NULL);
    bool set = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate));
    BN_free(number);
    return set;
}

/* Without a common name: that some clients take for a host's. */
static bool set_subject(X509 *certificate, const char *unit)
{
    X509_NAME *name = X509_get_subject_name(certificate);
    return X509_NAME_add_entry_by_txt(name, "O", MBSTRING_ASC, (const unsigned char *)"lathe", -1,
                                      -1, 0) == 1 &&
           X509_NAME_add_entry_by_txt(name, "OU", MBSTRING_ASC, (const unsigned char *)unit, -1, -1,
                                      0) == 1;
}

static X509 *new_certificate(EVP_PKEY *key, const char *unit, long days)
{
    g_autoptr(X509) made = X509_new();
    if (made && X509_set_version(made, X509_VERSION_3) && set_number(made) &&
        set_subject(made, unit) && X509_set_pubkey(made, key) &&
        X509_gmtime_adj(X509_getm_notBefore(made), -EARLIER_DAYS * DAY) &&
        X509_gmtime_adj(X509_getm_notAfter(made), days * DAY))
        return g_steal_pointer(&made);
    return NULL;
}

struct extension {
    int kind;
    const char *value; /* as openssl.cnf writes it */
};

static bool add(X509 *certificate, X509 *issuer, const struct extension *extension)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    X509_EXTENSION *made = X509V3_EXT_conf_nid(NULL, &context, extension->kind, extension->value);
    bool added = made && X509_add_ext(certificate, made, -1) == 1;
    X509_EXTENSION_free(made);
    return added;
}

static bool add_all(X509 *certificate, X509 *issuer, const struct extension *extensions,
                    size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!add(certificate, issuer, &extensions[i]))
            return false;
    return true;
}

/* ---- the authority's ---- */

/* A list of names says nothing of addresses: all are excluded beside it. */
static char *constraints(void)
{
    GString *text = g_string_new("critical");
    for (const char *const *domain = aws_domains; *domain; domain++)
        g_string_append_printf(text, ",permitted;DNS:%s", *domain);
    g_string_append(text,
                    ",excluded;IP:0.0.0.0/0.0.0.0,excluded;IP:0:0:0:0:0:0:0:0/0:0:0:0:0:0:0:0");
    return g_string_free(text, FALSE);
}

X509 *certificate_authority(EVP_PKEY *key, GError **error)
{
    g_autofree char *names = constraints();
    const struct extension extensions[] = {
        {NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
        {NID_key_usage, "critical,keyCertSign,cRLSign"},
        {NID_ext_key_usage, "serverAuth"},
        {NID_subject_key_identifier, "hash"},
        {NID_name_constraints, names},
    };
    g_autoptr(X509) made = new_certificate(key, "AWS's hosts on this machine", AUTHORITY_DAYS);
    if (made && X509_set_issuer_name(made, X509_get_subject_name(made)) &&
        add_all(made, made, extensions, G_N_ELEMENTS(extensions)) &&
        X509_sign(made, key, EVP_sha256()))
        return g_steal_pointer(&made);
    certificate_error(error, "making the authority's certificate");
    return NULL;
}

/* ---- a server's ---- */

X509 *certificate_server(EVP_PKEY *key, const char *names, X509 *issuer, EVP_PKEY *issuer_key,
                         GError **error)
{
    const struct extension extensions[] = {
        {NID_basic_constraints, "critical,CA:FALSE"},
        {NID_key_usage, "critical,digitalSignature"},
        {NID_ext_key_usage, "serverAuth"},
        {NID_subject_key_identifier, "hash"},
        {NID_authority_key_identifier, "keyid:always"},
        {NID_subject_alt_name, names},
    };
    g_autoptr(X509) made = new_certificate(key, "one of AWS's hosts, on this machine", SERVER_DAYS);
    if (made && X509_set_issuer_name(made, X509_get_subject_name(issuer)) &&
        add_all(made, issuer, extensions, G_N_ELEMENTS(extensions)) &&
        X509_sign(made, issuer_key, EVP_sha256()))
        return g_steal_pointer(&made);
    certificate_error(error, "making a host's certificate");
    return NULL;
}

/* ---- as text ---- */

char *certificate_text(EVP_PKEY *key, X509 *certificate, GError **error)
{
    g_autoptr(BIO) memory = BIO_new(BIO_s_mem());
    char *text;
    if (!memory || (key && !PEM_write_bio_PrivateKey(memory, key, NULL, NULL, 0, NULL, NULL)) ||
        (certificate && !PEM_write_bio_X509(memory, certificate))) {
        certificate_error(error, "writing a certificate");
        return NULL;
    }
    long size = BIO_get_mem_data(memory, &text);
    return g_strndup(text, (gsize)size);
}

bool certificate_read(const char *text, EVP_PKEY **key, X509 **certificate, GError **error)
{
    g_autoptr(BIO) memory = BIO_new_mem_buf(text, -1);
    g_autoptr(EVP_PKEY) read = memory ? PEM_read_bio_PrivateKey(memory, NULL, NULL, NULL) : NULL;
    *certificate = read ? PEM_read_bio_X509(memory, NULL, NULL, NULL) : NULL;
    *key = *certificate ? g_steal_pointer(&read) : NULL;
    return *key || certificate_error(error, "reading the authority's key and certificate");
}
