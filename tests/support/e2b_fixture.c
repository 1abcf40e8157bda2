#include "tests/support/e2b_fixture.h"

#include "server/config/options.h"
#include "server/http/auth_file.h"
#include "vm/backends.h"

static void add_key(const char *name, char key[AUTH_TOKEN_SIZE])
{
	struct err err;
	auth_make_token(key);
	cr_assert(auth_file_add(in_scratch("tokens.json"), name, key, &err), "%s", err.text);
}

static void set_options(struct e2b_bench *b, const char *backend)
{
	struct err err;
	static char agent[500];
	snprintf(agent, sizeof(agent), "%s/vitrine-agent", getenv("VITRINE_BUILD"));
	b->config.values = must(json_array());
	cr_assert(option_set_defaults(&b->config, &err), "%s", err.text);
	b->config.vm.backend = backend;
	b->config.vm.agent = agent;
	b->config.vm.state_dir = in_scratch("state");
	b->config.e2b.listen = "127.0.0.1:0";
	b->config.http.max_connections = 100;
}

static void init(struct e2b_bench *b, const char *backend, bool no_auth)
{
	struct err err;
	*b = (struct e2b_bench){ 0 };
	scratch_make();
	unsetenv("VITRINE_TOKEN");
	add_key("ann", b->key);
	add_key("bob", b->other_key);
	set_options(b, backend);
	b->http.event = loop_new(&err);
	cr_assert(b->http.event, "%s", err.text);
	b->auth = auth_new(no_auth ? NULL : in_scratch("tokens.json"), no_auth, &err);
	cr_assert(b->auth, "%s", err.text);
	b->vms = vm_pool_new(b->http.event, &b->config.vm, vm_backends);
	b->listen = listen_e2b_new(
		b->http.event, &b->config, b->vms, b->auth, NULL, &b->activity, &err);
	cr_assert(b->listen, "%s", err.text);
	b->http.http = listen_e2b_http(b->listen, 0);
	b->http.multi = curl_multi_init();
	snprintf(
		b->http.port, sizeof(b->http.port), "%s", strrchr(http_url(b->http.http), ':') + 1);
}

void e2b_bench_init(struct e2b_bench *b)
{
	init(b, "fake", false);
}

void e2b_bench_init_with(struct e2b_bench *b, const char *backend)
{
	init(b, backend, false);
}

void e2b_bench_init_open(struct e2b_bench *b)
{
	init(b, "fake", true);
}

void e2b_bench_done(struct e2b_bench *b)
{
	curl_multi_cleanup(b->http.multi);
	listen_e2b_free(b->listen);
	vm_pool_free(b->vms);
	auth_free(b->auth);
	sd_event_unref(b->http.event);
	config_done(&b->config);
	scratch_remove();
}

long e2b_bench_ask(struct e2b_bench *b, const struct e2b_ask *ask, json_t **ret_json)
{
	char key[100];
	const char *used = ask->key ? ask->key : b->key;
	struct ask one = {
		.method = ask->method, .path = ask->path, .body = ask->body, .token = ""
	};
	struct reply r;
	size_t n = 0;
	snprintf(key, sizeof(key), "X-API-Key: %s", used);
	one.headers[n] = key;
	n += used[0] != '\0';
	for (size_t i = 0; i < 6 && ask->headers[i]; i++) {
		one.headers[n++] = ask->headers[i];
	}
	one.headers[n] = NULL;
	fetch(&b->http, &one, &r);
	long status = r.status;
	if (ret_json) {
		*ret_json = json_loads(buf_text(&r.body), 0, NULL);
	}
	ask_end(&b->http, &r);
	return status;
}

json_t *e2b_bench_get(
	struct e2b_bench *b, long status, const char *method, const char *path, const char *body)
{
	json_t *json;
	const struct e2b_ask ask = { .method = method, .path = path, .body = body };
	long got = e2b_bench_ask(b, &ask, &json);
	cr_assert_eq(got, status, "%s %s: %ld, %s", method, path, got, text_of(json, "message"));
	return json;
}

char *e2b_bench_create(struct e2b_bench *b, const char *body)
{
	json_auto_t *made = e2b_bench_get(
		b, 201, "POST", "/v2/sandboxes", body ? body : "{\"templateID\": \"base\"}");
	return must(strdup(text_of(made, "sandboxID")));
}

const char *text_of(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));
	return text ? text : "";
}
