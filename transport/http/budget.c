/*
 * Memory that the server holds for a principal: request bodies, and responses and events that were
 * not read yet.  It is reserved from one budget before it is allocated.  If the budget is
 * exhausted, the reader with the most unread data is disconnected first, so that a client that
 * reads nothing does not cause refusals for others.  If that is not enough, the request is refused
 * with a time to retry.
 */
#include "transport/http/http_impl.h"

#define CUT_MIN (256u << 10) /* in bytes: below this a reader is only slow */

/* own: of this principal; otherwise of any. */
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
		http_stream_cut(
			laggard, "memory is exhausted, and this client has the most unread data");
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
			"your requests and unread responses have reached your memory limit; "
			"read responses, or send fewer requests at once");
	} else {
		http_refuse(x, 503, "the server's memory limit is reached; try again in a second");
	}
	return false;
}

/* One principal may not use the last quarter of the connections. */
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
		"%lld of your requests and streams are open, which is the limit; close some",
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
