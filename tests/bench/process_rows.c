#include "tests/bench/process_rows.h"

#include <string.h>

bool ours_command(struct bench *b, struct sample *ret, struct err *err)
{
	bool ok = session_call(&b->session, "run_command", "{\"command\":\"true\"}", err);
	ret->value = session_ms(&b->session);
	ret->checked = true;
	ret->right = ok && strstr(session_answer(&b->session), "no output");
	return ok;
}

bool peer_command(struct bench *b, struct sample *ret, struct err *err)
{
	const char *const argv[] = { "env", "-i", "HOME=/tmp", "/bin/bash", "-l", "-c", "true",
		NULL };
	(void)b;
	ret->value = peer_run(argv, err);
	return ret->value >= 0;
}

bool begin_busy(struct bench *b, struct err *err)
{
	for (int i = 0; i < 50; i++) {
		if (!session_call(&b->session, "run_command",
			    "{\"command\":\"while :; do echo a line of output; sleep 0.1; done\","
			    "\"background\":true}",
			    err)) {
			return false;
		}
	}
	return true;
}

void end_busy(struct bench *b)
{
	struct err ignored;
	(void)session_shell(&b->session, "pkill -f 'a line of output'", &ignored);
}
