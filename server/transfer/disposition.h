#ifndef SERVER_TRANSFER_DISPOSITION_H
#define SERVER_TRANSFER_DISPOSITION_H

#include "base/buf.h"

/* The header Content-Disposition: of a response (RFC 6266), and of a part of a form (RFC 7578). */

/* "inline; filename=...", of UTF-8; other characters than ASCII also as filename*. */
void disposition_write(struct buf *out, const char *name);

struct disposition {
	char *name, *filename; /* decoded; NULL: absent */
};
/* Reads what follows "Content-Disposition:".  False: it is not of a form's part. */
bool disposition_read(const char *text, struct disposition *ret) NODISCARD;
void disposition_done(struct disposition *d);

#endif
