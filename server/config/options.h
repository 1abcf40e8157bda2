#ifndef SERVER_CONFIG_OPTIONS_H
#define SERVER_CONFIG_OPTIONS_H

#include "base/field.h"
#include "server/config/config.h"

/* The rows of struct config, for their readers: config.c, which reads a file and the command line,
 * server/cmd/help_options.c, and the test that writes docs/options.md. */

struct option {
	/* of struct config; option_field() includes the members it takes from others */
	struct field field;
	const char *value; /* name of the value in help; NULL: its choices, or a flag */
	bool file_only;    /* a key of the configuration file only */
	const char *note;  /* appended to the field's help; or NULL */
};

struct option_group {
	const char *title;
	const struct option *options;
	size_t count;
};

const struct option_group *option_group_at(size_t i); /* NULL after the last */

struct field option_field(const struct option *option);
const struct option *option_find(const char *name);
const struct option *option_at(size_t i);                         /* NULL after the last */
bool option_is_taken(const char *name, const char *const *taken); /* taken: as in config.h */
/* The most similar accepted option.  extra: one more name, of the command line; NULL: a key of the
 * file. */
const char *option_nearest(const char *wrong, const char *const *taken, const char *extra);
bool option_is_flag(const struct option *option);
/* Appends the value's form, "auto|microvm|namespace|fake" or "NAME"; nothing for a flag. */
void option_print_value(const struct option *option, struct buf *out);
/* Appends the description: words separated by one space or two. */
void option_print_help(const struct option *option, struct buf *out);
/* Appends the default; false if there is none. */
bool option_print_default(const struct option *option, struct buf *out);

bool option_set_defaults(struct config *config, struct err *err) NODISCARD;
/* Checks and stores a value.  called is the name the user wrote.  Takes value, which config->values
 * owns. */
bool option_set(struct config *config, const struct option *option, const char *called,
	json_t *value, struct err *err) NODISCARD;
/* Checks that concern several options: requirements and conflicts. */
bool option_check(const struct config *config, struct err *err) NODISCARD;

/* Reads the user's configuration file into config, if it exists (config.c). */
bool config_load_users_file(struct config *config, struct err *err) NODISCARD;
#define CONFIG_FILE_OPTION "config" /* accepted on the command line only */

#endif
