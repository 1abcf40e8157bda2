#ifndef TESTS_TLS_CERTIFICATE_H
#define TESTS_TLS_CERTIFICATE_H

/* A certificate for localhost, made anew. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <gnutls/x509.h>
#include <time.h>
#include <unistd.h>

void make_certificate(const char *cert_path, const char *key_path);

#endif
