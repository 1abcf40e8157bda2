#include "tools/system/files.h"

#include "base/base64.h"
#include "base/cleanup.h"
#include "base/utf8.h"

#include <string.h>

/* file_read: a part of a file as text, as base64, or an image as an image. */

#define LENGTH_MAX 400000 /* as base64, it still fits into a result */
#define LENGTH_DEFAULT 100000

enum read_encoding { READ_AUTO, READ_TEXT, READ_BASE64 };
static const char *const encodings[] = { "auto", "text", "base64", NULL };

struct read_args {
	const char *sandbox, *path;
	int64_t offset, length;
	int encoding;
};

struct reading {
	struct call *call;
	const struct read_args *args;
	struct conversation *conversation; /* NULL: it has ended */
	struct buf bytes;
	int64_t size; /* of the file; -1: unknown */
};

static const struct field fields[] = {
	FILES_PATH(struct read_args, path, "Absolute, or from the home directory."),
	FIELD_NUM(struct read_args, offset, "First byte.", .max = MESSAGE_FILE_SIZE_MAX),
	FIELD_NUM(struct read_args, length,
		"Maximum number of bytes. Default: 100000; of an image, all.", .min = 1,
		.max = LENGTH_MAX),
	FIELD_ONE_OF(struct read_args, encoding,
		"auto = UTF-8 text, or an image; text = also bytes that are not UTF-8, replaced; "
		"base64 = any bytes.",
		encodings),
	CALL_SANDBOX(struct read_args),
	{ 0 },
};

/* ---- the result ---- */

static const char *image_type(const struct buf *bytes)
{
	static const struct {
		const char *begins;
		size_t len, at;
		const char *type;
	} types[] = {
		{ "\211PNG\r\n\032\n", 8, 0, "image/png" },
		{ "\377\330\377", 3, 0, "image/jpeg" },
		{ "GIF8", 4, 0, "image/gif" },
		{ "WEBP", 4, 8, "image/webp" },
	};
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (bytes->len >= types[i].at + types[i].len &&
			memcmp(bytes->data + types[i].at, types[i].begins, types[i].len) == 0) {
			return types[i].type;
		}
	}
	return NULL;
}

/* Without a character that the end cuts. */
static size_t whole(const struct buf *bytes)
{
	for (size_t back = 1; back <= 3 && back <= bytes->len; back++) {
		uint8_t byte = bytes->data[bytes->len - back];
		if ((byte & 0xc0) != 0x80) {
			return utf8_claimed_len(byte) > back ? bytes->len - back : bytes->len;
		}
	}
	return bytes->len;
}

static void format_range(struct buf *out, const struct reading *r, size_t len)
{
	int64_t from = r->args->offset, next = from + (int64_t)len;
	if (len == 0) {
		buf_printf(out,
			from ? "[no bytes from offset %lld on; the file has " : "[empty file",
			(long long)from);
		if (from) {
			files_format_size(out, r->size);
		}
		buf_printf(out, "]");
		return;
	}
	if (from == 0 && next >= r->size) {
		return;
	}
	buf_printf(out, "[bytes %lld to %lld of ", (long long)from, (long long)next - 1);
	files_format_count(out, r->size);
	if (next < r->size) {
		buf_printf(out, "; pass offset %lld for the next", (long long)next);
	}
	buf_printf(out, "]");
}

static void reply_text(struct reading *r, const char *text, size_t len, const char *note)
{
	auto_buf struct buf about = { 0 };
	json_t *content = json_array();
	if (len) {
		result_add_text(content, text);
	}
	format_range(&about, r, len);
	buf_printf(&about, "%s", note);
	if (about.len) {
		result_add_text(content, buf_text(&about));
	}
	call_reply(r->call, content);
}

static void reply_base64(struct reading *r)
{
	size_t len;
	auto_free char *text = base64_encode(r->bytes.data, r->bytes.len, &len);
	reply_text(r, text, r->bytes.len, "");
}

static void reply_binary(struct reading *r)
{
	auto_buf struct buf text = { 0 };
	buf_printf(&text, "[not text: a binary file of ");
	files_format_size(&text, r->size);
	buf_printf(&text,
		"; pass encoding \"base64\" to read its bytes, or \"text\" to see what is "
		"readable]");
	call_reply_text(r->call, buf_text(&text));
}

static void reply(struct reading *r)
{
	struct buf *bytes = &r->bytes;
	const char *type = r->args->encoding == READ_AUTO ? image_type(bytes) : NULL;
	if (type && r->args->offset == 0 && (int64_t)bytes->len >= r->size) {
		json_t *content = json_array();
		result_add_image(content, type, bytes->data, bytes->len);
		call_reply(r->call, content);
		return;
	}
	if (r->args->encoding == READ_BASE64) {
		reply_base64(r);
		return;
	}
	size_t len = r->args->offset + (int64_t)bytes->len < r->size ? whole(bytes) : bytes->len;
	if (r->args->encoding == READ_AUTO && utf8_is_valid(bytes->data, len)) {
		bytes->len = len;
		buf_append(bytes, "", 1);
		reply_text(r, (const char *)bytes->data, len, "");
	} else if (r->args->encoding == READ_AUTO) {
		reply_binary(r);
	} else {
		auto_buf struct buf clean = { 0 };
		utf8_append_clean(&clean, bytes->data, len);
		reply_text(r, buf_text(&clean), len,
			clean.len == len ? "" : " [bytes that are not UTF-8 are replaced]");
	}
}

/* ---- reading ---- */

/* An image is worth nothing in parts. */
static size_t wanted(const struct reading *r)
{
	if (r->args->length) {
		return (size_t)r->args->length;
	}
	bool whole_image = r->args->encoding == READ_AUTO && r->args->offset == 0 &&
			   r->size <= LENGTH_MAX && image_type(&r->bytes);
	return whole_image ? LENGTH_MAX : LENGTH_DEFAULT;
}

static void finish(struct reading *r)
{
	conversation_close(take_ptr(&r->conversation));
	call_works(r->call, 0);
	if (r->bytes.len && r->size < r->args->offset + (int64_t)r->bytes.len) {
		r->size = r->args->offset + (int64_t)r->bytes.len; /* it has no size */
	}
	reply(r);
}

static void on_data(
	struct conversation *c, unsigned channel, const void *bytes, size_t len, void *data)
{
	struct reading *r = data;
	(void)channel;
	conversation_consumed(c, len);
	buf_append(&r->bytes, bytes, len);
	size_t most = wanted(r);
	if (r->bytes.len >= most) {
		r->bytes.len = most;
		finish(r);
	}
}

static void on_message(struct conversation *c, const struct message *message, const void *args,
	size_t cost, void *data)
{
	struct reading *r = data;
	struct msg_file_entry entry;
	struct err err;
	(void)message;
	conversation_consumed(c, cost);
	if (guest_file_entry(((const struct msg_file_opened *)args)->entry, &entry, &err)) {
		r->size = entry.size;
	}
}

static void on_end(struct conversation *c, const void *answer, const struct err *err, void *data)
{
	struct reading *r = data;
	(void)c, (void)answer;
	r->conversation = NULL;
	if (err) {
		call_fail(r->call, err);
	} else {
		finish(r);
	}
}

static void on_call_end(void *data)
{
	struct reading *r = data;
	conversation_close(take_ptr(&r->conversation));
	buf_done(&r->bytes);
}

static void begin(struct call *call, void *data)
{
	static const struct conversation_handlers handlers = {
		.on_data = on_data, .on_message = on_message, .on_end = on_end
	};
	struct reading *r = data;
	const struct msg_file_read how = {
		.path = r->args->path,
		.offset = r->args->offset,
		.length = r->args->length ? r->args->length : LENGTH_MAX,
	};
	buf_append(&r->bytes, "", 0);
	call_on_end(call, on_call_end, r);
	r->conversation = guest_file_read(call_guest(call), &how, &handlers, r);
	call_works(call, conversation_id(r->conversation));
}

static void run(struct call *call, const void *args)
{
	struct reading *r = call_alloc(call, sizeof(*r));
	r->call = call;
	r->args = args;
	call_summarize(call, r->args->path);
	call_start(call, r->args->sandbox, begin, r);
}

const struct tool tool_file_read = {
	.name = "file_read",
	.title = "Read a file",
	.help = "Returns the text of a file, or an image (PNG, JPEG, GIF, WebP) as an image. Of a "
		"longer file, a part, and the offset of the next.",
	.toolset = "files",
	.hints = TOOL_EXTRA | TOOL_READS_ONLY | TOOL_REPEATABLE,
	.max_chars = 100000,
	.order = TOOL_RUNS,
	.fields = fields,
	.args_size = sizeof(struct read_args),
	.run = run,
};
