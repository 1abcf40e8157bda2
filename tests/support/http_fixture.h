/*
 * An HTTP server, and clients in the same thread: libcurl for what clients do, raw sockets for what
 * they should not.  Everything runs in turns until what a test waits for has happened.
 */
#ifndef TESTS_HTTP_FIXTURE_H
#define TESTS_HTTP_FIXTURE_H

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/loop.h"
#include "transport/mcp/http_sse.h"
#include "transport/mcp/http_streamable.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <curl/curl.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#define PATIENCE_US 120000000u /* after that a test has failed */
#define HELD_MAX 64

struct fixture {
	sd_event *event; /* NULL: its own */
	struct http *http;
	struct streamable *streamable;
	struct sse *sse;
	CURLM *multi;
	char port[6];

	/* What the handlers saw. */
	int opened, messages, drained, closed, refused;
	struct buf texts;                      /* every message, each followed by '|' */
	struct transport_conn *conn;           /* the last one opened; NULL once it closed */
	struct transport_conn *held[HELD_MAX]; /* connections of messages that begin with "hold" */
	int n_held;
	enum transport_kind kind;
	char owner[32];
	int get_status, close_status; /* what opened() sets on a GET and a DELETE */
	bool pause;                   /* in the next message */
};

/* ---- the server's side: "hold" leaves a message open, "note" closes, all else is echoed ---- */

extern const struct transport_handlers fixture_handlers;

/* "alice" and "bob" have tokens. */
const char *fixture_authorize(const char *token, void *data);

void fixture_begin_with(struct fixture *f, const struct http_options *how);

void fixture_begin(struct fixture *f);

/* One turn of both sides. */
void fixture_turn(struct fixture *f);

/* Turns, and does what follows it after each, until condition holds. */
bool fixture_turn_before(struct fixture *f, uint64_t limit, const char *what);

#define until(f, condition) \
	for (uint64_t limit_ = loop_now_us() + PATIENCE_US; \
		!(condition) && fixture_turn_before(f, limit_, #condition);)

/* Until nothing has happened for a while. */
void fixture_settle(struct fixture *f);

void fixture_end(struct fixture *f);

int count_fds(void);

/* ---- libcurl's side ---- */

struct ask {
	const char *method, *path; /* POST /mcp */
	const char *body;
	size_t body_len;        /* 0: a text */
	const char *token;      /* "alices-token"; "": none */
	const char *headers[8]; /* "Name: value" */
	bool plain;             /* without Content-Type and Accept */
	const char *scheme, *unix_path;
};

struct reply {
	CURL *easy;
	struct curl_slist *headers;
	long status;
	struct buf head, body;
	bool done;
	CURLcode result;
};

void ask_begin(struct fixture *f, const struct ask *ask, struct reply *r);

bool is_done(struct fixture *f, struct reply *r);

void ask_end(struct fixture *f, struct reply *r);

/* Asks and waits; the caller ends it. */
void fetch(struct fixture *f, const struct ask *ask, struct reply *r);

/* The status of one request; 0 when there was no answer. */
long status_of(struct fixture *f, const struct ask *ask);

bool has(const struct buf *buf, const char *text);

/* ---- raw sockets ---- */

int raw_open(struct fixture *f);

/* As much as it takes; a server that has closed the connection takes nothing. */
void raw_send_len(struct fixture *f, int fd, const char *bytes, size_t len);

void raw_send(struct fixture *f, int fd, const char *text);

/* Reads what is there; true when the server has closed the connection. */
bool raw_read(int fd, struct buf *into);

#define raw_until(f, fd, into, text) until(f, (raw_read(fd, into), has(into, text)))
#define raw_until_closed(f, fd, into) until(f, raw_read(fd, into))

#define RAW_POST \
	"POST /mcp HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer alices-token\r\n" \
	"Content-Type: application/json\r\n"

#endif
