#include "server/methods/resource_file.h"

#include "base/base64.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/loop.h"
#include "base/utf8.h"

#include <ctype.h>
#include <string.h>

#define READ_MAX 500000 /* bytes; of more, a part must be named */
#define PAUSE_MS 200    /* between two reports */

void file_part_done(struct file_part *part)
{
	free(take_ptr(&part->path));
}

/* ---- URIs ---- */

static int hex(char c)
{
	return isdigit((unsigned char)c)    ? c - '0'
	       : isxdigit((unsigned char)c) ? tolower((unsigned char)c) - 'a' + 10
					    : -1;
}

/* Bytes that are not UTF-8 are written as the messages have them. */
static bool decode_path(const char *text, size_t len, struct buf *out, struct err *err)
{
	auto_buf struct buf plain = { 0 };
	for (size_t i = 0; i < len; i++) {
		char c = text[i];
		if (c == '%') {
			int high = i + 2 < len ? hex(text[i + 1]) : -1;
			int low = i + 2 < len ? hex(text[i + 2]) : -1;
			if (high < 0 || low < 0 || high + low == 0) {
				return err_set(err, ERR_ARGUMENT,
					"a '%%' in a file's URI must be followed by two hexadecimal "
					"digits that are not 00");
			}
			c = (char)(high * 16 + low);
			i += 2;
		}
		buf_append(&plain, &c, 1);
	}
	for (size_t i = 0; i < plain.len;) {
		size_t n = utf8_char_len(plain.data + i, plain.len - i);
		if (n) {
			buf_append(out, plain.data + i, n);
		} else {
			buf_printf(out, "\\x%02x", plain.data[i]);
		}
		i += n ? n : 1;
	}
	return true;
}

static bool parse_number(const char *text, size_t len, int64_t most, int64_t *ret, struct err *err)
{
	int64_t n = 0;
	for (size_t i = 0; i < len; i++) {
		n = isdigit((unsigned char)text[i]) && n <= most ? n * 10 + (text[i] - '0')
								 : most + 1;
	}
	*ret = n;
	return (len && n <= most) ||
	       err_set(err, ERR_ARGUMENT,
		       "'offset' and 'length' of a file's URI must be numbers, at most %lld; got "
		       "'%.*s'",
		       (long long)most, len < 40 ? (int)len : 40, text);
}

static bool parse_query(const char *at, struct file_part *part, struct err *err)
{
	while (*at) {
		size_t len = strcspn(at, "&"), name = strcspn(at, "=&");
		bool offset = name == 6 && strncmp(at, "offset=", 7) == 0;
		bool length = name == 6 && strncmp(at, "length=", 7) == 0;
		if (!offset && !length) {
			return err_set(err, ERR_ARGUMENT,
				"the query of a file's URI is offset=N&length=N; got '%.60s'", at);
		}
		if (!parse_number(at + 7, len - 7,
			    offset ? (int64_t)MESSAGE_FILE_SIZE_MAX : READ_MAX,
			    offset ? &part->offset : &part->length, err)) {
			return false;
		}
		at += len + (at[len] == '&');
	}
	return true;
}

bool file_part_parse(const char *rest, struct file_part *ret_part, struct err *err)
{
	struct file_part part = { 0 };
	size_t len = strcspn(rest, "?");
	struct buf path = { 0 };
	bool ok = rest[0] == '/'
			  ? decode_path(rest, len, &path, err)
			  : err_set(err, ERR_ARGUMENT, "the path of a file must begin with /");
	ok = ok && (!rest[len] || parse_query(rest + len + 1, &part, err));
	if (!ok) {
		buf_done(&path);
		return false;
	}
	part.path = (char *)path.data;
	*ret_part = part;
	return true;
}

/* ---- reading ---- */

struct part_reading {
	struct conversation *conversation;
	struct buf bytes;
	int64_t length, size;
	char *path;
	file_part_read_fn *fn;
	void *data;
};

static void report(
	struct part_reading *reading, json_t *body, const char *type, const struct err *err)
{
	file_part_read_fn *fn = reading->fn;
	void *data = reading->data;
	buf_done(&reading->bytes);
	free(reading->path);
	free(reading);
	fn(body, type, err, data);
}

static const char *image_type(const struct buf *bytes)
{
	return bytes->len > 8 && memcmp(bytes->data, "\211PNG\r\n\032\n", 8) == 0 ? "image/png"
	       : bytes->len > 3 && memcmp(bytes->data, "\377\330\377", 3) == 0    ? "image/jpeg"
										  : NULL;
}

static void report_bytes(struct part_reading *reading)
{
	struct buf *bytes = &reading->bytes;
	if (utf8_is_valid(bytes->data, bytes->len)) {
		json_t *text = json_stringn((const char *)bytes->data, bytes->len);
		report(reading, json_pack("{s:o}", "text", text), "text/plain", NULL);
		return;
	}
	size_t len;
	auto_free char *base64 = base64_encode(bytes->data, bytes->len, &len);
	const char *type = image_type(bytes);
	report(reading, json_pack("{s:o}", "blob", json_stringn_nocheck(base64, len)),
		type ? type : "application/octet-stream", NULL);
}

static void on_data(
	struct conversation *c, unsigned channel, const void *bytes, size_t len, void *data)
{
	struct part_reading *reading = data;
	struct err err;
	(void)channel;
	conversation_consumed(c, len);
	buf_append(&reading->bytes, bytes, len);
	if (reading->bytes.len > READ_MAX) {
		err_set(&err, ERR_LIMIT,
			"%.200s has %lld bytes; at most %d are read at once: append "
			"?offset=0&length=%d to the URI",
			reading->path, (long long)reading->size, READ_MAX, READ_MAX);
		conversation_close(c);
		report(reading, NULL, NULL, &err);
	}
}

static void on_message(struct conversation *c, const struct message *message, const void *args,
	size_t cost, void *data)
{
	struct part_reading *reading = data;
	struct msg_file_entry entry;
	struct err ignored;
	(void)message;
	conversation_consumed(c, cost);
	if (guest_file_entry(((const struct msg_file_opened *)args)->entry, &entry, &ignored)) {
		reading->size = entry.size;
	}
}

static void on_end(struct conversation *c, const void *answer, const struct err *err, void *data)
{
	struct part_reading *reading = data;
	(void)c, (void)answer;
	if (err) {
		report(reading, NULL, NULL, err);
	} else {
		buf_append(&reading->bytes, "", 0);
		report_bytes(reading);
	}
}

guest_id file_part_read(
	struct guest *guest, const struct file_part *part, file_part_read_fn *fn, void *data)
{
	static const struct conversation_handlers handlers = {
		.on_data = on_data, .on_message = on_message, .on_end = on_end
	};
	struct part_reading *reading = must(calloc(1, sizeof(*reading)));
	reading->path = must(strdup(part->path));
	reading->fn = fn;
	reading->data = data;
	const struct msg_file_read how = {
		.path = part->path,
		.offset = part->offset,
		.length = part->length ? part->length : READ_MAX + 1,
	};
	reading->conversation = guest_file_read(guest, &how, &handlers, reading);
	return conversation_id(reading->conversation);
}

/* ---- changes ---- */

struct file_changes {
	sd_event *event;
	char *directory, *name; /* name: "" for any in the directory */
	void (*fn)(void *data);
	void *data;
	struct file_rows *rows; /* NULL: not watched */
	sd_event_source *soon;
};

static int on_time(sd_event_source *source, uint64_t usec, void *data)
{
	struct file_changes *changes = data;
	(void)source, (void)usec;
	loop_drop(&changes->soon);
	changes->fn(changes->data);
	return 0;
}

static void changed(struct file_changes *changes)
{
	if (!changes->soon) {
		changes->soon = loop_after_ms(changes->event, PAUSE_MS, on_time, changes);
	}
}

static void on_row(const void *row, void *data)
{
	const struct msg_file_change *change = row;
	struct file_changes *changes = data;
	if (!*changes->name || !change->path || strcmp(change->path, changes->name) == 0) {
		changed(changes);
	}
}

static void on_rows_end(const void *answer, const struct err *err, void *data)
{
	struct file_changes *changes = data;
	(void)answer, (void)err;
	changes->rows = NULL;
}

struct file_changes *file_changes_new(
	sd_event *event, const char *path, void (*fn)(void *data), void *data)
{
	struct file_changes *changes = must(calloc(1, sizeof(*changes)));
	const char *name = strrchr(path, '/') + 1;
	changes->event = event;
	changes->directory = must(strndup(path, (size_t)(name - path)));
	changes->name = must(strdup(name));
	changes->fn = fn;
	changes->data = data;
	return changes;
}

void file_changes_watch(struct file_changes *changes, struct guest *guest)
{
	static const struct file_rows_handlers handlers = { .row = on_row, .end = on_rows_end };
	const struct msg_file_watch how = { .path = changes->directory };
	if (!changes->rows) {
		changes->rows = file_rows_open(guest, &message_file_watch, &how, 0,
			GUEST_ASKER_VIEWER, &handlers, changes);
	}
}

void file_changes_free(struct file_changes *changes)
{
	if (changes) {
		file_rows_close(changes->rows);
		loop_drop(&changes->soon);
		free(changes->directory);
		free(changes->name);
		free(changes);
	}
}
