#ifndef BENCH_CARRY_H
#define BENCH_CARRY_H

#include "tests/bench/session.h"

/* Carries the probe into a sandbox (NULL: the default one), the way a client can: through a
 * command.  It is then /home/user/bench-probe. */
bool carry_probe(
	struct session *s, const char *build, const char *sandbox, struct err *err) NODISCARD;

#endif
