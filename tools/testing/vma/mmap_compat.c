// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of vfs_mmap() and compat_vma_mmap(): ->mmap_prepare() for those who
 * hold a VMA already.
 *
 * files[0] is that of the VMA, which wraps files[1], whose hook is called.
 */
#include <limits.h>

#include "mmap_hook.h"

static struct vm_area_struct *the_vma, old_vma;

/* A VMA that is being made. The wrapper has set up a part of it. */
static struct vm_area_struct *make_vma(vm_flags_t flags)
{
	the_vma = vm_area_alloc(&mm);
	vma_set_range(the_vma, AT(0), AT(NR_HOOK_PAGES), 3);
	vm_flags_init(the_vma, flags);
	the_vma->vm_page_prot = vm_get_page_prot(flags);
	the_vma->vm_file = get_file(&files[0]);
	the_vma->vm_ops = &plain_vm_ops;
	the_vma->vm_private_data = &files[0];
	memcpy(&old_vma, the_vma, sizeof(old_vma));
	reset_counts();

	return the_vma;
}

static void drop_vma(void)
{
	stub_clear_ptes(the_vma->vm_start, the_vma->vm_end);
	fput(the_vma->vm_file);
	vm_area_free(the_vma);
}

/* Is the VMA just as make_vma() left it? */
static bool vma_untouched(void)
{
	struct vm_area_struct now;

	memcpy(&now, the_vma, sizeof(now));
	now.vm_lock_seq = old_vma.vm_lock_seq;

	return !memcmp(&now, &old_vma, sizeof(now));
}

static bool test_entry(void)
{
	static const struct mmap_action no_action;

	ASSERT_EQ(vfs_mmap(&files[1], make_vma(F_RW)), 0);
	ASSERT_EQ(stubs.calls[STUB_HOOK_PREPARE], 1);
	ASSERT_EQ(prep.seen.mm, &mm);
	ASSERT_EQ(prep.seen.file, &files[1]);
	ASSERT_EQ(prep.seen.vm_file, &files[0]);
	ASSERT_EQ(prep.seen.start, AT(0));
	ASSERT_EQ(prep.seen.end, AT(NR_HOOK_PAGES));
	ASSERT_EQ(prep.seen.pgoff, 3);
	ASSERT_EQ(vma_flags_to_legacy(prep.seen.vma_flags), F_RW);
	ASSERT_EQ(prep.seen.page_prot.pgprot, the_vma->vm_page_prot.pgprot);
	ASSERT_EQ(prep.seen.vm_ops, &vma_dummy_vm_ops);
	ASSERT_EQ(prep.seen.private_data, &files[0]);
	ASSERT_FALSE(memcmp(&prep.seen.action, &no_action, sizeof(no_action)));

	/* A hook that changes nothing leaves all of it to the wrapper. */
	ASSERT_TRUE(vma_untouched());
	drop_vma();
	ASSERT_BALANCED();

	return true;
}

/* No field is left as it was before. */
static bool test_set_desc(void)
{
	struct vm_area_desc desc, again;

	make_vma(F_RW);
	memset(&desc, 0xaa, sizeof(desc));
	memset(&again, 0x55, sizeof(again));
	compat_set_desc_from_vma(&desc, &files[1], the_vma);
	compat_set_desc_from_vma(&again, &files[1], the_vma);
	ASSERT_EQ(desc.action.type, MMAP_NOTHING);
	ASSERT_EQ(desc.action.error_filter, 0);
	ASSERT_FALSE(desc.action.hide_from_rmap_until_complete);
	ASSERT_EQ(desc.action.remap.start, 0);
	ASSERT_EQ(desc.action.remap.size, 0);
	ASSERT_EQ(desc.nested_file, NULL);
	ASSERT_EQ(desc.nested_ops, NULL);
	ASSERT_EQ(desc.vm_ops, again.vm_ops);
	ASSERT_EQ(desc.file, &files[1]);
	ASSERT_EQ(stubs.calls[STUB_GET_FILE], 0);
	drop_vma();
	ASSERT_BALANCED();

	return true;
}

static bool test_result(void)
{
	use_ops(&mapped_vm_ops);
	use_private(&prep);
	prep.set = VM_DONTCOPY;
	prep.clear = VM_MAYEXEC;
	prep.set_pgoff = true;
	prep.pgoff = 9;
	prep.set_prot = true;
	prep.prot = F_RO | BIT(60);
	ASSERT_EQ(vfs_mmap(&files[1], make_vma(F_RO)), 0);
	ASSERT_EQ(the_vma->vm_flags, (F_RO | VM_DONTCOPY) & ~VM_MAYEXEC);
	ASSERT_EQ(the_vma->vm_ops, &mapped_vm_ops);
	ASSERT_EQ(the_vma->vm_private_data, &prep);
	ASSERT_EQ(the_vma->vm_pgoff, 9);
	ASSERT_EQ(the_vma->vm_page_prot.pgprot, prep.prot);
	ASSERT_EQ(the_vma->vm_file, &files[0]);
	ASSERT_EQ(the_vma->vm_start, AT(0));
	ASSERT_EQ(the_vma->vm_end, AT(NR_HOOK_PAGES));
	ASSERT_EQ(files[0].f_count, 2);
	ASSERT_EQ(files[1].f_count, 1);
	drop_vma();
	ASSERT_BALANCED();

	return true;
}

static bool test_anonymous(void)
{
	use_ops(NULL);
	ASSERT_EQ(vfs_mmap(&files[1], make_vma(F_RW)), 0);
	ASSERT_EQ(the_vma->vm_ops, NULL);
	drop_vma();
	ASSERT_BALANCED();

	return true;
}

static bool test_actions(void)
{
	prep.fn = want_remap;
	ASSERT_EQ(vfs_mmap(&files[1], make_vma(F_SHARED)), 0);
	ASSERT_EQ(stubs.nr_ptes, NR_HOOK_PAGES);
	ASSERT_EQ(stub_find_pte(AT(1))->pfn, HOOK_PFN + 1);
	ASSERT_EQ(the_vma->vm_flags, F_SHARED | VM_REMAP_FLAGS);
	ASSERT_EQ(the_vma->vm_pgoff, 3);
	drop_vma();

	ASSERT_EQ(vfs_mmap(&files[1], make_vma(F_RW)), 0);
	ASSERT_EQ(the_vma->vm_pgoff, HOOK_PFN);
	drop_vma();

	prep.fn = want_simple_ioremap;
	ASSERT_EQ(vfs_mmap(&files[1], make_vma(F_SHARED)), 0);
	ASSERT_EQ(stub_find_pte(AT(1))->pfn, HOOK_PFN + 3 + 1);
	drop_vma();

	init_pages();
	prep.fn = want_pages;
	ASSERT_EQ(vfs_mmap(&files[1], make_vma(F_SHARED)), 0);
	ASSERT_EQ(the_vma->vm_flags, F_SHARED | VM_MIXEDMAP);
	ASSERT_EQ(hook_pages[7].count, 2);
	drop_vma();
	ASSERT_TRUE(pages_unused());
	ASSERT_BALANCED();

	return true;
}

static bool test_mapped(void)
{
	use_ops(&mapped_vm_ops);
	mapped.set_private = true;
	mapped.private_data = &mapped;
	prep.fn = want_remap;
	ASSERT_EQ(vfs_mmap(&files[1], make_vma(F_SHARED)), 0);
	ASSERT_EQ(stubs.calls[STUB_HOOK_MAPPED], 1);
	ASSERT_EQ(mapped.start, AT(0));
	ASSERT_EQ(mapped.end, AT(NR_HOOK_PAGES));
	ASSERT_EQ(mapped.pgoff, 3);
	ASSERT_EQ(mapped.file, &files[1]);
	ASSERT_EQ(mapped.seen_private, &files[0]);
	ASSERT_EQ(mapped.nr_ptes, NR_HOOK_PAGES);
	ASSERT_EQ(the_vma->vm_private_data, &mapped);
	drop_vma();
	ASSERT_BALANCED();

	return true;
}

/* The operations of the wrapper are not the hook's: no mapped() for them. */
static bool test_mapped_not_for_wrapper(void)
{
	make_vma(F_RO);
	the_vma->vm_ops = &mapped_vm_ops;
	ASSERT_EQ(vfs_mmap(&files[1], the_vma), 0);
	ASSERT_EQ(stubs.calls[STUB_HOOK_MAPPED], 0);
	ASSERT_EQ(the_vma->vm_ops, &mapped_vm_ops);
	drop_vma();
	ASSERT_BALANCED();

	return true;
}

static bool test_donate(void)
{
	prep.donate = &files[2];
	ASSERT_EQ(vfs_mmap(&files[1], make_vma(F_SHARED)), 0);
	ASSERT_EQ(the_vma->vm_file, &files[2]);
	/* The reference of the file that the VMA had before is put. */
	ASSERT_EQ(files[0].f_count, 1);
	ASSERT_EQ(files[2].f_count, 2);
	ASSERT_EQ(mappings[2].i_mmap_writable, 0);
	drop_vma();
	ASSERT_BALANCED();

	return true;
}

/* rmap knows nothing of the VMA, so that there is nothing to hide or show. */
static bool test_hide(void)
{
	use_ops(&mapped_vm_ops);
	prep.hide = true;
	ASSERT_EQ(vfs_mmap(&files[1], make_vma(F_SHARED)), 0);
	mapped.err = -EIO;
	ASSERT_EQ(stubs.calls[STUB_I_MMAP_LOCK], 0);
	ASSERT_EQ(stubs.calls[STUB_I_MMAP_UNLOCK], 0);
	drop_vma();
	ASSERT_EQ(vfs_mmap(&files[1], make_vma(F_SHARED)), -EIO);
	ASSERT_EQ(stubs.calls[STUB_I_MMAP_LOCK], 0);
	ASSERT_EQ(stubs.calls[STUB_I_MMAP_UNLOCK], 0);
	drop_vma();
	ASSERT_BALANCED();

	return true;
}

/* Failures leave the VMA to its maker, as it was. */

static bool refused_once(vm_flags_t flags, long err)
{
	stubs.warns = 0;
	stubs.warns_once = 0;
	ASSERT_EQ(vfs_mmap(&files[1], make_vma(flags)), err);
	ASSERT_TRUE(vma_untouched());
	ASSERT_EQ(stubs.nr_ptes, 0);
	ASSERT_EQ(stubs.calls[STUB_UNMAP_VMAS], 0);
	ASSERT_EQ(stubs.calls[STUB_HOOK_CLOSE], 0);
	ASSERT_EQ(stubs.calls[STUB_HOOK_OPEN], 0);
	ASSERT_EQ(stubs.calls[STUB_I_MMAP_LOCK], 0);
	ASSERT_EQ(stubs.warns, 0);
	ASSERT_EQ(stubs.warns_once, stubs.warns_expected);
	drop_vma();
	ASSERT_BALANCED();

	return true;
}

static bool refused(vm_flags_t flags, long err)
{
	prep.donate = NULL;
	ASSERT_TRUE(refused_once(flags, err));
	prep.donate = &files[2];
	ASSERT_TRUE(refused_once(flags, err));
	ASSERT_EQ(files[2].f_count, 1);
	prep.donate = NULL;

	return true;
}

static bool refused_with_warning(vm_flags_t flags)
{
	stubs.warns_expected = 1;
	ASSERT_TRUE(refused(flags, -EINVAL));
	stubs.warns_expected = 0;
	stubs.warns_once = 0;

	return true;
}

/* What a hook may have changed before it fails. */
static void use_everything(void)
{
	use_ops(&stateful_vm_ops);
	use_private(&prep);
	prep.set = VM_DONTCOPY;
	prep.set_pgoff = true;
	prep.pgoff = 2;
	prep.set_prot = true;
	prep.prot = BIT(60);
}

static bool test_hook_fails(void)
{
	use_everything();
	prep.err = -EIO;
	ASSERT_TRUE(refused(F_RW, -EIO));
	/* Without an MMU this means: copy the file. */
	prep.err = -ENOSYS;
	ASSERT_TRUE(refused(F_RW, -ENOSYS));
	/* The filter is not for errors of the hook itself. */
	prep.error_filter = -EAGAIN;
	ASSERT_TRUE(refused(F_RW, -ENOSYS));

	return true;
}

static bool test_hook_returns_no_errno(void)
{
	use_everything();
	prep.err = 1;
	ASSERT_TRUE(refused_with_warning(F_RW));
	prep.err = -5000;
	ASSERT_TRUE(refused_with_warning(F_RW));

	return true;
}

static void change_mm(struct vm_area_desc *desc)
{
	desc->mm = NULL;
}

static void change_file(struct vm_area_desc *desc)
{
	desc->file = &files[3];
}

static void change_start(struct vm_area_desc *desc)
{
	desc->start += PAGE_SIZE;
}

static void change_end(struct vm_area_desc *desc)
{
	desc->end -= PAGE_SIZE;
}

static void take_file_away(struct vm_area_desc *desc)
{
	if (prep.donate)
		fput(desc->vm_file);
	desc->vm_file = NULL;
}

static bool test_hook_breaks_rules(void)
{
	static void (*const fns[])(struct vm_area_desc *desc) = {
		change_mm, change_file, change_start, change_end,
		take_file_away,
	};
	static const vm_flags_t flags[] = {
		VM_WRITE, VM_EXEC, VM_SHARED, VM_MAYREAD, VM_MAYWRITE,
		VM_MAYEXEC, VM_MAYSHARE, VM_ACCOUNT,
	};
	int i;

	use_everything();
	for (i = 0; i < ARRAY_SIZE(fns); i++) {
		prep.fn = fns[i];
		ASSERT_TRUE(refused_with_warning(F_RW));
	}
	prep.fn = NULL;
	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		prep.set = flags[i];
		ASSERT_TRUE(refused_with_warning(0));
	}
	prep.set = 0;
	prep.clear = VM_ACCOUNT;
	ASSERT_TRUE(refused_with_warning(F_RW | VM_ACCOUNT));
	prep.clear = 0;
	prep.error_filter = 11;
	ASSERT_TRUE(refused_with_warning(F_RW));
	prep.error_filter = -MAX_ERRNO - 1;
	ASSERT_TRUE(refused_with_warning(F_RW));

	return true;
}

static void want_outside(struct vm_area_desc *desc)
{
	mmap_action_remap(desc, desc->end, 0, PAGE_SIZE);
}

static bool test_validation(void)
{
	use_everything();
	prep.pgoff = ULONG_MAX;
	ASSERT_TRUE(refused(F_RW, -EOVERFLOW));
	prep.pgoff = 2;
	prep.fn = want_outside;
	ASSERT_TRUE(refused(F_RW, -EFAULT));
	prep.fn = NULL;
	stubs.deny_exec = VM_DONTCOPY;
	ASSERT_TRUE(refused(F_RX, -EACCES));
	ASSERT_EQ(stubs.deny_new, F_RX | VM_DONTCOPY);
	stubs.deny_exec = 0;
	stubs.bad_arch_flags = VM_DONTCOPY;
	ASSERT_TRUE(refused(F_RX, -EINVAL));

	return true;
}

static bool test_donated_seal(void)
{
	use_everything();
	mappings[2].i_mmap_writable = -1;
	prep.donate = &files[2];
	ASSERT_TRUE(refused_once(F_SHARED, -EPERM));
	ASSERT_EQ(mappings[2].i_mmap_writable, -1);

	/* Not donated: not looked at again. */
	prep.donate = NULL;
	ASSERT_EQ(vfs_mmap(&files[1], make_vma(F_SHARED)), 0);
	ASSERT_EQ(stubs.calls[STUB_MAP_WRITABLE], 0);
	drop_vma();
	prep.donate = &files[2];

	/* Private, or never to be written: no matter. */
	ASSERT_EQ(vfs_mmap(&files[1], make_vma(F_RW)), 0);
	drop_vma();
	ASSERT_EQ(vfs_mmap(&files[1], make_vma(F_SHARED_RO)), 0);
	drop_vma();
	ASSERT_BALANCED();

	return true;
}

/* No writer is counted of a file that is sealed against future ones only. */
static bool test_donated_future_seal(void)
{
	use_everything();
	prep.donate = &files[2];
	files[2].is_write_sealed = true;
	ASSERT_TRUE(refused_once(F_SHARED, -EPERM));
	ASSERT_EQ(files[2].f_count, 1);

	/* Mapped to be read, it cannot become writable. */
	ASSERT_EQ(vfs_mmap(&files[1], make_vma(F_SHARED & ~VM_WRITE)), 0);
	ASSERT_EQ(the_vma->vm_flags & (VM_SHARED | VM_MAYWRITE), VM_SHARED);
	drop_vma();
	ASSERT_EQ(vfs_mmap(&files[1], make_vma(F_RW)), 0);
	ASSERT_EQ(the_vma->vm_flags & VM_MAYWRITE, VM_MAYWRITE);
	drop_vma();

	/* mmap() has looked at that of the file that was asked for. */
	prep.donate = NULL;
	reset_counts();
	ASSERT_EQ(vfs_mmap(&files[1], make_vma(F_SHARED)), 0);
	ASSERT_EQ(stubs.calls[STUB_SEALS], 0);
	drop_vma();
	ASSERT_BALANCED();

	return true;
}

static void fail_remap(struct vm_area_desc *desc)
{
	/* make_vma() has just reset the counts. */
	stubs.fail_at[STUB_ACTION] = 1;
	mmap_action_remap_full(desc, HOOK_PFN);
}

static void fail_pages(struct vm_area_desc *desc)
{
	stubs.fail_at[STUB_INSERT_PAGE] = 4;
	mmap_action_map_kernel_pages_full(desc, hook_page_array);
}

static bool test_action_fails(void)
{
	init_pages();
	use_everything();
	prep.fn = fail_remap;
	stub_action.err = -ENXIO;
	ASSERT_TRUE(refused(F_SHARED, -ENXIO));
	ASSERT_TRUE(refused(F_RW, -ENXIO));
	prep.fn = fail_pages;
	ASSERT_TRUE(refused(F_SHARED, -ENOMEM));
	ASSERT_TRUE(pages_unused());
	ASSERT_EQ(stubs.calls[STUB_HOOK_MAPPED], 0);

	prep.error_filter = -EAGAIN;
	ASSERT_TRUE(refused(F_SHARED, -EAGAIN));
	prep.fn = fail_remap;
	ASSERT_TRUE(refused(F_SHARED, -EAGAIN));

	return true;
}

static bool test_mapped_fails(void)
{
	init_pages();
	use_everything();
	mapped.set_private = true;
	mapped.private_data = &mapped;
	mapped.err = -EBUSY;
	ASSERT_TRUE(refused(F_SHARED, -EBUSY));
	prep.fn = want_remap;
	ASSERT_TRUE(refused(F_SHARED, -EBUSY));
	prep.fn = want_simple_ioremap;
	ASSERT_TRUE(refused(F_SHARED, -EBUSY));
	prep.fn = want_pages;
	ASSERT_TRUE(refused(F_SHARED, -EBUSY));
	ASSERT_TRUE(pages_unused());

	prep.error_filter = -EAGAIN;
	ASSERT_TRUE(refused(F_SHARED, -EAGAIN));
	prep.error_filter = 0;
	mapped.err = 1;
	ASSERT_TRUE(refused_with_warning(F_SHARED));

	return true;
}

/* While it is zapped the VMA still has the flags that say what is in it. */
static bool test_zap_before_restore(void)
{
	use_everything();
	prep.fn = want_remap;
	mapped.err = -EBUSY;
	ASSERT_TRUE(refused_once(F_SHARED, -EBUSY));
	ASSERT_EQ(stubs.calls[STUB_ZAP], 1);
	/* Nothing populated, nothing zapped. */
	prep.fn = NULL;
	ASSERT_TRUE(refused_once(F_SHARED, -EBUSY));
	ASSERT_EQ(stubs.calls[STUB_ZAP], 0);

	return true;
}

/* Which hook is called. */

static bool test_vfs_mmap(void)
{
	files[1].f_op = &mmap_fops;
	ASSERT_EQ(vfs_mmap(&files[1], make_vma(F_RW)), 0);
	ASSERT_EQ(stubs.calls[STUB_HOOK_MMAP], 1);
	ASSERT_EQ(stubs.calls[STUB_HOOK_PREPARE], 0);
	hook.err = -EIO;
	ASSERT_EQ(vfs_mmap(&files[1], the_vma), -EIO);
	drop_vma();

	files[1].f_op = &no_fops;
	ASSERT_EQ(vfs_mmap(&files[1], make_vma(F_RW)), -ENODEV);
	ASSERT_EQ(compat_vma_mmap(&files[1], the_vma), -ENODEV);
	ASSERT_TRUE(vma_untouched());
	drop_vma();

	files[1].f_op = &mmap_fops;
	ASSERT_EQ(compat_vma_mmap(&files[1], make_vma(F_RW)), -ENODEV);
	ASSERT_TRUE(vma_untouched());
	drop_vma();
	files[1].f_op = &prepare_fops;
	ASSERT_EQ(compat_vma_mmap(&files[1], make_vma(F_RW)), 0);
	ASSERT_EQ(stubs.calls[STUB_HOOK_PREPARE], 1);
	drop_vma();
	ASSERT_BALANCED();

	return true;
}

static void replace_f_op(struct vm_area_desc *desc)
{
	files[1].f_op = &no_fops;
}

static bool test_f_op_replaced(void)
{
	use_ops(&mapped_vm_ops);
	prep.fn = replace_f_op;
	ASSERT_EQ(vfs_mmap(&files[1], make_vma(F_RO)), 0);
	ASSERT_EQ(stubs.calls[STUB_HOOK_MAPPED], 1);
	drop_vma();

	/* Not even to say whose hook it was. */
	files[1].f_op = &prepare_fops;
	prep.set = VM_WRITE;
	stubs.warns_expected = 1;
	ASSERT_EQ(vfs_mmap(&files[1], make_vma(F_RO)), -EINVAL);
	drop_vma();
	ASSERT_BALANCED();

	return true;
}

/* The two halves, for a wrapper that runs the hook itself. */
static bool test_halves(void)
{
	struct vm_area_desc desc;

	use_ops(&mapped_vm_ops);
	prep.fn = want_remap;
	make_vma(F_SHARED);
	compat_set_desc_from_vma(&desc, &files[0], the_vma);
	ASSERT_EQ(vfs_mmap_prepare(&files[1], &desc), 0);
	ASSERT_EQ(prep.seen.file, &files[1]);
	ASSERT_EQ(desc.file, &files[0]);
	ASSERT_TRUE(vma_untouched());
	ASSERT_EQ(stubs.nr_ptes, 0);
	ASSERT_EQ(__compat_vma_mmap(&desc, the_vma), 0);
	ASSERT_EQ(stubs.nr_ptes, NR_HOOK_PAGES);
	ASSERT_EQ(mapped.file, &files[1]);
	drop_vma();
	ASSERT_BALANCED();

	return true;
}

/* The wrapper may set its own operations then: they get its own file. */
static bool test_halves_overridden(void)
{
	struct vm_area_desc desc;

	use_ops(&mapped_vm_ops);
	make_vma(F_SHARED);
	compat_set_desc_from_vma(&desc, &files[0], the_vma);
	ASSERT_EQ(vfs_mmap_prepare(&files[1], &desc), 0);
	desc.vm_ops = &stateful_vm_ops;
	ASSERT_EQ(__compat_vma_mmap(&desc, the_vma), 0);
	ASSERT_EQ(mapped.file, &files[0]);
	drop_vma();
	ASSERT_BALANCED();

	return true;
}

/* It may also break the rules. What the hook has donated is put all the same. */
static bool test_halves_refused(void)
{
	struct vm_area_desc desc;

	make_vma(F_SHARED);
	prep.donate = &files[2];
	compat_set_desc_from_vma(&desc, &files[0], the_vma);
	ASSERT_EQ(vfs_mmap_prepare(&files[1], &desc), 0);
	desc.end += PAGE_SIZE;
	stubs.warns_expected = 1;
	ASSERT_EQ(__compat_vma_mmap(&desc, the_vma), -EINVAL);
	ASSERT_EQ(files[2].f_count, 1);
	ASSERT_TRUE(vma_untouched());
	drop_vma();
	ASSERT_BALANCED();

	return true;
}

/* As part of an mmap(). */

static const struct vm_operations_struct *wrapper_ops;
static bool wrapper_sets_file;

static int wrapper_mmap(struct file *file, struct vm_area_struct *vma)
{
	vma->vm_ops = wrapper_ops;
	vma->vm_private_data = &wrapper_ops;
	if (wrapper_sets_file) {
		fput(vma->vm_file);
		vma->vm_file = get_file(&files[1]);
	}

	return vfs_mmap(&files[1], vma);
}

static const struct file_operations wrapper_fops = { .mmap = wrapper_mmap };

static void start_wrapper(bool sets_file)
{
	files[0].f_op = &wrapper_fops;
	wrapper_ops = &plain_vm_ops;
	wrapper_sets_file = sets_file;
}

static bool through_wrapper(bool sets_file)
{
	start_wrapper(sets_file);
	use_ops(&mapped_vm_ops);
	prep.set = VM_DONTCOPY;
	prep.fn = want_remap;
	ASSERT_EQ(map(&files[0], AT(0), 4, F_SHARED, 0), AT(0));
	ASSERT_EQ(vma_at(AT(0))->vm_file, &files[sets_file]);
	ASSERT_EQ(vma_at(AT(0))->vm_ops, &mapped_vm_ops);
	ASSERT_EQ(vma_at(AT(0))->vm_private_data, &wrapper_ops);
	ASSERT_EQ(mapped.file, &files[1]);
	ASSERT_EQ(stubs.nr_ptes, 4);
	ASSERT_BALANCED();
	ASSERT_EQ(unmap(AT(0), 4), 0);

	prep.donate = &files[2];
	ASSERT_EQ(map(&files[0], AT(0), 4, F_SHARED, 0), AT(0));
	ASSERT_EQ(vma_at(AT(0))->vm_file, &files[2]);
	ASSERT_BALANCED();

	mapped.err = -EBUSY;
	prep.error_filter = -EAGAIN;
	ASSERT_EQ(map(&files[0], AT(2), 4, F_SHARED, 0), -EAGAIN);
	ASSERT_EQ(vma_at(AT(1))->vm_end, AT(2));
	ASSERT_EQ(stubs.nr_ptes, 2);
	ASSERT_EQ(mm.map_count, 1);
	ASSERT_BALANCED();

	return true;
}

static bool test_wrapper(void)
{
	return through_wrapper(false);
}

static bool test_wrapper_sets_file(void)
{
	return through_wrapper(true);
}

static bool test_wrapper_charge(void)
{
	start_wrapper(false);
	ASSERT_EQ(map(&files[0], AT(0), 4, F_RW, 0), AT(0));
	ASSERT_EQ(stubs.committed, 4);
	/* VM_ACCOUNT is set by then, and has to stay. */
	ASSERT_TRUE(vma_flags_to_legacy(prep.seen.vma_flags) & VM_ACCOUNT);
	prep.clear = VM_ACCOUNT;
	stubs.warns_expected = 1;
	ASSERT_EQ(map(&files[0], AT(5), 4, F_RW, 0), -EINVAL);
	ASSERT_EQ(stubs.committed, 4);
	ASSERT_BALANCED();

	return true;
}

static void setup_wrapper(void)
{
	start_wrapper(true);
	use_ops(&stateful_vm_ops);
	prep.donate = &files[2];
	init_pages();
	prep.fn = want_pages;
	map_anon(AT(0), 4, F_RW);
}

static unsigned long op_wrapper(void)
{
	return map(&files[0], AT(2), NR_HOOK_PAGES, F_SHARED, 0);
}

static bool check_wrapper(enum stub_id id, unsigned long ret,
			  const struct snapshot *before)
{
	if (!IS_ERR_VALUE(ret))
		return true;
	ASSERT_EQ(stubs.calls[STUB_HOOK_CLOSE], 0);
	ASSERT_TRUE(pages_unused());

	return true;
}

static bool test_sweep_wrapper(void)
{
	static const struct sweep sweep = {
		.setup = setup_wrapper, .op = op_wrapper,
		.check = check_wrapper,
	};

	return run_sweep(&sweep);
}

static const struct test tests[] = {
	TEST(entry),
	TEST(set_desc),
	TEST(result),
	TEST(anonymous),
	TEST(actions),
	TEST(mapped),
	TEST(mapped_not_for_wrapper),
	TEST(donate),
	TEST(hide),
	TEST(hook_fails),
	TEST(hook_returns_no_errno),
	TEST(hook_breaks_rules),
	TEST(validation),
	TEST(donated_seal),
	TEST(donated_future_seal),
	TEST(action_fails),
	TEST(mapped_fails),
	TEST(zap_before_restore),
	TEST(vfs_mmap),
	TEST(f_op_replaced),
	TEST(halves),
	TEST(halves_overridden),
	TEST(halves_refused),
	TEST(wrapper),
	TEST(wrapper_sets_file),
	TEST(wrapper_charge),
	TEST(sweep_wrapper),
};

int main(int argc, char **argv)
{
	program_start = hook_start;

	return RUN_TESTS(tests, argc, argv);
}
