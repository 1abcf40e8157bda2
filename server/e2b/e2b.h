#ifndef SERVER_E2B_E2B_H
#define SERVER_E2B_E2B_H

#include "server/activity/activity.h"
#include "server/config/config.h"
#include "server/http/auth.h"
#include "server/viewer/listener.h"
#include "transport/http/http.h"
#include "vm/core/vm.h"

#include <stdio.h>

/*
 * E2B's API on listeners of its own (`--e2b`, `--e2b-tls`), so that its SDKs use this server.  The
 * router finds what each request is about: the control plane, or envd, the code interpreter or any
 * other port of a sandbox.
 */
struct listen_e2b;

/* Everything is borrowed until listen_e2b_free(). */
struct listen_e2b *listen_e2b_new(sd_event *event, const struct config *config, struct vm_pool *vms,
	struct auth *auth, struct budgets *budgets, struct activity *activity,
	struct err *err) NODISCARD;
/* Serves the streams of desktops, which are borrowed, at port 6080 of each sandbox. */
bool listen_e2b_use_streams(
	struct listen_e2b *listen, struct listen_streams *streams, struct err *err) NODISCARD;
void listen_e2b_free(struct listen_e2b *listen); /* NULL-safe; before the pool */
/* For a run of the server: the variables that point an SDK at it.  token NULL: the user has one. */
void listen_e2b_print(const struct listen_e2b *listen, FILE *to, const char *token);
void listen_e2b_drop_owner(struct listen_e2b *listen, const char *owner);
/* The i-th of its listeners; NULL after the last. */
struct http *listen_e2b_http(struct listen_e2b *listen, size_t i);

#endif
