#include "tests/bench/http_load.h"

#include "base/cleanup.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define ANSWER_MS 60000
#define CLIENTS_PER_ADDRESS 100 /* a server may let only so many in from one */
#define READ_SIZE (64u << 10)

struct client {
	int fd;
	const char *request;
	struct buf answer;
	uint64_t sent_us;
};

struct run {
	const struct load *load;
	int epoll;
	struct client *clients;
	int sent, answered;
	uint64_t began_us;
	struct load_result *result;
};

/* ---- a connection ---- */

static int dial(int port, int client, struct err *err)
{
	struct sockaddr_in from = { .sin_family = AF_INET,
		.sin_addr.s_addr =
			htonl(INADDR_LOOPBACK + (in_addr_t)client / CLIENTS_PER_ADDRESS) };
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	auto_close int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int on = 1;
	if (fd < 0 || bind(fd, (struct sockaddr *)&from, sizeof(from)) ||
		connect(fd, (struct sockaddr *)&to, sizeof(to)) ||
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on))) {
		err_errno(err, "cannot connect client %d to port %d", client, port);
		return -1;
	}
	return take_fd(&fd);
}

static bool say(int fd, const char *text, struct err *err)
{
	size_t len = strlen(text);
	return send(fd, text, len, MSG_NOSIGNAL) == (ssize_t)len ||
	       err_errno(err, "cannot send a request");
}

static bool hear(int fd, struct buf *into, struct err *err)
{
	buf_reserve(into, READ_SIZE);
	ssize_t n = recv(fd, into->data + into->len, READ_SIZE, 0);
	if (n <= 0) {
		return n < 0 ? err_errno(err, "cannot read an answer")
			     : err_set(err, ERR_GONE, "the server closed a connection: %.200s",
				       buf_text(into));
	}
	into->len += (size_t)n;
	into->data[into->len] = '\0';
	return true;
}

/* ---- an answer ---- */

static bool is_whole(const struct buf *answer)
{
	const char *text = buf_text(answer);
	const char *body = strstr(text, "\r\n\r\n");
	if (!body) {
		return false;
	}
	body += 4;
	const char *length = strcasestr(text, "\r\nContent-Length:");
	if (length && length < body) {
		return answer->len - (size_t)(body - text) >= strtoul(length + 17, NULL, 10);
	}
	return answer->len >= 5 && memcmp(text + answer->len - 5, "0\r\n\r\n", 5) == 0;
}

static bool check(const char *answer, const char *expect, struct err *err)
{
	return (strncmp(answer, "HTTP/1.1 200", 12) == 0 && strstr(answer, expect)) ||
	       err_set(err, ERR_HOST, "expected %s, got: %.400s", expect, answer);
}

bool load_ask(int port, const char *request, struct buf *ret_answer, struct err *err)
{
	auto_close int fd = dial(port, 0, err);
	if (fd < 0 || !say(fd, request, err)) {
		return false;
	}
	while (!is_whole(ret_answer)) {
		if (!hear(fd, ret_answer, err)) {
			return false;
		}
	}
	return true;
}

/* ---- load ---- */

static bool send_next(struct run *run, struct client *client, struct err *err)
{
	if (run->sent == run->load->count + run->load->warm_up) {
		return true;
	}
	if (run->sent++ == run->load->warm_up) {
		run->began_us = now_us();
	}
	buf_consume(&client->answer, client->answer.len);
	client->sent_us = now_us();
	return say(client->fd, client->request, err);
}

static bool on_readable(struct run *run, struct client *client, struct err *err)
{
	if (!hear(client->fd, &client->answer, err)) {
		return false;
	}
	if (!is_whole(&client->answer)) {
		return true;
	}
	if (run->answered++ >= run->load->warm_up) {
		samples_add(&run->result->ms, (double)(now_us() - client->sent_us) / 1000);
	}
	return check(buf_text(&client->answer), run->load->expect, err) &&
	       send_next(run, client, err);
}

static bool start(struct run *run, struct err *err)
{
	for (int i = 0; i < run->load->clients; i++) {
		struct client *client = &run->clients[i];
		struct epoll_event want = { .events = EPOLLIN, .data.ptr = client };
		client->request = run->load->requests[i];
		client->fd = dial(run->load->port, i, err);
		if (client->fd < 0) {
			return false;
		}
		if (epoll_ctl(run->epoll, EPOLL_CTL_ADD, client->fd, &want)) {
			return err_errno(err, "cannot watch a connection");
		}
	}
	for (int i = 0; i < run->load->clients; i++) {
		if (!send_next(run, &run->clients[i], err)) {
			return false;
		}
	}
	return true;
}

static bool turn(struct run *run, struct err *err)
{
	struct epoll_event ready[64];
	int n = epoll_wait(run->epoll, ready, 64, ANSWER_MS);
	if (n == 0) {
		return err_set(err, ERR_TIMEOUT, "no answer within %d s", ANSWER_MS / 1000);
	}
	for (int i = 0; i < n; i++) {
		if (!on_readable(run, ready[i].data.ptr, err)) {
			return false;
		}
	}
	return n > 0 || errno == EINTR || err_errno(err, "cannot wait");
}

static void end(struct run *run)
{
	for (int i = 0; run->clients && i < run->load->clients; i++) {
		if (run->clients[i].fd > 0) {
			close(run->clients[i].fd);
		}
		buf_done(&run->clients[i].answer);
	}
	free(run->clients);
	if (run->epoll >= 0) {
		close(run->epoll);
	}
}

bool load_run(const struct load *load, struct load_result *ret, struct err *err)
{
	*ret = (struct load_result){ 0 };
	__attribute__((cleanup(end))) struct run run = { .load = load,
		.epoll = epoll_create1(EPOLL_CLOEXEC),
		.clients = must(calloc((size_t)load->clients, sizeof(*run.clients))),
		.result = ret };
	if (run.epoll < 0) {
		return err_errno(err, "cannot make an epoll descriptor");
	}
	bool ok = start(&run, err);
	while (ok && run.answered < load->count + load->warm_up) {
		ok = turn(&run, err);
	}
	ret->per_second = load->count * 1e6 / (double)(now_us() - run.began_us);
	return ok;
}

/* ---- streams ---- */

bool load_open_streams(int port, int n, const char *const *requests, const char *expect,
	int *ret_fds, struct err *err)
{
	for (int i = 0; i < n; i++) {
		ret_fds[i] = -1;
	}
	for (int i = 0; i < n; i++) {
		auto_buf struct buf answer = { 0 };
		ret_fds[i] = dial(port, i, err);
		if (ret_fds[i] < 0 || !say(ret_fds[i], requests[i], err)) {
			return false;
		}
		while (!strstr(buf_text(&answer), expect)) {
			if (!hear(ret_fds[i], &answer, err)) {
				return false;
			}
		}
	}
	return true;
}

void load_close(int *fds, int n)
{
	for (int i = 0; i < n; i++) {
		if (fds[i] >= 0) {
			close(fds[i]);
		}
	}
}
