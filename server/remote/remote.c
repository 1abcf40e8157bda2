#include "server/remote/remote.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "server/http/listener.h"
#include "server/remote/directory.h"
#include "server/remote/talk.h"
#include "vm/state/state.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

struct remote {
	struct vm_pool *vms;
	struct http *own; /* the socket; NULL: none */
	char *path;
	struct config_http config; /* of the socket */
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

/* ---- GET /api/sandboxes/ID/talk ---- */

static void run_talk(struct http_exchange *x, void *data)
{
	const struct listing *listing = data;
	struct remote_place place = { listing->remote->vms, owner_of(x, listing), "" };
	struct err err;
	char rest[8];
	if (sscanf(http_path(x), "/api/sandboxes/%20[a-z0-9]/%7s", place.id, rest) != 2 ||
		strcmp(rest, "talk") != 0) {
		http_refuse(x, 404, "expected /api/sandboxes/ID/talk");
	} else if (!remote_find(&place, &err)) {
		http_refuse(x, 404, "%s", err.text);
	} else {
		remote_talk_accept(x, &place);
	}
}

static void add_routes(struct http *http, struct listing *listing)
{
	http_add_route(http,
		&(struct http_route){ "GET", "/api/sandboxes", .run = run_list, .data = listing });
	http_add_route(http,
		&(struct http_route){ "GET", "/api/sandboxes/", .run = run_talk, .data = listing });
}

/* ---- the socket ---- */

/* Only its user can open it. */
static const char *authorize(const char *token, void *data)
{
	(void)token, (void)data;
	return "local";
}

static bool make_directory(const char *state_dir, char **ret_path, struct err *err)
{
	auto_free char *dir = remote_directory(state_dir, err);
	if (!dir) {
		return false;
	}
	struct state *state = state_open(state_dir, err);
	if (!state) {
		return false;
	}
	state_close(state);
	if (mkdir(dir, 0700) < 0 && errno != EEXIST) {
		return err_errno(err, "cannot create %s", dir);
	}
	return asprintf(ret_path, "%s/%d.sock", dir, getpid()) >= 0;
}

static bool is_refused(const char *path)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	auto_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || strlen(path) >= sizeof(to.sun_path)) {
		return false;
	}
	memcpy(to.sun_path, path, strlen(path) + 1);
	return connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0 && errno == ECONNREFUSED;
}

/* Sockets of servers that were killed. */
static void remove_stale(const char *socket_path)
{
	auto_free char *dir =
		must(strndup(socket_path, (size_t)(strrchr(socket_path, '/') - socket_path)));
	DIR *entries = opendir(dir);
	struct dirent *entry;
	while (entries && (entry = readdir(entries))) {
		auto_buf struct buf path = { 0 };
		buf_printf(&path, "%s/%s", dir, entry->d_name);
		if (entry->d_type == DT_SOCK && is_refused(buf_text(&path))) {
			unlink(buf_text(&path));
		}
	}
	if (entries) {
		closedir(entries);
	}
}

static bool open_socket(
	struct remote *remote, sd_event *event, const struct config *config, struct err *err)
{
	auto_free char *address = NULL;
	remote->config = (struct config_http){ .max_connections = 64, .max_body_kib = 64 };
	if (!make_directory(config->vm.state_dir, &remote->path, err) ||
		asprintf(&address, "unix:%s", remote->path) < 0) {
		return false;
	}
	remove_stale(remote->path);
	remote->own = listen_http_open(event, &remote->config, address, authorize, NULL, NULL, err);
	return remote->own;
}

struct remote *remote_new(sd_event *event, const struct config *config, struct vm_pool *vms)
{
	struct remote *remote = must(calloc(1, sizeof(*remote)));
	struct err err;
	remote->vms = vms;
	remote->any = (struct listing){ remote, true };
	remote->owned = (struct listing){ remote, false };
	if (open_socket(remote, event, config, &err)) {
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

void remote_free(struct remote *remote)
{
	if (remote) {
		http_free(remote->own);
		if (remote->own) {
			unlink(remote->path);
		}
		free(remote->path);
		free(remote);
	}
}
