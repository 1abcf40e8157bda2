// USES server
/* What envd's parts make of bytes: envelopes, proto3's JSON, users, signatures, descriptions of files. */
#include "base/cleanup.h"
#include "server/e2b/envd/connect.h"
#include "server/e2b/envd/entry.h"
#include "server/e2b/envd/metadata.h"
#include "server/e2b/envd/process.h"
#include "server/e2b/envd/proto.h"
#include "server/e2b/envd/signature.h"
#include "server/e2b/envd/user.h"
#include "server/e2b/envd/watch.h"

#include <criterion/criterion.h>
#include <string.h>

/* ---- envelopes ---- */

Test(envd_protocol, an_envelope_is_read_as_it_was_written)
{
	auto_buf struct buf envelope = { 0 };
	const char *message;
	size_t len;
	struct err err;
	connect_envelope_append(&envelope, 0, "{\"a\":1}", 7);
	cr_assert(connect_envelope_read(envelope.data, envelope.len, &message, &len, &err));
	cr_expect_eq(len, 7);
	cr_expect_eq(memcmp(message, "{\"a\":1}", 7), 0);
	envelope.len = 0;
	connect_envelope_append(&envelope, CONNECT_FLAG_END, "{}", 2);
	cr_expect_eq(memcmp(envelope.data, "\2\0\0\0\2{}", 7), 0);
}

Test(envd_protocol, envelopes_that_lie_are_refused)
{
	static const struct {
		const char *bytes;
		size_t len;
		enum err_kind kind;
		const char *says;
	} bad[] = {
		{ "", 0, ERR_ARGUMENT, "at least 5 bytes; got 0" },
		{ "\0\0\0\0", 4, ERR_ARGUMENT, "got 4" },
		{ "\0\0\0\0\3{}", 7, ERR_ARGUMENT, "3 bytes; 2 follow" },
		{ "\0\0\0\0\1{}", 7, ERR_ARGUMENT, "1 bytes; 2 follow" },
		{ "\0\377\377\377\377{}", 7, ERR_ARGUMENT, "4294967295 bytes; 2 follow" },
		{ "\1\0\0\0\2{}", 7, ERR_UNSUPPORTED, "compressed" },
		{ "\2\0\0\0\2{}", 7, ERR_ARGUMENT, "flags must be 0; got 2" },
		{ "\200\0\0\0\2{}", 7, ERR_ARGUMENT, "got 128" },
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		const char *message;
		size_t len;
		struct err err;
		cr_expect_not(
			connect_envelope_read(bad[i].bytes, bad[i].len, &message, &len, &err));
		cr_expect_eq(err.kind, bad[i].kind, "%zu", i);
		cr_expect(strstr(err.text, bad[i].says), "%s", err.text);
	}
}

Test(envd_protocol, numbers_in_headers_are_digits)
{
	int64_t n;
	struct err err;
	cr_expect(connect_number_read("H", NULL, &n, &err) && n == -1);
	cr_expect(connect_number_read("H", "60000", &n, &err) && n == 60000);
	cr_expect(connect_number_read("H", "9999999999", &n, &err) && n == 9999999999);
	static const char *const bad[] = { "", "-1", "1s", " 1", "12345678901", "0x10" };
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		cr_expect_not(connect_number_read("H", bad[i], &n, &err), "%s", bad[i]);
	}
}

Test(envd_protocol, codes_have_the_names_and_statuses_of_connect)
{
	cr_expect_str_eq(connect_code_name(CONNECT_NOT_FOUND), "not_found");
	cr_expect_eq(connect_code_status(CONNECT_NOT_FOUND), 404);
	cr_expect_eq(connect_code_status(CONNECT_INVALID_ARGUMENT), 400);
	cr_expect_eq(connect_code_status(CONNECT_ALREADY_EXISTS), 409);
	cr_expect_eq(connect_code_status(CONNECT_UNAUTHENTICATED), 401);
	cr_expect_eq(connect_code_status(CONNECT_UNIMPLEMENTED), 501);
	cr_expect_eq(connect_code_status(CONNECT_INTERNAL), 500);
	cr_expect_eq(connect_code_status(CONNECT_UNAVAILABLE), 503);
	json_auto_t *error = connect_error(CONNECT_INTERNAL, "\xff");
	cr_expect_str_eq(json_string_value(json_object_get(error, "code")), "internal");
	cr_expect(json_is_string(json_object_get(error, "message")));
}

/* ---- proto3's JSON ---- */

static json_t *parse(const char *text)
{
	json_error_t why;
	json_t *json = json_loads(text, 0, &why);
	cr_assert(json, "%s: %s", text, why.text);
	return json;
}

Test(envd_protocol, requests_are_read_in_every_form_that_proto3_allows)
{
	static const char *const forms[] = {
		"{\"path\": \"/x\", \"includeEntry\": true, \"recursive\": null, \"more\": {}}",
		"{\"path\": \"/x\", \"include_entry\": true, \"recursive\": false}",
	};
	for (size_t i = 0; i < 2; i++) {
		json_auto_t *json = parse(forms[i]), *kept = NULL;
		struct watch_request request;
		struct err err;
		cr_assert(proto_decode(watch_request_fields, json, &kept, &request, &err), "%s",
			err.text);
		cr_expect_str_eq(request.path, "/x");
		cr_expect(request.include_entry && !request.recursive);
	}
	json_auto_t *text = parse("{\"pid\": \"4294967295\"}"), *kept = NULL;
	struct process_selector selector;
	struct err err;
	cr_assert(proto_decode(process_selector_fields, text, &kept, &selector, &err));
	cr_expect_eq(selector.pid, 4294967295);
}

Test(envd_protocol, values_of_other_types_are_refused)
{
	static const char *const bad[] = { "{\"pid\": \"\"}", "{\"pid\": \" 1\"}",
		"{\"pid\": \"1x\"}", "{\"pid\": 1.5}", "{\"pid\": -1}", "{\"pid\": 4294967296}",
		"{\"pid\": []}", "{\"tag\": 5}", "{\"pid\": \"99999999999999999999\"}", "[]",
		"\"\"" };
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		json_error_t why;
		json_auto_t *json = json_loads(bad[i], JSON_DECODE_ANY, &why), *kept = NULL;
		struct process_selector selector;
		struct err err;
		cr_expect_not(proto_decode(process_selector_fields, json, &kept, &selector, &err),
			"%s", bad[i]);
		cr_expect_eq(err.kind, ERR_ARGUMENT);
	}
}

static bool bytes_are(const char *text, const char *want, size_t len)
{
	auto_buf struct buf got = { 0 };
	struct err err;
	json_auto_t *json = json_string(text);
	return proto_bytes("b", json, &got, &err) && got.len == len &&
	       (!len || memcmp(got.data, want, len) == 0);
}

Test(envd_protocol, bytes_have_two_alphabets_with_or_without_padding)
{
	cr_expect(bytes_are("", "", 0));
	cr_expect(bytes_are("/+8=", "\xff\xef", 2));
	cr_expect(bytes_are("_-8", "\xff\xef", 2));
	cr_expect(bytes_are("AAEC", "\0\1\2", 3));
	cr_expect(bytes_are("YQ==", "a", 1));
	static const char *const bad[] = { "A", "A===", "YQ=a", "!!!!", "YQ\n==", "=YQ=" };
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		cr_expect_not(bytes_are(bad[i], "", 0), "%s", bad[i]);
	}
}

/* ---- processes ---- */

static bool config_is_good(const char *text, struct buf *argv, int64_t *n)
{
	json_auto_t *json = parse(text), *kept = NULL;
	struct process_config config;
	struct err err;
	if (!proto_decode(process_config_fields, json, &kept, &config, &err) ||
		!process_config_check(&config, &err)) {
		return false;
	}
	*n = process_config_arguments(&config, argv);
	return true;
}

Test(envd_protocol, a_program_has_texts_as_arguments)
{
	auto_buf struct buf argv = { 0 };
	int64_t n;
	cr_assert(config_is_good(
		"{\"cmd\":\"/bin/bash\",\"args\":[\"-l\",\"\",\"a b\"],\"envs\":{\"A\":\"1\"}}",
		&argv, &n));
	cr_expect_eq(n, 4);
	cr_assert_eq(argv.len, 18);
	cr_expect_eq(memcmp(argv.data, "/bin/bash\0-l\0\0a b", 18), 0);
	static const char *const bad[] = { "{}", "{\"cmd\":\"\"}",
		"{\"cmd\":\"x\",\"args\":\"-l\"}", "{\"cmd\":\"x\",\"args\":[1]}",
		"{\"cmd\":\"x\",\"envs\":{\"A\":1}}", "{\"cmd\":\"x\",\"envs\":[]}",
		"{\"cmd\":[]}" };
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		cr_expect_not(config_is_good(bad[i], &argv, &n), "%s", bad[i]);
	}
}

Test(envd_protocol, what_is_noted_of_a_program_is_bounded)
{
	auto_buf struct buf big = { 0 };
	for (int i = 0; i < 20000; i++) {
		buf_append(&big, "x", 1);
	}
	json_auto_t *envs = json_pack("{s:s}", "BIG", buf_text(&big));
	struct process_config config = { .cmd = "c", .cwd = "/", .envs = envs };
	auto_free char *without = process_config_note(&config);
	cr_expect_str_eq(without, "{\"cmd\":\"c\",\"cwd\":\"/\"}");
	json_auto_t *args = json_pack("[s]", buf_text(&big));
	config.args = args;
	cr_expect_null(process_config_note(&config));
}

Test(envd_protocol, an_end_is_worded_as_go_does)
{
	char text[PROCESS_STATUS_SIZE];
	process_status(0, 0, text);
	cr_expect_str_eq(text, "exit status 0");
	process_status(-1, 9, text);
	cr_expect_str_eq(text, "signal: killed");
	process_status(-1, 15, text);
	cr_expect_str_eq(text, "signal: terminated");
	process_status(-1, 64, text);
	cr_expect_str_eq(text, "signal: signal 64");
}

/* ---- users ---- */

Test(envd_protocol, the_user_is_in_a_basic_header)
{
	struct envd_user user;
	struct err err;
	cr_assert(envd_user_read(NULL, NULL, &user, &err));
	cr_expect(user.is_desktop);
	cr_assert(envd_user_read("Basic cm9vdDo=", NULL, &user, &err));
	cr_expect_str_eq(user.name, "root");
	cr_expect_not(user.is_desktop);
	cr_assert(envd_user_read("basic Og==", NULL, &user, &err));
	cr_expect_str_eq(user.name, "user");
	cr_assert(envd_user_read("Basic Og==", "root", &user, &err));
	cr_expect_str_eq(user.name, "root", "of its template");
	cr_assert(envd_user_read(NULL, "ana", &user, &err));
	cr_expect_str_eq(user.name, "ana");
	static const char *const bad[] = { "", "Bearer x", "Basic", "Basic !",
		"Basic cm9vdA==", "Basic LXg6" /* -x: */, "Basic YS9iOg==" /* a/b: */,
		"Basic cgA6" /* r NUL : */ };
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		cr_expect_not(envd_user_read(bad[i], NULL, &user, &err), "%s", bad[i]);
	}
}

Test(envd_protocol, paths_begin_at_the_users_home)
{
	static const struct {
		const char *user, *path, *want;
	} rows[] = {
		{ "user", NULL, "/home/user" },
		{ "user", "", "/home/user" },
		{ "root", "~", "/root" },
		{ "root", "~/a", "/root/a" },
		{ "user", "a/b", "/home/user/a/b" },
		{ "user", "~a", "/home/user/~a" },
		{ "ana", "x", "/home/ana/x" },
		{ "user", "/tmp", "/tmp" },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct envd_user user;
		struct err err;
		auto_buf struct buf path = { 0 };
		cr_assert(envd_user_of(rows[i].user, "nobody", &user, &err));
		envd_user_path(&user, rows[i].path, &path);
		cr_expect_str_eq(buf_text(&path), rows[i].want);
	}
}

/* ---- signatures ---- */

#define TOKEN "0tQG31xiMp0IOQfaz9dcwi72L1CPo8e0"

Test(envd_protocol, a_signature_is_the_published_one)
{
	struct envd_signed what = { .path = "hello.txt", .user = "user", .token = TOKEN };
	static const char right[] = "v1_gUtH/s9YCJWgCizjfUxuWfhFE4QSydOWEIIvfLwDr6E";
	char got[ENVD_SIGNATURE_SIZE];
	struct err err;
	envd_sign(&what, got);
	cr_expect_str_eq(got, right);
	cr_expect(envd_signature_check(&what, right, 1000, &err));
	what.writes = true;
	cr_expect_not(envd_signature_is(&what, right));
	what = (struct envd_signed){ .path = "hello.txt", .token = TOKEN };
	cr_expect_not(envd_signature_is(&what, right), "another user");
}

Test(envd_protocol, a_signature_must_be_there_be_right_and_last)
{
	struct envd_signed what = { .path = "p", .expires = "1000", .token = TOKEN };
	char right[ENVD_SIGNATURE_SIZE];
	struct err err;
	envd_sign(&what, right);
	cr_expect(envd_signature_check(&what, right, 1000, &err));
	cr_expect_not(envd_signature_check(&what, right, 1001, &err));
	cr_expect_str_eq(err.text, "signature is already expired");
	cr_expect_not(envd_signature_check(&what, NULL, 1000, &err));
	cr_expect_str_eq(err.text, "missing signature query parameter");
	cr_expect_not(envd_signature_check(&what, "v1_x", 1000, &err));
	cr_expect_str_eq(err.text, "invalid signature");
	what.expires = "9999999999"; /* who changes it has to sign again */
	cr_expect_not(envd_signature_check(&what, right, 1000, &err));
	what.expires = "never";
	envd_sign(&what, right);
	cr_expect_not(envd_signature_check(&what, right, 1000, &err));
}

/* ---- files ---- */

static void expect_member(const json_t *entry, const char *name, const char *want)
{
	const char *got = json_string_value(json_object_get(entry, name));
	cr_expect(want ? got && strcmp(got, want) == 0 : !got, "%s is %s", name, got);
}

Test(envd_protocol, a_file_is_described_as_envd_does)
{
	json_auto_t *xattrs = json_pack("{s:s, s:s}", "user.e2b.author", "mish", "user.other", "x");
	const struct msg_file_entry file = { .path = "/home/user/a.txt",
		.type = FILE_REGULAR,
		.size = 5000000000,
		.mode = 04644,
		.uid = 1000,
		.gid = 77,
		.owner = "user",
		.mtime_ns = 1500000000,
		.target_type = -1,
		.xattrs = xattrs };
	json_auto_t *entry = envd_entry(&file);
	expect_member(entry, "name", "a.txt");
	expect_member(entry, "type", "FILE_TYPE_FILE");
	expect_member(entry, "path", "/home/user/a.txt");
	expect_member(entry, "size", "5000000000");
	cr_expect_eq(json_integer_value(json_object_get(entry, "mode")), 0644);
	expect_member(entry, "permissions", "urw-r--r--");
	expect_member(entry, "owner", "user");
	expect_member(entry, "group", "77");
	expect_member(entry, "modifiedTime", "1970-01-01T00:00:01.5Z");
	expect_member(entry, "symlinkTarget", NULL);
	const json_t *metadata = json_object_get(entry, "metadata");
	cr_expect_eq(json_object_size(metadata), 1);
	expect_member(metadata, "author", "mish");
}

Test(envd_protocol, a_link_has_the_type_and_mode_of_its_target)
{
	struct msg_file_entry link = { .path = "/l",
		.type = FILE_SYMLINK,
		.mode = 0777,
		.target = "d",
		.resolved = "/real/d",
		.target_type = FILE_DIRECTORY,
		.target_mode = 0755 };
	json_auto_t *good = envd_entry(&link);
	expect_member(good, "type", "FILE_TYPE_DIRECTORY");
	expect_member(good, "permissions", "Lrwxrwxrwx");
	expect_member(good, "symlinkTarget", "/real/d");
	cr_expect_eq(json_integer_value(json_object_get(good, "mode")), 0755);
	link.target_type = -1;
	link.resolved = NULL;
	json_auto_t *broken = envd_entry(&link);
	expect_member(broken, "type", NULL);
	expect_member(broken, "symlinkTarget", "/l");
}

Test(envd_protocol, modes_and_times_are_written_as_go_does)
{
	char text[ENVD_PERMISSIONS_SIZE], time[ENVD_TIME_SIZE];
	envd_permissions(FILE_DIRECTORY, 01777, text);
	cr_expect_str_eq(text, "dtrwxrwxrwx");
	envd_permissions(FILE_CHARACTER, 0620, text);
	cr_expect_str_eq(text, "Dcrw--w----");
	envd_permissions(FILE_REGULAR, 0, text);
	cr_expect_str_eq(text, "----------");
	envd_time(0, time);
	cr_expect_str_eq(time, "1970-01-01T00:00:00Z");
	envd_time(-1, time);
	cr_expect_str_eq(time, "1969-12-31T23:59:59.999999999Z");
	envd_time(INT64_MAX, time);
	envd_time(INT64_MIN + 1, time);
}

Test(envd_protocol, a_change_without_a_name_is_not_told)
{
	struct msg_file_change change = { .change = FILE_WRITTEN, .path = "d/f" };
	json_auto_t *event = watch_event(&change);
	expect_member(event, "name", "d/f");
	expect_member(event, "type", "EVENT_TYPE_WRITE");
	change.path = NULL;
	cr_expect_null(watch_event(&change));
	change = (struct msg_file_change){ .change = FILE_LOST, .path = "x" };
	cr_expect_null(watch_event(&change));
}

/* ---- headers of /files ---- */

static bool metadata_is(const char *key, const char *value, size_t used, const char *want)
{
	json_auto_t *xattrs = json_object();
	struct err err;
	return envd_metadata_add(xattrs, key, value, &used, &err) &&
	       json_object_get(xattrs, want) != NULL;
}

Test(envd_protocol, metadata_are_short_and_printable)
{
	char key[248];
	memset(key, 'k', sizeof(key));
	key[247] = '\0';
	cr_expect_not(metadata_is(key, "v", 0, "user.e2b.k"));
	key[246] = '\0';
	cr_expect_not(metadata_is(key, "v", 4096, "user.e2b.k"));
	auto_buf struct buf name = { 0 };
	buf_printf(&name, "user.e2b.%s", key);
	cr_expect(metadata_is(key, "v", 4096 - 247, buf_text(&name)));
	cr_expect(metadata_is("Author", " ~", 0, "user.e2b.author"));
	cr_expect_not(metadata_is("", "v", 0, "user.e2b."));
	cr_expect_not(metadata_is("a", "\t", 0, "user.e2b.a"));
	cr_expect_not(metadata_is("a", "\xc3\xa9", 0, "user.e2b.a"));
}

Test(envd_protocol, a_client_may_refuse_the_only_coding)
{
	static const char *const good[] = { NULL, "", "gzip", "gzip, deflate, br", "*",
		"*;q=0, identity", "identity;q=0.5", "gzip;q=0", "identity; q=1, *;q=0" };
	static const char *const bad[] = { "identity;q=0", "gzip, identity; q=0.0", "*;q=0",
		"gzip;q=1, *; q=0" };
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		cr_expect(envd_accepts_identity(good[i]), "%s", good[i]);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		cr_expect_not(envd_accepts_identity(bad[i]), "%s", bad[i]);
	}
}
