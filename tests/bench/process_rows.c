#include "tests/bench/process_rows.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* Prints the time, again and again. */
#define CLOCK_PROGRAM \
	"import time\\nwhile True:\\n print('at', time.time_ns(), flush=True)\\n time.sleep(0.05)"
static long long clock_pid, clock_since;

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

bool begin_output(struct bench *b, struct err *err)
{
	if (!session_call(&b->session, "run_command",
		    "{\"command\":\"exec python3 -c \\\"" CLOCK_PROGRAM "\\\"\","
		    "\"background\":true}",
		    err)) {
		return false;
	}
	const char *pid = strstr(session_answer(&b->session), "Process ");
	clock_pid = pid ? strtoll(pid + strlen("Process "), NULL, 10) : 0;
	clock_since = 0;
	return clock_pid || err_set(err, ERR_HOST, "no pid in %.200s", session_answer(&b->session));
}

/* How long ago the first line of an answer was printed, in ms; -1: there is none. */
static double age_of_line(const char *answer)
{
	const char *at = strstr(answer, "at ");
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	int64_t ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
	return at ? (double)(ns - strtoll(at + 3, NULL, 10)) / 1e6 : -1;
}

/* Each answer but the first has waited for its line. */
bool ours_output(struct bench *b, struct sample *ret, struct err *err)
{
	char args[200];
	snprintf(args, sizeof(args), "{\"pid\":%lld,\"since\":\"%lld\",\"wait\":5}", clock_pid,
		clock_since);
	if (!session_call(&b->session, "process_output", args, err)) {
		return false;
	}
	const char *answer = session_answer(&b->session), *since = strstr(answer, "since: ");
	ret->value = age_of_line(answer);
	ret->checked = true;
	ret->right = ret->value >= 0 && since;
	clock_since = since ? strtoll(since + 7, NULL, 10) : 0;
	return true;
}

void end_output(struct bench *b)
{
	char command[60];
	struct err ignored;
	snprintf(command, sizeof(command), "kill %lld", clock_pid);
	(void)session_shell(&b->session, command, &ignored);
}
