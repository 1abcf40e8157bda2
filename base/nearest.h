#ifndef BASE_NEAREST_H
#define BASE_NEAREST_H

/*
 * The name in a NULL-ended list with the smallest edit distance to word (case ignored), or NULL
 * when none is near enough to be meant.  A name that begins with word counts as near.
 */
const char *nearest_name(const char *word, const char *const *names);

#endif
