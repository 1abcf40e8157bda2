/* What happened inside a sandbox, as sentences: for listeners, and for the next result. */

#include "vm/core/vm.h"

#include "base/cleanup.h"
#include "vm/core/core.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define NOTES_MAX 2000 /* in bytes: a desktop that keeps crashing must not fill the next result */

void vm_notify(struct vm *vm, const char *fmt, ...)
{
	char text[800];
	va_list args;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	VM_NOTIFY(vm->pool, notice, vm, text);
}

void vm_add_note(struct vm *vm, const char *fmt, ...)
{
	struct buf *notes = &vm->core->notes;
	char text[800];
	va_list args;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (notes->len + strlen(text) < NOTES_MAX) {
		buf_printf(notes, "%s%s", notes->len ? " " : "", text);
	}
}

char *vm_take_note(struct vm *vm)
{
	struct buf *notes = &vm->core->notes;
	if (!notes->len) {
		return NULL;
	}
	char *text = must(strdup(buf_text(notes)));
	buf_done(notes);
	return text;
}
