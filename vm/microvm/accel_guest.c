/*
 * The guest that tests KVM: firmware of a few instructions that switches like a kernel from real
 * mode to long mode, and then uses what an incomplete KVM lacks (one that interprets the guest's
 * kernel code has no vector instructions).  It ends with a write to QEMU's debug exit device.
 */

#include "vm/microvm/accel.h"

#include <string.h>

#define HLT 0xf4
#define CODE_AT 0xf000 /* in the last 64 KiB below 4 GiB, i.e. at 0xfffff000 */
#define RESET_AT 0xfff0

#ifdef __x86_64__
extern const uint8_t accel_code[], accel_code_end[];

/* Linked anywhere, run at 0xfffff000: every address is computed from there. */
__asm__(".pushsection .rodata\n"
	".globl accel_code, accel_code_end\n"
	".hidden accel_code, accel_code_end\n"
	"accel_code:\n"
	".code16\n"
	"	cli\n"
	"	lgdtl %cs:(0xf000 + accel_gdtr - accel_code)\n"
	"	movl %cr0, %eax\n"
	"	orl $1, %eax\n"
	"	movl %eax, %cr0\n"
	"	ljmpl $8, $(0xfffff000 + accel_32 - accel_code)\n"
	".code32\n"
	"accel_32:\n"
	"	movw $16, %ax\n"
	"	movw %ax, %ds\n"
	"	movw %ax, %es\n"
	"	movw %ax, %ss\n"
	/* Page tables: 0x1000 the top, 0x2000 below it, 0x3000 the first GiB in 2 MiB pages, 0x4000
	 * the last one below 4 GiB, of which only the firmware is mapped. */
	"	movl $0x1000, %edi\n"
	"	xorl %eax, %eax\n"
	"	movl $0x1000, %ecx\n"
	"	rep stosl\n"
	"	movl $0x2003, 0x1000\n"
	"	movl $0x3003, 0x2000\n"
	"	movl $0x4003, 0x2018\n"
	"	movl $0x83, 0x3000\n"
	"	movl $0x200083, 0x3008\n"
	"	movl $0xffe00083, 0x4ff8\n"
	"	movl $0x620, %eax\n" /* physical address extension, vector instructions */
	"	movl %eax, %cr4\n"
	"	movl $0x1000, %eax\n"
	"	movl %eax, %cr3\n"
	"	movl $0xc0000080, %ecx\n"
	"	rdmsr\n"
	"	orl $0x100, %eax\n"
	"	wrmsr\n"
	"	movl %cr0, %eax\n"
	"	orl $0x80000002, %eax\n"
	"	andl $0xfffffffb, %eax\n"
	"	movl %eax, %cr0\n"
	"	ljmp $24, $(0xfffff000 + accel_64 - accel_code)\n"
	".code64\n"
	"accel_64:\n"
	"	xorl %eax, %eax\n"
	"	cpuid\n"
	"	movl $0x200000, %edi\n"
	"	movl $0x8000, %ecx\n"
	"	movl $3, %eax\n"
	"	rep stosl\n"
	"	pxor %xmm0, %xmm0\n"
	"	movl $0x200000, %esi\n"
	"	movl $0x2000, %ecx\n"
	"1:	paddd (%rsi), %xmm0\n"
	"	addq $16, %rsi\n"
	"	decl %ecx\n"
	"	jnz 1b\n"
	"	movd %xmm0, %eax\n"
	"	cmpl $0x6000, %eax\n" /* 3 for each of 0x2000 */
	"	jne 2f\n"
	"	movb $0x10, %al\n"
	"	outb %al, $0xf4\n"
	"2:	hlt\n"
	"	jmp 2b\n"
	".balign 8\n"
	"accel_gdt:\n"
	"	.quad 0, 0x00cf9b000000ffff, 0x00cf93000000ffff, 0x00af9b000000ffff\n"
	"accel_gdtr:\n"
	"	.word 31\n"
	"	.long 0xfffff000 + accel_gdt - accel_code\n"
	"accel_code_end:\n"
	".popsection\n");
#else
static const uint8_t accel_code[] = { HLT }, *const accel_code_end = accel_code + 1;
#endif

void accel_guest(uint8_t *firmware)
{
	memset(firmware, HLT, ACCEL_GUEST_SIZE);
	memcpy(firmware + CODE_AT, accel_code, (size_t)(accel_code_end - accel_code));
	/* At reset the CPU is 16 bytes below 4 GiB: a near jump back. */
	uint16_t back = (uint16_t)(CODE_AT - (RESET_AT + 3));
	firmware[RESET_AT] = 0xe9;
	firmware[RESET_AT + 1] = (uint8_t)back;
	firmware[RESET_AT + 2] = (uint8_t)(back >> 8);
}
