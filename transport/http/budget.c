/*
 * What a principal makes the server hold: bodies that are coming in, answers and events that wait
 * to be read.  All of it is taken from one budget before memory is.  When that is exhausted, the
 * reader who leaves the most lying is cut off first, so that one who reads nothing does not get the
 * others refused; whoever still finds no room is told to come back.
 */
#include "transport/http/http_impl.h"

#define CUT_MIN (256u << 10) /* bytes: below that a reader is merely slow */

/* own: of this principal; else of any. */
static struct http_exchange *find_laggard(const struct http_exchange *x, bool own)
{
	struct http_exchange *other, *most = NULL;
	TAILQ_FOREACH(other, &x->http->streams, link)
	{
		size_t least = most ? most->queue_held : CUT_MIN;
		if (other != x && other->queue_held > least && other->queue_held > x->queue_held &&
			(!own || other->budget == x->budget)) {
			most = other;
		}
	}
	return most;
}

bool http_hold(struct http_exchange *x, size_t *held, size_t wanted)
{
	while (!budget_set(x->budget, held, wanted)) {
		bool own = budget_is_own_limit(x->budget, wanted - *held);
		struct http_exchange *laggard = find_laggard(x, own);
		if (!laggard) {
			return false;
		}
		http_stream_cut(laggard, "memory is needed, and its reader leaves the most unread");
	}
	return true;
}

bool http_hold_body(struct http_exchange *x, size_t bytes)
{
	if (http_hold(x, &x->body_held, bytes)) {
		return true;
	}
	bool own = budget_is_own_limit(x->budget, bytes - x->body_held);
	x->http->counts.rejected_memory++;
	x->hasty = true;
	http_set_header(x, "Connection", "close");
	http_set_header(x, "Retry-After", "1");
	if (own) {
		http_refuse(x, 429,
			"your requests and unread answers hold all the server's memory you may "
			"have; read answers, or send fewer requests at once");
	} else {
		http_refuse(x, 503, "the server is short of memory; try again in a second");
	}
	return false;
}

/* One principal leaves a quarter of the connections to the others. */
bool http_is_fair(struct http_exchange *x)
{
	const struct http *http = x->http;
	const struct http_conn *conn;
	int64_t most = (http->options.max_connections * 3 + 3) / 4, n = 0;
	if (http->counts.connections <= most) {
		return true;
	}
	TAILQ_FOREACH(conn, &http->conns, link)
	{
		n += conn->x && conn->x->budget == x->budget;
	}
	if (n <= most) {
		return true;
	}
	x->http->counts.rejected_busy++;
	http_set_header(x, "Retry-After", "1");
	http_refuse(x, 429,
		"%lld of your requests and streams are open, which is all you may have; end some",
		(long long)most);
	return false;
}

void http_let_go(struct http_exchange *x)
{
	budget_set(x->budget, &x->body_held, 0);
	budget_set(x->budget, &x->answer_held, 0);
	budget_set(x->budget, &x->queue_held, 0);
	budget_unref(x->budget);
	x->budget = NULL;
}
