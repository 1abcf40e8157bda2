#ifndef SERVER_CONFIG_CONFIG_H
#define SERVER_CONFIG_CONFIG_H

#include "base/buf.h"
#include "vm/core/vm.h"

/*
 * The configuration.  One table of typed rows (options.c) defines the command-line options, the
 * keys of the configuration file, their defaults, checks and help.
 */
struct config {
	struct vm_config vm;
	struct config_http {
		const char *listen; /* as in struct http_options; NULL: no HTTP */
		bool stdio;         /* in addition to HTTP */
		const char *tokens; /* a file name */
		bool no_auth, behind_proxy, open_metrics;
		const char *tls_cert, *tls_key, *allow_hosts, *allow_origins, *auth_server;
		const char *public_url, *stream_listen, *frame_ancestors; /* of the viewer pages */
		int64_t max_connections, max_body_kib;
	} http;
	const char *vnc_listen; /* as in struct vnc_options; NULL: none */
	struct config_e2b {
		const char *listen;     /* as in struct http_options; NULL: none */
		const char *tls_listen; /* with TLS, by names; NULL: none */
		const char *domain;     /* the name behind "PORT-ID.", in lower case */
	} e2b;
	const char *tools; /* see tool_set_new() */
	int log_level;     /* enum log_level */
	int64_t max_calls; /* concurrent tools/call requests per connection */

	/* As given; members of vm are derived from them. */
	int backend, accel;
	struct vm_spec_args sandbox;
	const char *warm;
	int64_t start_timeout; /* in seconds */

	char *file;     /* the configuration file that was read; NULL: none */
	json_t *given;  /* {name: true if set on the command line, false if in the file} */
	json_t *values; /* owns the strings above and the values by option name */
};

/* Whether it serves clients with tokens, who come and go. */
bool config_listens(const struct config *config);
bool config_serves_e2b(const struct config *config);

#define auto_config __attribute__((cleanup(config_done)))

/*
 * Reads `--name value` and `--name=value` from argv[1] on, and the file given by --config,
 * otherwise $XDG_CONFIG_HOME/vitrine/config.json (or ~/.config/...) if it exists.  The command line
 * takes precedence. Errors name the option, or the file and the line.  *config must be zeroed or
 * just declared; call config_done() in either case.
 */
bool config_load(struct config *config, int argc, char **argv, struct err *err) NODISCARD;
void config_done(struct config *config);

/* The same for a command that accepts only some options.  `taken` is a NULL-terminated list of
 * their names, and of arguments that the command has parsed itself, to suggest for misspelled ones.
 * NULL: all.  Other options in a file are read and checked, but have no effect. */
bool config_load_some(struct config *config, const char *const *taken, int argc, char **argv,
	struct err *err) NODISCARD;

/* Refuses options on the command line that have no effect: the feature they belong to is not
 * enabled, or the image does not exist.  In the file, they cause a warning in the log.  taken: as
 * above. */
bool config_check_effect(
	const struct config *config, const char *const *taken, struct err *err) NODISCARD;

/* Returns the options of `taken` (NULL: all) that differ from their defaults, in the form of a
 * configuration file. */
json_t *config_encode(const struct config *config, const char *const *taken);

/* Appends the options of `taken` (NULL: all), each with its help, its default and the value in the
 * user's file, if set. */
void config_describe(struct buf *out, const char *const *taken);

#endif
