// USES server
/* The certificate of --e2b-tls: made once, good for the names below its name and for no others. */
#include "tests/support/scratch.h"

#include "server/e2b/certificate.h"

#include <gnutls/x509.h>
#include <sys/stat.h>

#define NAME "vitrine.localhost"

static struct err err;

TestSuite(e2b_certificate, .init = scratch_make, .fini = scratch_remove);

static struct e2b_certificate find(const char *name)
{
	struct e2b_certificate certificate;
	cr_assert(e2b_certificate_find(in_scratch("state"), name, &certificate, &err), "%s",
		err.text);
	return certificate;
}

static gnutls_datum_t read_all(const char *path)
{
	gnutls_datum_t text;
	cr_assert_eq(gnutls_load_file(path, &text), 0, "%s", path);
	return text;
}

/* As a client that trusts the authority only. */
static bool is_trusted(const struct e2b_certificate *certificate, const char *host)
{
	gnutls_x509_trust_list_t list;
	gnutls_x509_crt_t certs[4];
	unsigned n = 4, status = 0;
	gnutls_datum_t chain = read_all(certificate->chain);
	gnutls_typed_vdata_st name = { .type = GNUTLS_DT_DNS_HOSTNAME,
		.data = (unsigned char *)(uintptr_t)host };
	gnutls_x509_trust_list_init(&list, 0);
	cr_assert_eq(gnutls_x509_trust_list_add_trust_file(
			     list, certificate->authority, NULL, GNUTLS_X509_FMT_PEM, 0, 0),
		1);
	cr_assert_geq(gnutls_x509_crt_list_import(certs, &n, &chain, GNUTLS_X509_FMT_PEM, 0), 0);
	int r = gnutls_x509_trust_list_verify_crt2(list, certs, n, &name, 1, 0, &status, NULL);
	for (unsigned i = 0; i < n; i++) {
		gnutls_x509_crt_deinit(certs[i]);
	}
	gnutls_x509_trust_list_deinit(list, 1);
	gnutls_free(chain.data);
	return r >= 0 && status == 0;
}

Test(e2b_certificate, is_good_for_the_names_below_its_own)
{
	auto_certificate struct e2b_certificate certificate = find(NAME);
	struct stat st;
	cr_expect(is_trusted(&certificate, NAME));
	cr_expect(is_trusted(&certificate, "api." NAME));
	cr_expect(is_trusted(&certificate, "49983-abc." NAME));
	cr_expect_not(is_trusted(&certificate, "a.b." NAME));
	cr_expect_not(is_trusted(&certificate, "example.com"));
	cr_assert_eq(stat(certificate.key, &st), 0);
	cr_expect_eq(st.st_mode & 0777, 0600);
}

Test(e2b_certificate, is_made_once_for_each_name)
{
	auto_certificate struct e2b_certificate first = find(NAME), again = find(NAME),
						other = find("desk.example");
	gnutls_datum_t a = read_all(first.chain), b = read_all(other.chain);
	cr_expect_str_eq(first.chain, again.chain);
	cr_expect(is_trusted(&again, "api." NAME));
	cr_expect(is_trusted(&other, "api.desk.example"));
	cr_expect_not(is_trusted(&other, "api." NAME));
	cr_expect(a.size != b.size || memcmp(a.data, b.data, a.size) != 0);
	gnutls_free(a.data);
	gnutls_free(b.data);
}

Test(e2b_certificate, one_that_cannot_be_read_is_replaced)
{
	auto_certificate struct e2b_certificate first = find(NAME);
	put_text(first.chain, "not a certificate");
	auto_certificate struct e2b_certificate again = find(NAME);
	cr_expect(is_trusted(&again, "api." NAME));
}
