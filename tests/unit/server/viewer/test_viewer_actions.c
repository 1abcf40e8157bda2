// USES tools server PkgConfig::curl PkgConfig::gnutls
/* What those who watch are told of the agent's actions, and the pictures of them. */
#include "tests/support/viewer_fixture.h"

TestSuite(viewer_actions, .init = site_open, .fini = site_close);

/* A call of alice's on her sandbox has ended. */
static void add(struct viewer_site *t, const char *tool, struct activity_record record)
{
	record.tool = tool_find(t->tools, tool);
	record.principal = record.principal ? record.principal : "alice";
	record.vm = record.vm ? record.vm : t->vm;
	activity_add(&t->activity, &record);
}

static void add_at(
	struct viewer_site *t, const char *tool, const char *summary, int64_t x, int64_t y)
{
	add(t, tool, (struct activity_record){ .summary = summary, .point = { 2, { x, y } } });
}

static void add_plain(struct viewer_site *t, const char *tool, const char *summary)
{
	add(t, tool, (struct activity_record){ .summary = summary });
}

static void begin_watching(struct viewer_site *t, struct page *p)
{
	*p = (struct page){ 0 };
	open_stream(t, STREAM_VIEW, 60);
	let_in(t);
	page_listen(t, p, NULL);
}

Test(viewer_actions, an_action_is_told_with_its_picture)
{
	struct page p;
	struct reply r;
	begin_watching(&site, &p);
	add_at(&site, "left_click", "Clicked.\nThe screen changed.", 100, 200);
	until_heard(&site, &p, "event: action");
	cr_expect(has(&p.events.body,
			  "\"tool\":\"left_click\",\"text\":\"Clicked.\",\"failed\":false,"
			  "\"picture\":true,\"x\":100,\"y\":200}"),
		"%s", buf_text(&p.events.body));
	ask_stream(&site, &(struct ask){ 0 }, "pictures/1", &r);
	cr_expect_eq(r.status, 200);
	cr_expect(has(&r.head, "content-type: image/jpeg"));
	cr_expect(r.body.len > 100 && memcmp(r.body.data, "\xff\xd8\xff", 3) == 0);
	ask_end(&site.http, &r);
	page_close(&site, &p);
	until(&site.http, site.stream->viewers == 0);
	cr_expect_eq(stream_status(&site, &(struct ask){ 0 }, "pictures/1"), 200,
		"the page may be loaded again");
}

Test(viewer_actions, pictures_go_with_those_who_watched)
{
	struct page p;
	site_reopen(100);
	begin_watching(&site, &p);
	add_at(&site, "left_click", "Clicked.", 100, 200);
	until_heard(&site, &p, "\"failed\":false,\"picture\":true");
	page_close(&site, &p);
	until(&site.http, stream_status(&site, &(struct ask){ 0 }, "pictures/1") == 404);
}

Test(viewer_actions, a_picture_at_the_edge_and_one_without_a_place)
{
	struct page p;
	begin_watching(&site, &p);
	add_at(&site, "left_click", "Clicked.", 1279, 799);
	until_heard(&site, &p, "\"seq\":1");
	add_at(&site, "left_click", "Clicked.", -5, 9999999999);
	until_heard(&site, &p, "\"seq\":2");
	add_plain(&site, "type", "Typed.");
	until_heard(&site, &p, "\"seq\":3");
	cr_expect_not(has(&p.events.body, "\"failed\":false,\"picture\":false"), "%s",
		buf_text(&p.events.body));
	page_close(&site, &p);
}

Test(viewer_actions, what_has_no_picture_is_told_at_once_and_in_order)
{
	struct page p;
	struct err why;
	begin_watching(&site, &p);
	add_plain(&site, "screenshot", "Take a screenshot");
	add_plain(&site, "run_command", "ls -l\ncat x");
	err_set(&why, ERR_ARGUMENT, "'coordinate' is \"far\" outside");
	activity_add(&site.activity,
		&(struct activity_record){ .tool = tool_find(site.tools, "left_click"),
			.principal = "alice",
			.summary = why.text,
			.why = &why }); /* in no sandbox */
	add_at(&site, "left_click", "Clicked.", 1, 1);
	add_plain(&site, "key", "Pressed Return.");
	until_heard(&site, &p, "\"seq\":4");
	const char *at = buf_text(&p.events.body);
	static const char *const order[] = { "\"text\":\"Take a screenshot\"", "\"text\":\"ls -l\"",
		"\"text\":\"Clicked.\",\"failed\":false,\"picture\":false",
		"\"text\":\"Pressed Return.\",\"failed\":false,\"picture\":true" };
	for (size_t i = 0; i < sizeof(order) / sizeof(*order); i++) {
		at = strstr(at, order[i]);
		cr_assert(at, "%s: %s", order[i], buf_text(&p.events.body));
	}
	page_close(&site, &p);
}

Test(viewer_actions, failures_are_told_as_such)
{
	struct page p;
	struct err why;
	begin_watching(&site, &p);
	err_set(&why, ERR_STATE, "it is \"far\" outside\nand more");
	add(&site, "left_click", (struct activity_record){ .summary = why.text, .why = &why });
	until_heard(&site, &p,
		"\"text\":\"it is \\\"far\\\" outside\",\"failed\":true,\"picture\":false");
	page_close(&site, &p);
}

Test(viewer_actions, only_what_is_done_in_this_sandbox_is_told)
{
	struct page p;
	begin_watching(&site, &p);
	add_plain(&site, "stream_url", "Get a link");
	add_plain(&site, "sandbox_info", "Look");
	struct activity_record nowhere = { .tool = tool_find(site.tools, "left_click"),
		.principal = "alice",
		.summary = "Nowhere." };
	activity_add(&site.activity, &nowhere);
	add_plain(&site, "left_click", "Here.");
	until_heard(&site, &p, "Here.");
	cr_expect(has(&p.events.body, "\"seq\":1,"), "%s", buf_text(&p.events.body));
	page_close(&site, &p);
}

Test(viewer_actions, who_comes_later_hears_of_the_last_twenty)
{
	struct page p;
	char text[20];
	for (int i = 1; i <= 50; i++) {
		snprintf(text, sizeof(text), "Action %d.", i);
		add_at(&site, "left_click", text, 1, 1);
	}
	begin_watching(&site, &p);
	until_heard(&site, &p, "Action 50.");
	cr_expect_not(has(&p.events.body, "Action 30."));
	cr_expect(has(&p.events.body, "\"text\":\"Action 31.\",\"failed\":false,\"picture\":false"),
		"no pictures while nobody watched");
	page_close(&site, &p);
}

Test(viewer_actions, a_long_or_broken_text_is_cut_to_one_line)
{
	struct page p;
	static char text[1000];
	begin_watching(&site, &p);
	text[0] = '\t';
	for (size_t i = 1; i + 2 < sizeof(text); i += 2) {
		memcpy(text + i, "\xc3\xa4", 2);
	}
	add_plain(&site, "left_click", text);
	until_heard(&site, &p, "event: action");
	cr_expect_not(has(&p.events.body, "?"), "no character was cut in two");
	add_plain(&site, "left_click", "");
	until_heard(&site, &p, "\"text\":\"Click\"");
	page_close(&site, &p);
}

Test(viewer_actions, who_is_shown_one_window_is_told_of_no_actions)
{
	struct viewer_site window;
	struct page p, other = { 0 };
	struct err err;
	begin_watching(&site, &p);
	window = site;
	window.stream =
		streams_open(site.streams, site.vm, STREAM_VIEW, 5, 60, window.ticket, &err);
	cr_assert(window.stream);
	memcpy(window.id, window.stream->id, sizeof(window.id));
	window.cookie[0] = '\0';
	let_in(&window);
	page_listen(&window, &other, NULL);
	add_at(&site, "left_click", "Clicked.", 1, 1);
	until_heard(&site, &p, "\"failed\":false,\"picture\":true");
	cr_expect_eq(stream_status(&site, &(struct ask){ 0 }, "pictures/1"), 200);
	cr_expect_eq(stream_status(&window, &(struct ask){ 0 }, "pictures/1"), 404);
	vm_control_take(site.vm, "Ana"); /* what is told afterwards came after it */
	until_heard(&window, &other, "Ana");
	cr_expect_not(has(&other.events.body, "Clicked"));
	page_close(&site, &p);
	page_close(&window, &other);
}

Test(viewer_actions, a_sandbox_may_end_while_its_picture_is_made)
{
	struct page p;
	begin_watching(&site, &p);
	add_at(&site, "left_click", "Clicked.", 1, 1);
	vm_stop(site.vm, "enough");
	until_heard(&site, &p, "event: ended");
	page_close(&site, &p);
}
