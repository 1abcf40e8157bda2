/* The probe in both desktops: starts and ends it, and reads what it reports. */
#include "tests/bench/watch.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool scan_report(const char *text, struct report_line *ret)
{
	const char *at = strstr(text, "probe 0");
	return at &&
	       sscanf(at, "probe %llu %llu %llu %llu", &ret->round, &ret->a, &ret->b, &ret->c) == 4;
}

static bool read_ours(struct bench *b, struct report_line *ret, struct err *err)
{
	if (!session_shell(&b->session, "cat /home/user/probe.txt", err)) {
		return false;
	}
	*ret = (struct report_line){ 0 };
	(void)scan_report(session_answer(&b->session), ret);
	return true;
}

static bool read_peer(struct bench *b, struct report_line *ret, struct err *err)
{
	char path[128], text[256];
	snprintf(path, sizeof(path), "%s/probe.txt", b->dir);
	FILE *file = fopen(path, "re");
	if (!file) {
		return err_errno(err, "cannot read the probe's report");
	}
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	fclose(file);
	*ret = (struct report_line){ 0 };
	(void)scan_report(text, ret);
	return true;
}

/* Waits for a report behind the last one read. */
bool watch_next(struct bench *b, int side, struct report_line *ret, struct err *err)
{
	for (int i = 0; i < 1000; i++) {
		if (!(side == OURS ? read_ours : read_peer)(b, ret, err)) {
			return false;
		}
		if (ret->round > b->rounds[side]) {
			b->rounds[side] = ret->round;
			return true;
		}
		usleep(5000);
	}
	return err_set(err, ERR_TIMEOUT, "the probe on %s desktop reported nothing",
		side == OURS ? "our" : "the peer's");
}

bool watch_start(struct bench *b, const char *mode, struct err *err)
{
	char script[512];
	snprintf(script, sizeof(script),
		"rm -f probe.txt; printf '#!/bin/sh\\necho $$ > probe.pid\\n"
		"exec /home/user/bench-probe %s /home/user/probe.txt\\n' > probe.sh; chmod +x "
		"probe.sh",
		mode);
	b->rounds[OURS] = b->rounds[PEERS] = 0;
	if (!session_shell(&b->session, script, err) ||
		!session_call(
			&b->session, "launch", "{\"application\":\"/home/user/probe.sh\"}", err)) {
		return err_while(err, "starting the probe in the sandbox");
	}
	if (b->peer.display[0]) {
		char program[4096], file[128];
		snprintf(program, sizeof(program), "%s/bench-probe", b->build);
		snprintf(file, sizeof(file), "%s/probe.txt", b->dir);
		unlink(file);
		const char *const argv[] = { program, mode, file, NULL };
		b->peer_probe = peer_spawn(argv, err);
	}
	usleep(700000);
	return b->peer_probe >= 0;
}

void watch_stop(struct bench *b)
{
	struct err ignored;
	if (!session_shell(&b->session, "kill $(cat probe.pid)", &ignored)) {
		fprintf(stderr, "bench: the probe did not end: %s\n", ignored.text);
	}
	peer_kill(&b->peer_probe);
	usleep(300000);
}
