#include "vm/confine/args.h"

#include "base/cleanup.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void args_done(struct args *args)
{
	buf_done(&args->words);
	*args = (struct args){ 0 };
}

void args_put_all(struct args *args, const char *const *words)
{
	for (; *words; words++) {
		buf_append(&args->words, *words, strlen(*words) + 1);
		args->n++;
	}
}

void args_put(struct args *args, const char *fmt, ...)
{
	char word[1024];
	va_list list;
	va_start(list, fmt);
	int len = vsnprintf(word, sizeof(word), fmt, list);
	va_end(list);
	if (len < 0 || len >= (int)sizeof(word)) {
		abort(); /* all of them are ours and short */
	}
	ARGS_PUT(args, word);
}

void args_append(struct args *args, const struct args *more)
{
	buf_append(&args->words, more->words.data, more->words.len);
	args->n += more->n;
}

void args_put_system(struct args *args, const char *const *dirs)
{
	for (; *dirs; dirs++) {
		char target[256];
		ssize_t n = readlink(*dirs, target, sizeof(target) - 1);
		if (n > 0) {
			target[n] = '\0';
			ARGS_PUT(args, "--symlink", target, *dirs);
		} else {
			ARGS_PUT(args, "--ro-bind-try", *dirs, *dirs);
		}
	}
}

const char **args_list(const struct args *args)
{
	const char **list = must(calloc(args->n + 1, sizeof(*list)));
	const char *at = (const char *)args->words.data;
	for (size_t i = 0; i < args->n; i++, at += strlen(at) + 1) {
		list[i] = at;
	}
	return list;
}
