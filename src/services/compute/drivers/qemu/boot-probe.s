# The boot sector of boot-probe.ts: proof that guest code runs. It enters long mode (where a half-working
# virtualization fails), counts for a while so that timer interrupts hit it, and leaves by isa-debug-exit:
# writing 0x10 to port 0xf4 ends QEMU with status (0x10 << 1) | 1 = 33.
#   as --64 -o boot-probe.o boot-probe.s && ld -m elf_x86_64 -Ttext 0x7c00 --oformat binary -o boot-probe.bin boot-probe.o
.code16
.globl _start
_start:
 cli
 xorw %ax, %ax
 movw %ax, %ds
 movw %ax, %es
 movw %ax, %ss
 cld
 movw $0x9000, %di            # three zeroed pages for the page tables
 xorl %eax, %eax
 movw $0x1800, %cx
 rep stosw
 movl $0xA003, 0x9000         # top level -> directory pointers -> directory -> one page of 2 MiB
 movl $0xB003, 0xA000
 movl $0x83, 0xB000
 lgdt descriptor
 movl %cr4, %eax              # physical address extension
 orl $0x20, %eax
 movl %eax, %cr4
 movl $0x9000, %eax
 movl %eax, %cr3
 movl $0xC0000080, %ecx       # EFER: long mode enable
 rdmsr
 orl $0x100, %eax
 wrmsr
 movl %cr0, %eax              # protection and paging
 orl $0x80000001, %eax
 movl %eax, %cr0
 ljmp $8, $long_mode
.code64
long_mode:
 movl $20000000, %ecx
1: decl %ecx
 jnz 1b
 movb $0x10, %al
 outb %al, $0xf4
2: hlt
 jmp 2b
.align 8
table: .quad 0, 0x00af9a000000ffff, 0x00cf92000000ffff
descriptor: .word 23
 .long table
.org 510
.word 0xaa55
