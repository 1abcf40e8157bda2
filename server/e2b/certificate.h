#ifndef SERVER_E2B_CERTIFICATE_H
#define SERVER_E2B_CERTIFICATE_H

#include "base/err.h"

/*
 * The certificate of a server that was given none, for NAME and *.NAME.  It is made once for each
 * name, in the state directory, and signed by an authority of its own, whose key is not kept: it
 * cannot sign anything else.
 */
struct e2b_certificate {
	char *authority, *chain, *key; /* paths of PEM files */
};
#define auto_certificate __attribute__((cleanup(e2b_certificate_done)))
void e2b_certificate_done(struct e2b_certificate *certificate);

/* state_dir NULL: the default one. */
bool e2b_certificate_find(const char *state_dir, const char *name, struct e2b_certificate *ret,
	struct err *err) NODISCARD;

#endif
