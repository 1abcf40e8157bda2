// USES server PkgConfig::curl
/* The stream of a desktop at port 6080: who gets a page, of what, and what ends it; and the requests of the
 * code interpreter, which the fake desktop has no kernels for. */
#include "server/viewer/listener.h"
#include "tests/support/e2b_fixture.h"
#include "tests/support/vm_host.h"
#include "tools/sandbox/streams.h"

struct desk {
	struct e2b_bench b;
	struct listen_streams *streams;
	struct vm *vm;
	char id[80], port[40], token[100]; /* headers */
};

static void find_vm(struct vm *vm, void *data)
{
	*(struct vm **)data = vm;
}

static void run(struct desk *d, const char *command)
{
	struct host host = { .event = d->b.http.event, .pool = d->b.vms };
	struct answer *a = host_exec(&host, d->vm, command, 60000);
	cr_assert_eq(a->err.kind, ERR_NONE, "%s", a->err.text);
	answer_free(a);
}

/* The program in the place of noVNC's proxy says this. */
static void say(struct desk *d, const char *status, const char *json)
{
	char command[500];
	snprintf(command, sizeof(command),
		"listen 6080 switch \\r\\n\\r\\n HTTP/1.1 %s\\r\\nContent-Length: %zu\\r\\n\\r\\n%s",
		status, strlen(json), json);
	run(d, command);
}

static void desk_begin(struct desk *d, int port)
{
	struct err err;
	e2b_bench_init(&d->b);
	d->streams =
		listen_streams_new(d->b.http.event, &d->b.config, d->b.vms, NULL, &d->b.activity);
	cr_assert(listen_e2b_use_streams(d->b.listen, d->streams, &err), "%s", err.text);
	auto_free char *id = e2b_bench_create(&d->b, NULL);
	snprintf(d->id, sizeof(d->id), "E2b-Sandbox-Id: %s", id);
	snprintf(d->port, sizeof(d->port), "E2b-Sandbox-Port: %d", port);
	vm_pool_each(d->b.vms, find_vm, &d->vm);
	char path[100];
	snprintf(path, sizeof(path), "/sandboxes/%s", id);
	json_auto_t *shown = e2b_bench_get(&d->b, 200, "GET", path, NULL);
	snprintf(d->token, sizeof(d->token), "X-Access-Token: %s",
		text_of(shown, "envdAccessToken"));
}

/* As the server does, the pool is last. */
static void desk_end(struct desk *d)
{
	listen_e2b_free(take_ptr(&d->b.listen));
	listen_streams_free(d->streams);
	e2b_bench_done(&d->b);
}

static void ask(
	struct desk *d, const char *method, const char *path, const char *body, struct reply *r)
{
	const struct ask one = { .method = method,
		.path = path,
		.body = body,
		.token = "",
		.headers = { d->id, d->port, d->token } };
	fetch(&d->b.http, &one, r);
}

static long get(struct desk *d, const char *path)
{
	struct reply r;
	ask(d, "GET", path, NULL, &r);
	long status = r.status;
	ask_end(&d->b.http, &r);
	return status;
}

static const struct stream *last_stream(struct desk *d)
{
	const struct stream *stream, *last = NULL;
	struct streams *all = listen_streams_registry(d->streams);
	for (size_t i = 0; (stream = streams_at(all, vm_owner(d->vm), i)); i++) {
		last = stream;
	}
	return last;
}

/* Opens the page, and returns its path and its ticket. */
static void open_page(struct desk *d, const char *path, char ret_page[100], char ret_ticket[100])
{
	struct reply r;
	ask(d, "GET", path, NULL, &r);
	cr_assert_eq(r.status, 303, "%s: %ld %s", path, r.status, buf_text(&r.body));
	const char *to = strstr(buf_text(&r.head), "Location: ");
	cr_assert(to && sscanf(to, "Location: %99[^#]#%99[A-Za-z0-9_-]", ret_page, ret_ticket) == 2,
		"%s", buf_text(&r.head));
	ask_end(&d->b.http, &r);
}

Test(e2b_desktop, the_link_leads_to_a_page_of_this_server, .timeout = 60)
{
	struct desk d = { 0 };
	struct reply r;
	char page[100], ticket[100], path[200];
	desk_begin(&d, 6080);
	say(&d, "200 OK", "{\"password\": null, \"window\": null}");
	open_page(&d, "/vnc.html?autoconnect=true&resize=scale", page, ticket);
	cr_expect_eq(last_stream(&d)->mode, STREAM_CONTROL);
	cr_expect_eq(last_stream(&d)->window, 0);
	ask(&d, "GET", page, NULL, &r);
	cr_expect_eq(r.status, 200);
	cr_expect(has(&r.body, "viewer.js"), "%s", buf_text(&r.body));
	ask_end(&d.b.http, &r);
	cr_expect_eq(get(&d, "/assets/viewer.js"), 200);
	snprintf(path, sizeof(path), "%sopen", page);
	ask(&d, "POST", path, ticket, &r);
	cr_expect_eq(r.status, 204, "%s", buf_text(&r.body));
	cr_expect(has(&r.head, "Set-Cookie: vitrine_"), "%s", buf_text(&r.head));
	ask_end(&d.b.http, &r);
	desk_end(&d);
}

Test(e2b_desktop, a_stream_keeps_its_password_and_is_only_to_be_watched, .timeout = 60)
{
	struct desk d = { 0 };
	char page[100], ticket[100];
	desk_begin(&d, 6080);
	say(&d, "200 OK", "{\"password\": \"secret\", \"window\": null}");
	cr_expect_eq(get(&d, "/vnc.html"), 401);
	cr_expect_eq(get(&d, "/vnc.html?password=secre"), 401);
	cr_expect_null(last_stream(&d));
	open_page(&d, "/vnc.html?view_only=true&password=secret", page, ticket);
	cr_expect_eq(last_stream(&d)->mode, STREAM_VIEW);
	desk_end(&d);
}

Test(e2b_desktop, what_is_no_stream_is_refused, .timeout = 60)
{
	struct desk d = { 0 };
	desk_begin(&d, 6080);
	cr_expect_eq(get(&d, "/vnc.html"), 502, "nothing listens");
	say(&d, "503 No", "{}");
	cr_expect_eq(get(&d, "/vnc.html"), 502);
	say(&d, "200 OK", "[]");
	cr_expect_eq(get(&d, "/vnc.html"), 502);
	say(&d, "200 OK", "{\"password\": null, \"window\": \"77\"}");
	cr_expect_eq(get(&d, "/vnc.html"), 404, "there is no such window");
	run(&d, "listen 6080 after \\r\\n\\r\\n SSH-2.0\\r\\n");
	cr_expect_eq(get(&d, "/vnc.html"), 502);
	cr_expect_null(last_stream(&d));
	cr_expect_eq(get(&d, "/s/none/"), 404);
	cr_expect_eq(get(&d, "/assets/none.js"), 404);
	desk_end(&d);
}

Test(e2b_desktop, other_paths_are_the_programs, .timeout = 60)
{
	struct desk d = { 0 };
	desk_begin(&d, 6080);
	run(&d, "listen 6080 after \\r\\n\\r\\n HTTP/1.1 418 Teapot\\r\\nContent-Length: 0\\r\\n\\r\\n");
	cr_expect_eq(get(&d, "/websockify"), 418);
	desk_end(&d);
}

static size_t count_streams(struct desk *d)
{
	size_t n = 0;
	while (streams_at(listen_streams_registry(d->streams), vm_owner(d->vm), n)) {
		n++;
	}
	return n;
}

/* Each has a connection to the sandbox. */
Test(e2b_desktop, pages_that_were_left_make_room, .timeout = 60)
{
	struct desk d = { 0 };
	char page[100], ticket[100];
	desk_begin(&d, 6080);
	say(&d, "200 OK", "{\"password\": null, \"window\": null}");
	for (int i = 0; i < 30; i++) {
		open_page(&d, "/", page, ticket);
	}
	cr_expect_eq(count_streams(&d), 8);
	cr_expect_eq(get(&d, page), 200, "the newest is there");
	desk_end(&d);
}

Test(e2b_code, requests_are_checked, .timeout = 60)
{
	static const struct {
		const char *method, *path, *body;
		long status;
	} rows[] = {
		{ "GET", "/health", NULL, 200 },
		{ "POST", "/health", NULL, 404 },
		{ "GET", "/execute", NULL, 404 },
		{ "GET", "/contexts/a", NULL, 404 },
		{ "POST", "/contexts//restart", NULL, 404 },
		{ "POST", "/contexts/a/b/restart", NULL, 404 },
		{ "POST", "/execute", "{", 400 },
		{ "POST", "/execute", "{}", 400 },
		{ "POST", "/execute", "{\"code\": 1}", 400 },
		{ "POST", "/execute",
			"{\"code\": \"1\", \"language\": \"a\", \"context_id\": \"b\"}", 400 },
		{ "POST", "/execute", "{\"code\": \"1\", \"env_vars\": {\"1A\": \"x\"}}", 400 },
		{ "POST", "/execute", "{\"code\": \"1\", \"env_vars\": {\"A\": 1}}", 400 },
		{ "POST", "/contexts", "{\"cwd\": 1}", 400 },
	};
	struct desk d = { 0 };
	struct reply r;
	desk_begin(&d, 49999);
	d.token[strlen(d.token) - 1] ^= 1;
	ask(&d, "POST", "/execute", "{\"code\": \"1\"}", &r);
	cr_expect_eq(r.status, 401, "code needs the token");
	ask_end(&d.b.http, &r);
	d.token[strlen(d.token) - 1] ^= 1;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ask(&d, rows[i].method, rows[i].path, rows[i].body, &r);
		cr_expect_eq(r.status, rows[i].status, "%s %s %s: %ld %s", rows[i].method,
			rows[i].path, rows[i].body ? rows[i].body : "", r.status,
			buf_text(&r.body));
		ask_end(&d.b.http, &r);
	}
	desk_end(&d);
}
