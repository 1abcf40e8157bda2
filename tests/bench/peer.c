/* The peers' way, as their code does it, but without the shell they put in between. */
#include "tests/bench/peer.h"

#include "base/base64.h"
#include "base/cleanup.h"
#include "base/spawn.h"
#include "tests/bench/probe.h"
#include "tests/bench/samples.h"
#include "tests/bench/session.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

bool peer_has(const char *program, struct err *err)
{
	const char *path = getenv("PATH");
	auto_free char *folders = must(strdup(path ? path : "/usr/bin:/bin"));
	char *state = NULL;
	for (char *dir = strtok_r(folders, ":", &state); dir; dir = strtok_r(NULL, ":", &state)) {
		char full[4096];
		snprintf(full, sizeof(full), "%s/%s", dir, program);
		if (access(full, X_OK) == 0) {
			return true;
		}
	}
	return err_set(err, ERR_NOT_FOUND, "%s is not installed", program);
}

pid_t peer_spawn(const char *const *argv, struct err *err)
{
	struct spawn how = { .argv = argv, .die_with_us = true };
	return spawn_start(&how, err);
}

double peer_run(const char *const *argv, struct err *err)
{
	uint64_t start = now_us();
	pid_t pid = peer_spawn(argv, err);
	if (pid < 0) {
		return -1;
	}
	int status = session_reap(pid, 120000);
	if (status != 0) {
		err_set(err, ERR_HOST, "%s %s", argv[0], spawn_describe_end(status));
		return -1;
	}
	return (double)(now_us() - start) / 1000;
}

void peer_kill(pid_t *pid)
{
	if (*pid > 0) {
		kill(*pid, SIGTERM);
		session_reap(*pid, 5000);
	}
	*pid = 0;
}

/* Xvfb tells its display's number when it takes connections. */
static bool start_x(struct peer *peer, struct err *err)
{
	int pair[2];
	if (pipe2(pair, O_CLOEXEC)) {
		return err_errno(err, "cannot make a pipe");
	}
	auto_close int read_end = pair[0];
	auto_close int write_end = pair[1];
	const char *const argv[] = { "Xvfb", "-displayfd", "3", "-screen", "0", "1280x800x24",
		"-nolisten", "tcp", "-noreset", NULL };
	struct spawn_fd fds[] = { { write_end, 3 } };
	struct spawn how = { .argv = argv, .fds = fds, .n_fds = 1, .die_with_us = true };
	peer->x = spawn_start(&how, err);
	if (peer->x < 0) {
		return false;
	}
	close(take_fd(&write_end));
	char number[8] = "";
	struct pollfd ready = { .fd = read_end, .events = POLLIN };
	for (size_t len = 0; !strchr(number, '\n'); len++) {
		if (len + 1 == sizeof(number) || poll(&ready, 1, 20000) <= 0 ||
			read(read_end, number + len, 1) != 1) {
			return err_set(err, ERR_HOST, "Xvfb did not start");
		}
	}
	snprintf(peer->display, sizeof(peer->display), ":%.*s", (int)strcspn(number, "\n"), number);
	return true;
}

static bool start(struct peer *peer, struct err *err)
{
	const char *const needs[] = { "Xvfb", "openbox", "xdotool", "scrot", NULL };
	for (size_t i = 0; needs[i]; i++) {
		if (!peer_has(needs[i], err)) {
			return false;
		}
	}
	if (!start_x(peer, err)) {
		return false;
	}
	setenv("DISPLAY", peer->display, 1);
	const char *const wm[] = { "openbox", "--sm-disable", NULL };
	peer->wm = peer_spawn(wm, err);
	usleep(500000);
	return peer->wm > 0;
}

void peer_start(struct peer *peer, const char *dir)
{
	*peer = (struct peer){ .dir = dir };
	if (!start(peer, &peer->why)) {
		peer_stop(peer);
	}
}

void peer_stop(struct peer *peer)
{
	peer_kill(&peer->wm);
	peer_kill(&peer->x);
	peer->display[0] = '\0';
}

double peer_screenshot(struct peer *peer, unsigned long long *ret_hash, struct err *err)
{
	char file[4096];
	snprintf(file, sizeof(file), "%s/shot.jpg", peer->dir);
	const char *const argv[] = { "scrot", "-p", "-o", "-q", "80", file, NULL };
	uint64_t began = now_us();
	if (peer_run(argv, err) < 0) {
		return -1;
	}
	auto_close int fd = open(file, O_RDONLY | O_CLOEXEC);
	struct stat info;
	if (fd < 0 || fstat(fd, &info)) {
		err_errno(err, "scrot left no picture");
		return -1;
	}
	auto_free char *bytes = must(malloc(info.st_size));
	if (read(fd, bytes, info.st_size) != info.st_size) {
		err_errno(err, "cannot read %s", file);
		return -1;
	}
	size_t len;
	auto_free char *text = base64_encode(bytes, info.st_size, &len);
	double ms = (double)(now_us() - began) / 1000;
	*ret_hash = probe_hash(PROBE_HASH_START, text, len);
	return ms;
}
