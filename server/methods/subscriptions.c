/*
 * Subscriptions to screen changes: resources/subscribe (legacy, one URI each, answered immediately)
 * and subscriptions/listen (modern, an open request with several URIs).  A sandbox watches its
 * screen only while there are subscriptions.
 */
#include "base/cleanup.h"
#include "server/methods/methods_impl.h"
#include "server/methods/resources.h"
#include "server/methods/tool_call.h"

#include <string.h>

#define LISTENERS_MAX 32 /* per connection */
#define TOPICS_MAX 32    /* per subscriptions/listen */
#define SUBSCRIPTION_ID "io.modelcontextprotocol/subscriptionId"

struct topic {
	struct vm *vm; /* valid while it is watched, even after its end; NULL: none */
	json_t *uri;
	bool missed; /* a change while the client did not read */
	/* Of a file; vm is NULL then. */
	struct file_changes *file;
	char sandbox[ID_LEN + 1];
	struct subscription *subscription;
};

struct subscription {
	LIST_ENTRY(subscription) link;
	struct session *session;
	struct request *request;      /* modern: the open request */
	unsigned lists, missed_lists; /* modern: bits of enum listen_list */
	size_t n;
	struct topic topics[];
};

static size_t count_listeners(const struct session *session)
{
	size_t n = 0;
	struct subscription *subscription;
	LIST_FOREACH(subscription, &session->subscriptions, link)
	{
		n++;
	}
	return n;
}

static struct subscription *subscription_new(struct session *session, size_t max_topics)
{
	struct subscription *subscription = must(
		calloc(1, sizeof(*subscription) + max_topics * sizeof(subscription->topics[0])));
	subscription->session = session;
	LIST_INSERT_HEAD(&session->subscriptions, subscription, link);
	return subscription;
}

static void subscription_free(struct subscription *subscription)
{
	for (size_t i = 0; i < subscription->n; i++) {
		if (subscription->topics[i].vm) {
			vm_watch(subscription->topics[i].vm, false);
		}
		file_changes_free(subscription->topics[i].file);
		json_decref(subscription->topics[i].uri);
	}
	LIST_REMOVE(subscription, link);
	free(subscription);
}

static void put_topic(struct subscription *subscription, json_t *uri, struct vm *vm)
{
	struct topic *topic = &subscription->topics[subscription->n++];
	topic->vm = vm;
	topic->uri = json_incref(uri);
	topic->subscription = subscription;
	if (vm) {
		vm_watch(vm, true);
	}
}

static void notify(struct subscription *subscription, struct topic *topic);

static void on_file(void *data)
{
	struct topic *topic = data;
	notify(topic->subscription, topic);
}

/* A sandbox that is not ready is watched when it is. */
static void put_file(
	struct subscription *subscription, json_t *uri, const struct resource *what, struct vm *vm)
{
	struct topic *topic = &subscription->topics[subscription->n];
	put_topic(subscription, uri, NULL);
	memcpy(topic->sandbox, what->sandbox, sizeof(topic->sandbox));
	topic->file = file_changes_new(
		subscription->session->server->event, what->file.path, on_file, topic);
	if (vm_state(vm) == VM_READY) {
		file_changes_watch(topic->file, vm_guest(vm));
	}
}

/* The caller has checked the limit. */
static bool add_topic(struct subscription *subscription, json_t *uri, struct err *err)
{
	struct resource what;
	auto_free char *value = NULL;
	if (resource_row_find(subscription->session->server, json_string_value(uri), &value)) {
		put_topic(subscription, uri, NULL);
		return true;
	}
	if (!resource_parse(json_string_value(uri), &what, err)) {
		return false;
	}
	struct vm *vm = vm_find(subscription->session->server->options.vms,
		subscription->session->owner, what.sandbox, err);
	if (vm && what.kind == RESOURCE_FILE) {
		put_file(subscription, uri, &what, vm);
	} else if (vm) {
		put_topic(subscription, uri, vm);
	}
	resource_done(&what);
	return vm != NULL;
}

/* ---- notifications ---- */

static json_t *subscription_meta(const struct request *request)
{
	return json_pack("{s:O}", SUBSCRIPTION_ID, request->id);
}

static void notify(struct subscription *subscription, struct topic *topic)
{
	struct conn *conn = subscription->request ? subscription->request->conn
						  : subscription->session->notifications;
	topic->missed = !conn_listens(conn);
	if (topic->missed) {
		return;
	}
	json_t *params = json_pack("{s:O}", "uri", topic->uri);
	if (subscription->request) {
		json_object_set_new(params, "_meta", subscription_meta(subscription->request));
	}
	conn_notify(conn, "notifications/resources/updated", params);
}

static void on_screen(struct vm *vm, void *data)
{
	struct server *server = data;
	struct session *session;
	struct subscription *subscription;
	LIST_FOREACH(session, &server->sessions, link)
	{
		LIST_FOREACH(subscription, &session->subscriptions, link)
		{
			for (size_t i = 0; i < subscription->n; i++) {
				if (subscription->topics[i].vm == vm) {
					notify(subscription, &subscription->topics[i]);
				}
			}
		}
	}
}

/* ---- lists that change ---- */

static const struct {
	const char *wish, *method;
} lists[LISTEN_LISTS] = {
	[LISTEN_TOOLS] = { "toolsListChanged", "notifications/tools/list_changed" },
	[LISTEN_PROMPTS] = { "promptsListChanged", "notifications/prompts/list_changed" },
};

static void notify_lists(struct subscription *subscription, unsigned changed)
{
	struct conn *conn = subscription->request ? subscription->request->conn : NULL;
	changed &= subscription->lists;
	subscription->missed_lists = conn_listens(conn) ? 0 : subscription->missed_lists | changed;
	for (int i = 0; i < LISTEN_LISTS; i++) {
		if (changed & ~subscription->missed_lists & 1u << i) {
			conn_notify(conn, lists[i].method,
				json_pack("{s:o}", "_meta",
					subscription_meta(subscription->request)));
		}
	}
}

void listen_list_changed(struct server *server, enum listen_list which)
{
	struct session *session;
	struct subscription *subscription;
	LIST_FOREACH(session, &server->sessions, link)
	{
		if (session->revision && conn_listens(session->notifications)) {
			conn_notify(session->notifications, lists[which].method, NULL);
		}
		LIST_FOREACH(subscription, &session->subscriptions, link)
		{
			notify_lists(subscription, 1u << which);
		}
	}
}

/* Adds the granted part of the request to `granted`. */
static unsigned grant_lists(const struct request *request, json_t *granted)
{
	const json_t *wanted = json_object_get(request->params, "notifications");
	unsigned bits = 0;
	for (int i = 0; methods_lists_change(request->server) && i < LISTEN_LISTS; i++) {
		if (json_is_true(json_object_get(wanted, lists[i].wish))) {
			bits |= 1u << i;
			json_object_set_new(granted, lists[i].wish, json_true());
		}
	}
	return bits;
}

static void catch_up(struct session *session)
{
	struct subscription *subscription;
	LIST_FOREACH(subscription, &session->subscriptions, link)
	{
		notify_lists(subscription, subscription->missed_lists);
		for (size_t i = 0; i < subscription->n; i++) {
			if (subscription->topics[i].missed) {
				notify(subscription, &subscription->topics[i]);
			}
		}
	}
}

/* ---- legacy ---- */

static struct subscription *find_subscription(struct session *session, const char *uri)
{
	struct subscription *subscription;
	LIST_FOREACH(subscription, &session->subscriptions, link)
	{
		if (!subscription->request &&
			strcmp(json_string_value(subscription->topics[0].uri), uri) == 0) {
			return subscription;
		}
	}
	return NULL;
}

void listen_method_subscribe(struct request *request)
{
	struct session *session = request->session;
	const char *uri = request_text(request, "uri");
	if (!uri) {
		return;
	}
	if (find_subscription(session, uri)) {
		request_reply(request, json_object());
		return;
	}
	if (count_listeners(session) >= LISTENERS_MAX) {
		request_fail(request, RPC_INVALID_PARAMS, NULL,
			"a connection may have %d subscriptions; cancel one first", LISTENERS_MAX);
		return;
	}
	struct err err;
	struct subscription *subscription = subscription_new(session, 1);
	if (add_topic(subscription, json_object_get(request->params, "uri"), &err)) {
		request_reply(request, json_object());
	} else {
		subscription_free(subscription);
		request_fail(request, mcp_not_found(request->revision),
			json_pack("{s:O}", "uri", json_object_get(request->params, "uri")), "%s",
			err.text);
	}
}

void listen_method_unsubscribe(struct request *request)
{
	const char *uri = request_text(request, "uri");
	if (!uri) {
		return;
	}
	struct subscription *subscription = find_subscription(request->session, uri);
	if (subscription) {
		subscription_free(subscription);
	}
	request_reply(request, json_object());
}

/* ---- modern ---- */

/* Also the orderly end: the open request is answered. */
static void end_listen(void *data)
{
	struct subscription *subscription = data;
	struct request *request = subscription->request;
	subscription_free(subscription);
	request_reply(request, json_pack("{s:o}", "_meta", subscription_meta(request)));
}

static bool check_listen(struct request *request, const json_t **ret_uris)
{
	const json_t *wanted = json_object_get(request->params, "notifications");
	*ret_uris = json_object_get(wanted, "resourceSubscriptions");
	bool good = json_is_object(wanted) && (!*ret_uris || json_is_array(*ret_uris));
	for (size_t i = 0; i < json_array_size(*ret_uris); i++) {
		good = good && json_is_string(json_array_get(*ret_uris, i));
	}
	if (json_object_get(wanted, "taskIds") && !tasks_are_known(request)) {
		tasks_refuse(request);
		return false;
	}
	if (!good) {
		request_fail(request, RPC_INVALID_PARAMS, NULL,
			"params.notifications must be an object; its resourceSubscriptions, an "
			"array of URIs");
	} else if (json_array_size(*ret_uris) > TOPICS_MAX ||
		   count_listeners(request->session) >= LISTENERS_MAX) {
		good = false;
		request_fail(request, RPC_INVALID_PARAMS, NULL,
			"a connection may have %d subscriptions with %d URIs each; cancel one "
			"first",
			LISTENERS_MAX, TOPICS_MAX);
	}
	return good;
}

/* Reports the granted part: URIs of the caller's sandboxes, and lists that can change. */
void listen_method_listen(struct request *request)
{
	const json_t *uris;
	if (!check_listen(request, &uris)) {
		return;
	}
	if (!conn_streams(request->conn)) {
		request_fail(request, RPC_INVALID_REQUEST, NULL,
			"subscriptions/listen responds with a stream: the Accept header must list "
			"text/event-stream");
		return;
	}
	struct subscription *subscription =
		subscription_new(request->session, json_array_size(uris));
	subscription->request = request;
	json_t *granted = json_array();
	for (size_t i = 0; i < json_array_size(uris); i++) {
		struct err err;
		json_t *uri = json_array_get(uris, i);
		if (add_topic(subscription, uri, &err)) {
			json_array_append(granted, uri);
		}
	}
	json_t *notifications = json_object();
	if (uris) {
		json_object_set(notifications, "resourceSubscriptions", granted);
	}
	json_decref(granted);
	subscription->lists = grant_lists(request, notifications);
	json_t *params = json_pack(
		"{s:o, s:o}", "_meta", subscription_meta(request), "notifications", notifications);
	conn_notify(request->conn, "notifications/subscriptions/acknowledged", params);
	request_on_cancel(request, end_listen, subscription);
}

static void ended(struct session *session)
{
	struct subscription *subscription, *next;
	for (subscription = LIST_FIRST(&session->subscriptions); subscription;
		subscription = next) {
		next = LIST_NEXT(subscription, link);
		if (subscription->request) {
			end_listen(subscription);
		} else {
			subscription_free(subscription);
		}
	}
}

/* It has started, or was resumed. */
static void on_state(struct vm *vm, void *data)
{
	struct server *server = data;
	struct session *session;
	struct subscription *subscription;
	LIST_FOREACH(session, &server->sessions, link)
	{
		LIST_FOREACH(subscription, &session->subscriptions, link)
		{
			for (size_t i = 0; i < subscription->n && vm_state(vm) == VM_READY; i++) {
				struct topic *topic = &subscription->topics[i];
				if (topic->file && strcmp(topic->sandbox, vm_id(vm)) == 0) {
					file_changes_watch(topic->file, vm_guest(vm));
				}
			}
		}
	}
}

static const struct vm_listener vm_listener = { .screen = on_screen, .state = on_state };

static void started(struct server *server)
{
	if (server->options.vms) {
		listener_add(
			vm_listeners(server->options.vms), &server->screens, &vm_listener, server);
	}
}

static void stopped(struct server *server)
{
	listener_remove(&server->screens);
}

const struct session_part subscriptions_part = {
	.started = started,
	.stopped = stopped,
	.catch_up = catch_up,
	.ended = ended,
};
