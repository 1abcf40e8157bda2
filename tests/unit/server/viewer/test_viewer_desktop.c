// USES tools server PkgConfig::curl PkgConfig::gnutls
/* The viewer's pages with a real desktop of the namespace backend: one start for all of it.
 * Skipped, saying why, where that backend does not work. */
#include "tests/support/viewer_fixture.h"
#include "vm/backends.h"

static char agent_path[4096], why_not[500];

static void on_probe(const char *backend, const struct err *err, const char *detail, void *data)
{
	(void)detail;
	if (strcmp(backend, "namespace") == 0) {
		*(bool *)data = !err;
		snprintf(why_not, sizeof(why_not), "%s", err ? err->text : "");
	}
}

static void begin_desktop(struct viewer_site *t)
{
	const char *build = getenv("VITRINE_BUILD");
	snprintf(agent_path, sizeof(agent_path), "%s/vitrine-agent", build ? build : "build-debug");
	struct vm_config config = { .backend = "namespace", .agent = agent_path };
	bool works = false;
	vm_probe(&config, vm_backends, on_probe, &works);
	if (!works) {
		fprintf(stderr, "skipped: %s\n", why_not);
		cr_skip_test("%s", why_not);
	}
	site_begin_with(t, config, &(struct viewer_options){ .grace_ms = 60000 });
}

static void say(struct viewer_site *t, struct page *p, struct buf *what)
{
	peer_say(&t->http, &p->peer, 0x82, what->data, what->len);
	buf_done(what);
}

/* Its answer says that all before was looked at; a request for a little is answered at once. */
static void look(struct viewer_site *t, struct page *p)
{
	struct buf out = { 0 };
	int before = p->seen.updates;
	rfb_say_update(&out, false, 0, 0, 16, 16);
	say(t, p, &out);
	until(&t->http, (page_hear(p), p->seen.updates > before));
}

static void point(struct viewer_site *t, struct page *p, unsigned x, unsigned y)
{
	struct buf out = { 0 };
	rfb_say_pointer(&out, 0, x, y);
	say(t, p, &out);
	look(t, p);
}

static void expect_pointer(struct viewer_site *t, int x, int y)
{
	struct answer *answer = host_act(&t->host, t->vm, NULL, 0);
	cr_assert_eq(answer->err.kind, ERR_NONE, "%s", answer->err.text);
	cr_expect_eq(answer->act.pointer.x, x);
	cr_expect_eq(answer->act.pointer.y, y);
	answer_free(answer);
}

static enum err_kind agent_moves(struct viewer_site *t, int x, int y)
{
	struct action move = { .kind = ACTION_MOVE, .at = { 2, { x, y } } };
	struct answer *answer = host_act(&t->host, t->vm, &move, 1);
	enum err_kind kind = answer->err.kind;
	answer_free(answer);
	return kind;
}

/* The agent's pointer is painted into what a spectator sees. */
static void sees_the_agent(struct viewer_site *t, struct page *p)
{
	struct buf out = { 0 };
	rfb_say_update(&out, false, 0, 0, 1280, 800);
	say(t, p, &out);
	until(&t->http, (page_hear(p), p->seen.pixels >= 1280 * 800));
	int before = p->seen.updates;
	rfb_say_update(&out, true, 0, 0, 1280, 800);
	say(t, p, &out);
	cr_expect_eq(agent_moves(t, 400, 300), ERR_NONE);
	until(&t->http, (page_hear(p), p->seen.updates > before));
	cr_expect_eq(p->seen.cursors, 0);
}

static void only_who_has_control_moves_the_pointer(struct viewer_site *t, struct page *p)
{
	point(t, p, 10, 20);
	expect_pointer(t, 400, 300);
	cr_assert_eq(page_control(t, p, "\"take\":\"Ana\"", NULL), 200);
	point(t, p, 10, 20);
	expect_pointer(t, 10, 20);
	cr_expect_eq(agent_moves(t, 40, 50), ERR_STATE);
	expect_pointer(t, 10, 20);
	cr_assert_eq(page_control(t, p, "\"give_back\":true", NULL), 200);
	point(t, p, 30, 30);
	expect_pointer(t, 10, 20);
	cr_expect_eq(agent_moves(t, 40, 50), ERR_NONE);
}

/* The page's connection is cut; it comes back as the one it was and has what it had. */
static void comes_back(struct viewer_site *t, struct page *p)
{
	char name[ID_LEN + 1];
	cr_assert_eq(page_control(t, p, "\"take\":\"Ana\"", NULL), 200);
	memcpy(name, p->viewer, sizeof(name));
	page_close(t, p);
	until(&t->http, t->stream->viewers == 1); /* the other */
	*p = (struct page){ 0 };
	page_listen(t, p, name);
	page_watch(t, p);
	point(t, p, 77, 88);
	expect_pointer(t, 77, 88);
}

static void shows_what_was_done(struct viewer_site *t, struct page *p)
{
	struct reply r;
	activity_add(&t->activity, &(struct activity_record){
					   .principal = "alice",
					   .vm = t->vm,
					   .tool = tool_find(t->tools, "left_click"),
					   .summary = "Clicked.",
					   .point = { 2, { 70, 80 } },
				   });
	until_heard(t, p, "\"picture\":true,\"x\":70,\"y\":80}");
	ask_stream(t, &(struct ask){ 0 }, "pictures/1", &r);
	cr_expect_eq(r.status, 200);
	cr_expect(r.body.len > 300 && memcmp(r.body.data, "\xff\xd8\xff", 3) == 0);
	ask_end(&t->http, &r);
}

Test(viewer_desktop, people_watch_take_over_come_back_and_are_sent_away, .timeout = 120)
{
	struct viewer_site t;
	struct page p, other;
	struct err err;
	begin_desktop(&t);
	open_stream(&t, STREAM_CONTROL, 600);
	let_in(&t);
	page_open(&t, &p);
	page_open(&t, &other);
	sees_the_agent(&t, &p);
	only_who_has_control_moves_the_pointer(&t, &p);
	comes_back(&t, &p);
	shows_what_was_done(&t, &p);
	look(&t, &other);
	cr_assert(streams_revoke(t.streams, "alice", t.id, &err));
	until_heard(&t, &p, "event: ended");
	until(&t.http, page_hear(&p));
	until(&t.http, page_hear(&other));
	cr_expect_eq(page_code(&p), STREAM_REVOKED);
	cr_expect_eq(page_code(&other), STREAM_REVOKED);
	cr_expect_eq(agent_moves(&t, 5, 5), ERR_NONE, "control was handed back");
	page_close(&t, &p);
	page_close(&t, &other);
	site_end(&t);
}
