#include "server/remote/files.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "server/transfer/download.h"
#include "server/transfer/upload.h"
#include "tools/system/file_link.h"

#include <stdlib.h>
#include <string.h>

struct file_request {
	struct http_exchange *x;
	struct vm *vm; /* in use */
	struct vm_wait *wait;
	const char *path; /* of the query; ends with a slash: a directory for the files of a form */
	struct vm_pool *vms;
	bool writes, has_one;
	struct download *download;
	struct upload *upload;
};

static void on_closed(struct http_exchange *x, void *data)
{
	struct file_request *r = data;
	(void)x;
	vm_wait_cancel(r->wait);
	download_free(r->download);
	upload_free(r->upload);
	vm_unuse(r->vm);
	free(r);
}

static void on_failed(struct http_exchange *x, int status, const struct err *err, void *data)
{
	const struct file_request *r = data;
	struct err shown = *err;
	vm_hide_paths(r->vms, &shown);
	http_refuse(x, status, "%s", shown.text);
}

/* ---- uploads ---- */

static bool is_directory(const char *path)
{
	size_t len = strlen(path);
	return len > 0 && path[len - 1] == '/';
}

/* A name of a form's part is not a path. */
static char *place_in(const char *directory, const char *filename, struct err *err)
{
	auto_buf struct buf path = { 0 };
	const char *slash = strrchr(filename, '/');
	const char *name = slash ? slash + 1 : filename;
	if (!*name || strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
		err_set(err, ERR_ARGUMENT,
			"each file of the form needs a name, because 'path' is a directory");
		return NULL;
	}
	buf_printf(&path, "%s%s", directory, name);
	return (char *)take_ptr(&path.data);
}

static char *place_file(const char *filename, void *data, struct err *err)
{
	struct file_request *r = data;
	if (is_directory(r->path) && filename) {
		return place_in(r->path, filename, err);
	}
	if (r->has_one) {
		err_set(err, ERR_ARGUMENT,
			"'path' names one file, and the form has more; a 'path' that ends with / "
			"names a directory for them");
		return NULL;
	}
	r->has_one = true;
	return must(strdup(r->path));
}

static void on_done(struct http_exchange *x, const json_t *files, void *data)
{
	auto_free char *text = must(json_dumps(files, JSON_COMPACT));
	(void)data;
	http_reply(x, 200, "application/json", text, strlen(text));
}

/* ---- the sandbox ---- */

static void begin(struct file_request *r)
{
	const struct download_how down = { .path = r->path, .failed = on_failed };
	const struct upload_how up = {
		.write = { .how = FILE_REPLACE, .mode = -1, .parents = true },
		.place = place_file,
		.done = on_done,
		.failed = on_failed,
	};
	if (r->writes) {
		r->upload = upload_begin(r->x, vm_guest(r->vm), &up, r);
	} else {
		r->download = download_begin(r->x, vm_guest(r->vm), &down, r);
	}
}

static void on_ready(struct vm *vm, const struct err *err, void *data)
{
	struct file_request *r = data;
	(void)vm;
	r->wait = NULL;
	if (err) {
		on_failed(r->x, transfer_status(err), err, r);
	} else {
		begin(r);
	}
}

/* ---- who may ---- */

static const struct {
	const char *name;
	enum file_link_method method;
} methods[] = {
	{ "GET", FILE_LINK_READ },
	{ "HEAD", FILE_LINK_READ },
	{ "PUT", FILE_LINK_WRITE },
	{ "POST", FILE_LINK_WRITE },
};

static bool read_method(struct http_exchange *x, enum file_link_method *ret)
{
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		if (strcmp(http_method(x), methods[i].name) == 0) {
			*ret = methods[i].method;
			return true;
		}
	}
	http_set_header(x, "Allow", "GET, HEAD, PUT, POST");
	http_refuse(x, 405, "a file accepts GET, HEAD, PUT and POST");
	return false;
}

/* False: x is answered. */
static bool is_signed(struct http_exchange *x, struct vm_pool *vms, const struct file_link *link)
{
	const char *signature = http_query(x, "signature");
	struct digest key;
	struct err err;
	if (!signature) {
		http_set_header(x, "WWW-Authenticate", "Bearer");
		http_refuse(x, 401,
			"send the header Authorization: Bearer TOKEN, or use a URL of the tool "
			"file_url");
	} else if (!vm_pool_key(vms, &key, &err)) {
		vm_hide_paths(vms, &err);
		http_refuse(x, 500, "%s", err.text);
	} else if (!file_link_is_signed(&key, link, signature)) {
		http_refuse(x, 401,
			"the signature is not valid for this sandbox, path, method and time");
	} else if (link->expires <= clock_wall_ms() / 1000) {
		http_refuse(x, 401, "the URL has expired; get a new one from the tool file_url");
	} else {
		return true;
	}
	return false;
}

static void wait_for(
	struct http_exchange *x, struct vm *vm, const struct file_link *link, struct vm_pool *vms)
{
	static const struct vm_wait_handlers handlers = { .done = on_ready };
	struct file_request *r = must(calloc(1, sizeof(*r)));
	r->x = x;
	r->vm = vm;
	r->vms = vms;
	r->path = link->path;
	r->writes = link->method == FILE_LINK_WRITE;
	vm_use(vm);
	http_on_closed(x, on_closed, r);
	r->wait = vm_wait(vm, &handlers, r);
}

void remote_files_run(struct http_exchange *x, const struct remote_place *place, bool signed_only)
{
	const char *path = http_query(x, "path"), *expires = http_query(x, "expires");
	struct file_link link = {
		.sandbox = place->id,
		.path = path,
		.expires = expires ? strtoll(expires, NULL, 10) : 0,
	};
	struct err err;
	if (!path || !*path) {
		http_refuse(x, 400, "the query must have the path of a file: ?path=PATH");
		return;
	}
	if (!read_method(x, &link.method) || (signed_only && !is_signed(x, place->vms, &link))) {
		return;
	}
	struct vm *vm = remote_find(place, &err);
	if (!vm) {
		http_refuse(x, 404, "%s", err.text);
		return;
	}
	wait_for(x, vm, &link, place->vms);
}
