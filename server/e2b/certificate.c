#include "server/e2b/certificate.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "vm/state/state.h"

#include <errno.h>
#include <fcntl.h>
#include <gnutls/crypto.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define FOLDER "e2b-tls"
#define VALID_S (10 * 365 * 24 * 3600LL)
#define RENEW_S (30 * 24 * 3600) /* before its end */
#define EARLIER_S 3600           /* of clients whose clock is late */
#define FILE_MAX (64 << 10)

void e2b_certificate_done(struct e2b_certificate *certificate)
{
	free(certificate->authority);
	free(certificate->chain);
	free(certificate->key);
	*certificate = (struct e2b_certificate){ 0 };
}

/* ---- its files ---- */

static char *path_in(const char *dir, const char *file)
{
	auto_buf struct buf path = { 0 };
	buf_printf(&path, "%s/%s", dir, file);
	return (char *)take_ptr(&path.data);
}

static bool append(const char *dir, const char *file, const gnutls_datum_t *pem, struct err *err)
{
	auto_free char *path = path_in(dir, file);
	auto_close int fd =
		open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	return (fd >= 0 && write(fd, pem->data, pem->size) == (ssize_t)pem->size &&
		       fsync(fd) == 0) ||
	       err_errno(err, "cannot write %s", path);
}

static bool append_certificate(
	const char *dir, const char *file, gnutls_x509_crt_t cert, struct err *err)
{
	gnutls_datum_t pem = { 0 };
	bool good = gnutls_x509_crt_export2(cert, GNUTLS_X509_FMT_PEM, &pem) >= 0
			    ? append(dir, file, &pem, err)
			    : err_set(err, ERR_HOST, "a certificate cannot be written");
	gnutls_free(pem.data);
	return good;
}

static bool append_key(
	const char *dir, const char *file, gnutls_x509_privkey_t key, struct err *err)
{
	gnutls_datum_t pem = { 0 };
	bool good = gnutls_x509_privkey_export2(key, GNUTLS_X509_FMT_PEM, &pem) >= 0
			    ? append(dir, file, &pem, err)
			    : err_set(err, ERR_HOST, "a key cannot be written");
	if (pem.data) {
		explicit_bzero(pem.data, pem.size);
	}
	gnutls_free(pem.data);
	return good;
}

/* ---- making it ---- */

struct pair {
	gnutls_x509_privkey_t key;
	gnutls_x509_crt_t cert;
};

static void pair_done(struct pair *pair)
{
	gnutls_x509_privkey_deinit(pair->key);
	gnutls_x509_crt_deinit(pair->cert);
}

/* What both have.  The first failure counts; each call returns what is negative after one. */
static int pair_begin(struct pair *pair, const char *common_name)
{
	uint8_t serial[16], id[64];
	size_t id_len = sizeof(id);
	time_t now = time(NULL);
	int r = gnutls_rnd(GNUTLS_RND_NONCE, serial, sizeof(serial));
	serial[0] &= 0x7f;
	r = r < 0 ? r
		  : gnutls_x509_privkey_generate(pair->key, GNUTLS_PK_ECDSA,
			    GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0);
	r = r < 0 ? r : gnutls_x509_crt_set_version(pair->cert, 3);
	r = r < 0 ? r : gnutls_x509_crt_set_serial(pair->cert, serial, sizeof(serial));
	r = r < 0 ? r : gnutls_x509_crt_set_activation_time(pair->cert, now - EARLIER_S);
	r = r < 0 ? r : gnutls_x509_crt_set_expiration_time(pair->cert, now + VALID_S);
	r = r < 0 ? r
		  : gnutls_x509_crt_set_dn_by_oid(pair->cert, GNUTLS_OID_X520_COMMON_NAME, 0,
			    common_name, (unsigned)strlen(common_name));
	r = r < 0 ? r : gnutls_x509_crt_set_key(pair->cert, pair->key);
	r = r < 0 ? r : gnutls_x509_crt_get_key_id(pair->cert, GNUTLS_KEYID_USE_SHA1, id, &id_len);
	return r < 0 ? r : gnutls_x509_crt_set_subject_key_id(pair->cert, id, id_len);
}

static int make_authority(struct pair *ca)
{
	int r = pair_begin(ca, "Vitrine on this machine");
	r = r < 0 ? r : gnutls_x509_crt_set_basic_constraints(ca->cert, 1, 0);
	r = r < 0 ? r : gnutls_x509_crt_set_key_usage(ca->cert, GNUTLS_KEY_KEY_CERT_SIGN);
	return r < 0 ? r : gnutls_x509_crt_sign2(ca->cert, ca->cert, ca->key, GNUTLS_DIG_SHA256, 0);
}

static int make_leaf(struct pair *leaf, const struct pair *ca, const char *name)
{
	char all[300];
	uint8_t id[64];
	size_t id_len = sizeof(id);
	int len = snprintf(all, sizeof(all), "*.%s", name);
	int r = pair_begin(leaf, "Vitrine");
	r = r < 0 ? r : gnutls_x509_crt_set_basic_constraints(leaf->cert, 0, -1);
	r = r < 0 ? r : gnutls_x509_crt_set_key_usage(leaf->cert, GNUTLS_KEY_DIGITAL_SIGNATURE);
	r = r < 0 ? r
		  : gnutls_x509_crt_set_key_purpose_oid(leaf->cert, GNUTLS_KP_TLS_WWW_SERVER, 0);
	r = r < 0 ? r
		  : gnutls_x509_crt_set_subject_alt_name(
			    leaf->cert, GNUTLS_SAN_DNSNAME, all, (unsigned)len, GNUTLS_FSAN_SET);
	r = r < 0 ? r
		  : gnutls_x509_crt_set_subject_alt_name(leaf->cert, GNUTLS_SAN_DNSNAME, name,
			    (unsigned)strlen(name), GNUTLS_FSAN_APPEND);
	r = r < 0 ? r : gnutls_x509_crt_get_subject_key_id(ca->cert, id, &id_len, NULL);
	r = r < 0 ? r : gnutls_x509_crt_set_authority_key_id(leaf->cert, id, id_len);
	return r < 0 ? r
		     : gnutls_x509_crt_sign2(leaf->cert, ca->cert, ca->key, GNUTLS_DIG_SHA256, 0);
}

static bool make_in(const char *dir, const char *name, struct err *err)
{
	__attribute__((cleanup(pair_done))) struct pair ca = { 0 }, leaf = { 0 };
	int r = gnutls_x509_privkey_init(&ca.key);
	r = r < 0 ? r : gnutls_x509_privkey_init(&leaf.key);
	r = r < 0 ? r : gnutls_x509_crt_init(&ca.cert);
	r = r < 0 ? r : gnutls_x509_crt_init(&leaf.cert);
	r = r < 0 ? r : make_authority(&ca);
	r = r < 0 ? r : make_leaf(&leaf, &ca, name);
	if (r < 0) {
		return err_set(
			err, ERR_HOST, "the certificate cannot be made: %s", gnutls_strerror(r));
	}
	return append_certificate(dir, "ca.pem", ca.cert, err) &&
	       append_certificate(dir, "cert.pem", leaf.cert, err) &&
	       append_certificate(dir, "cert.pem", ca.cert, err) &&
	       append_key(dir, "key.pem", leaf.key, err);
}

/* ---- finding it ---- */

/* Whether it is there and will be valid for a while. */
static bool is_good(const char *chain)
{
	auto_buf struct buf text = { 0 };
	struct err err;
	gnutls_x509_crt_t cert;
	if (!file_read_path(chain, FILE_MAX, NULL, &text, &err) ||
		gnutls_x509_crt_init(&cert) < 0) {
		return false;
	}
	gnutls_datum_t pem = { text.data, (unsigned)text.len };
	bool good = gnutls_x509_crt_import(cert, &pem, GNUTLS_X509_FMT_PEM) >= 0 &&
		    gnutls_x509_crt_get_expiration_time(cert) > time(NULL) + RENEW_S;
	gnutls_x509_crt_deinit(cert);
	return good;
}

static void remove_files(const char *dir)
{
	static const char *const files[] = { "ca.pem", "cert.pem", "key.pem" };
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		auto_free char *path = path_in(dir, files[i]);
		unlink(path);
	}
	rmdir(dir);
}

/* Complete or not there.  Of two servers that make one at the same time, the first is right. */
static bool make(const char *dir, const char *name, struct err *err)
{
	auto_buf struct buf unfinished = { 0 };
	buf_printf(&unfinished, "%s.%d", dir, getpid());
	if (mkdir(buf_text(&unfinished), 0700) < 0) {
		return err_errno(err, "cannot create %s", buf_text(&unfinished));
	}
	if (!make_in(buf_text(&unfinished), name, err)) {
		remove_files(buf_text(&unfinished));
		return false;
	}
	remove_files(dir); /* an old one */
	if (rename(buf_text(&unfinished), dir) < 0) {
		bool lost = errno == EEXIST || errno == ENOTEMPTY;
		err_errno(err, "cannot create %s", dir);
		remove_files(buf_text(&unfinished));
		return lost;
	}
	return true;
}

static char *find_folder(const char *directory, const char *name, struct err *err)
{
	struct state *state = state_open(directory, err);
	auto_buf struct buf path = { 0 };
	if (!state) {
		return NULL;
	}
	buf_printf(&path, "%s/" FOLDER, state_dir(state));
	state_close(state);
	if (mkdir(buf_text(&path), 0700) < 0 && errno != EEXIST) {
		err_errno(err, "cannot create %s", buf_text(&path));
		return NULL;
	}
	buf_printf(&path, "/%s", name);
	return (char *)take_ptr(&path.data);
}

bool e2b_certificate_find(
	const char *directory, const char *name, struct e2b_certificate *ret, struct err *err)
{
	auto_free char *dir = find_folder(directory, name, err);
	if (!dir) {
		return false;
	}
	struct e2b_certificate found = {
		path_in(dir, "ca.pem"),
		path_in(dir, "cert.pem"),
		path_in(dir, "key.pem"),
	};
	if (!is_good(found.chain) && !make(dir, name, err)) {
		e2b_certificate_done(&found);
		return false;
	}
	*ret = found;
	return true;
}
