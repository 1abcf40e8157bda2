#ifndef TOOLS_SANDBOX_SANDBOX_H
#define TOOLS_SANDBOX_SANDBOX_H

#include "base/buf.h"
#include "base/clock.h"
#include "tools/call/tool.h"

/* Shared by the tools of the toolset "sandbox": finding a sandbox and describing it. */

/* Sets the sandbox of the call.  id NULL: the caller's default one, which is not created. */
struct vm *sandbox_find(struct call *call, const char *id, struct err *err) NODISCARD;
bool sandbox_is_default(struct call *call, const struct vm *vm);

/* "ready, microvm, image minimal, 1280x800, ...": the complete description on one line. */
void sandbox_format(struct buf *out, struct call *call, const struct vm *vm);
/* "image minimal, 1280x800, 512 MiB, network none": the specification and the labels. */
void sandbox_format_spec(struct buf *out, const struct vm_spec *spec);
void sandbox_format_labels(struct buf *out, const json_t *labels);
/* "12 s", "5 min", "3 h 10 min", "2 days" */
void sandbox_format_span(struct buf *out, int64_t ms);
/* Appends "0.31 s": the time since began_us, a time of loop_now_us(). */
void sandbox_format_took(struct buf *out, uint64_t began_us);

/* Answers with one text. */
void sandbox_reply(struct call *call, const struct buf *text);

#endif
