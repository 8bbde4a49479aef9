/* SPDX-License-Identifier: GPL-2.0 */
/* The files, as they are; the assembler finds them by its include path. */
	.section .rodata
	.global raceless_page_begin, raceless_page_end
raceless_page_begin:
	.incbin "page.html"
raceless_page_end:

	.global raceless_run_schema_begin, raceless_run_schema_end
raceless_run_schema_begin:
	.incbin "run-schema.json"
raceless_run_schema_end:

	.section .note.GNU-stack, "", @progbits
