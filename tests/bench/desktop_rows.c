/* The list of windows, a text that goes onto the clipboard and comes back, and one that is read. */
#include "tests/bench/desktop_rows.h"

#include "tests/bench/probe.h"

#include <stdio.h>
#include <string.h>

bool ours_windows(struct bench *b, struct sample *ret, struct err *err)
{
	bool ok = session_call(&b->session, "window_list", "{}", err);
	ret->value = session_ms(&b->session);
	ret->checked = true;
	ret->right = ok && strstr(session_answer(&b->session), "front to back");
	return ok;
}

bool peer_windows(struct bench *b, struct sample *ret, struct err *err)
{
	static const char *const argv[] = { "xdotool", "search", "--onlyvisible", "--name", "",
		"getwindowgeometry", "%@", NULL };
	(void)b;
	ret->value = peer_run(argv, err);
	return ret->value >= 0;
}

/* Another text each time. */
bool ours_clipboard(struct bench *b, struct sample *ret, struct err *err)
{
	static int turn;
	char args[80], text[40];
	snprintf(text, sizeof(text), "copied text %d", ++turn);
	snprintf(args, sizeof(args), "{\"text\":\"%s\"}", text);
	if (!session_call(&b->session, "clipboard_set", args, err)) {
		return false;
	}
	ret->value = session_ms(&b->session);
	bool ok = session_call(&b->session, "clipboard_get", "{}", err);
	ret->value += session_ms(&b->session);
	ret->checked = true;
	ret->right = ok && strstr(session_answer(&b->session), text);
	return ok;
}

bool peer_clipboard(struct bench *b, struct sample *ret, struct err *err)
{
	static const char *const argv[] = { "sh", "-c",
		"printf 'copied text' | xclip -selection clipboard -i >/dev/null 2>&1 && "
		"test \"$(xclip -selection clipboard -o)\" = 'copied text'",
		NULL };
	(void)b;
	if (!peer_has("xclip", err)) {
		return false;
	}
	ret->value = peer_run(argv, err);
	return ret->value >= 0;
}

/* ---- text on the screen ---- */

#define LAST_LINE "the last line"

/* A terminal with 24 lines.  Nothing is read yet. */
bool begin_text(struct bench *b, struct err *err)
{
	return session_shell(&b->session,
		       "(xterm -T Lines -e 'ls -l /usr/bin | head -23; echo " LAST_LINE
		       "; sleep 1000' >/dev/null 2>&1 & echo $! >/tmp/terminal)",
		       err) &&
	       session_call(&b->session, "wait_for",
		       "{\"until\":\"window\",\"title\":\"Lines\",\"timeout\":60}", err) &&
	       session_call(&b->session, "wait_for", "{\"until\":\"settled\"}", err);
}

static bool find_in(struct bench *b, const char *region, struct sample *ret, struct err *err)
{
	char args[160];
	snprintf(args, sizeof(args),
		"{\"text\":\"" LAST_LINE "\",\"source\":\"picture\",\"region\":%s}", region);
	bool ok = session_call(&b->session, "find_text", args, err);
	ret->value = session_ms(&b->session);
	ret->checked = true;
	ret->right = ok && strstr(session_answer(&b->session), "was found 1 time");
	return ok;
}

/* Neither region contains the other, so what was read does not answer. */
bool ours_text(struct bench *b, struct sample *ret, struct err *err)
{
	static int turn;
	return find_in(b, turn++ % 2 ? "[0,0,1280,799]" : "[0,1,1280,800]", ret, err);
}

bool ours_text_again(struct bench *b, struct sample *ret, struct err *err)
{
	struct sample first;
	return find_in(b, "[0,0,1280,800]", &first, err) && find_in(b, "[0,0,1280,800]", ret, err);
}

void end_text(struct bench *b)
{
	struct err ignored;
	(void)!session_shell(&b->session, "kill $(cat /tmp/terminal)", &ignored);
}
