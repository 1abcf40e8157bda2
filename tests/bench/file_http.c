#include "tests/bench/file_http.h"

#include "base/cleanup.h"
#include "tests/bench/file_rows.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define SIZE (64u << 20)
#define BLOCK (256u << 10)

/* Of file_url: its port on 127.0.0.1, and the target of a request. */
struct place {
	unsigned port;
	char target[1000];
};
static struct place to_read, to_write;

static bool find_place(struct bench *b, const char *args, struct place *ret, struct err *err)
{
	if (!session_call(&b->session, "file_url", args, err)) {
		return false;
	}
	const char *url = strstr(session_answer(&b->session), "http://127.0.0.1:");
	return (url && sscanf(url, "http://127.0.0.1:%u%999[^\\ \n]", &ret->port, ret->target) ==
			       2) ||
	       err_set(err, ERR_HOST, "no URL in %s", session_answer(&b->session));
}

static int connect_to(unsigned port)
{
	const struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr = { htonl(INADDR_LOOPBACK) } };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (const void *)&to, sizeof(to)) < 0) {
		close(take_fd(&fd));
	}
	return fd;
}

static bool send_all(int fd, const void *bytes, size_t len)
{
	const char *from = bytes;
	while (len > 0) {
		ssize_t n = send(fd, from, len, MSG_NOSIGNAL);
		if (n <= 0) {
			return false;
		}
		from += n;
		len -= (size_t)n;
	}
	return true;
}

/* Returns the bytes of the response to its end, of which the first ones are kept. */
static size_t receive(int fd, char *first, size_t size)
{
	static char block[BLOCK];
	size_t all = 0;
	ssize_t n;
	while ((n = recv(fd, block, sizeof(block), 0)) > 0) {
		size_t kept = all < size - 1 ? size - 1 - all : 0;
		kept = kept < (size_t)n ? kept : (size_t)n;
		memcpy(first + (all < size - 1 ? all : size - 1), block, kept);
		all += (size_t)n;
	}
	return all;
}

static bool send_body(int fd)
{
	static char block[BLOCK];
	for (size_t sent = 0; sent < SIZE; sent += BLOCK) {
		if (!send_all(fd, block, BLOCK)) {
			return false;
		}
	}
	return true;
}

static double now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static bool exchange(const struct place *place, bool puts, struct sample *ret, struct err *err)
{
	char head[1300], first[400] = "";
	auto_close int fd = connect_to(place->port);
	int len = snprintf(head, sizeof(head),
		"%s %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nConnection: close\r\nContent-Length: "
		"%u\r\n\r\n",
		puts ? "PUT" : "GET", place->target, place->port, puts ? SIZE : 0);
	double began = now_ms();
	bool sent = fd >= 0 && send_all(fd, head, (size_t)len) && (!puts || send_body(fd));
	size_t got = sent ? receive(fd, first, sizeof(first)) : 0;
	ret->value = now_ms() - began;
	ret->checked = true;
	ret->right = strstr(first, " 200 OK\r\n") &&
		     (puts ? strstr(first, "67108864") != NULL : got > SIZE);
	return ret->right || err_set(err, ERR_HOST, "%s: %.100s", puts ? "PUT" : "GET", first);
}

bool begin_http_files(struct bench *b, struct err *err)
{
	struct sample first;
	return begin_files(b, err) &&
	       find_place(b, "{\"path\":\"carried\",\"method\":\"write\"}", &to_write, err) &&
	       find_place(b, "{\"path\":\"carried\"}", &to_read, err) &&
	       exchange(&to_write, true, &first, err);
}

bool ours_http_upload(struct bench *b, struct sample *ret, struct err *err)
{
	(void)b;
	return exchange(&to_write, true, ret, err);
}

bool ours_http_download(struct bench *b, struct sample *ret, struct err *err)
{
	(void)b;
	return exchange(&to_read, false, ret, err);
}
