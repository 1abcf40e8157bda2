#ifndef VM_AGENT_ELEMENTS_MARKS_H
#define VM_AGENT_ELEMENTS_MARKS_H

#include "vm/agent/act/marks.h"

extern const struct marks_source elements_marks;

#endif
