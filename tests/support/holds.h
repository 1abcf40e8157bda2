/* Texts by what they name: their sentences are in tests/golden. */
#pragma once

#include <stdbool.h>
#include <string.h>

/* Whether the parts of `want`, which are separated by " ... ", occur in text in this order. */
bool holds(const char *text, const char *want);
