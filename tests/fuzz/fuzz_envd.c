// USES server
/*
 * Requests of envd's methods: an envelope or a bare message, proto3's JSON in each method's table, and
 * the header that names the user.  What is accepted is within its bounds.
 */
#include "base/base64.h"
#include "base/cleanup.h"
#include "server/e2b/envd/connect.h"
#include "server/e2b/envd/process.h"
#include "server/e2b/envd/proto.h"
#include "server/e2b/envd/user.h"
#include "server/e2b/envd/watch.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void want(bool good)
{
	if (!good) {
		abort();
	}
}

/* What is read is what was written. */
static void open_envelope(const uint8_t *bytes, size_t len, const char **ret, size_t *ret_len)
{
	auto_buf struct buf again = { 0 };
	struct err err;
	if (!connect_envelope_read(bytes, len, ret, ret_len, &err)) {
		want(err.kind != ERR_NONE && err.text[0]);
		*ret = (const char *)bytes;
		*ret_len = len;
		return;
	}
	connect_envelope_append(&again, 0, *ret, *ret_len);
	want(again.len == len && memcmp(again.data, bytes, len) == 0);
}

static void read_process(const json_t *json)
{
	struct process_config config;
	struct process_selector selector;
	struct process_size size;
	struct err err;
	json_auto_t *kept = NULL, *kept_selector = NULL;
	auto_buf struct buf argv = { 0 };
	if (proto_decode(process_config_fields, json, &kept, &config, &err) &&
		process_config_check(&config, &err)) {
		int64_t n = process_config_arguments(&config, &argv), nuls = 0;
		for (size_t i = 0; i < argv.len; i++) {
			nuls += !argv.data[i];
		}
		want(n == nuls && config.cmd[0]);
		auto_free char *note = process_config_note(&config);
		want(!note || strlen(note) <= 16384);
	}
	if (proto_decode(process_selector_fields, json, &kept_selector, &selector, &err)) {
		want(selector.pid >= 0 && selector.pid <= UINT32_MAX);
	}
	if (process_size_read(json_object_get(json, "pty"), &size, &err)) {
		want(size.cols >= 0 && size.cols <= 1000 && !size.cols == !size.rows);
	}
}

static void read_bytes(const json_t *json)
{
	auto_buf struct buf got = { 0 }, again = { 0 };
	struct err err;
	size_t len;
	if (proto_bytes("stdin", json_object_get(json, "stdin"), &got, &err)) {
		auto_free char *base64 = base64_encode(got.data, got.len, &len);
		json_auto_t *text = json_string(base64);
		want(proto_bytes("stdin", text, &again, &err) && again.len == got.len);
		want(!got.len || memcmp(again.data, got.data, got.len) == 0);
	}
}

static void read_user(const char *text)
{
	struct envd_user user;
	struct err err;
	auto_buf struct buf path = { 0 };
	if (envd_user_read(text, NULL, &user, &err)) {
		want(user.name[0] && !strchr(user.name, '/') && user.name[0] != '-');
		envd_user_path(&user, text, &path);
		want(buf_text(&path)[0] == '/');
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	const char *message;
	size_t message_len;
	json_error_t why;
	struct watch_request watch;
	struct err err;
	json_auto_t *kept = NULL;
	auto_buf struct buf text = { 0 };
	open_envelope(bytes, len, &message, &message_len);
	json_auto_t *json =
		json_loadb(message_len ? message : "", message_len, JSON_REJECT_DUPLICATES, &why);
	if (json_is_object(json)) {
		(void)!proto_decode(watch_request_fields, json, &kept, &watch, &err);
		read_process(json);
		read_bytes(json);
	}
	buf_printf(&text, "Basic ");
	buf_append(&text, bytes, len);
	read_user(buf_text(&text));
	return 0;
}
