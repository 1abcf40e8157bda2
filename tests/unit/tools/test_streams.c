// USES tools
/* Which streams there are, and whom they let in. */
#include "tests/support/vm_host.h"
#include "tools/streams.h"

struct ended {
	bool any;
	int times;
	char why[200];
};

static void on_end(struct stream *stream, const char *why, void *data)
{
	struct ended *ended = data;
	cr_assert(id_is_valid(stream->id));
	ended->any = true;
	ended->times++;
	snprintf(ended->why, sizeof(ended->why), "%s", why);
}

struct desk {
	struct host host;
	struct vm *vm;
	struct streams *streams;
	struct ended ended;
	struct listener ends;
	char ticket[SECRET_LEN + 1];
};

static void desk_init(struct desk *desk)
{
	static const struct streams_fns fns = { .ended = on_end };
	*desk = (struct desk){ 0 };
	host_init(&desk->host, (struct vm_config){ .backend = "fake" });
	desk->vm = host_vm(&desk->host);
	desk->streams = streams_new(desk->host.event, desk->host.pool);
	listener_add(streams_listeners(desk->streams), &desk->ends, &fns, &desk->ended);
}

static void desk_done(struct desk *desk)
{
	streams_free(desk->streams);
	host_done(&desk->host);
}

static struct stream *open_one(struct desk *desk, int64_t seconds)
{
	struct err err;
	const struct stream *made =
		streams_open(desk->streams, desk->vm, STREAM_VIEW, 0, seconds, desk->ticket, &err);
	cr_assert(made, "%s", err.text);
	return streams_find(desk->streams, made->id, &err);
}

Test(streams, a_ticket_buys_one_cookie)
{
	struct desk desk;
	struct err err;
	char cookie[SECRET_LEN + 1], other[SECRET_LEN + 1];
	desk_init(&desk);
	struct stream *stream = open_one(&desk, 60);
	cr_assert(!streams_admits(stream, ""), "no cookie was made yet");
	cr_assert(!streams_redeem(desk.streams, stream, "wrong", cookie, &err));
	secret_make(other);
	cr_assert(!streams_redeem(desk.streams, stream, other, cookie, &err));
	cr_assert(streams_redeem(desk.streams, stream, desk.ticket, cookie, &err), "%s", err.text);
	cr_assert(streams_admits(stream, cookie));
	cr_assert(!streams_admits(stream, other));
	cr_assert(!streams_admits(stream, desk.ticket));
	cr_assert(!streams_admits(stream, ""));
	cr_assert(!streams_redeem(desk.streams, stream, desk.ticket, cookie, &err));
	cr_expect(strstr(err.text, "already used"), "%s", err.text);
	cr_assert(!streams_redeem(desk.streams, stream, "", cookie, &err));
	desk_done(&desk);
}

Test(streams, are_their_owners)
{
	struct desk desk;
	struct err err;
	desk_init(&desk);
	struct stream *stream = open_one(&desk, 60);
	cr_assert_eq(streams_at(desk.streams, "alice", 0), stream);
	cr_assert_null(streams_at(desk.streams, "alice", 1));
	cr_assert_null(streams_at(desk.streams, "mallory", 0));
	char id[ID_LEN + 1];
	memcpy(id, stream->id, sizeof(id));
	cr_assert(!streams_revoke(desk.streams, "mallory", id, &err));
	cr_assert(streams_revoke(desk.streams, "alice", id, &err));
	cr_assert_null(streams_find(desk.streams, id, &err), "it is found no more, at once");
	cr_assert(!desk.ended.any);
	host_until(&desk.host, &desk.ended.any);
	cr_assert_str_eq(desk.ended.why, "it was revoked");
	cr_assert(!streams_revoke(desk.streams, "alice", id, &err));
	desk_done(&desk);
}

Test(streams, end_with_their_time_and_their_desktop)
{
	struct desk desk;
	desk_init(&desk);
	open_one(&desk, 1);
	host_until(&desk.host, &desk.ended.any);
	cr_assert_str_eq(desk.ended.why, "it has expired");
	desk.ended.any = false;
	open_one(&desk, 1000);
	open_one(&desk, 1000);
	streams_end_all(desk.streams, desk.vm, "the desktop has ended");
	host_until(&desk.host, &desk.ended.any);
	cr_assert_eq(desk.ended.times, 3);
	cr_assert_null(streams_at(desk.streams, "alice", 0));
	desk_done(&desk);
}

Test(streams, are_bounded)
{
	struct desk desk;
	struct err err;
	desk_init(&desk);
	for (int i = 0; i < 100; i++) {
		open_one(&desk, 1000);
	}
	cr_assert_null(streams_open(desk.streams, desk.vm, STREAM_VIEW, 0, 60, desk.ticket, &err));
	cr_assert_eq(err.kind, ERR_LIMIT);
	desk_done(&desk);
}

Test(streams, secrets_differ_and_are_of_their_alphabet)
{
	char a[SECRET_LEN + 1], b[SECRET_LEN + 1];
	secret_make(a);
	secret_make(b);
	cr_assert_str_neq(a, b);
	cr_assert_eq(strlen(a), SECRET_LEN);
	cr_assert_eq(strspn(a, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
		SECRET_LEN);
	cr_assert(secret_equal(a, a));
	cr_assert(!secret_equal(a, b));
	b[0] = '\0';
	cr_assert(!secret_equal(a, b));
}
