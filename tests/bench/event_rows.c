/* A list of clicks, an unchanged screen, a window that opens, and the elements of a window. */
#include "tests/bench/desktop_rows.h"

#include "base/buf.h"
#include "tests/bench/watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- clicks ---- */

#define CLICKS 10
#define HOLD_MS 21 /* as vm/agent/x11/input.h has it, and between two clicks */

double batch_allowance(struct bench *b)
{
	(void)b;
	return HOLD_MS * (2 * CLICKS - 1);
}

bool ours_batch(struct bench *b, struct sample *ret, struct err *err)
{
	auto_buf struct buf args = { 0 };
	for (int i = 0; i < CLICKS; i++) {
		buf_printf(&args, "%s{\"action\":\"left_click\",\"coordinate\":[%d,650]}",
			i ? "," : "{\"actions\":[", 300 + 40 * i);
	}
	buf_printf(&args, "]}");
	bool ok = session_call(&b->session, "computer_batch", buf_text(&args), err);
	const char *line = ok ? session_answer(&b->session) : "";
	int clicked = 0;
	for (; (line = strstr(line, "Clicked.")); line++) {
		clicked++;
	}
	ret->value = session_ms(&b->session);
	ret->checked = true;
	ret->right = clicked == CLICKS;
	return ok;
}

bool peer_batch(struct bench *b, struct sample *ret, struct err *err)
{
	char x[CLICKS][12];
	const char *argv[6 * CLICKS + 2] = { "xdotool" };
	size_t n = 1;
	(void)b;
	for (int i = 0; i < CLICKS; i++) {
		snprintf(x[i], sizeof(x[i]), "%d", 300 + 40 * i);
		const char *const click[] = { "mousemove", x[i], "650", "click", "1" };
		memcpy(&argv[n], click, sizeof(click));
		n += sizeof(click) / sizeof(*click);
	}
	ret->value = peer_run(argv, err);
	return ret->value >= 0;
}

/* ---- nothing has changed ---- */

bool ours_since(struct bench *b, struct sample *ret, struct err *err)
{
	static long long frame;
	char args[60];
	snprintf(args, sizeof(args), "{\"since\":%lld}", frame > 0 ? frame : 1);
	bool ok = session_call(&b->session, "screenshot", args, err);
	const char *answer = ok ? session_answer(&b->session) : "";
	const char *at = strstr(answer, "frame ");
	frame = at ? strtoll(at + 6, NULL, 10) : 0;
	ret->value = session_ms(&b->session);
	ret->checked = true;
	ret->right = strstr(answer, "has not changed");
	return ok;
}

/* ---- a window that opens ---- */

static bool later_than_map(
	struct bench *b, int side, uint64_t answered_us, struct sample *ret, struct err *err)
{
	struct report_line mapped;
	b->rounds[side] = 0;
	if (!watch_next(b, side, &mapped, err)) {
		return false;
	}
	ret->value = ((double)answered_us - (double)mapped.a) / 1000;
	return true;
}

bool ours_window_event(struct bench *b, struct sample *ret, struct err *err)
{
	if (!session_shell(&b->session,
		    "rm -f probe.txt; (sleep 0.3; exec ./bench-probe window probe.txt) "
		    ">/dev/null 2>&1 & echo $! > probe-pid",
		    err) ||
		!session_call(&b->session, "wait_for",
			"{\"until\":\"window\",\"title\":\"window\"}", err)) {
		return false;
	}
	uint64_t answered_us = b->session.answered_us;
	ret->checked = true;
	ret->right = strstr(session_answer(&b->session), "\\\"window\\\"");
	return later_than_map(b, OURS, answered_us, ret, err) &&
	       session_shell(&b->session, "kill $(cat probe-pid)", err) &&
	       session_call(&b->session, "wait_for",
		       "{\"until\":\"window_gone\",\"title\":\"window\"}", err);
}

bool peer_window_event(struct bench *b, struct sample *ret, struct err *err)
{
	char script[400];
	snprintf(script, sizeof(script),
		"(sleep 0.3; exec %s/bench-probe window %s/probe.txt) >/dev/null 2>&1 & echo $! > %s/probe-pid; "
		"exec xdotool search --sync --onlyvisible --name '^window$' > /dev/null",
		b->build, b->dir, b->dir);
	const char *const wait[] = { "sh", "-c", script, NULL };
	bool ok = peer_run(wait, err) >= 0 && later_than_map(b, PEERS, now_us(), ret, err);
	snprintf(script, sizeof(script),
		"kill $(cat %s/probe-pid); rm -f %s/probe.txt %s/probe-pid", b->dir, b->dir,
		b->dir);
	struct err ignored;
	(void)peer_run(wait, &ignored);
	return ok;
}

/* ---- elements ---- */

bool begin_tree(struct bench *b, struct err *err)
{
	return session_shell(&b->session,
		       "printf '%s\\n' 'import gi' 'gi.require_version(\"Gtk\", \"3.0\")' "
		       "'from gi.repository import Gtk' 'w = Gtk.Window(title=\"Grid\")' "
		       "'g = Gtk.Grid(); w.add(g)' "
		       "'[g.attach(Gtk.Button(label=str(i)), i % 20, i // 20, 1, 1) for i in "
		       "range(300)]' 'w.show_all(); Gtk.main()' > grid.py; "
		       "(setsid /usr/bin/python3 grid.py >/dev/null 2>&1 & echo $! > grid-pid)",
		       err) &&
	       session_call(&b->session, "wait_for",
		       "{\"until\":\"window\",\"title\":\"Grid\",\"timeout\":60}", err) &&
	       session_call(&b->session, "wait_for", "{\"until\":\"settled\"}", err) &&
	       session_call(&b->session, "ui_tree", "{\"limit\":400}", err);
}

bool ours_tree(struct bench *b, struct sample *ret, struct err *err)
{
	bool ok = session_call(&b->session, "ui_tree", "{\"limit\":400}", err);
	ret->value = session_ms(&b->session);
	ret->checked = true;
	ret->right = ok && strstr(session_answer(&b->session), "button \\\"299\\\"");
	return ok;
}

void end_tree(struct bench *b)
{
	struct err ignored;
	(void)!session_shell(&b->session, "kill $(cat grid-pid)", &ignored);
}
