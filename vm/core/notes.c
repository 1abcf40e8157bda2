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

bool vm_frame_is_known(const struct vm *vm, struct err *err)
{
	return !vm->core->untold_size ||
	       err_set(err, ERR_STATE,
		       "the display was resized, so coordinates of earlier images no longer fit; no action "
		       "was performed; take a screenshot");
}

void vm_frame_told(struct vm *vm)
{
	vm->core->untold_size = false;
}

/* Once, however often it was resized. */
static void note_size(struct vm *vm)
{
	struct buf *notes = &vm->core->notes;
	struct size screen = vm_screen(vm), frame = vm_frame(vm);
	if (!vm->core->untold_size) {
		return;
	}
	vm_frame_told(vm);
	buf_printf(notes, "%sThe display was resized to %dx%d pixels. Coordinates refer to %dx%d.",
		notes->len ? " " : "", screen.width, screen.height, frame.width, frame.height);
}

char *vm_take_note(struct vm *vm)
{
	struct buf *notes = &vm->core->notes;
	note_size(vm);
	if (!notes->len) {
		return NULL;
	}
	char *text = must(strdup(buf_text(notes)));
	buf_done(notes);
	return text;
}
