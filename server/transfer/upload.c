/*
 * A body flows through two stages, which both stop when the file takes nothing: decompression into one
 * block, and the parser of forms.  Each file is written by its own conversation, one after the other.
 */
#include "server/transfer/upload.h"

#include "server/transfer/gunzip.h"
#include "server/transfer/multipart.h"
#include "transport/http/check.h"

#include "base/cleanup.h"
#include "base/utf8.h"

#include <string.h>
#include <strings.h>

#define PLAIN_MAX (64u << 10) /* bytes that are decompressed at once */
#define FILES_MAX 1000        /* of one form */

struct upload {
	struct http_exchange *x;
	struct guest *guest;
	struct upload_how how;
	char *user; /* of how */
	void *data;
	json_t *files; /* those that are stored */

	struct conversation *c; /* of the present file; NULL: none */
	bool waits;             /* for its answer */
	bool ignores;           /* the present part is not a file */
	bool body_ended;
	bool finished; /* x was answered */

	bool is_form, is_gzip;
	struct multipart form;
	struct gunzip gunzip;
	char *plain;
	size_t plain_at, plain_len;
};

/* ---- the end ---- */

static void fail_with(struct upload *u, int status, const struct err *err)
{
	if (!u->finished) {
		u->finished = true;
		conversation_close(take_ptr(&u->c));
		u->how.failed(u->x, status, err, u->data);
	}
}

static void fail(struct upload *u, const struct err *err)
{
	fail_with(u, transfer_status(err), err);
}

static void refuse(struct upload *u, const char *why)
{
	struct err err;
	err_set(&err, ERR_ARGUMENT, "%s", why);
	fail(u, &err);
}

/* ---- one file ---- */

static void go_on(struct upload *u);

static void on_writable(struct conversation *c, void *data)
{
	(void)c;
	go_on(data);
}

static void on_message(struct conversation *c, const struct message *message, const void *args,
	size_t cost, void *data)
{
	(void)message, (void)args, (void)data;
	conversation_consumed(c, cost); /* the file is open */
}

static bool keep(struct upload *u, const struct msg_file_write_answer *answer, struct err *err)
{
	struct msg_file_entry entry = { 0 };
	if (!u->waits) {
		return err_set(err, ERR_HOST, "the agent has completed a file before its end");
	}
	if (!guest_file_entry(answer->entry, &entry, err)) {
		return false;
	}
	const char *slash = strrchr(entry.path, '/');
	json_array_append_new(u->files,
		must(json_pack("{s:s, s:s, s:I}", "path", entry.path, "name",
			slash ? slash + 1 : entry.path, "bytes", (json_int_t)answer->bytes)));
	return true;
}

static void on_end(struct conversation *c, const void *answer, const struct err *err, void *data)
{
	struct upload *u = data;
	struct err bad;
	(void)c;
	u->c = NULL;
	if (err) {
		fail(u, err);
	} else if (!keep(u, answer, &bad)) {
		fail(u, &bad);
	} else {
		u->waits = false;
		go_on(u);
	}
}

static bool open_file(struct upload *u, const char *filename, struct err *err)
{
	static const struct conversation_handlers handlers = {
		.on_message = on_message,
		.on_writable = on_writable,
		.on_end = on_end,
	};
	struct msg_file_write args = u->how.write;
	auto_free char *path = u->how.place(filename, u->data, err);
	if (!path) {
		return false;
	}
	if (json_array_size(u->files) == FILES_MAX) {
		return err_set(err, ERR_ARGUMENT, "a form can have at most %d files", FILES_MAX);
	}
	if (!utf8_is_valid((const uint8_t *)path, strlen(path))) {
		return err_set(err, ERR_ARGUMENT, "a path must be UTF-8");
	}
	args.path = path;
	u->c = guest_file_write(u->guest, &args, &handlers, u);
	return true;
}

static void end_file(struct upload *u)
{
	u->waits = true;
	conversation_close_write(u->c);
}

static size_t write_file(const void *bytes, size_t len, void *data)
{
	struct upload *u = data;
	if (u->ignores || u->finished) {
		return len;
	}
	return u->c ? conversation_write(u->c, FILE_BYTES, bytes, len) : 0;
}

/* ---- the parts of a form ---- */

static bool begin_part(const char *name, const char *filename, void *data, struct err *err)
{
	struct upload *u = data;
	u->ignores = strcmp(name, "file") != 0;
	return u->ignores || open_file(u, filename ? filename : "", err);
}

static bool end_part(void *data)
{
	struct upload *u = data;
	if (u->ignores || u->finished) {
		return true;
	}
	end_file(u);
	return false;
}

static const struct multipart_handlers form_handlers = { begin_part, write_file, end_part };

/* ---- the stages; they return how many bytes were taken ---- */

static size_t take_plain(struct upload *u, const char *bytes, size_t len)
{
	struct err err;
	if (u->finished) {
		return len;
	}
	if (u->waits) {
		return 0;
	}
	if (!u->is_form) {
		return write_file(bytes, len, u);
	}
	size_t taken = multipart_add(&u->form, bytes, len, &err);
	if (err.kind != ERR_NONE) {
		fail(u, &err);
		return len;
	}
	return taken;
}

/* Passes on what was decompressed.  False: some is left. */
static bool drain(struct upload *u)
{
	u->plain_at += take_plain(u, u->plain + u->plain_at, u->plain_len - u->plain_at);
	return u->plain_at == u->plain_len;
}

static size_t take_gzip(struct upload *u, const char *bytes, size_t len)
{
	struct err err;
	size_t taken = 0;
	while (drain(u)) {
		taken += gunzip_add(&u->gunzip, bytes + taken, len - taken, u->plain, PLAIN_MAX,
			&u->plain_len, &err);
		u->plain_at = 0;
		if (err.kind != ERR_NONE) {
			fail(u, &err);
			return len;
		}
		if (u->plain_len == 0 && taken == len) {
			break;
		}
	}
	return taken;
}

static void end_body(struct upload *u)
{
	if (u->is_gzip && !u->gunzip.ended) {
		refuse(u, "the body ends in the middle of its gzip data");
	} else if (u->is_form && !multipart_is_complete(&u->form)) {
		refuse(u, "the form ends before its last boundary");
	} else if (u->c) {
		end_file(u);
	} else {
		u->finished = true;
		u->how.done(u->x, u->files, u->data);
	}
}

/* The present file, or the next one, takes bytes again. */
static void go_on(struct upload *u)
{
	if (u->is_gzip) {
		take_gzip(u, "", 0);
	}
	bool is_empty = u->plain_at == u->plain_len;
	if (u->finished || u->waits || !is_empty) {
		return;
	}
	if (u->body_ended) {
		end_body(u);
	} else {
		http_receive_more(u->x);
	}
}

static size_t on_part(struct http_exchange *x, const void *bytes, size_t len, void *data)
{
	struct upload *u = data;
	(void)x;
	if (len == 0) {
		u->body_ended = true;
		go_on(u);
		return 0;
	}
	return u->is_gzip ? take_gzip(u, bytes, len) : take_plain(u, bytes, len);
}

/* ---- start and end ---- */

static bool begin_coding(struct upload *u)
{
	const char *coding = http_header(u->x, "Content-Encoding");
	struct err err;
	if (!coding || strcasecmp(coding, "identity") == 0) {
		return true;
	}
	if (strcasecmp(coding, "gzip") != 0 && strcasecmp(coding, "x-gzip") != 0) {
		err_set(&err, ERR_UNSUPPORTED,
			"the coding '%.40s' is not supported; use gzip, or no Content-Encoding",
			coding);
		fail_with(u, 415, &err);
		return false;
	}
	u->is_gzip = true;
	u->plain = must(malloc(PLAIN_MAX));
	gunzip_init(&u->gunzip);
	return true;
}

static bool begin_body(struct upload *u, struct err *err)
{
	const char *type = http_header(u->x, "Content-Type");
	if (!http_type_is(type, "multipart/form-data")) {
		return open_file(u, NULL, err);
	}
	u->is_form = multipart_init(&u->form, type, &form_handlers, u, err);
	return u->is_form;
}

struct upload *upload_begin(
	struct http_exchange *x, struct guest *guest, const struct upload_how *how, void *data)
{
	struct upload *u = must(calloc(1, sizeof(*u)));
	struct err err;
	u->x = x;
	u->guest = guest;
	u->how = *how;
	u->data = data;
	u->files = must(json_array());
	json_incref((json_t *)u->how.write.xattrs);
	u->user = how->write.user ? must(strdup(how->write.user)) : NULL;
	u->how.write.user = u->user;
	if (!begin_coding(u)) {
		return u;
	}
	if (begin_body(u, &err)) {
		http_receive(x, on_part, u);
	} else {
		fail(u, &err);
	}
	return u;
}

void upload_free(struct upload *u)
{
	if (!u) {
		return;
	}
	conversation_close(u->c);
	if (u->is_gzip) {
		gunzip_done(&u->gunzip);
	}
	multipart_done(&u->form);
	json_decref(u->files);
	json_decref((json_t *)u->how.write.xattrs);
	free(u->plain);
	free(u->user);
	free(u);
}
