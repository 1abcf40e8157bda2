#ifndef SERVER_CONFIG_CONFIG_H
#define SERVER_CONFIG_CONFIG_H

#include "base/buf.h"
#include "vm/core/vm.h"

/*
 * What a person can set.  One table of typed rows (options.c) is the command line's options, the
 * keys of the configuration file, their defaults, their checks and their help.
 */
struct config {
	struct vm_config vm;
	struct config_http {
		const char *listen; /* as in struct http_options; NULL: no HTTP */
		bool stdio;         /* beside it */
		const char *tokens; /* a file */
		bool no_auth, behind_proxy, open_metrics;
		const char *tls_cert, *tls_key, *allow_hosts, *allow_origins, *auth_server;
		const char *public_url, *stream_listen, *frame_ancestors; /* pages for people */
		int64_t max_connections, max_body_kib;
	} http;
	const char *vnc_listen; /* as in struct vnc_options; NULL: none */
	const char *tools;      /* for tool_set_new() */
	int log_level;          /* enum log_level */
	int64_t max_calls;      /* tools/call in flight on one connection */

	/* As written; members of vm are made from these. */
	int backend, accel;
	struct vm_spec_args sandbox;
	const char *warm;
	int64_t start_timeout; /* seconds */

	char *file;     /* the configuration file that was read; NULL: none */
	json_t *given;  /* {name: true on the command line, false in the file} */
	json_t *values; /* what the strings above point into, and what was set, by option name */
};

#define auto_config __attribute__((cleanup(config_done)))

/*
 * Reads `--name value` and `--name=value` from argv[1] on, and the file named by --config, else
 * $XDG_CONFIG_HOME/vitrine/config.json (or ~/.config/...) when there is one.  The command line
 * wins.  Errors name the option, or the file and line.  *config must be zeroed or just declared;
 * config_done() it either way.
 */
bool config_load(struct config *config, int argc, char **argv, struct err *err) NODISCARD;
void config_done(struct config *config);

/* The same for a command that takes only some options: `taken` is a NULL-ended list of their names,
 * and of words that the command has taken out itself, for a slip to be near to.  NULL: all.  A
 * file's others are for other commands, and are read and checked, too. */
bool config_load_some(struct config *config, const char *const *taken, int argc, char **argv,
	struct err *err) NODISCARD;

/* Refuses what was typed and has no effect: an option of something that is not served, an image that
 * is not there.  The same in the file is a warning in the log.  taken: as above. */
bool config_check_effect(
	const struct config *config, const char *const *taken, struct err *err) NODISCARD;

/* The options of `taken` (NULL: all) that are not at their presets, as a configuration file has
 * them. */
json_t *config_encode(const struct config *config, const char *const *taken);

/* Appends the options of `taken` (NULL: all), each with its help, its default and, if the user's file
 * sets it, the value there. */
void config_describe(struct buf *out, const char *const *taken);

#endif
