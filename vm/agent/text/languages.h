#ifndef VM_AGENT_TEXT_LANGUAGES_H
#define VM_AGENT_TEXT_LANGUAGES_H

#include "base/err.h"
#include "vm/wire/messages_text.h"

#include <stddef.h>

/* The languages that the OCR program has data for ("eng", "chi_sim"). */

#define LANGUAGES_MAX 200
#define LANGUAGE_BYTES_MAX 24

struct languages {
	size_t n;
	char at[LANGUAGES_MAX][LANGUAGE_BYTES_MAX]; /* sorted */
};

/* Those in the folders of Debian's packages, and of others that keep to the usual place. */
void languages_list(struct languages *ret);

/*
 * Those to read a text with, by its scripts, as "eng+deu"; "" if none are known, for the program's own.
 * More languages take longer, so ASCII text is read as English only, and a script in at most three.
 * ERR_UNSUPPORTED: there is no data for a script.
 */
bool languages_choose(const struct languages *there, const char *text,
	char ret[TEXT_LANGUAGES_MAX + 1], struct err *err) NODISCARD;

#endif
