// USES agent
/*
 * Text typed into a page of Chromium, which reads keys by one connection and the keyboard's map by
 * another, and knows many keycodes by their number.  The page says in its title what arrived, and
 * that nothing else did.
 */
#include "tests/support/agent_fixture.h"

#include <X11/Xatom.h>
#include <unistd.h>

static struct agent_fixture fixture;

/* The title of the active window; the caller frees it. */
static char *title(void)
{
	Display *x = display_x(fixture.agent.display);
	Window active = None;
	Atom type;
	int format;
	unsigned long n = 0, left;
	unsigned char *value = NULL;
	struct err ignored;
	char *text = NULL;
	display_trap(fixture.agent.display);
	XGetWindowProperty(x, display_root(fixture.agent.display),
		XInternAtom(x, "_NET_ACTIVE_WINDOW", False), 0, 1, False, XA_WINDOW, &type, &format,
		&n, &left, &value);
	if (value && n == 1) {
		active = (Window) * (unsigned long *)(void *)value;
	}
	XFree(value);
	value = NULL;
	if (active &&
		XGetWindowProperty(x, active, XInternAtom(x, "_NET_WM_NAME", False), 0, 4096, False,
			AnyPropertyType, &type, &format, &n, &left, &value) == Success &&
		value) {
		text = must(strdup((char *)value));
	}
	XFree(value);
	(void)!display_untrap(fixture.agent.display, &ignored);
	return text;
}

/* The page was loaded once, nothing was pasted, no key was a command, and it has that text. */
static bool shows(const char *text)
{
	auto_free char *found = title();
	auto_buf struct buf want = { 0 };
	buf_printf(&want, "1/0/:%s|", text);
	return found && strstr(found, buf_text(&want));
}

static void expect(const char *text)
{
	uint64_t end = loop_now_us() + FIXTURE_PATIENCE_US;
	while (!shows(text) && loop_now_us() < end) {
		agent_fixture_for_ms(&fixture, 20);
	}
	auto_free char *found = title();
	cr_assert(shows(text), "got '%s', want '%s'", found ? found : "", text);
}

static void start(void)
{
	char page[300], profile[128], data[160];
	const char *source = getenv("VITRINE_SOURCE");
	if (access("/usr/bin/chromium", X_OK) != 0) {
		cr_skip_test("chromium is not installed");
	}
	agent_fixture_start(&fixture, "1280x800", true);
	snprintf(page, sizeof(page), "file://%s/tests/support/page.html", source ? source : ".");
	agent_fixture_path(&fixture, "profile", profile);
	snprintf(data, sizeof(data), "--user-data-dir=%s", profile);
	agent_fixture_spawn(&fixture, "chromium", "--no-sandbox", "--test-type", "--no-first-run",
		"--disable-gpu", "--password-store=basic", data, page);
	uint64_t end = loop_now_us() + 3 * FIXTURE_PATIENCE_US;
	while (!shows("") && loop_now_us() < end) {
		agent_fixture_for_ms(&fixture, 50);
	}
	expect("");
}

static void stop(void)
{
	agent_fixture_stop(&fixture);
}

static void clear(void)
{
	agent_fixture_do(&fixture, "{'actions': [{'action': 'key', 'text': 'ctrl+a Delete'}]}");
	expect("");
}

static void types(const char *text)
{
	clear();
	agent_fixture_type(&fixture, text);
	expect(text);
}

static void append_cjk(struct buf *text, int from, int n)
{
	for (int i = from; i < from + n; i++) {
		unsigned ch = 0x4e00 + (unsigned)i * 7;
		char bytes[3] = { (char)(0xe0 | ch >> 12), (char)(0x80 | (ch >> 6 & 0x3f)),
			(char)(0x80 | (ch & 0x3f)) };
		buf_append(text, bytes, 3);
	}
}

#define RUSSIAN "Съешь же ещё этих мягких французских булок, да выпей чаю."
#define SCRIPTS \
	"Zażółć gęślą jaźń ñ Καλημέρα שלום مرحبا नमस्ते สวัสดี 日本語 中文 한국어 👩‍👩‍👧 " \
	"\"$5\" " \
	"@{x}"

static void gets_every_text_on_every_layout(void)
{
	static const char *const layouts[] = { "us", "de", "ru", "us,ru", "gr", "jp" };
	for (int i = 0; i < 6; i++) {
		agent_fixture_run(&fixture, "setxkbmap", layouts[i]);
		types(RUSSIAN);
		types(SCRIPTS);
	}
}

static void gets_more_new_characters_than_there_are_spare_keycodes(void)
{
	static const int counts[] = { 25, 58, 117, 300 };
	int from = 0;
	agent_fixture_run(&fixture, "setxkbmap", "us");
	for (int i = 0; i < 4; i++) {
		auto_buf struct buf text = { 0 };
		append_cjk(&text, from, counts[i]);
		from += counts[i];
		types(buf_text(&text));
	}
}

static void gets_new_characters_one_by_one(void)
{
	auto_buf struct buf text = { 0 };
	agent_fixture_run(&fixture, "setxkbmap", "us,ru");
	clear();
	for (int i = 0; i < 60; i++) {
		auto_buf struct buf one = { 0 };
		append_cjk(&one, 1000 + i, 1);
		agent_fixture_type(&fixture, buf_text(&one));
		buf_append(&text, one.data, one.len);
	}
	expect(buf_text(&text));
}

static void takes_shortcuts_on_a_layout_without_latin_letters(void)
{
	agent_fixture_run(&fixture, "setxkbmap", "ru");
	types("Один");
	agent_fixture_do(&fixture, "{'actions': [{'action': 'key', 'text': 'ctrl+a ctrl+x'}]}");
	expect("");
	agent_fixture_do(&fixture, "{'actions': [{'action': 'key', 'text': 'shift+b b shift+ж'}]}");
	expect("BbЖ");
}

/* One after the other in one browser, whose start costs more than most of them. */
Test(browser, gets_what_is_typed, .init = start, .fini = stop)
{
	gets_new_characters_one_by_one();
	gets_more_new_characters_than_there_are_spare_keycodes();
	gets_every_text_on_every_layout();
	takes_shortcuts_on_a_layout_without_latin_letters();
}
