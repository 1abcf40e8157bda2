#include "server/remote/remote.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "server/http/listener.h"
#include "server/remote/directory.h"
#include "server/remote/files.h"
#include "server/remote/talk.h"
#include "transport/http/sockets.h"
#include "vm/state/state.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct remote {
	struct vm_pool *vms;
	struct http *own; /* the socket; NULL: none */
	struct listing {
		struct remote *remote;
		bool all; /* sandboxes of any owner */
	} any, owned;
};

/* ---- GET /api/sandboxes ---- */

struct rows {
	json_t *list;
	const char *owner; /* NULL: any */
};

static void add_row(struct vm *vm, void *data)
{
	struct rows *rows = data;
	if (!rows->owner || strcmp(vm_owner(vm), rows->owner) == 0) {
		json_array_append_new(rows->list,
			must(json_pack("{s:s, s:s, s:s, s:s, s:i}", "id", vm_id(vm), "state",
				vm_state_names[vm_state(vm)], "backend", vm_backend_name(vm),
				"owner", vm_owner(vm), "server", getpid())));
	}
}

static const char *owner_of(const struct http_exchange *x, const struct listing *listing)
{
	return listing->all ? NULL : http_owner(x);
}

static void run_list(struct http_exchange *x, void *data)
{
	const struct listing *listing = data;
	struct rows rows = { json_array(), owner_of(x, listing) };
	json_auto_t *list = rows.list;
	vm_pool_each(listing->remote->vms, add_row, &rows);
	auto_free char *text = must(json_dumps(list, JSON_COMPACT));
	http_reply(x, 200, "application/json", text, strlen(text));
}

/* ---- /api/sandboxes/ID/talk, /api/sandboxes/ID/files ---- */

static bool has_token(struct http_exchange *x, const struct listing *listing)
{
	return listing->all || http_owner(x);
}

static void run_talk(struct http_exchange *x, const struct remote_place *place)
{
	struct err err;
	if (strcmp(http_method(x), "GET") != 0) {
		http_set_header(x, "Allow", "GET");
		http_refuse(x, 405, "this path accepts GET");
	} else if (!remote_find(place, &err)) {
		http_refuse(x, 404, "%s", err.text);
	} else {
		remote_talk_accept(x, place);
	}
}

/* Open, because a signed URL needs no token. */
static void run_sandbox(struct http_exchange *x, void *data)
{
	const struct listing *listing = data;
	struct remote_place place = { listing->remote->vms, owner_of(x, listing), "" };
	char rest[8] = "";
	int n = sscanf(http_path(x), "/api/sandboxes/%20[a-z0-9]/%7s", place.id, rest);
	if (n == 2 && strcmp(rest, "files") == 0) {
		remote_files_run(x, &place, !has_token(x, listing));
	} else if (!has_token(x, listing)) {
		http_set_header(x, "WWW-Authenticate", "Bearer");
		http_refuse(x, 401, "send the header Authorization: Bearer TOKEN");
	} else if (n == 2 && strcmp(rest, "talk") == 0) {
		run_talk(x, &place);
	} else {
		http_refuse(x, 404,
			"expected /api/sandboxes/ID/files?path=PATH, or /api/sandboxes/ID/talk");
	}
}

static void add_sandbox_routes(struct http *http, struct listing *listing)
{
	http_add_route(http, &(struct http_route){ .path = "/api/sandboxes/",
				     .open = true,
				     .streams_body = true,
				     .run = run_sandbox,
				     .data = listing });
}

static void add_routes(struct http *http, struct listing *listing)
{
	http_add_route(http,
		&(struct http_route){ "GET", "/api/sandboxes", .run = run_list, .data = listing });
	add_sandbox_routes(http, listing);
}

/* ---- the socket ---- */

/* Only its user can open it. */
static const char *authorize(const char *token, void *data)
{
	(void)token, (void)data;
	return "local";
}

static char *make_directory(const char *state_dir, struct err *err)
{
	auto_free char *dir = remote_directory(state_dir, err);
	struct state *state = dir ? state_open(state_dir, err) : NULL;
	if (!state) {
		return NULL;
	}
	state_close(state);
	if (mkdir(dir, 0700) < 0 && errno != EEXIST) {
		err_errno(err, "cannot create %s", dir);
		return NULL;
	}
	return take_ptr(&dir);
}

/* Sockets of servers that were killed. */
static void remove_stale(const char *dir)
{
	DIR *entries = opendir(dir);
	struct dirent *entry;
	while (entries && (entry = readdir(entries))) {
		auto_buf struct buf path = { 0 };
		struct err ignored; /* its server runs */
		buf_printf(&path, "%s/%s", dir, entry->d_name);
		if (entry->d_type == DT_SOCK) {
			(void)!http_socket_remove_stale(buf_text(&path), &ignored);
		}
	}
	if (entries) {
		closedir(entries);
	}
}

static struct http *open_socket(sd_event *event, const char *state_dir, struct err *err)
{
	const struct config_http config = { .max_connections = 64, .max_body_kib = 64 };
	auto_free char *dir = make_directory(state_dir, err);
	auto_buf struct buf address = { 0 };
	if (!dir) {
		return NULL;
	}
	remove_stale(dir);
	buf_printf(&address, "unix:%s/%d.sock", dir, getpid());
	const struct listen_http_clients clients = { .authorize = authorize };
	return listen_http_open(event, &config, buf_text(&address), &clients, err);
}

struct remote *remote_new(sd_event *event, const struct config *config, struct vm_pool *vms)
{
	struct remote *remote = must(calloc(1, sizeof(*remote)));
	struct err err;
	remote->vms = vms;
	remote->any = (struct listing){ remote, true };
	remote->owned = (struct listing){ remote, false };
	remote->own = open_socket(event, config->vm.state_dir, &err);
	if (remote->own) {
		add_routes(remote->own, &remote->any);
	} else {
		log_info("no socket for `vitrine exec` and its like: %s", err.text);
	}
	return remote;
}

void remote_use(struct remote *remote, struct http *http)
{
	add_routes(http, &remote->owned);
}

void remote_use_signed(struct remote *remote, struct http *http)
{
	add_sandbox_routes(http, &remote->owned);
}

void remote_free(struct remote *remote)
{
	if (remote) {
		http_free(remote->own); /* removes the socket */
		free(remote);
	}
}
