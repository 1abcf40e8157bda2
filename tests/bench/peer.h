#ifndef BENCH_PEER_H
#define BENCH_PEER_H

#include "base/err.h"

#include <sys/types.h>

/*
 * What others do for the same things: an Xvfb desktop with openbox, driven by running xdotool and
 * scrot, in a folder of its own.
 */
struct peer {
	pid_t x, wm;
	char display[16]; /* "" when it could not start: why says so */
	const char *dir;
	struct err why;
};

/* Takes note in peer->why when it cannot; a row that needs it then prints that. */
void peer_start(struct peer *peer, const char *dir);
void peer_stop(struct peer *peer);

/* Runs a program to its end and returns how long that took; -1 with err when it failed. */
double peer_run(const char *const *argv, struct err *err);
/* Starts one that stays; -1 on failure. */
pid_t peer_spawn(const char *const *argv, struct err *err);
void peer_kill(pid_t *pid); /* and waits */

/* scrot into a file, read it, base64 it: a picture in hand.  Returns ms or -1; *ret_hash tells
 * pictures apart. */
double peer_screenshot(struct peer *peer, unsigned long long *ret_hash, struct err *err);

/* Whether a program is in PATH. */
bool peer_has(const char *program, struct err *err);

#endif
