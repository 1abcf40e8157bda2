/*
 * A viewer goes through stages, each of which wants so many bytes; the last is the desktop's own
 * RFB.  Towards the desktop its handshake was ours to make, so the beginning of what comes from
 * there is swallowed.  Each side is read no faster than the other takes.
 */
#include "transport/vnc.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/loop.h"
#include "transport/http_sockets.h"

#include <errno.h>
#include <gnutls/gnutls.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/queue.h>
#include <sys/socket.h>

#define HELLO "RFB 003.008\n"
#define PATIENCE_MS 60000 /* for a person who types a password */
#define FAREWELL_MS 5000
#define READ_MAX 16384
#define READS_MAX 16 /* in one turn of the loop */

enum { SECURITY_NONE = 1, SECURITY_VENCRYPT = 19 };
enum { PLAIN = 256, TLS_PLAIN = 259, X509_PLAIN = 262 };

static const char anonymous[] = "NORMAL:-VERS-ALL:+VERS-TLS1.2:+ANON-ECDH:+ANON-DH";

LIST_HEAD(viewers, vnc_viewer);

struct vnc {
	sd_event *event;
	const struct vnc_handlers *handlers;
	void *data;
	struct http_sockets sockets;
	sd_event_source *accepting[HTTP_SOCKETS_MAX];
	struct viewers viewers;
	size_t count;
	gnutls_certificate_credentials_t certificate; /* NULL: none */
	gnutls_anon_server_credentials_t none;
};

struct vnc_viewer {
	LIST_ENTRY(vnc_viewer) link;
	struct vnc *vnc;
	int fd;
	sd_event_source *io, *deadline, *ending;
	gnutls_session_t tls; /* NULL: none */
	bool shaken;          /* its handshake is over */
	size_t stage;
	uint32_t subtype;
	size_t name_len, password_len;
	struct buf in;  /* of a stage */
	struct buf out; /* to the viewer, as far as its socket did not take it */
	bool farewell;  /* over once that is written */
	bool over, let_in;
	void *data; /* the handlers' */

	struct rfb_filter *filter;
	const struct stream_pipe *ops; /* NULL: no pipe (any more) */
	void *pipe;
	struct buf to_pipe;  /* passed by the filter, not yet taken */
	struct buf greeting; /* of the desktop's, to be swallowed */
	bool greeted;
	size_t owed; /* of the pipe's, not yet in the socket */
};

static void read_on(struct vnc_viewer *v);

/* ---- the end ---- */

static void drop_pipe(struct vnc_viewer *v)
{
	const struct stream_pipe *ops = take_ptr(&v->ops);
	if (ops) {
		rfb_filter_release(v->filter, &v->to_pipe);
		ops->write(v->pipe, v->to_pipe.data, v->to_pipe.len);
		ops->close(v->pipe);
	}
}

static void viewer_free(struct vnc_viewer *v)
{
	LIST_REMOVE(v, link);
	v->vnc->count--;
	drop_pipe(v);
	if (v->let_in) {
		v->vnc->handlers->closed(v->data);
	}
	loop_drop(&v->io);
	loop_drop(&v->deadline);
	loop_drop(&v->ending);
	if (v->tls) {
		gnutls_bye(v->tls, GNUTLS_SHUT_WR); /* as far as the socket takes it */
		gnutls_deinit(v->tls);
	}
	close(v->fd);
	rfb_filter_free(v->filter);
	buf_done(&v->in);
	buf_done(&v->out);
	buf_done(&v->to_pipe);
	buf_done(&v->greeting);
	free(v);
}

static int on_ending(sd_event_source *source, void *data)
{
	(void)source;
	viewer_free(data);
	return 0;
}

/* From the loop: whoever calls this is not done with the viewer yet. */
static void end(struct vnc_viewer *v)
{
	if (!v->over) {
		v->over = true;
		loop_drop(&v->io);
		v->ending = loop_defer(v->vnc->event, on_ending, v);
	}
}

void vnc_kick(struct vnc_viewer *v)
{
	drop_pipe(v);
	end(v);
}

/* ---- the socket ---- */

static void watch(struct vnc_viewer *v)
{
	bool reads = !v->farewell && v->to_pipe.len == 0;
	if (v->io) {
		sd_event_source_set_io_events(
			v->io, (reads ? EPOLLIN : 0) | (v->out.len > 0 ? EPOLLOUT : 0));
	}
}

static int on_deadline(sd_event_source *source, uint64_t usec, void *data)
{
	(void)source;
	(void)usec;
	end(data);
	return 0;
}

static void set_deadline(struct vnc_viewer *v, uint64_t ms)
{
	loop_drop(&v->deadline);
	v->deadline = loop_after_ms(v->vnc->event, ms, on_deadline, v);
}

/* The result as of gnutls: bytes, 0 at the end, GNUTLS_E_AGAIN, or another error. */
static ssize_t plain_result(ssize_t n)
{
	return n >= 0                              ? n
	       : errno == EAGAIN || errno == EINTR ? GNUTLS_E_AGAIN
						   : GNUTLS_E_PUSH_ERROR;
}

static bool is_later(ssize_t result)
{
	return result == GNUTLS_E_AGAIN || result == GNUTLS_E_INTERRUPTED;
}

static bool speaks_tls(const struct vnc_viewer *v);

static void flush(struct vnc_viewer *v)
{
	size_t written = 0;
	while (written < v->out.len && !v->over) {
		const uint8_t *at = v->out.data + written;
		size_t len = v->out.len - written;
		ssize_t n = speaks_tls(v) ? gnutls_record_send(v->tls, at, len)
					  : plain_result(send(v->fd, at, len, MSG_NOSIGNAL));
		if (n > 0) {
			written += (size_t)n;
		} else if (is_later(n)) {
			break;
		} else {
			end(v);
			return;
		}
	}
	buf_consume(&v->out, written);
	size_t told = written < v->owed ? written : v->owed;
	v->owed -= told;
	if (told > 0 && v->ops) {
		v->ops->consumed(v->pipe, told);
	}
	if (v->farewell && v->out.len == 0) {
		end(v);
	}
	watch(v);
}

static void say(struct vnc_viewer *v, const void *bytes, size_t len)
{
	if (v->over) {
		return;
	}
	buf_append(&v->out, bytes, len);
	flush(v);
}

static void say_u32(struct vnc_viewer *v, uint32_t value)
{
	uint8_t bytes[4] = { (uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8),
		(uint8_t)value };
	buf_append(&v->out, bytes, 4);
}

/* What was said is still sent, for a while. */
static void say_farewell(struct vnc_viewer *v)
{
	if (!v->over) {
		v->farewell = true;
		set_deadline(v, FAREWELL_MS);
		flush(v);
	}
}

/* ---- the pipe ---- */

static void write_pipe(struct vnc_viewer *v)
{
	if (v->ops && v->to_pipe.len > 0) {
		buf_consume(&v->to_pipe, v->ops->write(v->pipe, v->to_pipe.data, v->to_pipe.len));
	}
	watch(v);
}

void vnc_pipe_writable(struct vnc_viewer *v)
{
	write_pipe(v);
	if (v->to_pipe.len == 0 && !v->over) {
		read_on(v); /* TLS may hold bytes that the socket does not show any more */
	}
}

/* Version, list of security types, result: how many bytes that is; 0: not all there. */
static size_t greeting_length(const struct buf *greeting)
{
	size_t types = greeting->len > 12 ? greeting->data[12] : 0;
	size_t whole = 12 + 1 + types + 4;
	return greeting->len > 12 && greeting->len >= whole ? whole : 0;
}

/* True when bytes behind it are the viewer's. */
static bool swallow(struct vnc_viewer *v, const void *bytes, size_t len, size_t *ret_swallowed)
{
	size_t before = v->greeting.len;
	buf_append(&v->greeting, bytes, len);
	size_t whole = greeting_length(&v->greeting);
	if (whole == 0) {
		*ret_swallowed = len;
		return false;
	}
	v->greeted = true;
	*ret_swallowed = whole - before;
	buf_done(&v->greeting);
	return *ret_swallowed < len;
}

void vnc_pipe_data(struct vnc_viewer *v, const void *bytes, size_t len)
{
	size_t swallowed = 0;
	if (!v->greeted) {
		bool more = swallow(v, bytes, len, &swallowed);
		v->ops->consumed(v->pipe, swallowed);
		if (!more) {
			return;
		}
	}
	v->owed += len - swallowed;
	say(v, (const uint8_t *)bytes + swallowed, len - swallowed);
}

void vnc_pipe_ended(struct vnc_viewer *v)
{
	v->ops = NULL;
	say_farewell(v);
}

void vnc_attach(struct vnc_viewer *v, const struct stream_pipe *ops, void *pipe)
{
	v->ops = ops;
	v->pipe = pipe;
}

/* ---- what a viewer says, stage by stage ---- */

static uint32_t get_u32(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static bool take_hello(struct vnc_viewer *v, const uint8_t *m)
{
	static const uint8_t types[] = { 1, SECURITY_VENCRYPT };
	if (memcmp(m, HELLO, strlen(HELLO)) != 0) {
		return false;
	}
	say(v, types, sizeof(types));
	return true;
}

static bool take_type(struct vnc_viewer *v, const uint8_t *m)
{
	static const uint8_t version[] = { 0, 2 };
	if (m[0] != SECURITY_VENCRYPT) {
		return false;
	}
	say(v, version, sizeof(version));
	return true;
}

static bool take_version(struct vnc_viewer *v, const uint8_t *m)
{
	if (m[0] != 0 || m[1] != 2) {
		say(v, "\377", 1);
		return false;
	}
	buf_append(&v->out, "\0", 1);
	if (v->vnc->certificate) {
		buf_append(&v->out, "\1", 1);
		say_u32(v, X509_PLAIN);
	} else {
		buf_append(&v->out, "\2", 1);
		say_u32(v, TLS_PLAIN);
		say_u32(v, PLAIN);
	}
	flush(v);
	return true;
}

static void begin_tls(struct vnc_viewer *v)
{
	struct vnc *vnc = v->vnc;
	bool with = v->subtype == X509_PLAIN;
	gnutls_init(&v->tls, GNUTLS_SERVER | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL);
	gnutls_priority_set_direct(v->tls, with ? "NORMAL" : anonymous, NULL);
	if (with) {
		gnutls_credentials_set(v->tls, GNUTLS_CRD_CERTIFICATE, vnc->certificate);
	} else {
		gnutls_credentials_set(v->tls, GNUTLS_CRD_ANON, vnc->none);
	}
	gnutls_transport_set_int(v->tls, v->fd);
}

static bool take_subtype(struct vnc_viewer *v, const uint8_t *m)
{
	v->subtype = get_u32(m);
	bool known = v->vnc->certificate ? v->subtype == X509_PLAIN
					 : v->subtype == TLS_PLAIN || v->subtype == PLAIN;
	if (!known) {
		if (v->subtype != PLAIN) {
			say(v, "\0", 1);
		}
		return false;
	}
	if (v->subtype != PLAIN) {
		say(v, "\1", 1); /* all of it, for what comes next is not plain any more */
		begin_tls(v);
	}
	return v->out.len == 0;
}

static bool take_login_head(struct vnc_viewer *v, const uint8_t *m)
{
	v->name_len = get_u32(m);
	v->password_len = get_u32(m + 4);
	return v->name_len <= VNC_LOGIN_MAX && v->password_len <= VNC_LOGIN_MAX &&
	       v->name_len + v->password_len > 0;
}

static void refuse(struct vnc_viewer *v, const struct err *why)
{
	say_u32(v, 1);
	say_u32(v, (uint32_t)strlen(why->text));
	say(v, why->text, strlen(why->text));
	say_farewell(v);
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
	v->filter = rfb_filter_new(v->vnc->handlers->policy(0, v->data));
	/* Its handshake with the desktop, as far as it knows nothing of that. */
	static const uint8_t none = SECURITY_NONE;
	(void)!(rfb_filter_feed(v->filter, HELLO, strlen(HELLO), &v->to_pipe, &err) &&
		rfb_filter_feed(v->filter, &none, 1, &v->to_pipe, &err));
	say_u32(v, 0);
	flush(v);
	write_pipe(v);
	return true;
}

/* length 0: as the login's head said. */
static const struct stage {
	size_t length;
	bool (*take)(struct vnc_viewer *v, const uint8_t *m);
} stages[] = {
	{ sizeof(HELLO) - 1, take_hello },
	{ 1, take_type },
	{ 2, take_version },
	{ 4, take_subtype },
	{ 8, take_login_head },
	{ 0, take_login },
};

#define STAGES (sizeof(stages) / sizeof(*stages))
#define AFTER_SUBTYPE 4

static bool speaks_tls(const struct vnc_viewer *v)
{
	return v->tls && v->stage >= AFTER_SUBTYPE;
}

static size_t stage_length(const struct vnc_viewer *v)
{
	size_t length = stages[v->stage].length;
	return length ? length : v->name_len + v->password_len;
}

/* Returns how many bytes were used; what is left over belongs to the next stage. */
static size_t feed_stage(struct vnc_viewer *v, const uint8_t *bytes, size_t len)
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
		end(v);
	}
	return n;
}

static void feed_filter(struct vnc_viewer *v, const uint8_t *bytes, size_t len)
{
	struct err err;
	enum rfb_policy policy =
		v->vnc->handlers->policy(rfb_filter_counts(v->filter)->presses, v->data);
	rfb_filter_set_policy(v->filter, policy, &v->to_pipe);
	bool good = rfb_filter_feed(v->filter, bytes, len, &v->to_pipe, &err);
	write_pipe(v);
	if (!good) {
		log_info("a VNC viewer was cut off: %s", err.text);
		vnc_kick(v);
	}
}

static void feed(struct vnc_viewer *v, const uint8_t *bytes, size_t len)
{
	while (len > 0 && !v->over && !v->farewell) {
		if (v->stage == STAGES) {
			feed_filter(v, bytes, len);
			return;
		}
		bool was_plain = !speaks_tls(v);
		size_t n = feed_stage(v, bytes, len);
		bytes += n;
		len -= n;
		if (was_plain && speaks_tls(v) && len > 0) {
			end(v); /* what came in the clear must not count as told in secret */
		}
	}
}

/* ---- reading ---- */

static bool shake_hands(struct vnc_viewer *v)
{
	int r = gnutls_handshake(v->tls);
	if (r == GNUTLS_E_SUCCESS) {
		v->shaken = true;
		return true;
	}
	if (!is_later(r) && gnutls_error_is_fatal(r)) {
		log_info("a VNC viewer's TLS: %s", gnutls_strerror(r));
		end(v);
	}
	return false;
}

static void read_on(struct vnc_viewer *v)
{
	uint8_t bytes[READ_MAX];
	for (int i = 0; i < READS_MAX && !v->over && !v->farewell && v->to_pipe.len == 0; i++) {
		if (speaks_tls(v) && !v->shaken && !shake_hands(v)) {
			return;
		}
		ssize_t n = speaks_tls(v) ? gnutls_record_recv(v->tls, bytes, sizeof(bytes))
					  : plain_result(recv(v->fd, bytes, sizeof(bytes), 0));
		if (n > 0) {
			feed(v, bytes, (size_t)n);
		} else if (is_later(n)) {
			return;
		} else {
			vnc_kick(v);
		}
	}
}

static int on_io(sd_event_source *source, int fd, uint32_t events, void *data)
{
	struct vnc_viewer *v = data;
	(void)source;
	(void)fd;
	if (events & EPOLLOUT) {
		flush(v);
	}
	/* Told again and again, whether we want to read or not. */
	bool is_gone = events & (EPOLLHUP | EPOLLERR) && (v->farewell || v->to_pipe.len > 0);
	if (!v->over && is_gone) {
		vnc_kick(v);
	} else if (!v->over && events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
		read_on(v);
	}
	return 0;
}

/* ---- the listener ---- */

static int on_accept(sd_event_source *source, int fd, uint32_t events, void *data)
{
	struct vnc *vnc = data;
	(void)source;
	(void)events;
	int got = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (got < 0) {
		return 0;
	}
	if (vnc->count == VNC_VIEWERS_MAX) {
		close(got);
		return 0;
	}
	struct vnc_viewer *v = must(calloc(1, sizeof(*v)));
	v->vnc = vnc;
	v->fd = got;
	LIST_INSERT_HEAD(&vnc->viewers, v, link);
	vnc->count++;
	v->io = loop_add_io(vnc->event, got, EPOLLIN, on_io, v);
	set_deadline(v, PATIENCE_MS);
	say(v, HELLO, strlen(HELLO));
	return 0;
}

static bool load_certificate(struct vnc *vnc, const struct vnc_options *options, struct err *err)
{
	gnutls_anon_allocate_server_credentials(&vnc->none);
	if (!options->tls_cert) {
		return true;
	}
	gnutls_certificate_allocate_credentials(&vnc->certificate);
	int r = gnutls_certificate_set_x509_key_file(
		vnc->certificate, options->tls_cert, options->tls_key, GNUTLS_X509_FMT_PEM);
	return r >= 0 || err_set(err, ERR_ARGUMENT, "the certificate %s and its key %s: %s",
				 options->tls_cert, options->tls_key, gnutls_strerror(r));
}

struct vnc *vnc_new(sd_event *event, const struct vnc_options *options,
	const struct vnc_handlers *handlers, void *data, struct err *err)
{
	struct vnc *vnc = must(calloc(1, sizeof(*vnc)));
	vnc->event = sd_event_ref(event);
	vnc->handlers = handlers;
	vnc->data = data;
	bool tls = options->tls_cert;
	if (!load_certificate(vnc, options, err) ||
		!http_sockets_open(&vnc->sockets, options->listen, tls, tls, err)) {
		vnc_free(vnc);
		return NULL;
	}
	for (int i = 0; i < vnc->sockets.n; i++) {
		vnc->accepting[i] =
			loop_add_io(event, vnc->sockets.fds[i], EPOLLIN, on_accept, vnc);
	}
	return vnc;
}

void vnc_free(struct vnc *vnc)
{
	if (!vnc) {
		return;
	}
	for (int i = 0; i < vnc->sockets.n; i++) {
		loop_drop(&vnc->accepting[i]);
	}
	while (!LIST_EMPTY(&vnc->viewers)) {
		viewer_free(LIST_FIRST(&vnc->viewers));
	}
	http_sockets_close(&vnc->sockets);
	if (vnc->certificate) {
		gnutls_certificate_free_credentials(vnc->certificate);
	}
	if (vnc->none) {
		gnutls_anon_free_server_credentials(vnc->none);
	}
	sd_event_unref(vnc->event);
	free(vnc);
}

/* Without the scheme that HTTP's addresses have. */
const char *vnc_address(const struct vnc *vnc)
{
	const char *behind = strstr(vnc->sockets.url, "://");
	return behind ? behind + 3 : vnc->sockets.url;
}
