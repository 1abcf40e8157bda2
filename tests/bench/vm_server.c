/* A thread reads what the server logs, because the time at which a line came is what counts. */
#include "tests/bench/vm_server.h"

#include "base/cleanup.h"
#include "tests/bench/samples.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define ARGV_MAX 32
#define SOON_MS 300

static void keep(struct vm_server *v, const char *line)
{
	struct vm_line kept = { now_us(), must(strdup(line)) };
	if (getenv("BENCH_VERBOSE")) {
		fputs(line, stderr);
	}
	pthread_mutex_lock(&v->lock);
	v->lines = must(realloc(v->lines, (v->n + 1) * sizeof(*v->lines)));
	v->lines[v->n++] = kept;
	pthread_mutex_unlock(&v->lock);
}

static void *read_lines(void *data)
{
	struct vm_server *v = data;
	FILE *file = must(fdopen(v->errors, "re"));
	char line[1024];
	while (fgets(line, sizeof(line), file)) {
		keep(v, line);
	}
	fclose(file);
	return NULL;
}

bool vm_server_start(struct vm_server *v, const char *build, const char *backend,
	const char *const *more, struct err *err)
{
	char program[4096];
	const char *argv[ARGV_MAX] = { program, "serve", "--backend", backend, "--tools", "all",
		"--log-level", "debug" };
	int pair[2];
	snprintf(program, sizeof(program), "%s/vitrine", build);
	for (size_t n = 8; *more && n + 1 < ARGV_MAX; n++) {
		argv[n] = *more++;
	}
	*v = (struct vm_server){ .errors = -1 };
	if (pipe2(pair, O_CLOEXEC)) {
		return err_errno(err, "cannot make a pipe");
	}
	auto_close int write_end = pair[1];
	v->errors = pair[0];
	pthread_mutex_init(&v->lock, NULL);
	v->reading = pthread_create(&v->reader, NULL, read_lines, v) == 0;
	return (v->reading || err_set(err, ERR_HOST, "no thread can be had")) &&
	       session_start_with(&v->s, argv, write_end, err) && session_open(&v->s, err);
}

void vm_server_stop(struct vm_server *v)
{
	session_stop(&v->s);
	if (v->reading) {
		pthread_join(v->reader, NULL); /* it ends with the last writer */
		pthread_mutex_destroy(&v->lock);
	}
	for (size_t i = 0; i < v->n; i++) {
		free(v->lines[i].text);
	}
	free(v->lines);
	*v = (struct vm_server){ .errors = -1 };
}

bool vm_call(struct vm_server *v, struct err *err, const char *tool, const char *args, ...)
{
	char text[2048];
	va_list list;
	va_start(list, args);
	vsnprintf(text, sizeof(text), args, list);
	va_end(list);
	return session_call(&v->s, tool, text, err);
}

static size_t id_at(const char *text)
{
	size_t len = 0;
	while (islower((unsigned char)text[len]) || isdigit((unsigned char)text[len])) {
		len++;
	}
	return len;
}

/* A line's end is written as \n in JSON, whose n is not the id's. */
size_t vm_ids(const struct vm_server *v, char (*ret_ids)[ID_LEN + 1], size_t max)
{
	const char *at = strstr(session_answer(&v->s), "\"text\":\"");
	size_t n = 0;
	for (at = at ? at + 8 : ""; *at && n < max;) {
		if (at[0] == '\\' && at[1]) {
			at += 2;
			continue;
		}
		size_t len = id_at(at);
		if (len == ID_LEN) {
			snprintf(ret_ids[n++], ID_LEN + 1, "%s", at);
		}
		at += len ? len : 1;
	}
	return n;
}

static uint64_t look(struct vm_server *v, uint64_t since, const char *id, const char *what,
	char *ret_line, size_t size)
{
	uint64_t at = 0;
	pthread_mutex_lock(&v->lock);
	for (size_t i = 0; i < v->n && !at; i++) {
		const struct vm_line *line = &v->lines[i];
		if (line->us >= since && strstr(line->text, id) && strstr(line->text, what)) {
			at = line->us;
			if (ret_line) {
				snprintf(ret_line, size, "%s", line->text);
			}
		}
	}
	pthread_mutex_unlock(&v->lock);
	return at;
}

static uint64_t look_until(struct vm_server *v, uint64_t since, const char *id, const char *what,
	char *ret_line, size_t size, int ms)
{
	uint64_t at;
	for (int waited = 0; (at = look(v, since, id, what, ret_line, size)) == 0 && waited < ms;
		waited += 5) {
		usleep(5000);
	}
	return at;
}

uint64_t vm_saw(struct vm_server *v, uint64_t since, const char *id, const char *what,
	char *ret_line, size_t size)
{
	return look_until(v, since, id, what, ret_line, size, SOON_MS);
}

double vm_told(struct vm_server *v, uint64_t since, const char *id, const char *what)
{
	char line[1024];
	return vm_saw(v, since, id, what, line, sizeof(line))
		       ? strtod(strstr(line, what) + strlen(what), NULL)
		       : -1;
}

bool vm_wait_line(struct vm_server *v, uint64_t since, const char *what, int ms)
{
	return look_until(v, since, "", what, NULL, 0, ms) != 0;
}
