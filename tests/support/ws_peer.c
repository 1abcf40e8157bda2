#include "tests/support/ws_peer.h"

static bool peer_tls_later(ssize_t n)
{
	return n == GNUTLS_E_AGAIN || n == GNUTLS_E_INTERRUPTED;
}

void peer_read(struct peer *p)
{
	char block[16384];
	ssize_t n;
	if (!p->tls) {
		p->over = raw_read(p->fd, &p->in) || p->over;
		return;
	}
	while ((n = gnutls_record_recv(p->tls, block, sizeof(block))) > 0) {
		buf_append(&p->in, block, (size_t)n);
	}
	p->over = p->over || !peer_tls_later(n);
}

void peer_write(struct fixture *f, struct peer *p, const void *bytes, size_t len)
{
	const char *at = bytes;
	if (!p->tls) {
		raw_send_len(f, p->fd, bytes, len);
		return;
	}
	while (len > 0) {
		ssize_t n = gnutls_record_send(p->tls, at, len);
		cr_assert(n > 0 || peer_tls_later(n), "%s", gnutls_strerror((int)n));
		at += n > 0 ? n : 0;
		len -= n > 0 ? (size_t)n : 0;
		fixture_turn(f);
	}
}

void peer_open(struct fixture *f, struct peer *p, bool tls)
{
	int r;
	*p = (struct peer){ .fd = raw_open(f) };
	if (tls) {
		gnutls_init(&p->tls, GNUTLS_CLIENT | GNUTLS_NONBLOCK);
		gnutls_certificate_allocate_credentials(&p->trust);
		gnutls_credentials_set(p->tls, GNUTLS_CRD_CERTIFICATE, p->trust);
		gnutls_set_default_priority(p->tls);
		gnutls_transport_set_int(p->tls, p->fd);
		until(f, (r = gnutls_handshake(p->tls)) == 0);
	}
}

void peer_close(struct peer *p)
{
	if (p->tls) {
		gnutls_deinit(p->tls);
		gnutls_certificate_free_credentials(p->trust);
	}
	close(p->fd);
	buf_done(&p->in);
}

void peer_shake(struct fixture *f, struct peer *p, const char *hello)
{
	peer_write(f, p, hello, strlen(hello));
	until(f, (peer_read(p), has(&p->in, "\r\n\r\n")));
	cr_assert(has(&p->in, "HTTP/1.1 101"), "%s", buf_text(&p->in));
	size_t head = (size_t)(strstr(buf_text(&p->in), "\r\n\r\n") - buf_text(&p->in)) + 4;
	buf_consume(&p->in, head);
}

void peer_put_frame(struct buf *to, unsigned first, const void *bytes, size_t len, bool mask)
{
	static const uint8_t key[4] = { 0x12, 0x34, 0x56, 0x78 };
	uint8_t head[10] = { (uint8_t)first };
	size_t n = len < 126 ? 2 : len < 65536 ? 4 : 10;
	head[1] = (uint8_t)((mask ? 0x80 : 0) | (len < 126 ? len : len < 65536 ? 126 : 127));
	for (size_t i = 2; i < n; i++) {
		head[i] = (uint8_t)(len >> 8 * (n - 1 - i));
	}
	buf_append(to, head, n);
	if (mask) {
		buf_append(to, key, 4);
	}
	for (size_t i = 0; i < len; i++) {
		uint8_t byte = ((const uint8_t *)bytes)[i] ^ (mask ? key[i % 4] : 0);
		buf_append(to, &byte, 1);
	}
}

void peer_say(struct fixture *f, struct peer *p, unsigned first, const void *bytes, size_t len)
{
	auto_buf struct buf out = { 0 };
	peer_put_frame(&out, first, bytes, len, true);
	peer_write(f, p, out.data, out.len);
}

bool peer_take_frame(struct peer *p, struct peer_said *said)
{
	const uint8_t *m = p->in.data;
	if (p->in.len < 2) {
		return false;
	}
	cr_assert_not(m[1] & 0x80, "a server does not mask");
	size_t n = m[1] < 126 ? 2 : m[1] == 126 ? 4 : 10, len = m[1] < 126 ? m[1] : 0;
	for (size_t i = 2; i < n && p->in.len >= n; i++) {
		len = len << 8 | m[i];
	}
	if (p->in.len < n + len) {
		return false;
	}
	buf_done(&said->text);
	said->first = m[0];
	buf_append(&said->text, m + n, len);
	buf_consume(&p->in, n + len);
	return true;
}

void peer_hear(struct fixture *f, struct peer *p, struct peer_said *said)
{
	until(f, (peer_read(p), peer_take_frame(p, said)));
}
