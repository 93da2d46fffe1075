// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of mmap_region() for files that have ->mmap_prepare(): what the hook is
 * given, what of its answer is refused, and what becomes of the rest. For what
 * happens once the VMA exists see mmap_complete.c.
 */
#include <limits.h>

#include "mmap_hook.h"

/* The hook is given what was asked for. */

static bool test_entry(void)
{
	static const struct mmap_action no_action;

	ASSERT_EQ(map(&files[0], AT(0), 3, F_RW, 7), AT(0));
	ASSERT_EQ(stubs.calls[STUB_HOOK_PREPARE], 1);
	ASSERT_EQ(stubs.calls[STUB_HOOK_MMAP], 0);
	ASSERT_EQ(prep.seen.mm, &mm);
	ASSERT_EQ(prep.seen.file, &files[0]);
	ASSERT_EQ(prep.seen.vm_file, &files[0]);
	ASSERT_EQ(prep.seen.start, AT(0));
	ASSERT_EQ(prep.seen.end, AT(3));
	ASSERT_EQ(prep.seen.pgoff, 7);
	ASSERT_EQ(vma_flags_to_legacy(prep.seen.vma_flags), F_RW);
	ASSERT_EQ(prep.seen.page_prot.pgprot, vm_get_page_prot(F_RW).pgprot);
	ASSERT_EQ(prep.seen.vm_ops, &vma_dummy_vm_ops);
	ASSERT_EQ(prep.seen.private_data, NULL);
	ASSERT_FALSE(memcmp(&prep.seen.action, &no_action, sizeof(no_action)));
	ASSERT_BALANCED();

	return true;
}

/* A VMA is all that the hook said, before anybody can see it. */

static void check_complete(struct vm_area_struct *vma)
{
	if (vma->vm_ops != &mapped_vm_ops || vma->vm_private_data != &prep ||
	    vma->vm_file != &files[0] || vma->vm_pgoff != 9 ||
	    vma->vm_start != AT(0) || vma->vm_end != AT(3) ||
	    !(vma->vm_page_prot.pgprot & BIT(60)) ||
	    vma->vm_flags != ((F_RO | VM_DONTCOPY) & ~VM_MAYEXEC))
		stub_misuse("VMA is visible before it is complete");
}

static bool test_result(void)
{
	struct vm_area_struct *vma;

	use_ops(&mapped_vm_ops);
	use_private(&prep);
	prep.set = VM_DONTCOPY;
	prep.clear = VM_MAYEXEC;
	prep.set_pgoff = true;
	prep.pgoff = 9;
	prep.set_prot = true;
	prep.prot = F_RO | BIT(60);
	stubs.on_store = check_complete;
	stubs.on_rmap_insert = check_complete;
	ASSERT_EQ(map(&files[0], AT(0), 3, F_RO, 7), AT(0));

	vma = vma_at(AT(0));
	ASSERT_EQ(vma->vm_flags,
		  ((F_RO | VM_DONTCOPY) & ~VM_MAYEXEC) | VM_SOFTDIRTY);
	ASSERT_EQ(vma->vm_pgoff, 9);
	ASSERT_EQ(vma->vm_ops, &mapped_vm_ops);
	ASSERT_EQ(vma->vm_private_data, &prep);
	ASSERT_TRUE(vma->vm_page_prot.pgprot & BIT(60));
	ASSERT_EQ(stubs.calls[STUB_ITER_STORE], 1);
	ASSERT_EQ(stubs.calls[STUB_RMAP_INSERT], 1);
	ASSERT_EQ(stubs.calls[STUB_PERF], 1);
	ASSERT_EQ(stubs.calls[STUB_UPROBE], 1);
	ASSERT_EQ(stubs.calls[STUB_KHUGEPAGED], 1);
	ASSERT_BALANCED();

	return true;
}

/* A hook that sets no vm_ops gets the dummy ones, not anonymous memory. */
static bool test_no_vm_ops(void)
{
	ASSERT_EQ(map(&files[0], AT(0), 3, F_RO, 0), AT(0));
	ASSERT_EQ(vma_at(AT(0))->vm_ops, &vma_dummy_vm_ops);
	ASSERT_EQ(vma_at(AT(0))->vm_file, &files[0]);
	ASSERT_BALANCED();

	return true;
}

static void want_anonymous(struct vm_area_desc *desc)
{
	vma_desc_set_anonymous(desc);
}

static void check_anonymous(struct vm_area_struct *vma)
{
	if (vma->vm_ops)
		stub_misuse("anonymous VMA looks like one of a file");
}

/* As /dev/zero does. */
static bool test_anonymous(void)
{
	struct vm_area_struct *vma;

	prep.fn = want_anonymous;
	stubs.on_store = check_anonymous;
	stubs.on_rmap_insert = check_anonymous;
	ASSERT_EQ(map(&files[0], AT(0), 3, F_RW, 0), AT(0));
	vma = vma_at(AT(0));
	ASSERT_TRUE(vma_is_anonymous(vma));
	ASSERT_EQ(vma->vm_file, &files[0]);
	ASSERT_EQ(stubs.committed, 3);
	ASSERT_BALANCED();

	ASSERT_EQ(map(&files[0], AT(3), 2, F_RW, 3), AT(3));
	ASSERT_EQ(mm.map_count, 1);
	/* Not with the same file where it is not anonymous. */
	prep.fn = NULL;
	stubs.on_store = NULL;
	stubs.on_rmap_insert = NULL;
	ASSERT_EQ(map(&files[0], AT(5), 2, F_RW, 5), AT(5));
	ASSERT_EQ(mm.map_count, 2);
	ASSERT_BALANCED();

	return true;
}

/*
 * Refusals. They all have MAP_FIXED over anonymous memory, locked memory and a
 * file, and none of them may as much as split a VMA.
 */

static void setup_occupied(void)
{
	map_anon(AT(0), 2, F_RW);
	map_anon(AT(2), 2, F_RW | VM_LOCKED);
	files[3].f_op = &mmap_fops;
	hook.vm_ops = &close_vm_ops;
	hook.populate = 2;
	map(&files[3], AT(4), 4, F_SHARED, 0);
}

static bool refused(vm_flags_t flags, long err)
{
	struct snapshot before;

	if (!mm.map_count)
		setup_occupied();
	reset_counts();
	stubs.warns = 0;
	stubs.warns_once = 0;
	take_snapshot(&before);

	ASSERT_EQ(map(&files[0], AT(1), 5, flags, 0), err);
	ASSERT_TRUE(unchanged(&before));
	ASSERT_EQ(stubs.calls[STUB_VMA_DUP], 0);
	ASSERT_EQ(stubs.calls[STUB_VMA_ALLOC], 0);
	ASSERT_EQ(stubs.calls[STUB_CHARGE], 0);
	ASSERT_EQ(stubs.calls[STUB_UNMAP_VMAS], 0);
	ASSERT_EQ(stubs.calls[STUB_HOOK_MAPPED], 0);
	ASSERT_EQ(stubs.calls[STUB_ACTION], 0);
	ASSERT_EQ(stubs.calls[STUB_HOOK_PREPARE], 1);
	ASSERT_TRUE(no_events());
	ASSERT_EQ(stubs.warns, 0);
	ASSERT_BALANCED();

	return true;
}

/* The same, and with a file donated, which has to be given back. */
static bool refused_both(vm_flags_t flags, long err)
{
	prep.donate = NULL;
	ASSERT_TRUE(refused(flags, err));
	prep.donate = &files[1];
	ASSERT_TRUE(refused(flags, err));
	ASSERT_EQ(files[1].f_count, 1);
	prep.donate = NULL;

	return true;
}

static bool refused_with_warning(vm_flags_t flags)
{
	stubs.warns_expected = 1;
	ASSERT_TRUE(refused_both(flags, -EINVAL));
	ASSERT_EQ(stubs.warns_once, 1);

	return true;
}

static bool test_hook_fails(void)
{
	use_ops(&stateful_vm_ops);
	prep.err = -EIO;
	ASSERT_TRUE(refused_both(F_RW, -EIO));
	ASSERT_TRUE(refused_both(F_SHARED, -EIO));
	prep.err = -EPERM;
	ASSERT_TRUE(refused_both(F_RO, -EPERM));
	prep.err = -MAX_ERRNO;
	ASSERT_TRUE(refused_both(F_RO, -MAX_ERRNO));
	prep.err = -ENOSYS;
	ASSERT_TRUE(refused_both(F_RO, -ENOSYS));

	return true;
}

static bool test_hook_returns_no_errno(void)
{
	static const int values[] = {
		1, 4096, INT_MAX, -MAX_ERRNO - 1, -5000, INT_MIN
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(values); i++) {
		prep.err = values[i];
		ASSERT_TRUE(refused_with_warning(F_RW));
		ASSERT_TRUE(refused_with_warning(F_SHARED));
	}

	return true;
}

static void change_mm(struct vm_area_desc *desc)
{
	desc->mm = NULL;
}

static void change_file(struct vm_area_desc *desc)
{
	desc->file = &files[2];
}

static void change_start(struct vm_area_desc *desc)
{
	desc->start -= PAGE_SIZE;
}

static void change_end(struct vm_area_desc *desc)
{
	desc->end += PAGE_SIZE;
}

static void take_file_away(struct vm_area_desc *desc)
{
	if (prep.donate)
		fput(desc->vm_file);
	desc->vm_file = NULL;
}

static bool test_read_only_fields(void)
{
	prep.fn = change_mm;
	ASSERT_TRUE(refused_with_warning(F_RW));
	prep.fn = change_file;
	ASSERT_TRUE(refused_with_warning(F_RW));
	prep.fn = change_start;
	ASSERT_TRUE(refused_with_warning(F_RW));
	prep.fn = change_end;
	ASSERT_TRUE(refused_with_warning(F_RW));

	return true;
}

static bool test_no_file(void)
{
	prep.fn = take_file_away;

	return refused_with_warning(F_RW);
}

static bool test_flags_not_added(void)
{
	static const vm_flags_t flags[] = {
		VM_WRITE, VM_EXEC, VM_SHARED, VM_MAYREAD, VM_MAYWRITE,
		VM_MAYEXEC, VM_MAYSHARE, VM_ACCOUNT,
	};
	const vm_flags_t all = F_SHARED | VM_EXEC;
	int i;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		prep.set = flags[i];
		ASSERT_TRUE(refused_with_warning(all & ~flags[i]));
		ASSERT_TRUE(refused_with_warning(0));
	}

	return true;
}

static bool test_account_not_removed(void)
{
	prep.clear = VM_ACCOUNT;

	return refused_with_warning(F_SHARED | VM_ACCOUNT);
}

static bool test_flags_removed(void)
{
	vm_flags_t flags = F_SHARED | VM_EXEC;

	prep.clear = flags & ~VM_READ;
	ASSERT_EQ(map(&files[0], AT(0), 3, flags, 0), AT(0));
	ASSERT_EQ(vma_at(AT(0))->vm_flags, VM_READ | VM_SOFTDIRTY);
	ASSERT_EQ(mappings[0].i_mmap_writable, 0);
	ASSERT_BALANCED();

	return true;
}

/* Setting what is set already is no change. */
static bool test_flags_kept(void)
{
	prep.set = F_RW;
	ASSERT_EQ(map(&files[0], AT(0), 3, F_RW, 0), AT(0));
	ASSERT_EQ(stubs.calls[STUB_DENY_EXEC], 1);
	ASSERT_EQ(stubs.calls[STUB_ARCH_FLAGS], 1);
	ASSERT_BALANCED();

	return true;
}

static bool test_error_filter_invalid(void)
{
	static const int values[] = {
		1, 11, INT_MAX, -MAX_ERRNO - 1, -5000, INT_MIN
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(values); i++) {
		prep.error_filter = values[i];
		ASSERT_TRUE(refused_with_warning(F_RW));
	}

	return true;
}

/* It is for failures of the action and of mapped(), not for others. */
static bool test_error_filter_unused(void)
{
	prep.error_filter = -EDOM;
	prep.err = -EIO;
	ASSERT_TRUE(refused_both(F_RW, -EIO));
	prep.err = 0;
	prep.set_pgoff = true;
	prep.pgoff = ULONG_MAX;
	ASSERT_TRUE(refused_both(F_RW, -EOVERFLOW));
	prep.set_pgoff = false;
	stubs.fail_at[STUB_VMA_ALLOC] = 1;
	stubs.calls[STUB_VMA_ALLOC] = 0;
	ASSERT_EQ(map(&files[0], AT(20), 5, F_RW, 0), -ENOMEM);
	ASSERT_BALANCED();

	return true;
}

static bool test_error_filter_valid(void)
{
	prep.error_filter = -1;
	ASSERT_EQ(map(&files[0], AT(0), 1, F_RO, 0), AT(0));
	prep.error_filter = -MAX_ERRNO;
	ASSERT_EQ(map(&files[0], AT(2), 1, F_RO, 0), AT(2));
	ASSERT_BALANCED();

	return true;
}

static bool test_offset_wraps(void)
{
	prep.set_pgoff = true;
	/* The mapping has five pages. */
	prep.pgoff = ULONG_MAX - 4;
	ASSERT_TRUE(refused_both(F_RW, -EOVERFLOW));
	prep.pgoff = ULONG_MAX;
	ASSERT_TRUE(refused_both(F_RW, -EOVERFLOW));
	prep.pgoff = ULONG_MAX - 5;
	ASSERT_EQ(map(&files[0], AT(1), 5, F_RW, 0), AT(1));
	ASSERT_BALANCED();

	return true;
}

static void want_outside(struct vm_area_desc *desc)
{
	mmap_action_remap(desc, desc->end, 0, PAGE_SIZE);
}

static void want_nothing_mapped(struct vm_area_desc *desc)
{
	mmap_action_remap(desc, desc->start, 0, 0);
}

static bool test_action_refused(void)
{
	prep.error_filter = -EDOM;
	prep.fn = want_outside;
	ASSERT_TRUE(refused_both(F_RW, -EFAULT));
	prep.fn = want_nothing_mapped;
	ASSERT_TRUE(refused_both(F_RW, -EINVAL));

	return true;
}

/* Policies are asked again, about the new flags, if these have changed. */
static bool test_write_exec_denied(void)
{
	stubs.deny_exec = VM_DONTCOPY;
	prep.set = VM_DONTCOPY;
	ASSERT_TRUE(refused_both(F_RX, -EACCES));
	ASSERT_EQ(stubs.deny_new, F_RX | VM_DONTCOPY);
	ASSERT_EQ(stubs.deny_old, F_RX | VM_DONTCOPY);

	return true;
}

static bool test_arch_flags_denied(void)
{
	stubs.bad_arch_flags = VM_ARCH_1;
	prep.set = VM_ARCH_1;
	ASSERT_TRUE(refused_both(F_RO, -EINVAL));
	/* Also about what the action adds. */
	stubs.bad_arch_flags = VM_PFNMAP;
	prep.set = 0;
	prep.fn = want_remap;
	ASSERT_TRUE(refused_both(F_RO, -EINVAL));

	return true;
}

static bool test_entry_refuses(void)
{
	struct snapshot before;

	setup_occupied();
	reset_counts();
	take_snapshot(&before);
	stubs.deny_exec = VM_WRITE | VM_EXEC;
	ASSERT_EQ(map(&files[0], AT(1), 5, F_RW | VM_EXEC, 0), -EACCES);
	stubs.bad_arch_flags = VM_ARCH_1;
	ASSERT_EQ(map(&files[0], AT(1), 5, F_RW | VM_ARCH_1, 0), -EINVAL);
	mappings[0].i_mmap_writable = -1;
	ASSERT_EQ(map(&files[0], AT(1), 5, F_SHARED, 0), -EPERM);
	ASSERT_EQ(stubs.calls[STUB_HOOK_PREPARE], 0);
	ASSERT_TRUE(unchanged(&before));
	ASSERT_BALANCED();

	return true;
}

/* The hooks of a file. */

static bool test_no_hook(void)
{
	struct snapshot before;
	struct vm_area_struct vma;

	files[0].f_op = &no_fops;
	ASSERT_FALSE(can_mmap_file(&files[0]));
	vma_init(&vma, &mm);
	ASSERT_EQ(vfs_mmap(&files[0], &vma), -ENODEV);
	take_snapshot(&before);
	ASSERT_EQ(map(&files[0], AT(1), 5, F_RW, 0), -ENODEV);
	ASSERT_TRUE(unchanged(&before));
	ASSERT_BALANCED();

	return true;
}

static bool test_both_hooks(void)
{
	struct vm_area_struct vma;

	files[0].f_op = &both_fops;
	stubs.warns_expected = 1;
	ASSERT_FALSE(can_mmap_file(&files[0]));
	ASSERT_EQ(stubs.warns_once, 1);
	vma_init(&vma, &mm);
	stubs.warns_expected = 2;
	ASSERT_EQ(vfs_mmap(&files[0], &vma), -ENODEV);
	ASSERT_EQ(stubs.warns_once, 2);
	ASSERT_EQ(stubs.calls[STUB_HOOK_PREPARE], 0);
	ASSERT_EQ(stubs.calls[STUB_HOOK_MMAP], 0);
	ASSERT_BALANCED();

	return true;
}

static bool test_one_hook(void)
{
	ASSERT_TRUE(can_mmap_file(&files[0]));
	files[0].f_op = &mmap_fops;
	ASSERT_TRUE(can_mmap_file(&files[0]));
	ASSERT_BALANCED();

	return true;
}

/* Another thread replaces f_op. */
static void replace_f_op(struct vm_area_desc *desc)
{
	files[0].f_op = &mmap_fops;
}

static bool test_f_op_replaced(void)
{
	prep.fn = replace_f_op;
	ASSERT_EQ(map(&files[0], AT(0), 3, F_RO, 0), AT(0));
	ASSERT_EQ(stubs.calls[STUB_HOOK_MMAP], 0);
	ASSERT_EQ(stubs.calls[STUB_HOOK_PREPARE], 1);
	ASSERT_BALANCED();

	return true;
}

/* Order. */

/* Each step somewhere behind the one before it. */
static bool in_order(const enum stub_id *order, int nr)
{
	unsigned int at = 0;
	int i;

	for (i = 0; i < nr; i++, at++) {
		while (at < stubs.nr_events && stubs.log[at].id != order[i])
			at++;
		if (at == stubs.nr_events) {
			printf("# step %d (stub %d) is not there, or too early\n",
			       i, order[i]);
			return false;
		}
	}

	return true;
}

static bool test_order(void)
{
	static const enum stub_id order[] = {
		/* Entry, the hook, and what is asked again. */
		STUB_DENY_EXEC, STUB_ARCH_FLAGS, STUB_HOOK_PREPARE,
		/* Overlaps, limits and charge. */
		STUB_VMA_DUP, STUB_MLOCK_OK, STUB_MAY_EXPAND, STUB_CHARGE,
		/* The old mappings go. */
		STUB_UNMAP_VMAS, STUB_HOOK_CLOSE,
		/* The new one comes. */
		STUB_KSM, STUB_VMA_ALLOC, STUB_ITER_STORE, STUB_ACTION,
		STUB_HOOK_MAPPED, STUB_KHUGEPAGED, STUB_PERF, STUB_VMA_FREE,
	};

	setup_occupied();
	reset_counts();
	use_ops(&mapped_vm_ops);
	prep.fn = want_remap;
	ASSERT_EQ(map(&files[0], AT(1), 9, F_RW, 0), AT(1));
	ASSERT_TRUE(in_order(order, ARRAY_SIZE(order)));
	ASSERT_TRUE(first_event(STUB_HOOK_PREPARE) <
		    last_event(STUB_DENY_EXEC));
	ASSERT_TRUE(last_event(STUB_DENY_EXEC) < first_event(STUB_VMA_DUP));
	ASSERT_TRUE(last_event(STUB_ARCH_FLAGS) < first_event(STUB_VMA_DUP));
	ASSERT_TRUE(last_event(STUB_CHARGE) < first_event(STUB_UNMAP_VMAS));
	ASSERT_TRUE(last_event(STUB_VMA_DUP) < first_event(STUB_UNMAP_VMAS));
	ASSERT_TRUE(last_event(STUB_ITER_STORE) < first_event(STUB_ACTION));
	ASSERT_TRUE(last_event(STUB_RMAP_INSERT) < first_event(STUB_ACTION));
	ASSERT_TRUE(last_event(STUB_HOOK_MAPPED) < first_event(STUB_PERF));
	ASSERT_TRUE(first_event(STUB_PERF) < last_event(STUB_UPROBE));
	ASSERT_BALANCED();

	return true;
}

/* Limits and charge follow the final flags and file. */

static bool test_charge(void)
{
	ASSERT_EQ(map(&files[0], AT(0), 3, F_RW, 0), AT(0));
	ASSERT_EQ(stubs.committed, 3);
	ASSERT_TRUE(vma_at(AT(0))->vm_flags & VM_ACCOUNT);

	prep.set = VM_NORESERVE;
	ASSERT_EQ(map(&files[0], AT(5), 3, F_RW, 0), AT(5));
	ASSERT_EQ(stubs.committed, 3);
	ASSERT_FALSE(vma_at(AT(5))->vm_flags & VM_ACCOUNT);

	prep.set = 0;
	prep.clear = VM_WRITE;
	ASSERT_EQ(map(&files[0], AT(10), 3, F_RW, 0), AT(10));
	ASSERT_EQ(stubs.committed, 3);

	/* Private, once SHARED is gone. */
	prep.clear = VM_SHARED;
	ASSERT_EQ(map(&files[0], AT(15), 3, F_SHARED, 0), AT(15));
	ASSERT_EQ(stubs.committed, 6);

	prep.clear = 0;
	files[1].is_hugetlb = true;
	prep.donate = &files[1];
	ASSERT_EQ(map(&files[0], AT(20), 3, F_RW, 0), AT(20));
	ASSERT_EQ(stubs.committed, 6);
	ASSERT_BALANCED();

	return true;
}

static bool test_limits(void)
{
	struct snapshot before;

	setup_occupied();
	take_snapshot(&before);
	prep.set = VM_LOCKED | VM_DONTCOPY;
	prep.clear = VM_MAYEXEC;
	reset_counts();
	stubs.fail_at[STUB_MLOCK_OK] = 1;
	ASSERT_EQ(map(&files[0], AT(1), 5, F_RW, 0), -EAGAIN);
	ASSERT_TRUE(unchanged(&before));
	ASSERT_EQ(stubs.mlock_flags,
		  (F_RW | VM_LOCKED | VM_DONTCOPY) & ~VM_MAYEXEC);
	ASSERT_EQ(stubs.log[first_event(STUB_MLOCK_OK)].end, PAGES(5));
	ASSERT_BALANCED();

	reset_counts();
	stubs.fail_at[STUB_MAY_EXPAND] = 1;
	ASSERT_EQ(map(&files[0], AT(1), 9, F_RW, 0), -ENOMEM);
	ASSERT_TRUE(unchanged(&before));
	ASSERT_EQ(stubs.expand_flags,
		  (F_RW | VM_LOCKED | VM_DONTCOPY) & ~VM_MAYEXEC);
	ASSERT_EQ(stubs.expand_pages, 2);
	ASSERT_BALANCED();

	reset_counts();
	ASSERT_EQ(map(&files[0], AT(1), 5, F_RW, 0), AT(1));
	ASSERT_TRUE(vma_at(AT(1))->vm_flags & VM_LOCKED);
	ASSERT_EQ(mm.locked_vm, 5);
	ASSERT_BALANCED();

	return true;
}

/* Neither may the memory that is to be unmapped refuse. */
static bool test_gather_fails(void)
{
	struct snapshot before;
	LIST_HEAD(uf);

	setup_occupied();
	prep.donate = &files[1];
	take_snapshot(&before);
	reset_counts();
	stubs.fail_at[STUB_UFFD_PREP] = 2;
	ASSERT_EQ(mmap_region(&files[0], AT(1), PAGES(5), F_RW, 0, &uf),
		  -ENOMEM);
	ASSERT_TRUE(unchanged(&before));
	ASSERT_BALANCED();

	vma_at(AT(4))->__vm_flags |= VM_SEALED;
	take_snapshot(&before);
	ASSERT_EQ(map(&files[0], AT(1), 5, F_RW, 0), -EPERM);
	ASSERT_TRUE(unchanged(&before));
	ASSERT_TRUE(no_events());
	ASSERT_BALANCED();

	return true;
}

/* Donated files. */

static bool test_donate(void)
{
	prep.donate = &files[1];
	ASSERT_EQ(map(&files[0], AT(0), 3, F_SHARED, 0), AT(0));
	ASSERT_EQ(vma_at(AT(0))->vm_file, &files[1]);
	ASSERT_EQ(files[0].f_count, 1);
	ASSERT_EQ(files[1].f_count, 2);
	ASSERT_EQ(mappings[0].i_mmap_writable, 0);
	ASSERT_EQ(mappings[1].i_mmap_writable, 1);
	ASSERT_EQ(mappings[1].nr_vmas, 1);
	ASSERT_BALANCED();
	ASSERT_EQ(unmap(AT(0), 3), 0);
	ASSERT_EQ(files[1].f_count, 1);
	ASSERT_BALANCED();

	return true;
}

/* The file goes away with its last mapping: nothing else has a reference. */
static void donate_new_file(struct vm_area_desc *desc)
{
	stub_shmem_file.f_count = 1;
	desc->vm_file = &stub_shmem_file;
	desc->vm_ops = &stub_shmem_vm_ops;
}

static bool test_donate_new_file(void)
{
	prep.fn = donate_new_file;
	stub_shmem_file.f_op = &mmap_fops;
	ASSERT_EQ(map(&files[0], AT(0), 3, F_SHARED, 0), AT(0));
	ASSERT_EQ(events_of(STUB_FILE_FREE, &stub_shmem_file), 0);
	ASSERT_BALANCED();
	ASSERT_EQ(unmap(AT(0), 3), 0);
	ASSERT_EQ(events_of(STUB_FILE_FREE, &stub_shmem_file), 1);

	prep.err = -EIO;
	reset_counts();
	ASSERT_EQ(map(&files[0], AT(0), 3, F_SHARED, 0), -EIO);
	ASSERT_EQ(events_of(STUB_FILE_FREE, &stub_shmem_file), 1);
	ASSERT_BALANCED();

	return true;
}

static bool test_donate_merged(void)
{
	prep.donate = &files[1];
	ASSERT_EQ(map(&files[0], AT(0), 3, F_SHARED, 0), AT(0));
	ASSERT_EQ(map(&files[0], AT(3), 3, F_SHARED, 3), AT(3));
	ASSERT_EQ(mm.map_count, 1);
	ASSERT_EQ(files[1].f_count, 2);
	ASSERT_EQ(mappings[1].i_mmap_writable, 1);
	ASSERT_BALANCED();

	/* A mapping of the file that was asked for is not the same thing. */
	prep.donate = NULL;
	ASSERT_EQ(map(&files[0], AT(6), 3, F_SHARED, 6), AT(6));
	ASSERT_EQ(mm.map_count, 2);
	ASSERT_BALANCED();

	return true;
}

/* The file that is donated has hooks of its own, which have no say. */
static bool test_donate_no_hook_called(void)
{
	files[3].f_op = &mmap_fops;
	prep.donate = &files[3];
	ASSERT_EQ(map(&files[0], AT(0), 3, F_SHARED, 0), AT(0));
	ASSERT_EQ(stubs.calls[STUB_HOOK_MMAP], 0);
	ASSERT_BALANCED();

	prep.donate = &files[2];
	ASSERT_EQ(map(&files[0], AT(5), 3, F_SHARED, 0), AT(5));
	ASSERT_EQ(stubs.calls[STUB_HOOK_PREPARE], 2);

	files[1].f_op = &no_fops;
	prep.donate = &files[1];
	ASSERT_EQ(map(&files[0], AT(10), 3, F_SHARED, 0), AT(10));
	ASSERT_BALANCED();

	return true;
}

static bool test_donate_sealed(void)
{
	struct snapshot before;

	setup_occupied();
	mappings[1].i_mmap_writable = -1;
	prep.donate = &files[1];
	reset_counts();
	take_snapshot(&before);
	ASSERT_EQ(map(&files[0], AT(1), 5, F_SHARED, 0), -EPERM);
	ASSERT_TRUE(unchanged(&before));
	ASSERT_EQ(stubs.calls[STUB_VMA_DUP], 0);
	ASSERT_EQ(mappings[1].i_mmap_writable, -1);
	ASSERT_EQ(files[1].f_count, 1);
	ASSERT_BALANCED();

	/* It is about what ends up shared and writable only. */
	ASSERT_EQ(map(&files[0], AT(1), 5, F_RW, 0), AT(1));
	prep.clear = VM_MAYWRITE | VM_WRITE;
	ASSERT_EQ(map(&files[0], AT(11), 5, F_SHARED, 0), AT(11));
	ASSERT_EQ(mappings[1].i_mmap_writable, -1);
	ASSERT_BALANCED();

	return true;
}

/* No writer is counted of a file that is sealed against future ones only. */
static bool test_donate_future_sealed(void)
{
	struct snapshot before;

	setup_occupied();
	files[1].is_write_sealed = true;
	prep.donate = &files[1];
	reset_counts();
	take_snapshot(&before);
	ASSERT_EQ(map(&files[0], AT(1), 5, F_SHARED, 0), -EPERM);
	ASSERT_TRUE(unchanged(&before));
	ASSERT_EQ(stubs.calls[STUB_SEALS], 1);
	ASSERT_EQ(stubs.calls[STUB_VMA_DUP], 0);
	ASSERT_EQ(files[1].f_count, 1);
	ASSERT_BALANCED();

	/* Mapped to be read, it cannot become writable. */
	ASSERT_EQ(map(&files[0], AT(11), 5, F_SHARED & ~VM_WRITE, 0), AT(11));
	ASSERT_EQ(vma_at(AT(11))->vm_flags & (VM_SHARED | VM_MAYWRITE),
		  VM_SHARED);
	ASSERT_EQ(mappings[1].i_mmap_writable, 0);
	ASSERT_EQ(map(&files[0], AT(21), 5, F_RW, 0), AT(21));
	ASSERT_EQ(vma_at(AT(21))->vm_flags & VM_MAYWRITE, VM_MAYWRITE);
	ASSERT_BALANCED();

	return true;
}

/* The seal is heeded all the while that the mapping is made. */
static void check_writable_held(struct vm_area_struct *vma)
{
	if (vma->vm_file->f_mapping->i_mmap_writable < 1)
		stub_misuse("a seal could be added now");
}

static bool test_donate_seal_held(void)
{
	prep.donate = &files[1];
	stubs.on_store = check_writable_held;
	ASSERT_EQ(map(&files[0], AT(0), 3, F_SHARED, 0), AT(0));
	ASSERT_EQ(stubs.calls[STUB_MAP_WRITABLE], 2);
	ASSERT_BALANCED();

	return true;
}

/* Merging. */

static bool test_merge(void)
{
	struct vm_area_struct *vma;

	use_ops(&mapped_vm_ops);
	use_private(&prep);
	prep.set = VM_DONTDUMP;
	ASSERT_EQ(map(&files[0], AT(0), 2, F_RW, 0), AT(0));
	ASSERT_EQ(map(&files[0], AT(4), 2, F_RW, 4), AT(4));
	ASSERT_EQ(stubs.calls[STUB_HOOK_MAPPED], 2);
	reset_counts();
	ASSERT_EQ(map(&files[0], AT(2), 2, F_RW, 2), AT(2));

	ASSERT_EQ(mm.map_count, 1);
	vma = vma_at(AT(0));
	ASSERT_EQ(vma->vm_start, AT(0));
	ASSERT_EQ(vma->vm_end, AT(6));
	ASSERT_EQ(vma->vm_ops, &mapped_vm_ops);
	ASSERT_EQ(vma->vm_private_data, &prep);
	/* Once, and not by way of a VMA of its own. */
	ASSERT_EQ(stubs.calls[STUB_VMA_ALLOC], 0);
	ASSERT_EQ(stubs.calls[STUB_HOOK_PREPARE], 1);
	ASSERT_EQ(stubs.calls[STUB_HOOK_MAPPED], 0);
	ASSERT_EQ(stubs.calls[STUB_PERF], 1);
	ASSERT_EQ(stubs.calls[STUB_KHUGEPAGED], 1);
	ASSERT_BALANCED();

	/* Down and up. */
	ASSERT_EQ(map(&files[0], AT(6), 2, F_RW, 6), AT(6));
	ASSERT_EQ(unmap(AT(0), 2), 0);
	ASSERT_EQ(map(&files[0], AT(1), 1, F_RW, 1), AT(1));
	ASSERT_EQ(mm.map_count, 1);
	ASSERT_EQ(stubs.calls[STUB_HOOK_MAPPED], 0);
	ASSERT_BALANCED();

	return true;
}

static bool test_merge_offset(void)
{
	/* The offset that counts is the hook's. */
	ASSERT_EQ(map(&files[0], AT(0), 2, F_RO, 0), AT(0));
	prep.set_pgoff = true;
	prep.pgoff = 2;
	ASSERT_EQ(map(&files[0], AT(2), 2, F_RO, 77), AT(2));
	ASSERT_EQ(mm.map_count, 1);
	ASSERT_EQ(map(&files[0], AT(4), 2, F_RO, 4), AT(4));
	ASSERT_EQ(mm.map_count, 2);
	ASSERT_BALANCED();

	return true;
}

static bool test_merge_needs_same_ops(void)
{
	use_ops(&plain_vm_ops);
	ASSERT_EQ(map(&files[0], AT(0), 2, F_RO, 0), AT(0));
	ASSERT_EQ(map(&files[0], AT(4), 2, F_RO, 4), AT(4));
	use_ops(&mapped_vm_ops);
	ASSERT_EQ(map(&files[0], AT(2), 2, F_RO, 2), AT(2));
	ASSERT_EQ(mm.map_count, 3);
	ASSERT_EQ(vma_at(AT(0))->vm_ops, &plain_vm_ops);
	ASSERT_EQ(vma_at(AT(2))->vm_ops, &mapped_vm_ops);
	ASSERT_EQ(vma_at(AT(4))->vm_ops, &plain_vm_ops);
	ASSERT_EQ(stubs.calls[STUB_HOOK_MAPPED], 1);
	ASSERT_BALANCED();

	return true;
}

static bool test_merge_needs_same_private(void)
{
	use_private(&prep);
	ASSERT_EQ(map(&files[0], AT(0), 2, F_RO, 0), AT(0));
	ASSERT_EQ(map(&files[0], AT(4), 2, F_RO, 4), AT(4));
	use_private(&mapped);
	ASSERT_EQ(map(&files[0], AT(2), 2, F_RO, 2), AT(2));
	ASSERT_EQ(mm.map_count, 3);
	ASSERT_EQ(vma_at(AT(0))->vm_private_data, &prep);
	ASSERT_EQ(vma_at(AT(2))->vm_private_data, &mapped);
	ASSERT_EQ(vma_at(AT(4))->vm_private_data, &prep);
	ASSERT_BALANCED();

	/* Below it fits, above it does not. */
	ASSERT_EQ(unmap(AT(2), 2), 0);
	vma_at(AT(0))->vm_private_data = &mapped;
	ASSERT_EQ(map(&files[0], AT(2), 2, F_RO, 2), AT(2));
	ASSERT_EQ(mm.map_count, 2);
	ASSERT_EQ(vma_at(AT(2))->vm_start, AT(0));
	ASSERT_BALANCED();

	return true;
}

/* What mapped() has put into a neighbour is not lost in a merge. */
static bool test_merge_after_mapped(void)
{
	use_ops(&mapped_vm_ops);
	mapped.set_private = true;
	mapped.private_data = &mapped;
	ASSERT_EQ(map(&files[0], AT(0), 2, F_RO, 0), AT(0));
	ASSERT_EQ(map(&files[0], AT(2), 2, F_RO, 2), AT(2));
	ASSERT_EQ(mm.map_count, 2);
	ASSERT_EQ(stubs.calls[STUB_HOOK_MAPPED], 2);
	ASSERT_EQ(vma_at(AT(2))->vm_private_data, &mapped);
	ASSERT_BALANCED();

	return true;
}

static bool test_merge_close(void)
{
	use_ops(&stateful_vm_ops);
	ASSERT_EQ(map(&files[0], AT(0), 2, F_RO, 0), AT(0));
	ASSERT_EQ(map(&files[0], AT(4), 2, F_RO, 4), AT(4));
	reset_counts();
	ASSERT_EQ(map(&files[0], AT(2), 2, F_RO, 2), AT(2));
	/* As elsewhere: what has a close() can grow, but not vanish. */
	ASSERT_EQ(mm.map_count, 2);
	ASSERT_EQ(stubs.calls[STUB_HOOK_CLOSE], 0);
	ASSERT_EQ(stubs.calls[STUB_HOOK_MAPPED], 0);
	ASSERT_BALANCED();

	return true;
}

static bool test_merge_special(void)
{
	prep.fn = want_remap;
	ASSERT_EQ(map(&files[0], AT(0), 2, F_SHARED, 0), AT(0));
	ASSERT_EQ(map(&files[0], AT(2), 2, F_SHARED, 2), AT(2));
	ASSERT_EQ(mm.map_count, 2);
	ASSERT_EQ(stubs.calls[STUB_ACTION], 2);
	ASSERT_EQ(stubs.nr_ptes, 4);
	ASSERT_BALANCED();

	return true;
}

static bool test_merge_nomem(void)
{
	use_ops(&mapped_vm_ops);
	ASSERT_EQ(map(&files[0], AT(0), 2, F_RO, 0), AT(0));
	reset_counts();
	stubs.fail_at[STUB_PREALLOC] = 1;
	ASSERT_EQ(map(&files[0], AT(2), 2, F_RO, 2), AT(2));
	ASSERT_EQ(mm.map_count, 2);
	ASSERT_EQ(stubs.calls[STUB_HOOK_MAPPED], 1);
	ASSERT_EQ(vma_at(AT(2))->vm_start, AT(2));
	ASSERT_BALANCED();

	return true;
}

static bool test_merge_into_replaced(void)
{
	use_ops(&mapped_vm_ops);
	ASSERT_EQ(map(&files[0], AT(0), 6, F_RW, 0), AT(0));
	reset_counts();
	ASSERT_EQ(map(&files[0], AT(2), 2, F_RW, 2), AT(2));
	ASSERT_EQ(mm.map_count, 1);
	ASSERT_EQ(stubs.calls[STUB_HOOK_MAPPED], 0);
	ASSERT_EQ(stubs.committed, 6);
	ASSERT_BALANCED();

	return true;
}

/* KSM's flag is there before the merge, so it does not prevent one. */
static bool test_ksm(void)
{
	stubs.ksm_flags = VM_MERGEABLE;
	ASSERT_EQ(map(&files[0], AT(0), 2, F_RW, 0), AT(0));
	ASSERT_TRUE(vma_at(AT(0))->vm_flags & VM_MERGEABLE);
	ASSERT_EQ(map(&files[0], AT(2), 2, F_RW, 2), AT(2));
	ASSERT_EQ(mm.map_count, 1);
	ASSERT_TRUE(vma_at(AT(2))->vm_flags & VM_MERGEABLE);

	/* It goes by the flags that the hook and the action set. */
	prep.fn = want_remap;
	ASSERT_EQ(map(&files[0], AT(4), 2, F_SHARED & ~VM_SHARED, 4), AT(4));
	ASSERT_FALSE(vma_at(AT(4))->vm_flags & VM_MERGEABLE);
	prep.fn = NULL;
	prep.set = VM_MIXEDMAP;
	ASSERT_EQ(map(&files[0], AT(6), 2, F_RW, 6), AT(6));
	ASSERT_FALSE(vma_at(AT(6))->vm_flags & VM_MERGEABLE);
	ASSERT_BALANCED();

	return true;
}

/* mprotect() and the like merge by the same rule. */
static bool test_merge_existing(void)
{
	struct vm_area_struct *vma;

	use_private(&prep);
	ASSERT_EQ(map(&files[0], AT(0), 2, F_RO, 0), AT(0));
	use_private(&mapped);
	ASSERT_EQ(map(&files[0], AT(2), 2, F_RO | VM_DONTCOPY, 2), AT(2));
	{
		VMA_ITERATOR(vmi, &mm, AT(2));

		vma = vma_modify_flags(&vmi, vma_at(AT(0)), vma_at(AT(2)),
				       AT(2), AT(4), F_RO | VM_SOFTDIRTY);
	}
	ASSERT_EQ(vma, vma_at(AT(2)));
	ASSERT_EQ(mm.map_count, 2);

	vma->vm_private_data = &prep;
	{
		VMA_ITERATOR(vmi, &mm, AT(2));

		vma = vma_modify_flags(&vmi, vma_at(AT(0)), vma_at(AT(2)),
				       AT(2), AT(4), F_RO | VM_SOFTDIRTY);
	}
	ASSERT_EQ(vma, vma_at(AT(0)));
	ASSERT_EQ(mm.map_count, 1);
	ASSERT_BALANCED();

	return true;
}

/* A file with ->mmap() merges as it ever did. */
static bool test_merge_mmap_unchanged(void)
{
	files[0].f_op = &mmap_fops;
	hook.private_data = &prep;
	hook.vm_ops = &plain_vm_ops;
	ASSERT_EQ(map(&files[0], AT(0), 2, F_RO, 0), AT(0));
	hook.private_data = &mapped;
	hook.vm_ops = NULL;
	ASSERT_EQ(map(&files[0], AT(2), 2, F_RO, 2), AT(2));
	ASSERT_EQ(mm.map_count, 1);
	ASSERT_EQ(vma_at(AT(2))->vm_private_data, &prep);
	ASSERT_EQ(stubs.calls[STUB_HOOK_MMAP], 1);
	ASSERT_BALANCED();

	return true;
}

/* Each allocation fails. */

static bool check_unchanged(enum stub_id id, unsigned long ret,
			    const struct snapshot *before)
{
	if (!IS_ERR_VALUE(ret))
		return true;
	ASSERT_EQ(stubs.calls[STUB_HOOK_MAPPED], 0);
	ASSERT_EQ(stubs.calls[STUB_HOOK_MMAP], 0);
	if (!stubs.calls[STUB_UNMAP_VMAS])
		ASSERT_TRUE(unchanged(before));

	return true;
}

static void setup_donate_occupied(void)
{
	setup_occupied();
	use_ops(&stateful_vm_ops);
	prep.donate = &files[1];
}

static unsigned long op_private(void)
{
	LIST_HEAD(uf);

	return mmap_region(&files[0], AT(1), PAGES(9), F_RW, 0, &uf);
}

static unsigned long op_shared(void)
{
	LIST_HEAD(uf);

	return mmap_region(&files[0], AT(1), PAGES(5), F_SHARED, 0, &uf);
}

static bool test_sweep_private(void)
{
	static const struct sweep sweep = {
		.setup = setup_donate_occupied, .op = op_private,
		.check = check_unchanged,
	};

	return run_sweep(&sweep);
}

static bool test_sweep_shared(void)
{
	static const struct sweep sweep = {
		.setup = setup_donate_occupied, .op = op_shared,
		.check = check_unchanged,
	};

	return run_sweep(&sweep);
}

static void setup_donate_merge(void)
{
	prep.donate = &files[1];
	prep.set = VM_DONTDUMP;
	use_ops(&mapped_vm_ops);
	map(&files[0], AT(0), 3, F_SHARED, 0);
	map(&files[0], AT(5), 3, F_SHARED, 5);
}

static unsigned long op_merge(void)
{
	return map(&files[0], AT(3), 2, F_SHARED, 3);
}

static bool test_sweep_merge(void)
{
	static const struct sweep sweep = {
		.setup = setup_donate_merge, .op = op_merge,
	};

	return run_sweep(&sweep);
}

static const struct test tests[] = {
	TEST(entry),
	TEST(result),
	TEST(no_vm_ops),
	TEST(anonymous),
	TEST(hook_fails),
	TEST(hook_returns_no_errno),
	TEST(read_only_fields),
	TEST(no_file),
	TEST(flags_not_added),
	TEST(account_not_removed),
	TEST(flags_removed),
	TEST(flags_kept),
	TEST(error_filter_invalid),
	TEST(error_filter_unused),
	TEST(error_filter_valid),
	TEST(offset_wraps),
	TEST(action_refused),
	TEST(write_exec_denied),
	TEST(arch_flags_denied),
	TEST(entry_refuses),
	TEST(no_hook),
	TEST(both_hooks),
	TEST(one_hook),
	TEST(f_op_replaced),
	TEST(order),
	TEST(charge),
	TEST(limits),
	TEST(gather_fails),
	TEST(donate),
	TEST(donate_new_file),
	TEST(donate_merged),
	TEST(donate_no_hook_called),
	TEST(donate_sealed),
	TEST(donate_future_sealed),
	TEST(donate_seal_held),
	TEST(merge),
	TEST(merge_offset),
	TEST(merge_needs_same_ops),
	TEST(merge_needs_same_private),
	TEST(merge_after_mapped),
	TEST(merge_close),
	TEST(merge_special),
	TEST(merge_nomem),
	TEST(merge_into_replaced),
	TEST(ksm),
	TEST(merge_existing),
	TEST(merge_mmap_unchanged),
	TEST(sweep_private),
	TEST(sweep_shared),
	TEST(sweep_merge),
};

int main(int argc, char **argv)
{
	program_start = hook_start;

	return RUN_TESTS(tests, argc, argv);
}
