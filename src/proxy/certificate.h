/* certificate.h: keys and X.509 certificates by OpenSSL. */
#ifndef LATHE_PROXY_CERTIFICATE_H
#define LATHE_PROXY_CERTIFICATE_H

#include <glib.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdbool.h>

G_DEFINE_AUTOPTR_CLEANUP_FUNC(EVP_PKEY, EVP_PKEY_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(X509, X509_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BIO, BIO_free_all)

/* Sets error to what was attempted and what OpenSSL says of it. Returns false. */
bool certificate_error(GError **error, const char *attempted);

/* A new key: P-256. */
EVP_PKEY *certificate_key(GError **error);
/* An authority's, signed by its own key: for AWS's domains alone, for servers, ten years. */
X509 *certificate_authority(EVP_PKEY *key, GError **error);
/* A server's, for a year; names as OpenSSL writes them, "DNS:sts.amazonaws.com". */
X509 *certificate_server(EVP_PKEY *key, const char *names, X509 *issuer, EVP_PKEY *issuer_key,
                         GError **error);

/* As PEM, NULL left out; g_free. */
char *certificate_text(EVP_PKEY *key, X509 *certificate, GError **error);
/* What that wrote; both or neither. */
bool certificate_read(const char *text, EVP_PKEY **key, X509 **certificate, GError **error);

#endif
