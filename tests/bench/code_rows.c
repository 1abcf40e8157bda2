#include "tests/bench/code_rows.h"

#include <stdio.h>
#include <string.h>

static struct session peer;

/* The first execution starts the kernel, and defines x. */
bool begin_code(struct bench *b, struct err *err)
{
	char script[4096];
	snprintf(script, sizeof(script), "%s/tests/bench/peer_code.py", b->source);
	const char *const argv[] = { "/usr/bin/python3", script, NULL };
	return session_call(&b->session, "run_code", "{\"code\":\"x = 41\"}", err) &&
	       session_start(&peer, argv, err) &&
	       session_ask(&peer, "run", "{\"code\":\"x = 41\"}", err);
}

static void judge(const struct session *s, bool ok, struct sample *ret)
{
	ret->value = session_ms(s);
	ret->checked = true;
	ret->right = ok && strstr(session_answer(s), "42");
}

bool ours_code(struct bench *b, struct sample *ret, struct err *err)
{
	bool ok = session_call(&b->session, "run_code", "{\"code\":\"x + 1\"}", err);
	judge(&b->session, ok, ret);
	return ok;
}

bool peer_code(struct bench *b, struct sample *ret, struct err *err)
{
	bool ok = session_ask(&peer, "run", "{\"code\":\"x + 1\"}", err);
	(void)b;
	judge(&peer, ok, ret);
	return ok;
}

void end_code(struct bench *b)
{
	(void)b;
	session_stop(&peer);
}
