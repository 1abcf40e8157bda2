#include "server/e2b/e2b.h"

#include "base/cleanup.h"
#include "server/e2b/certificate.h"
#include "server/e2b/control/history.h"
#include "server/e2b/core/tokens.h"
#include "server/e2b/desktop/desktop.h"
#include "server/e2b/envd/envd.h"
#include "server/e2b/router.h"
#include "server/e2b/template/build.h"
#include "server/e2b/template/names.h"
#include "server/http/listener.h"
#include "vm/state/state.h"

#include <string.h>

/* One SDK keeps up to 310 connections, and several may run on one machine. */
#define PER_ADDRESS 700

/* SDKs send one in any case, and check its form. */
#define ANY_KEY "e2b_0000000000000000000000000000000000000000"

struct listen_e2b {
	struct e2b e2b;
	struct vm_pool *vms;
	struct listener states;             /* of sandboxes */
	struct http *plain, *tls;           /* NULL: none */
	struct e2b_certificate certificate; /* of tls; empty: it was given */
	char *images, *public_domain;
	bool any_key; /* --no-auth */
};

static void on_state(struct vm *vm, void *data)
{
	struct listen_e2b *listen = data;
	if (vm_state(vm) != VM_READY && vm_state(vm) != VM_STARTING) {
		e2b_router_cut(&listen->e2b, vm);
	}
}

static const struct vm_listener vm_listener = { .state = on_state };

/* Of microVMs, if there may be any. */
static bool find_images(struct listen_e2b *listen, const struct config *config, struct err *err)
{
	const char *backend = config->vm.backend;
	auto_free char *dir =
		config->vm.state_dir ? must(strdup(config->vm.state_dir)) : state_default_dir(err);
	auto_buf struct buf path = { 0 };
	if (!dir) {
		return false;
	}
	if (strcmp(backend, "auto") == 0 || strcmp(backend, "microvm") == 0) {
		buf_printf(&path, "%s/images", dir);
		listen->e2b.images = listen->images = must(strdup(buf_text(&path)));
	}
	return true;
}

/* The names PORT-ID.DOMAIN are this server's. */
static struct http *open_listener(struct listen_e2b *listen, const struct config_http *config,
	const char *address, struct budgets *budgets, struct err *err)
{
	const struct listen_http_clients clients = {
		.identify = e2b_router_identify,
		.data = &listen->e2b,
		.budgets = budgets,
		.per_address = PER_ADDRESS,
	};
	auto_buf struct buf hosts = { 0 };
	struct config_http own = *config;
	buf_printf(&hosts, "%s%s%s,*.%s", config->allow_hosts ? config->allow_hosts : "",
		config->allow_hosts ? "," : "", listen->e2b.domain, listen->e2b.domain);
	own.allow_hosts = buf_text(&hosts);
	struct http *http = listen_http_open(listen->e2b.event, &own, address, &clients, err);
	if (http) {
		e2b_router_use(http, &listen->e2b);
	}
	return http;
}

static bool open_plain(struct listen_e2b *listen, const struct config *config,
	struct budgets *budgets, struct err *err)
{
	struct config_http plain = config->http;
	if (!config->e2b.listen) {
		return true;
	}
	plain.tls_cert = plain.tls_key = NULL;
	listen->plain = open_listener(listen, &plain, config->e2b.listen, budgets, err);
	return listen->plain || err_while(err, "--e2b");
}

/* "NAME:PORT", by which clients reach it. */
static char *public_domain_of(const char *domain, const char *url)
{
	const char *port = strrchr(url, ':');
	auto_buf struct buf name = { 0 };
	bool is_usual = !port || strcmp(port, ":443") == 0;
	buf_printf(&name, "%s%s", domain, is_usual ? "" : port);
	return (char *)take_ptr(&name.data);
}

static bool open_tls(struct listen_e2b *listen, const struct config *config,
	struct budgets *budgets, struct err *err)
{
	struct config_http tls = config->http;
	if (!config->e2b.tls_listen) {
		return true;
	}
	if (!tls.tls_cert) {
		if (!e2b_certificate_find(
			    config->vm.state_dir, config->e2b.domain, &listen->certificate, err)) {
			return err_while(err, "--e2b-tls");
		}
		tls.tls_cert = listen->certificate.chain;
		tls.tls_key = listen->certificate.key;
	}
	listen->tls = open_listener(listen, &tls, config->e2b.tls_listen, budgets, err);
	if (!listen->tls) {
		return err_while(err, "--e2b-tls");
	}
	listen->public_domain = public_domain_of(config->e2b.domain, http_url(listen->tls));
	listen->e2b.public_domain = listen->public_domain;
	return true;
}

static bool start(struct listen_e2b *listen, const struct config *config, struct budgets *budgets,
	struct err *err)
{
	if (!vm_pool_key(listen->e2b.vms, &listen->e2b.key, err) ||
		!find_images(listen, config, err)) {
		return false;
	}
	listen->e2b.names = e2b_names_open(config->vm.state_dir, err);
	if (!listen->e2b.names) {
		return false;
	}
	listen->e2b.builds = e2b_builds_new(&listen->e2b);
	return open_plain(listen, config, budgets, err) && open_tls(listen, config, budgets, err);
}

struct listen_e2b *listen_e2b_new(sd_event *event, const struct config *config, struct vm_pool *vms,
	struct auth *auth, struct budgets *budgets, struct activity *activity, struct err *err)
{
	struct listen_e2b *listen = must(calloc(1, sizeof(*listen)));
	listen->vms = vms;
	listen->any_key = config->http.no_auth;
	listen->e2b = (struct e2b){
		.event = event,
		.vms = vms,
		.auth = auth,
		.activity = activity,
		.domain = config->e2b.domain,
	};
	TAILQ_INIT(&listen->e2b.open);
	listen->e2b.history = e2b_history_new(&listen->e2b);
	listener_add(vm_listeners(vms), &listen->states, &vm_listener, listen);
	if (!start(listen, config, budgets, err)) {
		listen_e2b_free(listen);
		return NULL;
	}
	return listen;
}

bool listen_e2b_use_streams(
	struct listen_e2b *listen, struct listen_streams *streams, struct err *err)
{
	listen->e2b.desktops = e2b_desktops_new(
		listen_streams_desktops(streams), listen_streams_registry(streams), err);
	return listen->e2b.desktops;
}

void listen_e2b_free(struct listen_e2b *listen)
{
	if (listen) {
		listener_remove(&listen->states);
		http_free(listen->plain);
		http_free(listen->tls);
		e2b_desktops_free(listen->e2b.desktops);
		e2b_envd_done(&listen->e2b);
		e2b_history_free(listen->e2b.history);
		e2b_builds_free(listen->e2b.builds);
		e2b_names_close(listen->e2b.names);
		e2b_certificate_done(&listen->certificate);
		free(listen->images);
		free(listen->public_domain);
		free(listen);
	}
}

struct http *listen_e2b_http(struct listen_e2b *listen, size_t i)
{
	struct http *all[] = { listen->plain, listen->tls };
	size_t n = 0;
	for (size_t at = 0; at < sizeof(all) / sizeof(*all); at++) {
		if (all[at] && n++ == i) {
			return all[at];
		}
	}
	return NULL;
}

void listen_e2b_drop_owner(struct listen_e2b *listen, const char *owner)
{
	struct http *http;
	for (size_t i = 0; (http = listen_e2b_http(listen, i)); i++) {
		http_drop_owner(http, owner);
	}
}

/* Clients must trust a certificate that was made here. */
static void print_tls(const struct listen_e2b *listen, FILE *to)
{
	const char *authority = listen->certificate.authority;
	bool is_local = strstr(listen->public_domain, ".localhost");
	fprintf(to, "\nOr, with names, so that URLs of ports work%s\n  E2B_DOMAIN=%s\n",
		is_local ? " (programs other than browsers need libnss-myhostname)" : "",
		listen->public_domain);
	if (authority) {
		fprintf(to, "  NODE_EXTRA_CA_CERTS=%s\n  SSL_CERT_FILE=%s\n", authority, authority);
	}
}

void listen_e2b_print(const struct listen_e2b *listen, FILE *to, const char *token)
{
	const char *plain = listen->plain ? http_url(listen->plain) : NULL;
	const char *tls = listen->tls ? http_url(listen->tls) : NULL;
	fprintf(to, "vitrine %s serves E2B's API at %s%s%s\n", VITRINE_VERSION, plain ? plain : "",
		plain && tls ? " and " : "", tls ? tls : "");
	fprintf(to, "\nVariables for its SDKs\n  E2B_API_KEY=%s\n",
		token             ? token
		: listen->any_key ? ANY_KEY
				  : "(your key: vitrine key add NAME)");
	if (plain) {
		fprintf(to, "  E2B_API_URL=%s\n  E2B_SANDBOX_URL=%s\n", plain, plain);
	}
	if (tls) {
		print_tls(listen, to);
	}
	fputs("\n", to);
}
