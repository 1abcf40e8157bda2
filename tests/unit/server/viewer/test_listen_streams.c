// USES server
#include "base/cleanup.h"
#include "base/loop.h"
#include "server/http/listener.h"
#include "server/viewer/listener.h"
#include "tools/sandbox/streams.h"
#include "vm/backends.h"
#include "vm/lifecycle/lifecycle.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Where links lead: to the listener there is, as the client calls it; to one that begins with the
 * first link; or to what --public-url says. */

static struct config config;
static struct err err;
static sd_event *event;
static struct vm_pool *vms;
static struct listen_streams *streams;
static struct http *http;
static char path[60];

static void begin(void)
{
	config = (struct config){ .vm = { .backend = "fake", .max_sandboxes = 1 } };
	config.http.stream_listen = "127.0.0.1:0";
	config.http.max_connections = 10;
	config.http.max_body_kib = 64;
	event = loop_new(&err);
	cr_assert_not_null(event, "%s", err.text);
	vms = vm_pool_new(event, &config.vm, vm_backends);
	snprintf(path, sizeof(path), "unix:/tmp/vitrine-test-%d.sock", (int)getpid());
}

static void start(void)
{
	streams = listen_streams_new(event, &config, vms, NULL, NULL);
}

static const char *nobody(const char *token, void *data)
{
	(void)token, (void)data;
	return NULL;
}

/* The server's own listener is at this address. */
static void start_at(const char *address)
{
	start();
	config.http.listen = address;
	http = listen_http_open(event, &config.http, address,
		&(struct listen_http_clients){ .authorize = nobody }, &err);
	cr_assert_not_null(http, "%s", err.text);
	cr_assert(listen_streams_use(streams, http, NULL, &err), "%s", err.text);
}

static void end(void)
{
	http_free(http);
	listen_streams_free(streams);
	vm_pool_free(vms);
	sd_event_unref(event);
	unlink(path + strlen("unix:"));
}

TestSuite(listen_streams, .init = begin, .fini = end, .timeout = 60);

static void expect_base(const char *host, const char *want)
{
	auto_free char *url = NULL;
	cr_assert(listen_streams_base(streams, host, &url, &err), "%s", err.text);
	cr_expect_str_eq(url, want);
}

static void expect_none(const char *host, const char *why)
{
	auto_free char *url = NULL;
	cr_expect_not(listen_streams_base(streams, host, &url, &err), "%s", url);
	cr_expect(strstr(err.text, why), "%s", err.text);
}

Test(listen_streams, of_its_own_begins_once)
{
	start();
	auto_free char *first = NULL, *second = NULL;
	cr_assert(listen_streams_base(streams, NULL, &first, &err), "%s", err.text);
	cr_assert(listen_streams_base(streams, NULL, &second, &err), "%s", err.text);
	cr_expect_eq(strncmp(first, "http://127.0.0.1:", 17), 0, "%s", first);
	cr_expect_str_neq(first, "http://127.0.0.1:0");
	cr_expect_str_eq(first, second);
}

Test(listen_streams, that_cannot_begin_is_tried_again)
{
	config.http.stream_listen = "nowhere";
	start();
	expect_none(NULL, "at nowhere: ");
	config.http.stream_listen = "127.0.0.1:0";
	config.http.frame_ancestors = "https://x; script-src *";
	expect_none(NULL, "script-src");
	config.http.frame_ancestors = NULL;
	auto_free char *url = NULL;
	cr_expect(listen_streams_base(streams, NULL, &url, &err), "%s", err.text);
}

Test(listen_streams, over_http_are_as_the_client_calls_the_server)
{
	start_at("127.0.0.1:0");
	expect_base("desk.example:80", "http://desk.example:80");
	expect_base(NULL, http_url(http));
}

Test(listen_streams, behind_a_proxy_are_https)
{
	config.http.behind_proxy = true;
	start_at("0.0.0.0:0");
	expect_base("desk.example", "https://desk.example");
	expect_none(NULL, "--public-url");
}

Test(listen_streams, on_a_unix_socket_need_a_public_url)
{
	start_at(path);
	expect_none("localhost", "--public-url");
}

Test(listen_streams, have_a_public_url)
{
	config.http.public_url = "https://desk.example/vitrine/";
	start_at(path);
	expect_base("localhost", "https://desk.example/vitrine");
}

/* A stream is over with its sandbox, for the reason that has. */
static const char *told;

static void on_end(struct stream *stream, const char *why, void *data)
{
	static char text[200];
	(void)stream, (void)data;
	snprintf(text, sizeof(text), "%s", why);
	told = text;
}

Test(listen_streams, end_with_their_sandbox)
{
	static const struct streams_fns fns = { .ended = on_end };
	static struct listener ends;
	char ticket[SECRET_LEN + 1];
	start();
	struct streams *registry = listen_streams_registry(streams);
	struct vm *vm = vm_create(vms, "ann", NULL, &err);
	cr_assert_not_null(vm, "%s", err.text);
	while (vm_state(vm) != VM_READY) {
		cr_assert_geq(sd_event_run(event, UINT64_MAX), 0);
	}
	listener_add(streams_listeners(registry), &ends, &fns, NULL);
	cr_assert_not_null(streams_open(registry, vm, STREAM_VIEW, 0, 60, ticket, &err));
	vm_stop(vm, "enough of it");
	while (!told) {
		cr_assert_geq(sd_event_run(event, UINT64_MAX), 0);
	}
	cr_expect_str_eq(told, "enough of it");
	cr_expect_null(streams_at(registry, "ann", 0));
}
