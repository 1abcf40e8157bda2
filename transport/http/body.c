/*
 * Bodies.  A route gets its body as a whole, or takes it in parts.  A part that is not taken stays in
 * libmicrohttpd, which is suspended, so the client has to wait; this time does not count against the
 * client.
 *
 * If the response is set before the end of the body, a short rest is read before it is sent.  If the
 * rest is long, or does not come, the response is written directly (direct.c).
 */
#include "transport/http/http_impl.h"

#include <stdlib.h>

#define DISCARD_MAX (64u << 10) /* bytes of a body that are read before the response is sent */
#define DRAIN_MAX (64u << 20)   /* and afterwards */
#define HURRY_MS 1000           /* the response waits no longer for the body */
#define LINGER_MS 2000          /* a client that has the response and sends nothing is left */
#define BODY_RATE 64            /* minimum bytes per ms of a body */
#define BODY_STEP (64u << 10)   /* bytes reserved at once for a body of unknown length */

/* ---- time ---- */

/* The client has to send from now on. */
static void pace(struct http_exchange *x)
{
	x->began = http_now(x->http);
	x->paced = 0;
}

static void set_deadline(struct http_exchange *x)
{
	if (x->direct && !x->ended) {
		return; /* both sides may wait for each other's parts */
	}
	uint64_t ms = (uint64_t)x->http->options.header_timeout_ms + x->paced / BODY_RATE;
	http_conn_deadline(x->conn, x->began + ms * 1000);
}

/* ---- a response before the end ---- */

static void linger(struct http_exchange *x)
{
	uint64_t end = x->began + (uint64_t)x->http->options.header_timeout_ms * 1000;
	uint64_t silent = http_now(x->http) + LINGER_MS * UINT64_C(1000);
	http_conn_deadline(x->conn, end < silent ? end : silent);
}

void http_body_linger(struct http_exchange *x)
{
	x->early = true;
	pace(x);
	linger(x);
}

static void answer_early(struct http_exchange *x)
{
	x->length = (int64_t)x->answer.len;
	http_direct_begin(x, x->status);
	http_direct_append(x, x->answer.data, x->answer.len);
	buf_done(&x->answer);
	buf_done(&x->body);
	budget_set(x->budget, &x->body_held, 0);
	pace(x);
	set_deadline(x);
}

static bool can_be_early(const struct http_exchange *x)
{
	return x->status && !x->complete && !x->streaming && !x->gone;
}

/* The length of the body if it is known; otherwise what has come. */
static uint64_t length_of(const struct http_exchange *x)
{
	const char *length = http_header(x, "Content-Length");
	return length ? strtoull(length, NULL, 10) : x->received;
}

static enum MHD_Result discard(struct http_exchange *x, size_t len)
{
	x->discarded += len;
	uint64_t rest = length_of(x) - (x->received < length_of(x) ? x->received : length_of(x));
	bool is_long = x->discarded > DISCARD_MAX || rest > DISCARD_MAX;
	if (is_long && can_be_early(x)) {
		answer_early(x);
	} else if (x->early) {
		linger(x);
	}
	return x->discarded > DRAIN_MAX ? MHD_NO : MHD_YES;
}

bool http_body_is_near(const struct http_exchange *x)
{
	return !x->hasty && !http_header(x, "Expect");
}

void http_body_hurry(struct http_exchange *x)
{
	if (!x->complete) {
		http_conn_deadline(x->conn, http_now(x->http) + HURRY_MS * UINT64_C(1000));
	}
}

bool http_body_is_late(struct http_exchange *x)
{
	bool is_late = can_be_early(x);
	if (is_late) {
		answer_early(x);
	}
	return is_late;
}

/* ---- as a whole ---- */

static enum MHD_Result too_long(struct http_exchange *x)
{
	x->http->counts.rejected_size++;
	http_set_header(x, "Connection", "close");
	http_reply(x, 413, NULL, NULL, 0);
	answer_early(x);
	return MHD_YES;
}

static enum MHD_Result no_room(struct http_exchange *x)
{
	x->http->counts.rejected_memory++;
	http_set_header(x, "Retry-After", "1");
	http_reply(x, 429, NULL, NULL, 0);
	answer_early(x);
	return MHD_YES;
}

/* A Content-Length was reserved with the head; without one, memory is reserved as bytes arrive. */
static bool has_room(struct http_exchange *x)
{
	size_t wanted = (x->received + BODY_STEP - 1) / BODY_STEP * BODY_STEP;
	return x->received <= x->body_held || http_hold(x, &x->body_held, wanted);
}

static enum MHD_Result collect(struct http_exchange *x, const char *bytes, size_t len, size_t most)
{
	if (x->received > most) {
		return too_long(x);
	}
	if (!has_room(x)) {
		return no_room(x);
	}
	buf_append(&x->body, bytes, len);
	set_deadline(x);
	return MHD_YES;
}

/* ---- in parts ---- */

/* A stream that has begun may depend on the rest of the body. */
static bool is_wanted(const struct http_exchange *x)
{
	return !x->gone && (!x->answered || (x->direct && !x->ended));
}

/* Returns how many bytes the handler took. */
static size_t offer(struct http_exchange *x, const char *bytes, size_t len)
{
	size_t taken = 0, n;
	do {
		x->taking = true;
		x->wants_more = false;
		n = x->part(x, bytes + taken, len - taken, x->part_data);
		x->taking = false;
		taken += n < len - taken ? n : len - taken;
	} while (taken < len && x->wants_more && is_wanted(x));
	return taken;
}

static enum MHD_Result hold_back(struct http_exchange *x)
{
	x->paused = true;
	http_conn_deadline(x->conn, UINT64_MAX);
	return http_exchange_suspend(x) ? MHD_YES : MHD_NO;
}

static enum MHD_Result pass_on(struct http_exchange *x, const char *bytes, size_t *len)
{
	size_t all = *len, taken = x->part ? offer(x, bytes, all) : 0;
	x->received += taken;
	x->paced += taken;
	x->http->counts.bytes_in += taken;
	*len = all - taken;
	if (x->gone) {
		return MHD_NO;
	}
	if (!is_wanted(x)) {
		x->received += *len;
		*len = 0;
		return discard(x, all - taken);
	}
	if (*len > 0) {
		return hold_back(x);
	}
	set_deadline(x);
	return MHD_YES;
}

enum MHD_Result http_body_part(struct http_exchange *x, const char *bytes, size_t *len)
{
	size_t all = *len;
	if (x->conn->hung) {
		http_conn_probe(x->conn);
	}
	if (is_wanted(x) && x->route->streams_body && !x->collected) {
		return pass_on(x, bytes, len);
	}
	*len = 0;
	x->received += all;
	x->paced += all;
	x->http->counts.bytes_in += all;
	if (x->answered) {
		return discard(x, all);
	}
	return collect(x, bytes, all, x->collected ? x->collect_max : http_most(x));
}

static void tell_end(struct http_exchange *x)
{
	if (!x->told_end && x->collected) {
		x->told_end = true;
		x->collected(x, x->part_data);
	} else if (!x->told_end && x->part) {
		x->told_end = true;
		x->part(x, "", 0, x->part_data);
	}
}

void http_body_end(struct http_exchange *x)
{
	bool is_first = !x->complete;
	x->complete = true;
	http_conn_deadline(x->conn, UINT64_MAX);
	if (is_first && x->upgraded) {
		http_upgrade_now(x);
	}
	if (!is_wanted(x)) {
		return;
	}
	if (!x->started) {
		x->started = true;
		x->route->run(x, x->route->data);
	} else {
		tell_end(x);
	}
}

/* ---- the handler ---- */

static void go_on(struct http_exchange *x)
{
	x->paused = false;
	x->wants_more = true;
	pace(x);
	http_exchange_resume(x);
}

void http_receive(struct http_exchange *x, http_part_fn *fn, void *data)
{
	x->part = fn;
	x->part_data = data;
	go_on(x);
}

void http_receive_more(struct http_exchange *x)
{
	x->wants_more = true;
	if (x->paused && !x->taking) {
		go_on(x);
	}
}

void http_receive_all(struct http_exchange *x, size_t max,
	void (*fn)(struct http_exchange *x, void *data), void *data)
{
	x->collected = fn;
	x->part_data = data;
	x->collect_max = max;
	go_on(x);
}
