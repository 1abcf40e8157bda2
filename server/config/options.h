#ifndef SERVER_CONFIG_OPTIONS_H
#define SERVER_CONFIG_OPTIONS_H

#include "base/field.h"
#include "server/config/config.h"

/* The rows behind struct config, for their readers: config.c, which takes values from a file and
 * from the command line, server/cmd/help_options.c, and the test that writes docs/options.md. */

struct option {
	struct field field; /* of struct config; option_field() has what it takes from others */
	const char *value;  /* what help calls its value; NULL: its choices, or a flag */
	bool file_only;     /* a key of the configuration file, and no option */
	const char *note;   /* what help says after the field's own; or NULL */
};

struct option_group {
	const char *title;
	const struct option *options;
	size_t count;
};

const struct option_group *option_group_at(size_t i); /* NULL past the end */

struct field option_field(const struct option *option);
const struct option *option_find(const char *name);
const struct option *option_at(size_t i);                         /* NULL past the end */
bool option_is_taken(const char *name, const char *const *taken); /* taken: as in config.h */
/* The nearest of the options that are taken.  extra: one more, of the command line; NULL: a key of the
 * file is wanted. */
const char *option_nearest(const char *wrong, const char *const *taken, const char *extra);
bool option_is_flag(const struct option *option);
/* Appends what follows the option's name, "auto|microvm|namespace|fake" or "NAME"; nothing for a
 * flag. */
void option_print_value(const struct option *option, struct buf *out);
/* Appends the description: words separated by one space or two. */
void option_print_help(const struct option *option, struct buf *out);
/* Appends the default; false if there is none. */
bool option_print_default(const struct option *option, struct buf *out);

bool option_set_presets(struct config *config, struct err *err) NODISCARD;
/* Checks a value and stores it; called is the name the person used.  Takes value, and owns it in
 * config->values. */
bool option_set(struct config *config, const struct option *option, const char *called,
	json_t *value, struct err *err) NODISCARD;
/* What no row can tell alone: options that need one another, or contradict. */
bool option_check(const struct config *config, struct err *err) NODISCARD;

/* Reads the user's own configuration file into config, if there is one: config.c. */
bool config_load_users_file(struct config *config, struct err *err) NODISCARD;
#define CONFIG_FILE_OPTION "config" /* on the command line only */

#endif
