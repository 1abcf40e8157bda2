#include "tests/support/files_client.h"

#include <limits.h>
#include <stdarg.h>

static void write_more(struct client *c, struct files_talk *t)
{
	static char block[65536];
	memset(block, 'w', sizeof(block));
	while (t->left) {
		size_t want = t->left < sizeof(block) ? t->left : sizeof(block);
		size_t n = link_write(c->link, t->id, FILE_BYTES,
			t->to_write ? (const char *)t->to_write : block, want);
		t->left -= n;
		t->to_write += t->to_write ? n : 0;
		if (n < want) {
			return;
		}
	}
	if (!t->keeps_open) {
		link_end(c->link, t->id);
	}
}

static void on_data(
	struct link *link, uint32_t id, unsigned channel, const void *bytes, size_t len, void *data)
{
	struct files_talk *t = data;
	cr_assert_eq(channel, 0u);
	cr_assert_not(t->answer.came, "bytes after the answer");
	t->total += len;
	if (!t->discards) {
		buf_append(&t->bytes, bytes, len);
	}
	if (!t->stalled) {
		link_consumed(link, id, len);
	}
}

static void on_message(
	struct link *link, uint32_t id, const struct link_msg *msg, size_t cost, void *data)
{
	struct files_talk *t = data;
	auto_free void *args = NULL;
	struct err err;
	cr_assert(message_speech_decode(&t->op->talk->agent, msg, &args, &err), "%s", err.text);
	json_decref(t->message);
	t->message = json_deep_copy(json_object_get(msg->json, "args"));
	t->messages++;
	link_consumed(link, id, cost);
}

static void on_writable(struct link *link, uint32_t id, void *data)
{
	static struct client fake;
	struct files_talk *t = data;
	(void)id;
	fake.link = link;
	write_more(&fake, t);
}

static void on_reply(const struct link_msg *msg, const struct err *err, void *data)
{
	client_on_reply(msg, err, &((struct files_talk *)data)->answer);
}

static const struct link_talk talk = {
	.data = on_data,
	.message = on_message,
	.writable = on_writable,
};

void files_open(struct client *c, const struct message *op, json_t *args, struct files_talk *t)
{
	t->op = op;
	cr_assert(args, "wrong arguments");
	t->id = op->talk ? link_converse(c->link, op->name, args, NULL, 0, &talk, on_reply, t)
			 : link_request(c->link, op->name, args, on_reply, t);
}

void files_run(struct client *c, const struct message *op, json_t *args, struct files_talk *t)
{
	*t = (struct files_talk){ .discards = t->discards };
	files_open(c, op, args, t);
	cr_assert(client_until(c, t->answer.came), "no answer to '%s'", op->name);
	if (t->answer.result) {
		struct err err;
		auto_free void *answer = must(calloc(1, op->answer.size + 1));
		cr_assert(message_decode(&op->answer, t->answer.result, 0, answer, &err), "%s",
			err.text);
	}
}

void files_write(
	struct client *c, json_t *args, const void *bytes, size_t len, struct files_talk *t)
{
	*t = (struct files_talk){ .to_write = bytes, .left = len };
	files_open(c, &message_file_write, args, t);
	write_more(c, t);
	cr_assert(client_until(c, t->answer.came), "no answer");
}

void files_done(struct files_talk *t)
{
	answer_done(&t->answer);
	buf_done(&t->bytes);
	json_decref(t->message);
	json_decref(t->rows);
	*t = (struct files_talk){ 0 };
}

const json_t *files_rows(struct files_talk *t)
{
	json_decref(t->rows);
	t->rows = json_array();
	const char *at = buf_text(&t->bytes), *end = at + t->bytes.len;
	while (at < end) {
		const char *line = memchr(at, '\n', (size_t)(end - at));
		cr_assert(line, "a row is not complete");
		json_t *row = json_loadb(at, (size_t)(line - at), 0, NULL);
		struct err err;
		char scratch[1024];
		cr_assert(row && field_decode(t->op->talk->agent.rows[0], row, scratch, &err), "%s",
			err.text);
		json_array_append_new(t->rows, row);
		at = line + 1;
	}
	return t->rows;
}

json_int_t files_number(const struct files_talk *t, const char *member)
{
	cr_assert(t->answer.result, "%s", t->answer.err.text);
	return json_integer_value(json_object_get(t->answer.result, member));
}

void files_must_fail(const struct files_talk *t, enum err_kind kind, const char *words)
{
	cr_assert(!t->answer.result, "it succeeded");
	cr_expect_eq(t->answer.err.kind, kind, "%s: %s", err_kind_word(t->answer.err.kind),
		t->answer.err.text);
	cr_expect(strstr(t->answer.err.text, words), "'%s' lacks '%s'", t->answer.err.text, words);
}

/* ---- the disk ---- */

const char *files_path(const struct client *c, const char *fmt, ...)
{
	static char paths[8][PATH_MAX + 100];
	static unsigned turn;
	char *path = paths[turn++ % 8];
	va_list ap;
	int n = snprintf(path, sizeof(paths[0]), "%s/", c->home);
	va_start(ap, fmt);
	vsnprintf(path + n, sizeof(paths[0]) - (size_t)n, fmt, ap);
	va_end(ap);
	return path;
}

void files_put(const char *path, const void *bytes, size_t len)
{
	auto_close int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	cr_assert(
		fd >= 0 && write(fd, bytes, len) == (ssize_t)len, "%s: %s", path, strerror(errno));
}

char *files_get(const char *path, size_t *ret_len)
{
	struct buf out = { 0 };
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	cr_assert(fd >= 0, "%s: %s", path, strerror(errno));
	ssize_t n;
	do {
		buf_reserve(&out, 65536);
		n = read(fd, out.data + out.len, 65536);
		out.len += n > 0 ? (size_t)n : 0;
	} while (n > 0);
	*ret_len = out.len;
	buf_append(&out, "", 1);
	return (char *)out.data;
}

size_t files_count(const char *path)
{
	size_t n = 0;
	DIR *dir = opendir(path);
	cr_assert(dir, "%s: %s", path, strerror(errno));
	while (readdir(dir)) {
		n++;
	}
	closedir(dir);
	return n - 2;
}
