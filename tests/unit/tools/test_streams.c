// USES tools
/* Which streams there are, and whom they let in. */
#include "tests/support/vm_host.h"
#include "tools/sandbox/streams.h"

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

struct fixture {
	struct host host;
	struct vm *vm;
	struct streams *streams;
	struct ended ended;
	struct listener ends;
	char ticket[SECRET_LEN + 1];
};

static void fixture_init(struct fixture *fixture)
{
	static const struct streams_fns fns = { .ended = on_end };
	*fixture = (struct fixture){ 0 };
	host_init(&fixture->host, (struct vm_config){ .backend = "fake" });
	fixture->vm = host_vm(&fixture->host);
	fixture->streams = streams_new(fixture->host.event, fixture->host.pool);
	listener_add(streams_listeners(fixture->streams), &fixture->ends, &fns, &fixture->ended);
}

static void fixture_done(struct fixture *fixture)
{
	streams_free(fixture->streams);
	host_done(&fixture->host);
}

static struct stream *open_one(struct fixture *fixture, int64_t seconds)
{
	struct err err;
	const struct stream *made = streams_open(
		fixture->streams, fixture->vm, STREAM_VIEW, 0, seconds, fixture->ticket, &err);
	cr_assert(made, "%s", err.text);
	return streams_find(fixture->streams, made->id, &err);
}

Test(streams, a_ticket_buys_one_cookie)
{
	struct fixture fixture;
	struct err err;
	char cookie[SECRET_LEN + 1], other[SECRET_LEN + 1];
	fixture_init(&fixture);
	struct stream *stream = open_one(&fixture, 60);
	cr_assert(!streams_admits(stream, ""), "no cookie was made yet");
	cr_assert(!streams_redeem(fixture.streams, stream, "wrong", cookie, &err));
	secret_make(other);
	cr_assert(!streams_redeem(fixture.streams, stream, other, cookie, &err));
	cr_assert(streams_redeem(fixture.streams, stream, fixture.ticket, cookie, &err), "%s",
		err.text);
	cr_assert(streams_admits(stream, cookie));
	cr_assert(!streams_admits(stream, other));
	cr_assert(!streams_admits(stream, fixture.ticket));
	cr_assert(!streams_admits(stream, ""));
	cr_assert(!streams_redeem(fixture.streams, stream, fixture.ticket, cookie, &err));
	cr_expect(strstr(err.text, "already used"), "%s", err.text);
	cr_assert(!streams_redeem(fixture.streams, stream, "", cookie, &err));
	fixture_done(&fixture);
}

Test(streams, are_their_owners)
{
	struct fixture fixture;
	struct err err;
	fixture_init(&fixture);
	struct stream *stream = open_one(&fixture, 60);
	cr_assert_eq(streams_at(fixture.streams, "alice", 0), stream);
	cr_assert_null(streams_at(fixture.streams, "alice", 1));
	cr_assert_null(streams_at(fixture.streams, "mallory", 0));
	char id[ID_LEN + 1];
	memcpy(id, stream->id, sizeof(id));
	cr_assert(!streams_revoke(fixture.streams, "mallory", id, &err));
	cr_assert(streams_revoke(fixture.streams, "alice", id, &err));
	cr_assert_null(streams_find(fixture.streams, id, &err), "it is found no more, at once");
	cr_assert(!fixture.ended.any);
	host_until(&fixture.host, &fixture.ended.any);
	cr_assert_str_eq(fixture.ended.why, "it was revoked");
	cr_assert(!streams_revoke(fixture.streams, "alice", id, &err));
	fixture_done(&fixture);
}

Test(streams, end_with_their_time_and_their_desktop)
{
	struct fixture fixture;
	fixture_init(&fixture);
	open_one(&fixture, 1);
	host_until(&fixture.host, &fixture.ended.any);
	cr_assert_str_eq(fixture.ended.why, "it has expired");
	fixture.ended.any = false;
	open_one(&fixture, 1000);
	open_one(&fixture, 1000);
	streams_end_all(fixture.streams, fixture.vm, "the desktop has ended");
	host_until(&fixture.host, &fixture.ended.any);
	cr_assert_eq(fixture.ended.times, 3);
	cr_assert_null(streams_at(fixture.streams, "alice", 0));
	fixture_done(&fixture);
}

Test(streams, are_bounded)
{
	struct fixture fixture;
	struct err err;
	fixture_init(&fixture);
	for (int i = 0; i < 100; i++) {
		open_one(&fixture, 1000);
	}
	cr_assert_null(streams_open(
		fixture.streams, fixture.vm, STREAM_VIEW, 0, 60, fixture.ticket, &err));
	cr_assert_eq(err.kind, ERR_LIMIT);
	fixture_done(&fixture);
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
