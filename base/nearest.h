#ifndef BASE_NEAREST_H
#define BASE_NEAREST_H

/*
 * Returns the name in a NULL-terminated list with the smallest edit distance to word (case
 * ignored), or NULL if none is near.  A name that begins with word is near.
 */
const char *nearest_name(const char *word, const char *const *names);

#endif
