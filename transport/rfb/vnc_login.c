/*
 * The handshake with a viewer, in stages of a known length: RFB 3.8 (RFC 6143, 7.1) with VeNCrypt,
 * which has a user name and a password.  The handshake with the desktop is made separately.
 */
#include "transport/rfb/vnc_impl.h"

#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/loop.h"

#include <string.h>

enum { SECURITY_NONE = 1, SECURITY_VENCRYPT = 19 };
enum { PLAIN = 256, TLS_PLAIN = 259, X509_PLAIN = 262 };

static const char anonymous[] = "NORMAL:-VERS-ALL:+VERS-TLS1.2:+ANON-ECDH:+ANON-DH";

static bool take_hello(struct vnc_viewer *v, const uint8_t *m)
{
	static const uint8_t types[] = { 1, SECURITY_VENCRYPT };
	if (memcmp(m, VNC_HELLO, strlen(VNC_HELLO)) != 0) {
		return false;
	}
	viewer_send(v, types, sizeof(types));
	return true;
}

static bool take_type(struct vnc_viewer *v, const uint8_t *m)
{
	static const uint8_t version[] = { 0, 2 };
	if (m[0] != SECURITY_VENCRYPT) {
		return false;
	}
	viewer_send(v, version, sizeof(version));
	return true;
}

static bool take_version(struct vnc_viewer *v, const uint8_t *m)
{
	if (m[0] != 0 || m[1] != 2) {
		viewer_send(v, "\377", 1);
		return false;
	}
	buf_append(&v->out, "\0", 1);
	if (v->vnc->certificate) {
		buf_append(&v->out, "\1", 1);
		viewer_say_u32(v, X509_PLAIN);
	} else {
		buf_append(&v->out, "\2", 1);
		viewer_say_u32(v, TLS_PLAIN);
		viewer_say_u32(v, PLAIN);
	}
	viewer_flush(v);
	return true;
}

static void begin_tls(struct vnc_viewer *v)
{
	struct vnc *vnc = v->vnc;
	bool with = v->subtype == X509_PLAIN;
	gnutls_init(&v->tls, GNUTLS_SERVER | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL);
	gnutls_priority_set_direct(v->tls, with ? HTTP_TLS_PRIORITIES : anonymous, NULL);
	if (with) {
		gnutls_credentials_set(v->tls, GNUTLS_CRD_CERTIFICATE, vnc->certificate);
	} else {
		gnutls_credentials_set(v->tls, GNUTLS_CRD_ANON, vnc->none);
	}
	gnutls_transport_set_int(v->tls, v->fd);
}

static bool take_subtype(struct vnc_viewer *v, const uint8_t *m)
{
	v->subtype = bytes_get_u32(m);
	bool known = v->vnc->certificate ? v->subtype == X509_PLAIN
					 : v->subtype == TLS_PLAIN || v->subtype == PLAIN;
	if (!known) {
		if (v->subtype != PLAIN) {
			viewer_send(v, "\0", 1);
		}
		return false;
	}
	if (v->subtype != PLAIN) {
		viewer_send(v, "\1", 1); /* send everything, because what follows is encrypted */
		begin_tls(v);
	}
	return v->out.len == 0;
}

static bool take_login_head(struct vnc_viewer *v, const uint8_t *m)
{
	v->name_len = bytes_get_u32(m);
	v->password_len = bytes_get_u32(m + 4);
	return v->name_len <= VNC_LOGIN_MAX && v->password_len <= VNC_LOGIN_MAX &&
	       v->name_len + v->password_len > 0;
}

static void refuse(struct vnc_viewer *v, const struct err *why)
{
	viewer_say_u32(v, 1);
	viewer_say_u32(v, (uint32_t)strlen(why->text));
	viewer_send(v, why->text, strlen(why->text));
	viewer_close_after_output(v);
}

static bool take_login(struct vnc_viewer *v, const uint8_t *m)
{
	char name[VNC_LOGIN_MAX + 1] = "", password[VNC_LOGIN_MAX + 1] = "";
	struct err err;
	memcpy(name, m, v->name_len);
	memcpy(password, m + v->name_len, v->password_len);
	v->let_in = v->vnc->handlers->login(v, name, password, &v->data, v->vnc->data, &err);
	explicit_bzero(password, sizeof(password));
	if (!v->let_in) {
		refuse(v, &err);
		return true;
	}
	loop_drop(&v->deadline);
	/* The handshake with the desktop, which the viewer does not see. */
	static const uint8_t none = SECURITY_NONE;
	buf_append(&v->to_pipe, VNC_HELLO, strlen(VNC_HELLO));
	buf_append(&v->to_pipe, &none, 1);
	viewer_say_u32(v, 0);
	viewer_flush(v);
	viewer_write_pipe(v);
	return true;
}

/* length 0: given by the login's head. */
static const struct stage {
	size_t length;
	bool (*take)(struct vnc_viewer *v, const uint8_t *m);
} stages[] = {
	{ sizeof(VNC_HELLO) - 1, take_hello },
	{ 1, take_type },
	{ 2, take_version },
	{ 4, take_subtype },
	{ 8, take_login_head },
	{ 0, take_login },
};

#define STAGES (sizeof(stages) / sizeof(*stages))
#define AFTER_SUBTYPE 4

bool login_is_over(const struct vnc_viewer *v)
{
	return v->stage == STAGES;
}

bool login_speaks_tls(const struct vnc_viewer *v)
{
	return v->tls && v->stage >= AFTER_SUBTYPE;
}

static size_t stage_length(const struct vnc_viewer *v)
{
	size_t length = stages[v->stage].length;
	return length ? length : v->name_len + v->password_len;
}

size_t login_feed(struct vnc_viewer *v, const uint8_t *bytes, size_t len)
{
	size_t want = stage_length(v) - v->in.len;
	size_t n = want < len ? want : len;
	buf_append(&v->in, bytes, n);
	if (n < want) {
		return n;
	}
	bool taken = stages[v->stage].take(v, v->in.data);
	explicit_bzero(v->in.data, v->in.len);
	v->in.len = 0;
	v->stage++;
	if (!taken) {
		viewer_end(v);
	}
	return n;
}
