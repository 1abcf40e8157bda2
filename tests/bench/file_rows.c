#include "tests/bench/file_rows.h"

#include <stdio.h>
#include <string.h>

/* ---- bytes: bench-files has a sandbox of its own ---- */

static bool carry(struct bench *b, const char *way, struct sample *ret, struct err *err)
{
	if (!session_ask(&b->link, way, "{}", err)) {
		return false;
	}
	const char *us = strstr(session_answer(&b->link), "\"us\":");
	ret->value = us ? strtod(us + 5, NULL) / 1000 : -1;
	return us || err_set(err, ERR_HOST, "%s", session_answer(&b->link));
}

bool begin_files(struct bench *b, struct err *err)
{
	char program[4096];
	struct sample first;
	snprintf(program, sizeof(program), "%s/bench-files", b->build);
	const char *const argv[] = { program, NULL };
	return session_start(&b->link, argv, err) && carry(b, "upload", &first, err);
}

void end_files(struct bench *b)
{
	session_stop(&b->link);
}

bool ours_upload(struct bench *b, struct sample *ret, struct err *err)
{
	return carry(b, "upload", ret, err);
}

bool peer_upload(struct bench *b, struct sample *ret, struct err *err)
{
	return carry(b, "tar-in", ret, err);
}

bool ours_download(struct bench *b, struct sample *ret, struct err *err)
{
	return carry(b, "download", ret, err);
}

bool peer_download(struct bench *b, struct sample *ret, struct err *err)
{
	return carry(b, "tar-out", ret, err);
}

/* ---- a directory ---- */

bool begin_directory(struct bench *b, struct err *err)
{
	return session_shell(&b->session, "mkdir -p ten && cd ten && seq 10000 | xargs touch", err);
}

bool ours_directory(struct bench *b, struct sample *ret, struct err *err)
{
	bool ok = session_call(&b->session, "file_list", "{\"path\":\"ten\",\"limit\":10000}", err);
	ret->value = session_ms(&b->session);
	ret->checked = true;
	ret->right = ok && strstr(session_answer(&b->session), "ten: 10,000 entries") &&
		     strstr(session_answer(&b->session), " 9999\"");
	return ok;
}

bool peer_directory(struct bench *b, struct sample *ret, struct err *err)
{
	bool ok = session_shell(&b->session, "ls -l ten | cat >/dev/null", err);
	ret->value = session_ms(&b->session);
	return ok;
}
