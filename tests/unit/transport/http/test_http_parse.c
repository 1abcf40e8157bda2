// USES transport PkgConfig::curl
/* Large messages are parsed beside the loop, and principals take turns. */
#include "tests/support/http_fixture.h"

#include <semaphore.h>
#include <stdatomic.h>

static struct fixture f;
static sem_t go;                /* what a thread waits for before it ends */
static int parsed_now, dropped; /* results that came, and that nobody wanted */
static char begun[16];          /* whose they were, by the first letter */
static atomic_uint n_begun;
static char large[HTTP_LARGE_BODY + 1];

static void *parse(const char *text, size_t len)
{
	begun[n_begun++] = text[0];
	sem_wait(&go);
	(void)len;
	return must(strndup(text, 4));
}

static void on_parsed(struct transport_conn *conn, void *result, void *data)
{
	cr_assert_eq(data, &f);
	parsed_now++;
	if (conn->transport->finish) {
		conn->transport->finish(conn, result, strlen(result));
	} else {
		conn->transport->send(conn, result, strlen(result));
	}
	free(result);
}

static void drop(void *result)
{
	dropped++;
	free(result);
}

static void start(void)
{
	static struct transport_handlers both;
	struct err err;
	both = fixture_handlers;
	both.parse = parse;
	both.parsed = on_parsed;
	both.drop = drop;
	sem_init(&go, 0, 0);
	memset(large, 'x', sizeof(large));
	f.event = loop_new(&err);
	f.http = http_new(f.event,
		&(struct http_options){
			.listen = "127.0.0.1:0", .authorize = fixture_authorize, .data = &f },
		&err);
	f.streamable = streamable_new(f.http, &both, &f);
	f.sse = sse_new(f.http, &both, &f);
	f.multi = curl_multi_init();
	snprintf(f.port, sizeof(f.port), "%s", strrchr(http_url(f.http), ':') + 1);
}

static void stop(void)
{
	fixture_end(&f);
	sem_destroy(&go);
}

TestSuite(http_parse, .init = start, .fini = stop);

static void send_large(struct reply *r, const char *token)
{
	int before = f.opened;
	ask_begin(&f, &(struct ask){ .body = large, .body_len = sizeof(large), .token = token }, r);
	curl_easy_setopt(r->easy, CURLOPT_PRIVATE, r);
	until(&f, f.opened == before + 1);
}

Test(http_parse, the_loop_goes_on)
{
	struct reply r;
	send_large(&r, "alices-token");
	for (int i = 0; i < 5; i++) {
		cr_expect_eq(status_of(&f, &(struct ask){ .body = "{}" }), 200);
	}
	cr_expect_eq(parsed_now, 0);
	sem_post(&go);
	until(&f, is_done(&f, &r));
	cr_expect_eq(r.status, 200);
	cr_expect_str_eq(buf_text(&r.body), "xxxx");
	ask_end(&f, &r);
}

/* Alice has four of them before bob comes with one, which does not wait for hers. */
Test(http_parse, principals_take_turns)
{
	struct reply alices[4], bobs;
	for (int i = 0; i < 4; i++) {
		send_large(&alices[i], "alices-token");
	}
	until(&f, n_begun == 1); /* threads begin in any order */
	large[0] = 'b';
	send_large(&bobs, "bobs-token");
	until(&f, n_begun == 2);
	cr_expect_str_eq(begun, "xb");
	fixture_settle(&f);
	cr_expect_eq(n_begun, 2, "one of each principal's at a time");
	for (int i = 0; i < 5; i++) {
		sem_post(&go);
	}
	until(&f, parsed_now == 5);
	until(&f, is_done(&f, &bobs) && is_done(&f, &alices[3]));
	for (int i = 0; i < 4; i++) {
		ask_end(&f, &alices[i]);
	}
	ask_end(&f, &bobs);
}

Test(http_parse, a_client_that_leaves_meanwhile)
{
	struct reply first, second;
	send_large(&first, "alices-token");
	send_large(&second, "alices-token");
	ask_end(&f, &first);
	ask_end(&f, &second);
	until(&f, f.closed == 2);
	sem_post(&go);
	until(&f, dropped == 1); /* the second had not begun */
	cr_expect_eq(parsed_now, 0);
}

Test(http_parse, a_stream_keeps_its_order)
{
	struct reply s, big, small;
	char place[100];
	ask_begin(&f, &(struct ask){ .path = "/sse", .method = "GET" }, &s);
	until(&f, has(&s.body, "\n\n"));
	cr_assert_eq(sscanf(buf_text(&s.body), "event: endpoint\ndata: %99s", place), 1);
	ask_begin(
		&f, &(struct ask){ .path = place, .body = large, .body_len = sizeof(large) }, &big);
	curl_easy_setopt(big.easy, CURLOPT_PRIVATE, &big);
	until(&f, http_counts(f.http)->requests == 2 &&
			  http_counts(f.http)->bytes_in == sizeof(large));
	ask_begin(&f, &(struct ask){ .path = place, .body = "{\"after\":1}" }, &small);
	curl_easy_setopt(small.easy, CURLOPT_PRIVATE, &small);
	until(&f, http_counts(f.http)->requests == 3);
	fixture_settle(&f);
	cr_expect_eq(f.messages, 0, "it waits for the one before");
	sem_post(&go);
	until(&f, has(&s.body, "after"));
	cr_expect_lt(strstr(buf_text(&s.body), "xxxx"), strstr(buf_text(&s.body), "after"));
	until(&f, is_done(&f, &small) && is_done(&f, &big));
	cr_expect(big.status == 202 && small.status == 202);
	ask_end(&f, &big);
	ask_end(&f, &small);
	ask_end(&f, &s);
	until(&f, f.closed == 1);
}

Test(http_parse, the_end_waits_for_its_threads)
{
	struct reply r;
	send_large(&r, "alices-token");
	sem_post(&go);
	ask_end(&f, &r);
}
