/* Who may call envd, and what: the services, /files, /health. */
#include "server/e2b/envd/envd.h"

#include "server/e2b/core/tokens.h"
#include "server/e2b/envd/files.h"
#include "server/e2b/envd/services.h"
#include "server/e2b/envd/signature.h"
#include "server/e2b/envd/watcher.h"

#include <string.h>

static const struct rpc_method *const services[] = { process_stream_methods, process_methods,
	filesystem_methods, watch_methods, watcher_methods };
#define N_SERVICES (sizeof(services) / sizeof(*services))

/* HEAD is a GET whose answer has no body. */
static bool has_method(const struct e2b_request *r, const char *method)
{
	const char *given = http_method(r->x);
	return strcmp(strcmp(given, "HEAD") == 0 ? "GET" : given, method) == 0;
}

static void run_health(struct e2b_request *r)
{
	e2b_reply_empty(r, 204);
}

static void run_rpc(struct e2b_request *r)
{
	rpc_run(r, services, N_SERVICES);
}

/* The first whose path matches; the last one takes the rest. */
static const struct place {
	const char *method, *path; /* NULL: any */
	bool open;                 /* it does not need the access token */
	void (*run)(struct e2b_request *r);
} places[] = {
	{ "GET", "/health", true, run_health },
	{ "GET", "/files", true, envd_files_read },
	{ "POST", "/files", true, envd_files_write },
	{ NULL, NULL, false, run_rpc },
};

static const struct place *place_of(const struct e2b_request *r)
{
	const struct place *p = places;
	while (p->path && (strcmp(p->path, http_path(r->x)) != 0 || !has_method(r, p->method))) {
		p++;
	}
	return p;
}

void e2b_envd_run(struct e2b_request *r)
{
	const struct place *place = place_of(r);
	const char *token = http_header(r->x, "X-Access-Token");
	if (http_allow_any_origin(r->x)) {
		return;
	}
	if (place->open || e2b_token_is(&r->e2b->key, E2B_TOKEN_ACCESS, vm_id(r->vm), token)) {
		place->run(r);
	} else {
		e2b_fail(r, 401,
			token ? "access token present in header but does not match"
			      : "unauthorized access, please provide a valid access token or method "
				"signing if supported");
	}
}

void e2b_envd_done(struct e2b *e2b)
{
	envd_watchers_free(e2b->watchers);
	e2b->watchers = NULL;
}

bool e2b_envd_is_signed(const struct http_exchange *x, const char *access_token)
{
	const struct envd_signed what = envd_files_signed(x, access_token);
	return envd_signature_is(&what, http_query(x, "signature"));
}
