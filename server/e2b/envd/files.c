/*
 * /files: who may, as whom, and where a file goes.  The bytes are server/transfer's.  Files are written
 * in place, as envd does: who watches their directory sees a CREATE, a CHMOD and a WRITE.
 */
#include "server/e2b/envd/files.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "server/e2b/core/record.h"
#include "server/e2b/core/tokens.h"
#include "server/e2b/envd/entry.h"
#include "server/e2b/envd/filesystem.h"
#include "server/e2b/envd/metadata.h"
#include "server/e2b/envd/user.h"
#include "server/transfer/download.h"
#include "server/transfer/upload.h"
#include "vm/guest/guest.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

struct transfer {
	struct e2b_request *r;
	struct envd_user user;
	json_t *xattrs; /* of written files */
	struct download *download;
	struct upload *upload;
};

static void on_closed(struct e2b_request *r)
{
	struct transfer *t = r->data;
	download_free(t->download);
	upload_free(t->upload);
	json_decref(t->xattrs);
	free(t);
}

/* ---- who may ---- */

struct envd_signed envd_files_signed(const struct http_exchange *x, const char *access_token)
{
	return (struct envd_signed){
		.path = http_query(x, "path"),
		.user = http_query(x, "username"),
		.expires = http_query(x, "signature_expiration"),
		.writes = strcmp(http_method(x), "POST") == 0,
		.token = access_token,
	};
}

static bool may(const struct e2b_request *r, struct err *err)
{
	const char *given = http_header(r->x, "X-Access-Token");
	char token[E2B_TOKEN_SIZE];
	if (given) {
		return e2b_token_is(&r->e2b->key, E2B_TOKEN_ACCESS, vm_id(r->vm), given) ||
		       err_set(err, ERR_ARGUMENT,
			       "access token present in header but does not match");
	}
	e2b_token_of(&r->e2b->key, E2B_TOKEN_ACCESS, vm_id(r->vm), token);
	const struct envd_signed what = envd_files_signed(r->x, token);
	return envd_signature_check(
		&what, http_query(r->x, "signature"), clock_wall_ms() / 1000, err);
}

static bool read_user(const struct e2b_request *r, struct envd_user *ret_user, struct err *err)
{
	const char *name = http_query(r->x, "username");
	const char *default_name = e2b_record_of(vm_spec(r->vm)).user;
	return name && *name ? envd_user_of(name, default_name, ret_user, err)
			     : envd_user_read(http_header(r->x, "Authorization"), default_name,
				       ret_user, err);
}

static void on_failed(struct http_exchange *x, int status, const struct err *err, void *data)
{
	struct transfer *t = data;
	struct err shown = *err;
	(void)x;
	vm_hide_paths(t->r->e2b->vms, &shown);
	if (err->kind == ERR_UNSUPPORTED && !t->user.is_desktop) {
		status = 401; /* there is no such user */
	}
	e2b_fail(t->r, status, "%s", shown.text);
}

/* NULL: it was answered. */
static struct transfer *begin(struct e2b_request *r)
{
	struct envd_user user;
	struct err err;
	if (!may(r, &err) || !read_user(r, &user, &err)) {
		e2b_fail(r, 401, "%s", err.text);
		return NULL;
	}
	struct transfer *t = must(calloc(1, sizeof(*t)));
	t->r = r;
	t->user = user;
	r->data = t;
	r->closed = on_closed;
	return t;
}

static const char *user_of(const struct transfer *t)
{
	return t->user.is_desktop ? NULL : t->user.name;
}

/* ---- read ---- */

void envd_files_read(struct e2b_request *r)
{
	struct transfer *t = begin(r);
	if (!t) {
		return;
	}
	if (!envd_accepts_identity(http_header(r->x, "Accept-Encoding"))) {
		e2b_fail(r, 406, "Accept-Encoding must allow identity");
		return;
	}
	http_set_header(r->x, "Vary", "Accept-Encoding");
	const struct download_how how = {
		.path = filesystem_path(http_query(r->x, "path")),
		.user = user_of(t),
		.privileged = filesystem_is_far(http_query(r->x, "path")),
		.failed = on_failed,
	};
	t->download = download_begin(r->x, vm_guest(r->vm), &how, t);
}

/* ---- write ---- */

/* With a path, the names in the form are not used. */
static char *place(const char *filename, void *data, struct err *err)
{
	const struct transfer *t = data;
	const char *path = http_query(t->r->x, "path");
	path = path && *path ? path : filename;
	if (!path || !*path) {
		err_set(err, ERR_ARGUMENT,
			"the query needs a 'path', or the part of the form a file name");
		return NULL;
	}
	return must(strdup(path));
}

static void on_done(struct http_exchange *x, const json_t *files, void *data)
{
	struct transfer *t = data;
	json_t *list = must(json_array()), *file;
	size_t i;
	(void)x;
	json_array_foreach((json_t *)files, i, file)
	{
		json_array_append_new(list, must(json_pack("{s:O, s:O, s:s, s:o*}", "path",
						    json_object_get(file, "path"), "name",
						    json_object_get(file, "name"), "type", "file",
						    "metadata", envd_metadata(t->xattrs))));
	}
	e2b_reply_json(t->r, 200, list);
}

static bool is_type(const struct http_exchange *x, const char *wanted)
{
	const char *type = http_header(x, "Content-Type");
	return type && strncasecmp(type, wanted, strlen(wanted)) == 0;
}

void envd_files_write(struct e2b_request *r)
{
	struct transfer *t = begin(r);
	const char *path = http_query(r->x, "path");
	struct err err;
	if (!t) {
		return;
	}
	if (!is_type(r->x, "application/octet-stream") && !is_type(r->x, "multipart/form-data")) {
		e2b_fail(r, 400,
			"unsupported content type: expected application/octet-stream or "
			"multipart/form-data");
		return;
	}
	if (!envd_metadata_read(r->x, &t->xattrs, &err)) {
		e2b_fail(r, 400, "%s", err.text);
		return;
	}
	const struct upload_how how = {
		.write = { .how = FILE_TRUNCATE,
			.mode = -1,
			.parents = true,
			.user = user_of(t),
			.privileged = !path || filesystem_is_far(path), /* of a part's name */
			.xattrs = t->xattrs },
		.place = place,
		.done = on_done,
		.failed = on_failed,
	};
	t->upload = upload_begin(r->x, vm_guest(r->vm), &how, t);
}
