#include "vm/guest/code_script.h"

/* The assembler takes the bytes from where they are, so nothing is copied or escaped. */
#define PART(name) "	.incbin \"" CODE_RUNNER "/" name "\"\n"
__asm__("	.pushsection .rodata\n"
	"	.globl code_script\n"
	"code_script:\n" PART("outputs.py") "	.ascii \"\\n\\n\"\n" PART("charts.py") "	.ascii \"\\n\\n\"\n" PART(
		"kernel.py") "	.ascii \"\\n\\n\"\n" PART("runner.py") "	.byte 0\n"
									     "	.popsection\n");
