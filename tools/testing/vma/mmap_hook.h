/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Files with ->mmap_prepare(): a hook and a ->mapped() that do what a test
 * tells them, on top of the address space of mmap_harness.h.
 *
 * All files start out with prepare_fops. hook_start() is to be program_start.
 */
#ifndef _VMA_MMAP_HOOK_H
#define _VMA_MMAP_HOOK_H

#include "mmap_harness.h"

/* What the hook does, and what it was given. */
static struct {
	/* Set by the tests. */
	int err;
	vm_flags_t set, clear;
	bool set_ops, set_pgoff, set_private, set_prot;
	const struct vm_operations_struct *vm_ops;
	pgoff_t pgoff;
	void *private_data;
	unsigned long prot;
	struct file *donate;
	int error_filter;
	bool hide;
	void (*fn)(struct vm_area_desc *desc);

	/* What it saw. */
	struct vm_area_desc seen;
} prep;

/* What ->mapped() does, and what it was given. */
static struct {
	int err;
	bool set_private;
	void *private_data;

	unsigned long start, end, pgoff;
	const struct file *file;
	void *seen_private;
	unsigned int nr_ptes;
	bool was_locked;
} mapped;

static int hook_prepare(struct vm_area_desc *desc)
{
	stub_range(STUB_HOOK_PREPARE, desc->file, desc->start, desc->end);
	prep.seen = *desc;

	vma_desc_set_flags_mask(desc, legacy_to_vma_flags(prep.set));
	vma_desc_clear_flags_mask(desc, legacy_to_vma_flags(prep.clear));
	if (prep.set_ops)
		desc->vm_ops = prep.vm_ops;
	if (prep.set_pgoff)
		desc->pgoff = prep.pgoff;
	if (prep.set_private)
		desc->private_data = prep.private_data;
	if (prep.set_prot)
		desc->page_prot = __pgprot(prep.prot);
	if (prep.donate)
		desc->vm_file = get_file(prep.donate);
	if (prep.fn)
		prep.fn(desc);
	if (prep.error_filter)
		desc->action.error_filter = prep.error_filter;
	if (prep.hide)
		desc->action.hide_from_rmap_until_complete = true;

	return prep.err;
}

static int hook_mapped(unsigned long start, unsigned long end, pgoff_t pgoff,
		       const struct file *file, void **vm_private_data)
{
	stub_range(STUB_HOOK_MAPPED, file, start, end);
	mapped.start = start;
	mapped.end = end;
	mapped.pgoff = pgoff;
	mapped.file = file;
	mapped.seen_private = *vm_private_data;
	mapped.nr_ptes = stubs.nr_ptes;
	mapped.was_locked = stubs.locks_held;
	if (mapped.set_private)
		*vm_private_data = mapped.private_data;

	return mapped.err;
}

static const struct file_operations prepare_fops = {
	.mmap_prepare = hook_prepare,
};

static __maybe_unused const struct file_operations both_fops = {
	.mmap = hook_mmap,
	.mmap_prepare = hook_prepare,
};

static __maybe_unused const struct file_operations no_fops;

/* Operations with ->mapped(), with and without ->close(). */
static __maybe_unused const struct vm_operations_struct mapped_vm_ops = {
	.mapped = hook_mapped,
};

static __maybe_unused const struct vm_operations_struct stateful_vm_ops = {
	.open = hook_open,
	.close = hook_close,
	.mapped = hook_mapped,
};

static void hook_start(void)
{
	int i;

	memset(&prep, 0, sizeof(prep));
	memset(&mapped, 0, sizeof(mapped));
	memset(&stub_action, 0, sizeof(stub_action));
	for (i = 0; i < NR_FILES; i++)
		files[i].f_op = &prepare_fops;
}

static __maybe_unused void use_ops(const struct vm_operations_struct *vm_ops)
{
	prep.set_ops = true;
	prep.vm_ops = vm_ops;
}

static __maybe_unused void use_private(void *private_data)
{
	prep.set_private = true;
	prep.private_data = private_data;
}

/* Actions that a test can have the hook set. */

#define HOOK_PFN	0x500UL

static __maybe_unused void want_remap(struct vm_area_desc *desc)
{
	mmap_action_remap_full(desc, HOOK_PFN);
}

static __maybe_unused void want_ioremap(struct vm_area_desc *desc)
{
	mmap_action_ioremap_full(desc, HOOK_PFN);
}

static __maybe_unused void want_simple_ioremap(struct vm_area_desc *desc)
{
	mmap_action_simple_ioremap(desc, PFN_PHYS(HOOK_PFN), PAGES(64));
}

#define NR_HOOK_PAGES	8

static struct page hook_pages[NR_HOOK_PAGES];
static struct page *hook_page_array[NR_HOOK_PAGES];

/* Each page has one reference before it is mapped. */
static __maybe_unused void init_pages(void)
{
	int i;

	for (i = 0; i < NR_HOOK_PAGES; i++) {
		hook_pages[i].count = 1;
		hook_page_array[i] = &hook_pages[i];
	}
}

static __maybe_unused bool pages_unused(void)
{
	int i;

	for (i = 0; i < NR_HOOK_PAGES; i++)
		if (hook_pages[i].count != 1)
			return false;

	return true;
}

static __maybe_unused void want_pages(struct vm_area_desc *desc)
{
	mmap_action_map_kernel_pages_full(desc, hook_page_array);
}

#endif /* _VMA_MMAP_HOOK_H */
