/*
 * The budgets, one row each: how a sample of ours is taken, and how one of the peers' way.  Every
 * row that can looks at the result too: a picture must be a new one, a text must have arrived
 * exactly.
 */
#include "base/cleanup.h"
#include "tests/bench/bench.h"
#include "tests/bench/code_rows.h"
#include "tests/bench/desktop_rows.h"
#include "tests/bench/file_http.h"
#include "tests/bench/file_rows.h"
#include "tests/bench/picture.h"
#include "tests/bench/probe.h"
#include "tests/bench/process_rows.h"
#include "tests/bench/watch.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define HOLD_MS 20   /* a click keeps the button down so long; two are so far apart */
#define QUIET_MS 150 /* how long `observe: settled` waits for the screen to be quiet */

static const char latin_text[] = "The quick brown fox (No. 7) jumps over the lazy dog; it's 100% "
				 "sure, \"quoted\" & <tagged>! ";
static const char mixed_text[] = "Grüße çà Ελλάδα Жук漢字かな한글😀 naïve ½€ ";

/* ---- click ---- */

static bool ours_click(struct bench *b, struct sample *ret, struct err *err)
{
	static int turn;
	char args[80];
	snprintf(args, sizeof(args), "{\"coordinate\":[%d,%d]}", 1000 + turn++ % 20 * 12, 650);
	usleep(HOLD_MS * 1000); /* nobody clicks in a row without a break */
	bool ok = session_call(&b->session, "left_click", args, err);
	ret->value = session_ms(&b->session);
	return ok;
}

static bool xdotool(struct sample *ret, const char *const *argv, struct err *err)
{
	ret->value = peer_run(argv, err);
	return ret->value >= 0;
}

/* delay: what xdotool sleeps after a click; NULL: as it does by itself, 100 ms. */
static bool click_peer(const char *delay, struct sample *ret, struct err *err)
{
	static int turn;
	char x[16];
	snprintf(x, sizeof(x), "%d", 1000 + turn++ % 100);
	const char *const plain[] = { "xdotool", "mousemove", x, "650", "click", "1", NULL };
	const char *const quick[] = { "xdotool", "mousemove", x, "650", "click", "--delay", delay,
		"1", NULL };
	return xdotool(ret, delay ? quick : plain, err);
}

static bool peer_click(struct bench *b, struct sample *ret, struct err *err)
{
	(void)b;
	return click_peer(NULL, ret, err);
}

static bool peer_click_fast(struct bench *b, struct sample *ret, struct err *err)
{
	(void)b;
	return click_peer("0", ret, err);
}

/* ---- screenshot ---- */

static bool begin_animate(struct bench *b, struct err *err)
{
	return watch_start(b, "animate", err);
}

/* On a moving screen every picture must be a new one; on a still one (`changes` false) the same. */
static void look(
	struct bench *b, int side, unsigned long long hash, bool changes, struct sample *ret)
{
	ret->checked = b->seen[side] != 0;
	ret->right = (hash != b->seen[side]) == changes;
	b->seen[side] = hash;
}

static bool shoot_ours(struct bench *b, bool changes, struct sample *ret, struct err *err)
{
	usleep(45000); /* the probe has repainted twice since the last one */
	if (!session_call(&b->session, "screenshot", "{}", err)) {
		return false;
	}
	ret->value = session_ms(&b->session);
	size_t len;
	const char *image = session_image(&b->session, &len);
	if (!image) {
		return err_set(err, ERR_HOST, "screenshot: no picture came");
	}
	look(b, OURS, probe_hash(PROBE_HASH_START, image, len), changes, ret);
	return true;
}

static bool shoot_peer(struct bench *b, bool changes, struct sample *ret, struct err *err)
{
	unsigned long long hash = 0;
	usleep(45000);
	ret->value = peer_screenshot(&b->peer, &hash, err);
	look(b, PEERS, hash, changes, ret);
	return ret->value >= 0;
}

static bool ours_moving(struct bench *b, struct sample *ret, struct err *err)
{
	return shoot_ours(b, true, ret, err);
}

static bool peer_moving(struct bench *b, struct sample *ret, struct err *err)
{
	return shoot_peer(b, true, ret, err);
}

/* Keeps the picture that just came.  Whether it shows the desktop of the one before, at another
 * minute of the panel's clock. */
static bool clock_ticked(struct bench *b)
{
	size_t len;
	const char *image = session_image(&b->session, &len);
	auto_free char *before = b->still;
	auto_picture struct picture then = { 0 }, now = { 0 };
	b->still = must(strndup(image, len));
	return before && strcmp(before, b->still) != 0 &&
	       picture_decode64(before, strlen(before), &then) &&
	       picture_decode64(b->still, len, &now) && picture_alike(&then, &now);
}

/* The clock's tick changes the screen, so that picture is none of an unchanged one: the next is. */
static bool ours_still(struct bench *b, struct sample *ret, struct err *err)
{
	bool good = shoot_ours(b, false, ret, err);
	if (good && clock_ticked(b)) {
		good = shoot_ours(b, false, ret, err);
		(void)clock_ticked(b); /* keeps it; not twice in a row */
	}
	return good;
}

static void end_still(struct bench *b)
{
	free(take_ptr(&b->still));
}

static bool peer_still(struct bench *b, struct sample *ret, struct err *err)
{
	return shoot_peer(b, false, ret, err);
}

/* ---- click, and the frame that shows what it did ---- */

static bool begin_paint(struct bench *b, struct err *err)
{
	b->repaint.n = 0;
	return watch_start(b, "paint", err);
}

static bool ours_settled(struct bench *b, struct sample *ret, struct err *err)
{
	char args[128];
	snprintf(args, sizeof(args), "{\"coordinate\":[%llu,%d],\"observe\":\"settled\"}",
		PROBE_X + 100 + b->rounds[OURS] % 10 * 15, PROBE_Y + 100);
	if (!session_call(&b->session, "left_click", args, err)) {
		return false;
	}
	ret->value = session_ms(&b->session);
	size_t len = 0;
	const char *image = session_image(&b->session, &len);
	ret->checked = true;
	ret->right = image && picture_has(image, len, PROBE_X + 300, PROBE_Y + 300,
				      probe_colours[(b->rounds[OURS] + 1) % PROBE_COLOURS]);
	struct report_line report;
	if (!watch_next(b, OURS, &report, err)) {
		return false;
	}
	samples_add(&b->repaint, (double)(report.b - report.a) / 1000);
	return true;
}

static double settled_allowance(struct bench *b)
{
	return QUIET_MS + samples_percentile(&b->repaint, 50);
}

static bool peer_settled(struct bench *b, struct sample *ret, struct err *err)
{
	char x[16], y[16];
	snprintf(x, sizeof(x), "%d", PROBE_X + 100);
	snprintf(y, sizeof(y), "%d", PROBE_Y + 100);
	const char *const argv[] = { "xdotool", "mousemove", x, y, "click", "1", NULL };
	uint64_t began = now_us();
	unsigned long long hash;
	if (!xdotool(ret, argv, err)) {
		return false;
	}
	usleep(2000000);
	if (peer_screenshot(&b->peer, &hash, err) < 0) {
		return false;
	}
	ret->value = (double)(now_us() - began) / 1000;
	return true;
}

/* ---- typing, as received ---- */

#define TEXT_CHARS 1000

/* A thousand characters of the sample, over and over. */
static char *thousand(const char *sample)
{
	size_t len = strlen(sample);
	char *text = must(calloc(TEXT_CHARS + 1, 4));
	size_t at = 0;
	for (size_t chars = 0;; at++) {
		char c = sample[at % len];
		chars += ((unsigned char)c & 0xc0) != 0x80;
		if (chars > TEXT_CHARS) {
			return text;
		}
		text[at] = c;
	}
}

static bool begin_typing(struct bench *b, const char *sample, struct err *err)
{
	char args[64];
	struct report_line report;
	b->text = thousand(sample);
	snprintf(args, sizeof(args), "{\"coordinate\":[%d,%d]}", PROBE_X + 100, PROBE_Y + 100);
	/* The click gives it the keyboard; the probe reports clicks too. */
	if (!watch_start(b, "type", err) || !session_call(&b->session, "left_click", args, err) ||
		!watch_next(b, OURS, &report, err)) {
		return false;
	}
	struct sample click;
	const char *const argv[] = { "xdotool", "mousemove", "300", "200", "click", "1", NULL };
	return !b->peer.display[0] ||
	       (xdotool(&click, argv, err) && watch_next(b, PEERS, &report, err));
}

static bool begin_latin(struct bench *b, struct err *err)
{
	return begin_typing(b, latin_text, err);
}

static bool begin_mixed(struct bench *b, struct err *err)
{
	return begin_typing(b, mixed_text, err);
}

static void end_typing(struct bench *b)
{
	watch_stop(b);
	free((char *)b->text);
	b->text = NULL;
}

/* From the start to the later of: the call's end, the last character's arrival in the program. */
static void received(struct bench *b, const struct report_line *report, uint64_t began,
	uint64_t ended, struct sample *ret)
{
	uint64_t last = report->a > ended ? report->a : ended;
	ret->value = (double)(last - began) / 1000;
	ret->checked = true;
	ret->right = report->b == probe_hash(PROBE_HASH_START, b->text, strlen(b->text));
	if (!ret->right && getenv("BENCH_VERBOSE")) {
		fprintf(stderr, "typed: %llu characters arrived, not the text\n", report->c);
	}
}

static bool ours_type(struct bench *b, struct sample *ret, struct err *err)
{
	json_auto_t *args = must(json_pack("{ss}", "text", b->text));
	auto_free char *json = must(json_dumps(args, JSON_COMPACT));
	struct report_line report;
	if (!session_call(&b->session, "type", json, err)) {
		return false;
	}
	uint64_t began = b->session.sent_us, ended = b->session.answered_us;
	if (!session_call(&b->session, "key", "{\"text\":\"Escape\"}", err) ||
		!watch_next(b, OURS, &report, err)) {
		return false;
	}
	received(b, &report, began, ended, ret);
	return true;
}

static bool type_peer(struct bench *b, const char *delay, struct sample *ret, struct err *err)
{
	struct report_line report;
	const char *const type[] = { "xdotool", "type", "--delay", delay, "--", b->text, NULL };
	const char *const escape[] = { "xdotool", "key", "Escape", NULL };
	struct sample ignored;
	uint64_t began = now_us();
	if (!xdotool(ret, type, err)) {
		return false;
	}
	uint64_t ended = now_us();
	if (!xdotool(&ignored, escape, err) || !watch_next(b, PEERS, &report, err)) {
		return false;
	}
	received(b, &report, began, ended, ret);
	return true;
}

static bool peer_type(struct bench *b, struct sample *ret, struct err *err)
{
	return type_peer(b, "12", ret, err);
}

static bool peer_type_fast(struct bench *b, struct sample *ret, struct err *err)
{
	return type_peer(b, "0", ret, err);
}

/* ---- servers ---- */

struct servers {
	char program[4096], script[4096];
	const char *ours[5], *node[3];
};

static void servers_init(struct bench *b, struct servers *s)
{
	snprintf(s->program, sizeof(s->program), "%s/vitrine", b->build);
	snprintf(s->script, sizeof(s->script), "%s/tests/bench/peer_server.mjs", b->source);
	memcpy(s->ours, (const char *[]){ s->program, "serve", "--backend", "namespace", NULL },
		sizeof(s->ours));
	memcpy(s->node, (const char *[]){ "node", s->script, NULL }, sizeof(s->node));
}

static bool first_answer(const char *const *argv, struct sample *ret, struct err *err)
{
	struct session s = { 0 };
	uint64_t began = now_us();
	bool ok = session_start(&s, argv, err) && session_open(&s, err);
	ret->value = (double)(s.answered_us - began) / 1000;
	session_stop(&s);
	return ok;
}

static bool ours_start(struct bench *b, struct sample *ret, struct err *err)
{
	struct servers servers;
	servers_init(b, &servers);
	return first_answer(servers.ours, ret, err);
}

static bool peer_start_server(struct bench *b, struct sample *ret, struct err *err)
{
	struct servers servers;
	servers_init(b, &servers);
	return first_answer(servers.node, ret, err);
}

/* A field of smaps_rollup, in MiB. */
static bool memory_of(pid_t pid, const char *field, struct sample *ret, struct err *err)
{
	char path[64], line[256];
	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)pid);
	FILE *file = fopen(path, "re");
	if (!file) {
		return err_errno(err, "cannot read %s", path);
	}
	long kib = -1;
	while (kib < 0 && fgets(line, sizeof(line), file)) {
		if (strncmp(line, field, strlen(field)) == 0) {
			kib = strtol(line + strlen(field), NULL, 10);
		}
	}
	fclose(file);
	ret->value = (double)kib / 1024;
	return kib >= 0 || err_set(err, ERR_HOST, "%s has no %s", path, field);
}

static bool memory_idle(
	const char *const *argv, const char *field, struct sample *ret, struct err *err)
{
	struct session s = { 0 };
	bool ok = session_start(&s, argv, err) && session_open(&s, err) &&
		  session_ask(&s, "tools/list", "{}", err);
	usleep(300000);
	ok = ok && memory_of(s.pid, field, ret, err);
	session_stop(&s);
	return ok;
}

static bool ours_rss(struct bench *b, struct sample *ret, struct err *err)
{
	struct servers servers;
	servers_init(b, &servers);
	return memory_idle(servers.ours, "Rss:", ret, err);
}

static bool peer_rss(struct bench *b, struct sample *ret, struct err *err)
{
	struct servers servers;
	servers_init(b, &servers);
	return memory_idle(servers.node, "Rss:", ret, err);
}

static bool ours_pss(struct bench *b, struct sample *ret, struct err *err)
{
	struct servers servers;
	servers_init(b, &servers);
	return memory_idle(servers.ours, "Pss:", ret, err);
}

static bool peer_pss(struct bench *b, struct sample *ret, struct err *err)
{
	struct servers servers;
	servers_init(b, &servers);
	return memory_idle(servers.node, "Pss:", ret, err);
}

static bool ours_rss_used(struct bench *b, struct sample *ret, struct err *err)
{
	return memory_of(b->session.pid, "Rss:", ret, err);
}

/* ---- a new desktop ---- */

static bool ours_create(struct bench *b, struct sample *ret, struct err *err)
{
	struct servers servers;
	struct session s = { 0 };
	servers_init(b, &servers);
	bool ok = session_start(&s, servers.ours, err) && session_open(&s, err) &&
		  session_call(&s, "screenshot", "{}", err);
	ret->value = session_ms(&s);
	size_t len;
	ret->checked = true;
	ret->right = ok && session_image(&s, &len) != NULL;
	session_stop(&s);
	return ok;
}

static bool peer_create(struct bench *b, struct sample *ret, struct err *err)
{
	char script[4096];
	snprintf(script, sizeof(script), "%s/tests/bench/peer_desktop.sh", b->source);
	const char *const argv[] = { "sh", script, b->dir, NULL };
	struct session s = { 0 };
	bool ok = session_start(&s, argv, err) && session_ask(&s, "desktop", "{}", err);
	ret->value = session_ms(&s);
	session_stop(&s);
	return ok;
}

/* ---- the link ---- */

static bool begin_link(struct bench *b, struct err *err)
{
	char program[4096];
	snprintf(program, sizeof(program), "%s/bench-link", b->build);
	const char *const argv[] = { program, NULL };
	return session_start(&b->link, argv, err) && session_ask(&b->link, "ping", "{}", err);
}

static bool ours_link(struct bench *b, struct sample *ret, struct err *err)
{
	usleep(3000); /* idle, as it is between a model's calls */
	if (!session_ask(&b->link, "ping", "{}", err)) {
		return false;
	}
	const char *us = strstr(session_answer(&b->link), "\"us\":");
	ret->value = us ? strtod(us + 5, NULL) / 1000 : -1;
	return us || err_set(err, ERR_HOST, "%s", session_answer(&b->link));
}

static void end_link(struct bench *b)
{
	session_stop(&b->link);
}

const struct row bench_rows[] = {
	{ "click", "left_click, round trip over stdio", "ms", HOLD_MS + 2, NULL,
		"xdotool mousemove X Y click 1", 300, 100, NULL, ours_click, peer_click, NULL },
	{ "click-fast", "the same, the peer without its delay", "ms", HOLD_MS + 2, NULL,
		"xdotool ... click --delay 0 1", 300, 100, NULL, ours_click, peer_click_fast,
		NULL },
	{ "click-busy", "left_click beside 50 processes that print", "ms", HOLD_MS + 3, NULL, NULL,
		300, 0, begin_busy, ours_click, NULL, end_busy },
	{ "command", "run_command true", "ms", 3, NULL, "bash -l -c true, without a sandbox", 200,
		100, NULL, ours_command, peer_command, NULL },
	{ "output", "output of a process, from its print to the answer", "ms", 1, NULL, NULL, 200,
		0, begin_output, ours_output, NULL, end_output },
	{ "screenshot", "screenshot of a moving screen: JPEG, base64 in hand", "ms", 8, NULL,
		"scrot -q 80, read, base64", 200, 60, begin_animate, ours_moving, peer_moving,
		watch_stop },
	{ "screenshot-still", "screenshot of an unchanged screen", "ms", 8, NULL,
		"scrot -q 80, read, base64", 200, 60, NULL, ours_still, peer_still, end_still },
	{ "settled", "left_click until the settled frame", "ms", HOLD_MS + 5, settled_allowance,
		"xdotool, sleep 2, scrot", 40, 5, begin_paint, ours_settled, peer_settled,
		watch_stop },
	{ "batch", "computer_batch of 10 clicks", "ms", 4, batch_allowance,
		"xdotool, ten times mousemove and click", 40, 10, NULL, ours_batch, peer_batch,
		NULL },
	{ "since", "screenshot since a frame, nothing changed", "ms", 0.3, NULL, NULL, 200, 0, NULL,
		ours_since, NULL, NULL },
	{ "wait-window", "wait_for a window, after it is mapped", "ms", 5, NULL,
		"xdotool search --sync", 20, 10, NULL, ours_window_event, peer_window_event, NULL },
	{ "tree", "ui_tree of 300 elements in GTK 3", "ms", 60, NULL, NULL, 40, 0, begin_tree,
		ours_tree, NULL, end_tree },
	{ "windows", "window_list", "ms", 2, NULL, "xdotool search, getwindowgeometry", 100, 40,
		begin_text, ours_windows, peer_windows, end_text },
	{ "clipboard", "clipboard_set and clipboard_get", "ms", 5, NULL, "xclip -i, xclip -o", 100,
		40, NULL, ours_clipboard, peer_clipboard, NULL },
	{ "text", "find_text, the whole screen is read", "ms", 0, NULL, NULL, 20, 0, begin_text,
		ours_text, NULL, end_text },
	{ "text-again", "find_text, of what was read before", "ms", 0, NULL, NULL, 40, 0,
		begin_text, ours_text_again, NULL, end_text },
	{ "type", "type 1,000 characters, as received", "ms", 60, NULL, "xdotool type --delay 12",
		40, 2, begin_latin, ours_type, peer_type, end_typing },
	{ "type-fast", "the same, the peer without its delay", "ms", 60, NULL,
		"xdotool type --delay 0", 40, 20, begin_latin, ours_type, peer_type_fast,
		end_typing },
	{ "type-mixed", "type 1,000 characters of 7 scripts", "ms", 0, NULL,
		"xdotool type --delay 12", 20, 2, begin_mixed, ours_type, peer_type, end_typing },
	{ "upload", "64 MiB into a file of the sandbox", "ms", 134, NULL, "tar -x in it, by a pipe",
		20, 10, begin_files, ours_upload, peer_upload, end_files },
	{ "download", "64 MiB of a file of the sandbox", "ms", 134, NULL, "tar -c in it, by a pipe",
		20, 10, begin_files, ours_download, peer_download, end_files },
	{ "http-upload", "64 MiB by PUT to a URL of file_url", "ms", 134, NULL,
		"tar -x in it, by a pipe", 20, 10, begin_http_files, ours_http_upload, peer_upload,
		end_files },
	{ "http-download", "64 MiB by GET from a URL of file_url", "ms", 134, NULL,
		"tar -c in it, by a pipe", 20, 10, begin_http_files, ours_http_download,
		peer_download, end_files },
	{ "directory", "file_list of 10,000 entries", "ms", 60, NULL, "run_command ls -l", 40, 20,
		begin_directory, ours_directory, peer_directory, NULL },
	{ "code", "run_code, the second and later ones", "ms", 8, NULL,
		"jupyter_client, blocking, its own kernel", 200, 100, begin_code, ours_code,
		peer_code, end_code },
	{ "start", "server start until the first answer", "ms", 15, NULL, "node, MCP SDK v1", 50,
		15, NULL, ours_start, peer_start_server, NULL },
	{ "memory", "server resident memory, idle", "MiB", 12, NULL, "node, MCP SDK v1", 5, 3, NULL,
		ours_rss, peer_rss, NULL },
	{ "memory-share", "its share of it (PSS)", "MiB", 0, NULL, "node, MCP SDK v1", 5, 3, NULL,
		ours_pss, peer_pss, NULL },
	{ "memory-used", "resident after all of the above", "MiB", 12, NULL, NULL, 1, 0, NULL,
		ours_rss_used, NULL, NULL },
	{ "create", "sandbox create until the first frame", "ms", 500, NULL, "Xvfb, openbox, scrot",
		20, 10, NULL, ours_create, peer_create, NULL },
	{ "link", "link round trip, idle", "ms", 0.2, NULL, NULL, 500, 0, begin_link, ours_link,
		NULL, end_link },
	{ 0 },
};
