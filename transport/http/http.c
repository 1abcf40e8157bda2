/*
 * The HTTP server: its options, libmicrohttpd's daemon, its routes, its end.
 */
#include "transport/http/http_impl.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "base/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define PEM_MAX (1 << 20)
#define POOL_SIZE (16u << 10) /* per connection: for the head, then for parts of bodies */
#define POOL_STEP (4u << 10)

/* ---- start ---- */

static size_t on_unescape(void *data, struct MHD_Connection *mhd, char *text)
{
	(void)data;
	(void)mhd;
	return http_unescape(text);
}

static void on_complaint(void *data, const char *fmt, va_list ap) PRINTF(2, 0);

static void on_complaint(void *data, const char *fmt, va_list ap)
{
	struct http *http = data;
	vsnprintf(http->complaint, sizeof(http->complaint), fmt, ap);
	http->complaint[strcspn(http->complaint, "\n")] = '\0';
	log_debug("libmicrohttpd: %s", http->complaint);
}

static bool read_pem(const char *path, char **ret_text, struct err *err)
{
	struct stat st;
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0) {
		return err_errno(err, "cannot read %s", path);
	}
	if (!S_ISREG(st.st_mode) || st.st_size == 0 || st.st_size > PEM_MAX) {
		return err_set(err, ERR_ARGUMENT, "%s must be a PEM file of at most %d bytes", path,
			PEM_MAX);
	}
	auto_free char *text = must(calloc(1, (size_t)st.st_size + 1));
	if (read(fd, text, (size_t)st.st_size) != st.st_size) {
		return err_errno(err, "cannot read %s", path);
	}
	*ret_text = take_ptr(&text);
	return true;
}

static unsigned seconds(int64_t ms)
{
	return (unsigned)((ms + 999) / 1000);
}

/* cert and key: PEM texts; both NULL without TLS. */
static bool start_daemon(struct http *http, const char *cert, const char *key, struct err *err)
{
	const struct http_options *options = &http->options;
	struct MHD_OptionItem tls[] = {
		{ MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)(uintptr_t)cert },
		{ MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)(uintptr_t)key },
		{ MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)HTTP_TLS_PRIORITIES },
		{ MHD_OPTION_END, 0, NULL },
	};
	unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_NO_LISTEN_SOCKET |
			 MHD_USE_ERROR_LOG | (cert ? MHD_USE_TLS : 0);
	http->daemon = MHD_start_daemon(flags, 0, NULL, NULL, http_on_request, http,
		MHD_OPTION_EXTERNAL_LOGGER, on_complaint, http, MHD_OPTION_NOTIFY_COMPLETED,
		http_on_completed, http, MHD_OPTION_NOTIFY_CONNECTION, http_on_conn, http,
		MHD_OPTION_UNESCAPE_CALLBACK, on_unescape, http, MHD_OPTION_URI_LOG_CALLBACK,
		http_on_target, http, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)POOL_SIZE,
		MHD_OPTION_CONNECTION_MEMORY_INCREMENT, (size_t)POOL_STEP,
		MHD_OPTION_CONNECTION_LIMIT,
		(unsigned)options->max_connections + HTTP_SPARE_CONNECTIONS,
		MHD_OPTION_CONNECTION_TIMEOUT, seconds(options->idle_timeout_ms),
		MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_ARRAY, cert ? tls : tls + 3,
		MHD_OPTION_END);
	return http->daemon ||
	       err_set(err, ERR_HOST, "cannot start the HTTP server: %s",
		       http->complaint[0] ? http->complaint : "libmicrohttpd reports no reason");
}

static bool start_with_keys(struct http *http, struct err *err)
{
	const struct http_options *options = &http->options;
	auto_free char *cert = NULL, *key = NULL;
	if (!options->tls_cert != !options->tls_key) {
		return err_set(err, ERR_ARGUMENT,
			"a certificate and its key must be given together; one of the two is missing");
	}
	if (options->tls_cert && (!read_pem(options->tls_cert, &cert, err) ||
					 !read_pem(options->tls_key, &key, err))) {
		return false;
	}
	bool started = start_daemon(http, cert, key, err);
	if (key) {
		explicit_bzero(key, strlen(key));
	}
	return started;
}

static void set_default(int64_t *value, int64_t to)
{
	if (*value <= 0) {
		*value = to;
	}
}

static void copy_options(struct http *http, const struct http_options *options)
{
	http->options = *options;
	http->tls = options->tls_cert;
	set_default(&http->options.max_body, 8u << 20);
	set_default(&http->options.max_connections, 1024);
	set_default(&http->options.max_connections_per_address, 256);
	set_default(&http->options.header_timeout_ms, 10000);
	set_default(&http->options.idle_timeout_ms, 60000);
	set_default(&http->options.keep_alive_ms, 25000);
	set_default(&http->options.ping_ms, 5000);
	if (options->resource_metadata) {
		http->resource_metadata = must(strdup(options->resource_metadata));
	}
}

struct http *http_new(sd_event *event, const struct http_options *options, struct err *err)
{
	struct http *http = must(calloc(1, sizeof(*http)));
	http->event = event;
	STAILQ_INIT(&http->routes);
	TAILQ_INIT(&http->streams);
	TAILQ_INIT(&http->jobs);
	TAILQ_INIT(&http->conns);
	copy_options(http, options);
	http->budgets = options->budgets;
	if (!http->budgets) {
		http->budgets = http->own_budgets = budgets_new(HTTP_HELD_MAX, HTTP_HELD_ALL_MAX);
	}
	if (!http_names_init(&http->names, options->allow_hosts, options->allow_origins, err) ||
		!http_sockets_open(&http->sockets, options->listen, options->tls_cert,
			options->tls_cert || options->behind_proxy, err) ||
		!start_with_keys(http, err)) {
		http_free(http);
		return NULL;
	}
	http_loop_start(http);
	http_accept(http);
	return http;
}

const char *http_url(const struct http *http)
{
	return http->sockets.url;
}

sd_event *http_event(const struct http *http)
{
	return http->event;
}

const struct http_counts *http_counts(const struct http *http)
{
	return &http->counts;
}

/* ---- end ---- */

void http_notify_idle(struct http *http)
{
	const struct http_conn *conn;
	TAILQ_FOREACH(conn, &http->conns, link)
	{
		if (!http->idle || conn->x) {
			return;
		}
	}
	void (*fn)(void *) = take_ptr(&http->idle);
	if (fn) {
		fn(http->idle_data);
	}
}

static int on_idle_soon(sd_event_source *source, void *data)
{
	(void)source;
	http_notify_idle(data);
	return 0;
}

void http_on_idle(struct http *http, void (*fn)(void *data), void *data)
{
	http->idle = fn;
	http->idle_data = data;
	loop_drop(&http->idle_soon);
	http->idle_soon = loop_defer(http->event, on_idle_soon, http);
}

/* A suspended connection would never be closed, and MHD requires that there is none when it
 * stops. */
static void end_exchanges(struct http *http)
{
	struct http_conn *conn;
	http->ending = true;
	http->idle = NULL;
	TAILQ_FOREACH(conn, &http->conns, link)
	{
		if (conn->x) {
			http_exchange_lose(conn->x);
		}
	}
	MHD_run(http->daemon);
	MHD_stop_daemon(http->daemon);
	http_parse_end(http);
}

void http_free(struct http *http)
{
	if (!http) {
		return;
	}
	http_stop_listening(http);
	if (http->daemon) {
		end_exchanges(http);
	}
	http_loop_end(http);
	loop_drop(&http->idle_soon);
	loop_drop(&http->keep_alive.source);
	http_routes_done(http);
	http_names_done(&http->names);
	budgets_unref(http->own_budgets);
	free(http->resource_metadata);
	free(http);
}
