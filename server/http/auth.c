/* Tokens are compared by their digests, in constant time for every entry and every token, so an
 * invalid token reveals nothing about valid ones. */
#include "server/http/auth.h"

#include "base/cleanup.h"
#include "base/digest.h"
#include "base/field.h"
#include "base/file.h"
#include "base/file_watch.h"
#include "base/log.h"
#include "base/secret.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define VARIABLE "VITRINE_TOKEN"
#define MADE_PREFIX "e2b_" /* and hexadecimal digits, as E2B's SDKs want it */
#define NAME_MAX_BYTES 64
#define TOKEN_MIN 16
#define TOKEN_MAX 512
#define ENTRIES_MAX 1000
#define FILE_MAX (1 << 20)

#define ANYONE "anyone" /* with --no-auth */

static const char name_chars[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				 "-._@";
/* The characters that RFC 6750 permits after "Bearer". */
static const char token_chars[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				  "-._~+/=";

struct entry {
	char name[NAME_MAX_BYTES + 1];
	struct digest digest;
	struct auth_limits limits;
};

struct auth {
	bool without_tokens;
	char *made;
	size_t n;
	struct entry *entries;

	/* Of a watched file. */
	char *path;
	struct file_watch *watch;
	auth_gone_fn *gone;
	void *data;
};

static struct auth *auth_alloc(size_t n)
{
	struct auth *auth = must(calloc(1, sizeof(*auth)));
	auth->entries = must(calloc(n + 1, sizeof(struct entry)));
	return auth;
}

static void add(struct auth *auth, const char *name, const char *token)
{
	struct entry *entry = &auth->entries[auth->n++];
	snprintf(entry->name, sizeof(entry->name), "%s", name);
	entry->digest = digest_sha256(token, strlen(token));
}

static bool check_token(const char *token, const char *called, struct err *err)
{
	size_t len = strlen(token);
	return (len >= TOKEN_MIN && len <= TOKEN_MAX && strspn(token, token_chars) == len) ||
	       err_set(err, ERR_ARGUMENT,
		       "%s must be %d to %d letters, digits or -._~+/= ; generate one with: openssl "
		       "rand -hex 24",
		       called, TOKEN_MIN, TOKEN_MAX);
}

/* ---- from a file ---- */

struct row {
	const char *name, *token, *sha256;
	int64_t sandboxes, calls, saved, saved_mib;
};

static const struct field row_fields[] = {
	FIELD_STR(struct row, name, "", .required = true, .min = 1, .max = NAME_MAX_BYTES),
	FIELD_STR(struct row, token, ""),
	FIELD_STR(struct row, sha256, ""),
	FIELD_NUM(struct row, sandboxes, "", .min = 1, .max = 1000),
	FIELD_NUM(struct row, calls, "", .min = 1, .max = 1000),
	FIELD_NUM(struct row, saved, "", .min = 1, .max = 10000),
	FIELD_NUM(struct row, saved_mib, "", .min = 1, .max = 1 << 30),
	{ 0 },
};

bool auth_name_check(const char *name, struct err *err)
{
	size_t len = strlen(name);
	if (!len || len > NAME_MAX_BYTES) {
		return err_set(err, ERR_ARGUMENT, "'name' must have 1 to %d bytes; got %zu",
			NAME_MAX_BYTES, len);
	}
	if (strspn(name, name_chars) != strlen(name)) {
		return err_set(err, ERR_ARGUMENT,
			"'name' must be letters, digits or -._@ ; got \"%.64s\"", name);
	}
	/* It would own the same sandboxes as the client on stdin. */
	return strcmp(name, "stdio") != 0 ||
	       err_set(err, ERR_ARGUMENT, "'name' must not be \"stdio\"; choose another");
}

static bool read_digest(const struct row *row, struct digest *ret, struct err *err)
{
	if (!row->token == !row->sha256) {
		return err_set(err, ERR_ARGUMENT, "either 'token' or 'sha256' is required");
	}
	if (row->token) {
		*ret = digest_sha256(row->token, strlen(row->token));
		return check_token(row->token, "'token'", err);
	}
	return digest_from_hex(row->sha256, ret) ||
	       err_set(err, ERR_ARGUMENT,
		       "'sha256' must be %d hexadecimal digits; compute them with: printf %%s TOKEN | "
		       "sha256sum",
		       DIGEST_HEX_LEN);
}

static bool is_new(const struct auth *auth, const struct entry *entry, struct err *err)
{
	for (size_t i = 0; i < auth->n; i++) {
		const struct entry *other = &auth->entries[i];
		bool same_name = strcmp(other->name, entry->name) == 0;
		if (same_name || digest_equal(&other->digest, &entry->digest)) {
			return err_set(err, ERR_ARGUMENT,
				"it has the %s of entry %zu; each must be unique",
				same_name ? "name" : "token", i + 1);
		}
	}
	return true;
}

static bool add_row(struct auth *auth, const json_t *object, struct err *err)
{
	struct row row;
	struct entry *entry = &auth->entries[auth->n];
	if (!json_is_object(object)) {
		return err_set(err, ERR_ARGUMENT, "it must be an object");
	}
	if (!field_decode(row_fields, object, &row, err) || !auth_name_check(row.name, err) ||
		!read_digest(&row, &entry->digest, err)) {
		return false;
	}
	snprintf(entry->name, sizeof(entry->name), "%s", row.name);
	entry->limits = (struct auth_limits){ row.sandboxes, row.calls, row.saved, row.saved_mib };
	return is_new(auth, entry, err) && ++auth->n;
}

static bool read_file(const char *path, struct buf *text, struct err *err)
{
	struct stat st;
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st) < 0) {
		return err_errno(err, "cannot read the tokens in %s", path);
	}
	if (!S_ISREG(st.st_mode)) {
		return err_set(err, ERR_ARGUMENT, "%s must be a file", path);
	}
	if (st.st_mode & (S_IRWXO | S_IWGRP)) {
		return err_set(err, ERR_ARGUMENT,
			"other users can read or change the tokens in %.200s (mode %03o); run: chmod "
			"600 %.200s",
			path, (unsigned)(st.st_mode & 0777), path);
	}
	buf_reserve(text, FILE_MAX + 8192); /* so that no copy is left behind when it grows */
	return file_read(fd, FILE_MAX, path, text, err);
}

static struct auth *from_json(const json_t *list, const char *path, struct err *err)
{
	if (!json_is_array(list) || json_array_size(list) > ENTRIES_MAX) {
		err_set(err, ERR_ARGUMENT,
			"%s must be a JSON array of at most %d entries, such as [{\"name\": "
			"\"ann\", \"sha256\": \"...\"}]",
			path, ENTRIES_MAX);
		return NULL;
	}
	struct auth *auth = auth_alloc(json_array_size(list));
	for (size_t i = 0; i < json_array_size(list); i++) {
		if (!add_row(auth, json_array_get(list, i), err)) {
			err_while(err, "%s, entry %zu", path, i + 1);
			auth_free(auth);
			return NULL;
		}
	}
	return auth;
}

static void wipe(struct buf *text)
{
	if (text->data) {
		explicit_bzero(text->data, text->cap);
	}
	buf_done(text);
}

static struct auth *from_file(const char *path, struct err *err)
{
	__attribute__((cleanup(wipe))) struct buf text = { 0 };
	if (!read_file(path, &text, err)) {
		return NULL;
	}
	json_error_t where;
	json_auto_t *list = json_loadb(buf_text(&text), text.len, JSON_REJECT_DUPLICATES, &where);
	if (!list) {
		/* where.text would reveal file contents. */
		err_set(err, ERR_ARGUMENT, "%s:%d: not valid JSON", path, where.line);
		return NULL;
	}
	return from_json(list, path, err);
}

/* ---- without a file ---- */

static struct auth *from_variable(char *token, struct err *err)
{
	if (!check_token(token, "the variable " VARIABLE, err)) {
		return NULL;
	}
	struct auth *auth = auth_alloc(1);
	add(auth, "env", token);
	explicit_bzero(token, strlen(token)); /* it would remain in children and /proc */
	unsetenv(VARIABLE);
	return auth;
}

void auth_make_token(char ret_token[AUTH_TOKEN_SIZE])
{
	char secret[SECRET_LEN + 1], hex[DIGEST_HEX_LEN + 1];
	secret_make(secret);
	struct digest digest = digest_sha256(secret, SECRET_LEN);
	digest_to_hex(&digest, hex);
	snprintf(ret_token, AUTH_TOKEN_SIZE, MADE_PREFIX "%.*s", AUTH_TOKEN_DIGITS, hex);
	explicit_bzero(secret, sizeof(secret));
	explicit_bzero(hex, sizeof(hex));
}

static struct auth *make_one(void)
{
	char token[AUTH_TOKEN_SIZE];
	auth_make_token(token);
	struct auth *auth = auth_alloc(1);
	auth->made = must(strdup(token));
	add(auth, "default", token);
	explicit_bzero(token, sizeof(token));
	return auth;
}

struct auth *auth_new(const char *file, bool without_tokens, struct err *err)
{
	char *token = getenv(VARIABLE);
	if (without_tokens && token) {
		err_set(err, ERR_ARGUMENT,
			"the variable " VARIABLE
			" is set, but --no-auth would allow all clients without a token; remove one of the "
			"two out");
		return NULL;
	}
	if (without_tokens) {
		struct auth *auth = auth_alloc(0);
		auth->without_tokens = true;
		return auth;
	}
	if (!file) {
		return token ? from_variable(token, err) : make_one();
	}
	struct auth *auth = from_file(file, err);
	if (auth) {
		auth->path = must(strdup(file));
	}
	return auth;
}

void auth_free(struct auth *auth)
{
	if (auth) {
		file_watch_free(auth->watch);
		auth_forget(auth->made);
		free(auth->entries);
		free(auth->path);
		free(auth);
	}
}

/* ---- when the file changes ---- */

static bool has_entry(const struct auth *auth, const struct entry *entry)
{
	for (size_t i = 0; i < auth->n; i++) {
		if (strcmp(auth->entries[i].name, entry->name) == 0 &&
			digest_equal(&auth->entries[i].digest, &entry->digest)) {
			return true;
		}
	}
	return false;
}

static void on_changed(void *data)
{
	struct auth *auth = data;
	struct err err;
	struct auth *old = from_file(auth->path, &err);
	if (!old) {
		log_warning(
			"cannot reload the tokens, the previous ones remain valid: %s", err.text);
		return;
	}
	struct entry *entries = auth->entries;
	size_t n = auth->n;
	auth->entries = old->entries;
	auth->n = old->n;
	old->entries = entries;
	old->n = n;
	log_info("reloaded %s: %zu tokens", auth->path, auth->n);
	for (size_t i = 0; i < old->n; i++) {
		if (!has_entry(auth, &old->entries[i])) {
			log_info("the token of \"%s\" is no longer valid", old->entries[i].name);
			auth->gone(old->entries[i].name, auth->data);
		}
	}
	auth->gone(NULL, auth->data);
	auth_free(old);
}

bool auth_watch(struct auth *auth, sd_event *event, auth_gone_fn *gone, void *data, struct err *err)
{
	if (!auth->path) {
		return true;
	}
	auth->gone = gone;
	auth->data = data;
	auth->watch = file_watch_new(event, auth->path, on_changed, auth, err);
	return auth->watch;
}

/* ---- interface ---- */

const char *auth_authorize(const char *token, void *data)
{
	const struct auth *auth = data;
	if (auth->without_tokens) {
		return ANYONE;
	}
	if (!token) {
		return NULL;
	}
	const struct digest digest = digest_sha256(token, strlen(token));
	const char *name = NULL;
	for (size_t i = 0; i < auth->n; i++) {
		if (digest_equal(&digest, &auth->entries[i].digest)) {
			name = auth->entries[i].name;
		}
	}
	return name;
}

char *auth_take_made(struct auth *auth)
{
	return take_ptr(&auth->made);
}

void auth_forget(char *token)
{
	if (token) {
		explicit_bzero(token, strlen(token));
		free(token);
	}
}

size_t auth_count(const struct auth *auth)
{
	return auth->n;
}

bool auth_knows(const struct auth *auth, const char *name)
{
	for (size_t i = 0; i < auth->n; i++) {
		if (strcmp(auth->entries[i].name, name) == 0) {
			return true;
		}
	}
	return auth->without_tokens && strcmp(name, ANYONE) == 0;
}

struct auth_limits auth_limits(const struct auth *auth, const char *name)
{
	for (size_t i = 0; i < auth->n; i++) {
		if (strcmp(auth->entries[i].name, name) == 0) {
			return auth->entries[i].limits;
		}
	}
	return (struct auth_limits){ 0 };
}
