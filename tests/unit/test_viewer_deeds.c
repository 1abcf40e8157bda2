// USES tools server PkgConfig::curl PkgConfig::gnutls
/* What those who watch are told of the agent's actions, and the pictures of them. */
#include "viewer_fixture.h"

static void called(struct desk_test *t, const char *name, const char *args, const char *text,
	const struct err *why)
{
	json_auto_t *arguments = args ? json_loads(args, 0, NULL) : NULL;
	json_auto_t *content = json_pack("[{s:s, s:s}]", "type", "text", "text", text);
	viewer_pages_called("alice", tool_find(t->tools, name), arguments, content, why, t->pages);
}

static void call_in(struct desk_test *t, const char *name, const char *rest, const char *text)
{
	char args[300];
	snprintf(args, sizeof(args), "{\"sandbox\":\"%s\"%s}", vm_id(t->vm), rest);
	called(t, name, args, text, NULL);
}

static void begin_watching(struct desk_test *t, struct page *p)
{
	*p = (struct page){ 0 };
	open_stream(t, STREAM_VIEW, 60);
	let_in(t);
	page_listen(t, p, NULL);
}

Test(viewer_deeds, an_action_is_told_with_its_picture)
{
	struct desk_test t;
	struct page p;
	struct reply r;
	desk_begin(&t);
	begin_watching(&t, &p);
	call_in(&t, "left_click", ",\"coordinate\":[100,200]", "Clicked.\nThe screen changed.");
	until_heard(&t, &p, "event: action");
	cr_expect(has(&p.events.body,
			  "\"tool\":\"left_click\",\"text\":\"Clicked.\",\"failed\":false,"
			  "\"picture\":true,\"x\":100,\"y\":200}"),
		"%s", buf_text(&p.events.body));
	ask_stream(&t, &(struct ask){ 0 }, "pictures/1", &r);
	cr_expect_eq(r.status, 200);
	cr_expect(has(&r.head, "content-type: image/jpeg"));
	cr_expect(r.body.len > 100 && memcmp(r.body.data, "\xff\xd8\xff", 3) == 0);
	ask_end(&t.http, &r);
	page_close(&t, &p);
	until(&t.http, t.stream->viewers == 0);
	cr_expect_eq(stream_status(&t, &(struct ask){ 0 }, "pictures/1"), 200,
		"the page may be loaded again");
	desk_end(&t);
}

Test(viewer_deeds, pictures_go_with_those_who_watched)
{
	struct desk_test t;
	struct page p;
	desk_begin_graceful(&t, 100);
	begin_watching(&t, &p);
	call_in(&t, "left_click", ",\"coordinate\":[100,200]", "Clicked.");
	until_heard(&t, &p, "\"picture\":true");
	page_close(&t, &p);
	until(&t.http, stream_status(&t, &(struct ask){ 0 }, "pictures/1") == 404);
	desk_end(&t);
}

Test(viewer_deeds, a_picture_at_the_edge_and_one_without_a_place)
{
	struct desk_test t;
	struct page p;
	desk_begin(&t);
	begin_watching(&t, &p);
	call_in(&t, "left_click", ",\"coordinate\":[1279,799]", "Clicked.");
	until_heard(&t, &p, "\"seq\":1");
	call_in(&t, "left_click", ",\"coordinate\":[-5,9999999999]", "Clicked.");
	until_heard(&t, &p, "\"seq\":2");
	call_in(&t, "type", ",\"text\":\"secret\"", "Typed.");
	until_heard(&t, &p, "\"seq\":3");
	cr_expect_not(has(&p.events.body, "\"picture\":false"), "%s", buf_text(&p.events.body));
	cr_expect_not(has(&p.events.body, "secret"), "what was typed is not told");
	page_close(&t, &p);
	desk_end(&t);
}

Test(viewer_deeds, what_has_no_picture_is_told_at_once_and_in_order)
{
	struct desk_test t;
	struct page p;
	struct err why;
	desk_begin(&t);
	begin_watching(&t, &p);
	call_in(&t, "screenshot", "", "1280x800, frame 7.");
	call_in(&t, "run_command", ",\"command\":\"ls -l\\ncat x\"", "total 0");
	err_set(&why, ERR_ARGUMENT, "'coordinate' is \"far\" outside");
	called(&t, "left_click", NULL, "", &why); /* nobody has a default sandbox */
	call_in(&t, "left_click", ",\"coordinate\":[1,1]", "Clicked.");
	call_in(&t, "key", ",\"text\":\"Return\"", "Pressed Return.");
	until_heard(&t, &p, "\"seq\":4");
	const char *at = buf_text(&p.events.body);
	static const char *const order[] = { "\"text\":\"Take a screenshot\"", "\"text\":\"ls -l\"",
		"\"text\":\"Clicked.\",\"failed\":false,\"picture\":false",
		"\"text\":\"Pressed Return.\",\"failed\":false,\"picture\":true" };
	for (size_t i = 0; i < sizeof(order) / sizeof(*order); i++) {
		at = strstr(at, order[i]);
		cr_assert(at, "%s: %s", order[i], buf_text(&p.events.body));
	}
	page_close(&t, &p);
	desk_end(&t);
}

Test(viewer_deeds, failures_are_told_as_such)
{
	struct desk_test t;
	struct page p;
	struct err why, err;
	desk_begin(&t);
	struct vm *mine = vm_default(t.host.pool, "alice", &err);
	cr_assert(mine);
	host_wait(&t.host, mine);
	t.vm = mine;
	begin_watching(&t, &p);
	err_set(&why, ERR_STATE, "it is \"far\" outside\nand more");
	called(&t, "left_click", NULL, "", &why);
	until_heard(
		&t, &p, "\"text\":\"it is \\\"far\\\" outside\",\"failed\":true,\"picture\":false");
	page_close(&t, &p);
	desk_end(&t);
}

Test(viewer_deeds, only_what_is_done_in_this_sandbox_is_told)
{
	struct desk_test t;
	struct page p;
	desk_begin(&t);
	begin_watching(&t, &p);
	call_in(&t, "stream_url", "", "https://x/s/y/#secret");
	call_in(&t, "sandbox_info", "", "all of it");
	called(&t, "left_click", "{\"sandbox\":\"aaaaaaaaaaaaaaaaaaaa\"}", "Elsewhere.", NULL);
	called(&t, "left_click", "{\"sandbox\":7}", "Nowhere.", NULL);
	json_auto_t *args = json_pack("{s:s}", "sandbox", vm_id(t.vm));
	viewer_pages_called("bob", tool_find(t.tools, "left_click"), args, NULL, NULL, t.pages);
	call_in(&t, "left_click", "", "Here.");
	until_heard(&t, &p, "Here.");
	cr_expect(has(&p.events.body, "\"seq\":1,"), "%s", buf_text(&p.events.body));
	cr_expect_not(has(&p.events.body, "secret"));
	page_close(&t, &p);
	desk_end(&t);
}

Test(viewer_deeds, who_comes_later_hears_of_the_last_twenty)
{
	struct desk_test t;
	struct page p;
	char text[20];
	desk_begin(&t);
	for (int i = 1; i <= 50; i++) {
		snprintf(text, sizeof(text), "Deed %d.", i);
		call_in(&t, "left_click", ",\"coordinate\":[1,1]", text);
	}
	begin_watching(&t, &p);
	until_heard(&t, &p, "Deed 50.");
	cr_expect_not(has(&p.events.body, "Deed 30."));
	cr_expect(has(&p.events.body, "\"text\":\"Deed 31.\",\"failed\":false,\"picture\":false"),
		"no pictures while nobody watched");
	page_close(&t, &p);
	desk_end(&t);
}

Test(viewer_deeds, a_long_or_broken_text_is_cut_to_one_line)
{
	struct desk_test t;
	struct page p;
	static char text[1000];
	desk_begin(&t);
	begin_watching(&t, &p);
	text[0] = '\t';
	for (size_t i = 1; i + 2 < sizeof(text); i += 2) {
		memcpy(text + i, "\xc3\xa4", 2);
	}
	call_in(&t, "left_click", "", text);
	until_heard(&t, &p, "event: action");
	cr_expect_not(has(&p.events.body, "?"), "no character was cut in two");
	call_in(&t, "left_click", "", "");
	until_heard(&t, &p, "\"text\":\"Click\"");
	page_close(&t, &p);
	desk_end(&t);
}

Test(viewer_deeds, who_is_shown_one_window_is_told_of_no_deeds)
{
	struct desk_test t, window;
	struct page p, other = { 0 };
	struct err err;
	desk_begin(&t);
	begin_watching(&t, &p);
	window = t;
	window.stream = streams_open(t.streams, t.vm, STREAM_VIEW, 5, 60, window.ticket, &err);
	cr_assert(window.stream);
	memcpy(window.id, window.stream->id, sizeof(window.id));
	window.cookie[0] = '\0';
	let_in(&window);
	page_listen(&window, &other, NULL);
	call_in(&t, "left_click", ",\"coordinate\":[1,1]", "Clicked.");
	until_heard(&t, &p, "\"picture\":true");
	cr_expect_eq(stream_status(&t, &(struct ask){ 0 }, "pictures/1"), 200);
	cr_expect_eq(stream_status(&window, &(struct ask){ 0 }, "pictures/1"), 404);
	vm_control_take(t.vm, "Ana"); /* what is told afterwards came after it */
	until_heard(&window, &other, "Ana");
	cr_expect_not(has(&other.events.body, "Clicked"));
	page_close(&t, &p);
	page_close(&window, &other);
	desk_end(&t);
}

Test(viewer_deeds, a_sandbox_may_end_while_its_picture_is_made)
{
	struct desk_test t;
	struct page p;
	desk_begin(&t);
	begin_watching(&t, &p);
	call_in(&t, "left_click", ",\"coordinate\":[1,1]", "Clicked.");
	vm_stop(t.vm, "enough");
	until_heard(&t, &p, "event: ended");
	page_close(&t, &p);
	desk_end(&t);
}
