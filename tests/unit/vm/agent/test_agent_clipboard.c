// USES agent
/* The clipboard outlives its program, and nothing else about selections changes. */
#include "clipboard_programs.h"

TestSuite(clipboard, .init = start, .fini = stop, .timeout = 120);

Test(clipboard, outlives_a_program_that_is_killed)
{
	copy(text, 3);
	die_and_wait_for_the_keeper();
	expect_paste(&other, "UTF8_STRING", "copied \xc3\xa9");
	expect_paste(&other, "text/html", "<b>copied</b>");
	ask(&other, "CLIPBOARD", "TARGETS");
	cr_assert_eq(other.got_type, XA_ATOM);
	cr_assert(lists(&other, "UTF8_STRING") && lists(&other, "text/html"));
	cr_assert(lists(&other, "TIMESTAMP") && lists(&other, "MULTIPLE"));
	cr_assert(!lists(&other, "image/png"), "a picture of a text is not fetched");
	ask(&other, "CLIPBOARD", "image/png");
	cr_assert(other.refused);
	ask(&other, "CLIPBOARD", "TIMESTAMP");
	cr_assert_eq(other.got_type, XA_INTEGER);
	cr_assert_gt(*(long *)(void *)other.got.data, 0);
}

Test(clipboard, a_window_that_is_destroyed_counts_as_dead)
{
	copy(text, 3);
	XDestroyWindow(program.x, program.window);
	XSync(program.x, False);
	agent_fixture_until(
		&fixture, owner_of(&other, "CLIPBOARD") == owner_of(&other, "CLIPBOARD_MANAGER"));
	expect_paste(&other, "UTF8_STRING", "copied \xc3\xa9");
	peer_die(&program);
}

Test(clipboard, fetches_a_picture_where_there_is_no_text)
{
	static const struct format picture[] = { { "image/png", "pixels" }, { 0 } };
	copy(picture, 2);
	die_and_wait_for_the_keeper();
	expect_paste(&other, "image/png", "pixels");
}

/* File managers take a request for it for the paste of what was cut. */
Test(clipboard, does_not_paste_files)
{
	static const struct format files[] = { { "text/uri-list", "file:///a\r\n" },
		{ "x-special/gnome-copied-files", "cut\nfile:///a" }, { 0 } };
	copy(files, 2);
	agent_fixture_for_ms(&fixture, 300);
	cr_assert_eq(program.asked, 2, "the targets and the list");
	die_and_wait_for_the_keeper();
	expect_paste(&other, "text/uri-list", "file:///a\r\n");
}

Test(clipboard, takes_over_what_is_handed_over)
{
	own(&program, "CLIPBOARD", text);
	ask(&program, "CLIPBOARD_MANAGER", "SAVE_TARGETS");
	cr_assert(!program.refused);
	cr_assert_eq(program.got.len, 0);
	cr_assert_eq(program.got_type, atom(&program, "NULL"));
	cr_assert_eq(owner_of(&other, "CLIPBOARD"), program.window, "it is alive");
	die_and_wait_for_the_keeper();
	for (const struct format *f = text; f->name; f++) {
		expect_paste(&other, f->name, f->text);
	}
}

Test(clipboard, a_hand_over_may_list_its_targets)
{
	own(&program, "CLIPBOARD", text);
	Atom one = atom(&program, "application/x-own");
	XChangeProperty(program.x, program.window, atom(&program, "GOT"), XA_ATOM, 32,
		PropModeReplace, (unsigned char *)&one, 1);
	ask(&program, "CLIPBOARD_MANAGER", "SAVE_TARGETS");
	cr_assert(!program.refused);
	cr_assert_eq(program.asked, 2, "TARGETS, and the one");
	die_and_wait_for_the_keeper();
	expect_paste(&other, "application/x-own", "its own");
}

Test(clipboard, is_answered_as_a_manager)
{
	ask(&other, "CLIPBOARD_MANAGER", "TARGETS");
	cr_assert(lists(&other, "SAVE_TARGETS"));
	ask(&other, "CLIPBOARD_MANAGER", "SAVE_TARGETS");
	cr_assert(!other.refused, "one with nothing on CLIPBOARD need not wait");
	peer_die(&program);
}

Test(clipboard, long_texts_go_in_parts_both_ways)
{
	size_t len = 1 << 20;
	char *large = must(malloc(len + 1));
	for (size_t i = 0; i < len; i++) {
		large[i] = (char)('a' + i * i % 26);
	}
	large[len] = '\0';
	struct format formats[] = { { "UTF8_STRING", large, len, true }, { 0 } };
	own(&program, "CLIPBOARD", formats);
	agent_fixture_until(
		&fixture, program.asked == 2 && !program.sending && program.sent == len);
	agent_fixture_for_ms(&fixture, 30);
	die_and_wait_for_the_keeper();
	expect_paste(&other, "UTF8_STRING", large);
	cr_assert(other.receiving, "it came in parts");
	expect_paste(&other, "UTF8_STRING", large);
	free(large);
}

Test(clipboard, answers_several_targets_at_once)
{
	copy(text, 3);
	die_and_wait_for_the_keeper();
	Atom pairs[] = { atom(&other, "UTF8_STRING"), atom(&other, "ONE"),
		atom(&other, "image/png"), atom(&other, "TWO") };
	XChangeProperty(other.x, other.window, atom(&other, "GOT"), atom(&other, "ATOM_PAIR"), 32,
		PropModeReplace, (unsigned char *)pairs, 4);
	ask(&other, "CLIPBOARD", "MULTIPLE");
	cr_assert(!other.refused);
	cr_assert_eq(other.got.len, 4 * sizeof(long));
	const Atom *done = (const Atom *)(void *)other.got.data;
	cr_assert_eq(done[1], pairs[1]);
	cr_assert_eq(done[3], None, "that one is not there");
}

Test(clipboard, leaves_living_owners_alone)
{
	copy(text, 3);
	agent_fixture_for_ms(&fixture, 300);
	cr_assert_eq(owner_of(&other, "CLIPBOARD"), program.window);
	cr_assert_eq(program.asked, 3, "it is asked once");
	die_and_wait_for_the_keeper();
	own(&other, "CLIPBOARD", text);
	agent_fixture_until(&fixture, other.asked == 3);
	cr_assert_eq(owner_of(&other, "CLIPBOARD"), other.window);
	cr_assert_eq(other.cleared, 0);
}

/* What a program takes back is gone. */
Test(clipboard, respects_an_owner_that_gives_up)
{
	copy(text, 3);
	XSetSelectionOwner(program.x, atom(&program, "CLIPBOARD"), None, CurrentTime);
	XSync(program.x, False);
	peer_die(&program);
	agent_fixture_for_ms(&fixture, 200);
	cr_assert_eq(owner_of(&other, "CLIPBOARD"), None);
}

Test(clipboard, leaves_primary_alone)
{
	own(&program, "PRIMARY", text);
	agent_fixture_for_ms(&fixture, 300);
	cr_assert_eq(program.asked, 0);
	peer_die(&program);
	agent_fixture_for_ms(&fixture, 200);
	cr_assert_eq(owner_of(&other, "PRIMARY"), None);
	cr_assert_eq(owner_of(&other, "CLIPBOARD"), None);
}

Test(clipboard, keeps_no_passwords)
{
	static const struct format password[] = { { "UTF8_STRING", "hunter2" },
		{ "x-kde-passwordManagerHint", "secret" }, { 0 } };
	copy(password, 2);
	ask(&program, "CLIPBOARD_MANAGER", "SAVE_TARGETS");
	cr_assert(program.refused);
	peer_die(&program);
	agent_fixture_for_ms(&fixture, 200);
	cr_assert_eq(owner_of(&other, "CLIPBOARD"), None);
}

Test(clipboard, keeps_what_is_marked_as_no_password)
{
	static const struct format plain[] = { { "UTF8_STRING", "a user's name" },
		{ "x-kde-passwordManagerHint", "public" }, { 0 } };
	copy(plain, 3);
	die_and_wait_for_the_keeper();
	expect_paste(&other, "UTF8_STRING", "a user's name");
}

/* ---- owners that mean harm ---- */

/* Whatever an owner did, the next copy must be kept. */
static void expect_next_copy_kept(void)
{
	peer_die(&program);
	peer_open(&program);
	copy(text, 3);
	die_and_wait_for_the_keeper();
	expect_paste(&other, "UTF8_STRING", "copied \xc3\xa9");
}

Test(clipboard, a_silent_owner_costs_nothing_but_time)
{
	own(&program, "CLIPBOARD", NULL);
	agent_fixture_until(&fixture, program.asked == 1);
	ask(&program, "CLIPBOARD_MANAGER", "SAVE_TARGETS");
	cr_assert(program.refused, "after the timeout");
	expect_next_copy_kept();
}

Test(clipboard, an_endless_transfer_is_cut_off)
{
	static char part[200000];
	memset(part, 'x', sizeof(part));
	static struct format endless[] = { { "UTF8_STRING", part, sizeof(part), true, true },
		{ "text/html", "<i>short</i>" }, { 0 } };
	own(&program, "CLIPBOARD", endless);
	agent_fixture_until(&fixture, program.asked == 3);
	agent_fixture_for_ms(&fixture, 30);
	cr_assert_leq(program.sent, CLIP_ITEM_MAX + 3 * sizeof(part));
	die_and_wait_for_the_keeper();
	expect_paste(&other, "text/html", "<i>short</i>");
	ask(&other, "CLIPBOARD", "UTF8_STRING");
	cr_assert(other.refused);
	peer_open(&program);
	expect_next_copy_kept();
}

Test(clipboard, wrong_types_are_no_targets)
{
	program.wrong_types = true;
	copy(text, 1);
	peer_die(&program);
	agent_fixture_for_ms(&fixture, 200);
	cr_assert_eq(owner_of(&other, "CLIPBOARD"), None);
	peer_open(&program);
	expect_next_copy_kept();
}

Test(clipboard, an_owner_may_change_in_the_middle)
{
	program.gives_up_at_first = true;
	own(&program, "CLIPBOARD", text);
	agent_fixture_until(&fixture, program.asked == 4);
	agent_fixture_for_ms(&fixture, 30);
	die_and_wait_for_the_keeper();
	expect_paste(&other, "UTF8_STRING", "the second copy");
	ask(&other, "CLIPBOARD", "text/html");
	cr_assert(other.refused, "of the first copy nothing is left");
}

static int ignore_x_error(Display *x, XErrorEvent *event)
{
	(void)x;
	(void)event;
	return 0;
}

/* A requestor that stops in the middle of a transfer disturbs nobody. */
Test(clipboard, a_requestor_may_die_in_the_middle)
{
	size_t len = 1 << 20;
	char *large = must(malloc(len + 1));
	memset(large, 'y', len);
	large[len] = '\0';
	struct format formats[] = { { "UTF8_STRING", large, len, true }, { 0 } };
	XSetErrorHandler(ignore_x_error);
	own(&program, "CLIPBOARD", formats);
	agent_fixture_until(
		&fixture, program.asked == 2 && !program.sending && program.sent == len);
	agent_fixture_for_ms(&fixture, 30);
	die_and_wait_for_the_keeper();
	for (int i = 0; i < 20; i++) {
		peer_open(&program);
		XConvertSelection(program.x, atom(&program, "CLIPBOARD"),
			atom(&program, "UTF8_STRING"), atom(&program, "GOT"), program.window,
			CurrentTime);
		XFlush(program.x);
		agent_fixture_until(&fixture, program.receiving || i >= 8);
		agent_fixture_for_ms(&fixture, 5);
		peer_die(&program);
	}
	free(large);
}
