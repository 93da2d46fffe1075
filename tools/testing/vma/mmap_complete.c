// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of what happens once the VMA that ->mmap_prepare() described exists:
 * its action, ->mapped(), and taking all of it back when one of them fails.
 */
#include <limits.h>

#include "mmap_hook.h"

/* Actions. */

static bool test_remap(void)
{
	struct stub_pte *pte;

	prep.fn = want_remap;
	prep.set_prot = true;
	prep.prot = F_SHARED | BIT(60);
	ASSERT_EQ(map(&files[0], AT(0), 4, F_SHARED, 3), AT(0));
	ASSERT_EQ(stubs.calls[STUB_ACTION], 1);
	ASSERT_FALSE(stub_action.is_io);
	ASSERT_EQ(stub_action.pfn, HOOK_PFN);
	ASSERT_EQ(stub_action.size, PAGES(4));
	ASSERT_EQ(stub_action.prot, prep.prot);
	ASSERT_EQ(stubs.nr_ptes, 4);
	pte = stub_find_pte(AT(3));
	ASSERT_EQ(pte->pfn, HOOK_PFN + 3);
	ASSERT_EQ(vma_at(AT(0))->vm_flags,
		  F_SHARED | VM_REMAP_FLAGS | VM_SOFTDIRTY);
	ASSERT_EQ(vma_at(AT(0))->vm_pgoff, 3);
	ASSERT_BALANCED();

	return true;
}

static bool test_ioremap(void)
{
	stub_action.io_offset = 0x1000;
	prep.fn = want_ioremap;
	ASSERT_EQ(map(&files[0], AT(0), 4, F_SHARED, 3), AT(0));
	ASSERT_TRUE(stub_action.is_io);
	/* The architecture adds what it adds once. */
	ASSERT_EQ(stub_find_pte(AT(0))->pfn, HOOK_PFN + 0x1000);
	ASSERT_BALANCED();

	return true;
}

static bool test_simple_ioremap(void)
{
	prep.fn = want_simple_ioremap;
	ASSERT_EQ(map(&files[0], AT(0), 4, F_SHARED, 3), AT(0));
	ASSERT_TRUE(stub_action.is_io);
	ASSERT_EQ(stub_find_pte(AT(0))->pfn, HOOK_PFN + 3);
	ASSERT_EQ(stub_find_pte(AT(3))->pfn, HOOK_PFN + 6);
	ASSERT_EQ(vma_at(AT(0))->vm_pgoff, 3);
	ASSERT_BALANCED();

	return true;
}

static bool test_kernel_pages(void)
{
	init_pages();
	prep.fn = want_pages;
	ASSERT_EQ(map(&files[0], AT(0), NR_HOOK_PAGES, F_SHARED, 0), AT(0));
	ASSERT_EQ(stubs.nr_ptes, NR_HOOK_PAGES);
	ASSERT_EQ(stub_find_pte(AT(5))->page, &hook_pages[5]);
	ASSERT_EQ(hook_pages[0].count, 2);
	ASSERT_EQ(vma_at(AT(0))->vm_flags,
		  F_SHARED | VM_MIXEDMAP | VM_SOFTDIRTY);
	ASSERT_BALANCED();
	ASSERT_EQ(unmap(AT(0), NR_HOOK_PAGES), 0);
	ASSERT_TRUE(pages_unused());

	return true;
}

/* A private remap has the PFN as its offset, and so from the start. */
static void check_pfn_offset(struct vm_area_struct *vma)
{
	if (vma->vm_pgoff != HOOK_PFN)
		stub_misuse("VMA is visible without the PFN as its offset");
}

static bool test_remap_cow(void)
{
	prep.fn = want_remap;
	stubs.on_store = check_pfn_offset;
	stubs.on_rmap_insert = check_pfn_offset;
	ASSERT_EQ(map(&files[0], AT(0), 4, F_RW, 3), AT(0));
	ASSERT_EQ(vma_at(AT(0))->vm_pgoff, HOOK_PFN);
	ASSERT_EQ(stubs.committed, 4);
	ASSERT_BALANCED();

	return true;
}

/* mapped(). */

static bool test_mapped(void)
{
	use_ops(&stateful_vm_ops);
	use_private(&prep);
	prep.fn = want_remap;
	mapped.set_private = true;
	mapped.private_data = &mapped;
	ASSERT_EQ(map(&files[0], AT(0), 4, F_SHARED, 3), AT(0));
	ASSERT_EQ(stubs.calls[STUB_HOOK_MAPPED], 1);
	ASSERT_EQ(mapped.start, AT(0));
	ASSERT_EQ(mapped.end, AT(4));
	ASSERT_EQ(mapped.pgoff, 3);
	ASSERT_EQ(mapped.file, &files[0]);
	ASSERT_EQ(mapped.seen_private, &prep);
	ASSERT_EQ(mapped.nr_ptes, 4);
	ASSERT_FALSE(mapped.was_locked);
	ASSERT_EQ(vma_at(AT(0))->vm_private_data, &mapped);
	ASSERT_EQ(stubs.calls[STUB_HOOK_OPEN], 0);
	ASSERT_EQ(stubs.calls[STUB_HOOK_CLOSE], 0);
	ASSERT_BALANCED();

	ASSERT_EQ(unmap(AT(0), 4), 0);
	ASSERT_EQ(stubs.calls[STUB_HOOK_CLOSE], 1);

	return true;
}

/* Its offset is the one that the VMA has. */
static bool test_mapped_offset(void)
{
	use_ops(&mapped_vm_ops);
	prep.set_pgoff = true;
	prep.pgoff = 42;
	ASSERT_EQ(map(&files[0], AT(0), 4, F_RO, 3), AT(0));
	ASSERT_EQ(mapped.pgoff, 42);
	prep.fn = want_remap;
	ASSERT_EQ(map(&files[0], AT(6), 4, F_RW, 3), AT(6));
	ASSERT_EQ(mapped.pgoff, HOOK_PFN);
	ASSERT_BALANCED();

	return true;
}

static bool test_mapped_not_for_mmap(void)
{
	files[0].f_op = &mmap_fops;
	hook.vm_ops = &stateful_vm_ops;
	ASSERT_EQ(map(&files[0], AT(0), 4, F_RO, 3), AT(0));
	ASSERT_EQ(stubs.calls[STUB_HOOK_MMAP], 1);
	ASSERT_EQ(stubs.calls[STUB_HOOK_MAPPED], 0);
	ASSERT_BALANCED();

	return true;
}

static bool test_mapped_once(void)
{
	use_ops(&stateful_vm_ops);
	ASSERT_EQ(map(&files[0], AT(0), 6, F_RO, 0), AT(0));
	/* The pieces of a VMA that is split are opened. */
	ASSERT_EQ(unmap(AT(2), 2), 0);
	ASSERT_EQ(stubs.calls[STUB_HOOK_MAPPED], 1);
	ASSERT_EQ(stubs.calls[STUB_HOOK_OPEN], 2);
	ASSERT_EQ(stubs.calls[STUB_HOOK_CLOSE], 1);
	ASSERT_BALANCED();

	return true;
}

/* It gets the file whose hook ran, whatever file is mapped in the end. */
static bool test_mapped_donated(void)
{
	use_ops(&mapped_vm_ops);
	prep.donate = &files[1];
	ASSERT_EQ(map(&files[0], AT(0), 4, F_SHARED, 0), AT(0));
	ASSERT_EQ(mapped.file, &files[0]);
	ASSERT_BALANCED();

	return true;
}

/* One hook calls that of another file. */

static struct vm_area_desc inner_seen;
static int inner_err;

static bool inner_sets_ops;

static int inner_prepare(struct vm_area_desc *desc)
{
	inner_seen = *desc;
	if (inner_sets_ops)
		desc->vm_ops = &mapped_vm_ops;
	vma_desc_set_flags(desc, VMA_DONTCOPY_BIT);

	return inner_err;
}

static const struct file_operations inner_fops = {
	.mmap_prepare = inner_prepare,
};

static void call_inner(struct vm_area_desc *desc)
{
	desc->vm_ops = &plain_vm_ops;
	prep.err = vfs_mmap_prepare(&files[2], desc);
}

static void call_inner_and_override(struct vm_area_desc *desc)
{
	prep.err = vfs_mmap_prepare(&files[2], desc);
	desc->vm_ops = &stateful_vm_ops;
}

static void start_inner(void)
{
	files[2].f_op = &inner_fops;
	inner_err = 0;
	inner_sets_ops = true;
}

static bool test_nested(void)
{
	start_inner();
	prep.fn = call_inner;
	ASSERT_EQ(map(&files[0], AT(0), 4, F_RO, 0), AT(0));
	/* The inner hook has seen its own file, and dummy operations. */
	ASSERT_EQ(inner_seen.file, &files[2]);
	ASSERT_EQ(inner_seen.vm_ops, &vma_dummy_vm_ops);
	/* They are its operations that are called. */
	ASSERT_EQ(mapped.file, &files[2]);
	ASSERT_EQ(vma_at(AT(0))->vm_file, &files[0]);
	ASSERT_EQ(vma_at(AT(0))->vm_ops, &mapped_vm_ops);
	ASSERT_TRUE(vma_at(AT(0))->vm_flags & VM_DONTCOPY);
	ASSERT_BALANCED();

	return true;
}

static bool test_nested_overridden(void)
{
	start_inner();
	prep.fn = call_inner_and_override;
	ASSERT_EQ(map(&files[0], AT(0), 4, F_RO, 0), AT(0));
	ASSERT_EQ(stubs.calls[STUB_HOOK_MAPPED], 1);
	ASSERT_EQ(mapped.file, &files[0]);
	ASSERT_BALANCED();

	return true;
}

/* An inner hook that sets no operations leaves those that were set before. */

static void set_and_call_inner(struct vm_area_desc *desc)
{
	desc->vm_ops = &mapped_vm_ops;
	prep.err = vfs_mmap_prepare(&files[2], desc);
}

static bool test_nested_sets_no_ops(void)
{
	start_inner();
	inner_sets_ops = false;
	prep.fn = set_and_call_inner;
	ASSERT_EQ(map(&files[0], AT(0), 4, F_RO, 0), AT(0));
	ASSERT_EQ(inner_seen.vm_ops, &vma_dummy_vm_ops);
	ASSERT_EQ(vma_at(AT(0))->vm_ops, &mapped_vm_ops);
	ASSERT_EQ(mapped.file, &files[0]);
	ASSERT_BALANCED();

	return true;
}

/* Nor does it take over those that another inner hook has set. */

static void call_two(struct vm_area_desc *desc)
{
	prep.err = vfs_mmap_prepare(&files[2], desc);
	inner_sets_ops = false;
	prep.err = prep.err ?: vfs_mmap_prepare(&files[1], desc);
}

static bool test_nested_two(void)
{
	start_inner();
	files[1].f_op = &inner_fops;
	prep.fn = call_two;
	ASSERT_EQ(map(&files[0], AT(0), 4, F_RO, 0), AT(0));
	ASSERT_EQ(inner_seen.file, &files[1]);
	ASSERT_EQ(vma_at(AT(0))->vm_ops, &mapped_vm_ops);
	ASSERT_EQ(mapped.file, &files[2]);
	ASSERT_BALANCED();

	return true;
}

/* The last to set them is the one that counts, also if they are the same. */

static void call_two_that_set(struct vm_area_desc *desc)
{
	prep.err = vfs_mmap_prepare(&files[2], desc);
	prep.err = prep.err ?: vfs_mmap_prepare(&files[1], desc);
}

static bool test_nested_two_same(void)
{
	start_inner();
	files[1].f_op = &inner_fops;
	prep.fn = call_two_that_set;
	ASSERT_EQ(map(&files[0], AT(0), 4, F_RO, 0), AT(0));
	ASSERT_EQ(vma_at(AT(0))->vm_ops, &mapped_vm_ops);
	ASSERT_EQ(mapped.file, &files[1]);
	ASSERT_BALANCED();

	return true;
}

/* An inner file that cannot be asked. */
static bool test_nested_no_hook(void)
{
	start_inner();
	prep.fn = call_inner;
	files[2].f_op = &no_fops;
	ASSERT_EQ(map(&files[0], AT(0), 4, F_RO, 0), -ENODEV);
	files[2].f_op = &mmap_fops;
	ASSERT_EQ(map(&files[0], AT(0), 4, F_RO, 0), -ENODEV);
	ASSERT_EQ(stubs.calls[STUB_HOOK_MMAP], 0);
	ASSERT_EQ(mm.map_count, 0);
	ASSERT_BALANCED();

	return true;
}

/* One inside the other: the innermost that set them. */

static int middle_prepare(struct vm_area_desc *desc)
{
	return vfs_mmap_prepare(&files[2], desc);
}

static const struct file_operations middle_fops = {
	.mmap_prepare = middle_prepare,
};

static void call_middle(struct vm_area_desc *desc)
{
	prep.err = vfs_mmap_prepare(&files[1], desc);
}

static bool test_nested_deep(void)
{
	start_inner();
	files[1].f_op = &middle_fops;
	prep.fn = call_middle;
	ASSERT_EQ(map(&files[0], AT(0), 4, F_RO, 0), AT(0));
	ASSERT_EQ(inner_seen.file, &files[2]);
	ASSERT_EQ(vma_at(AT(0))->vm_ops, &mapped_vm_ops);
	ASSERT_EQ(mapped.file, &files[2]);
	ASSERT_BALANCED();

	return true;
}

/* Unless the one in the middle sets others: then it is that one. */

static int overriding_prepare(struct vm_area_desc *desc)
{
	int err = vfs_mmap_prepare(&files[2], desc);

	desc->vm_ops = &stateful_vm_ops;

	return err;
}

static const struct file_operations overriding_fops = {
	.mmap_prepare = overriding_prepare,
};

static bool test_nested_deep_overridden(void)
{
	start_inner();
	files[1].f_op = &overriding_fops;
	prep.fn = call_middle;
	ASSERT_EQ(map(&files[0], AT(0), 4, F_RO, 0), AT(0));
	ASSERT_EQ(vma_at(AT(0))->vm_ops, &stateful_vm_ops);
	ASSERT_EQ(mapped.file, &files[1]);
	ASSERT_BALANCED();

	return true;
}

static bool test_nested_fails(void)
{
	start_inner();
	inner_err = -EIO;
	prep.fn = call_inner;
	ASSERT_EQ(map(&files[0], AT(0), 4, F_RO, 0), -EIO);
	ASSERT_EQ(mm.map_count, 0);
	ASSERT_BALANCED();

	return true;
}

/* Failures. */

static void setup_neighbours(void)
{
	files[3].f_op = &mmap_fops;
	hook.populate = 2;
	map(&files[3], AT(-4), 4, F_SHARED, 0);
	map(&files[3], AT(8), 2, F_SHARED, 20);
	map_anon(AT(11), 2, F_RW);
}

/* The address space is as if there had been no call; close() was not called. */
static bool undone(vm_flags_t flags, long err)
{
	struct snapshot before;

	setup_neighbours();
	reset_counts();
	take_snapshot(&before);
	ASSERT_EQ(map(&files[0], AT(0), NR_HOOK_PAGES, flags, 3), err);
	ASSERT_TRUE(unchanged(&before));
	ASSERT_EQ(stubs.calls[STUB_HOOK_CLOSE], 0);
	ASSERT_EQ(stubs.calls[STUB_HOOK_OPEN], 0);
	ASSERT_TRUE(no_events());
	ASSERT_EQ(files[1].f_count, 1);
	ASSERT_BALANCED();
	ASSERT_EQ(unmap(AT(-4), 30), 0);

	return true;
}

static bool undone_each(long err)
{
	static const vm_flags_t flags[] = {
		F_RO, F_RW, F_SHARED, F_SHARED | VM_LOCKED, F_SHARED_RO,
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		prep.donate = NULL;
		prep.hide = false;
		ASSERT_TRUE(undone(flags[i], err));
		prep.hide = true;
		ASSERT_TRUE(undone(flags[i], err));
		prep.donate = &files[1];
		ASSERT_TRUE(undone(flags[i], err));
		prep.hide = false;
		ASSERT_TRUE(undone(flags[i], err));
	}

	return true;
}

static void fail_action(struct vm_area_desc *desc)
{
	stubs.fail_at[STUB_ACTION] = stubs.calls[STUB_ACTION] + 1;
	mmap_action_remap_full(desc, HOOK_PFN);
}

static bool test_action_fails(void)
{
	use_ops(&stateful_vm_ops);
	prep.fn = fail_action;
	stub_action.err = -ENXIO;
	ASSERT_TRUE(undone_each(-ENXIO));
	/* Without mapped() there is no close() either. */
	use_ops(&close_vm_ops);
	ASSERT_TRUE(undone_each(-ENXIO));

	return true;
}

static bool test_action_fails_no_mapped(void)
{
	use_ops(&stateful_vm_ops);
	prep.fn = fail_action;
	ASSERT_EQ(map(&files[0], AT(0), 4, F_SHARED, 3), -ENOMEM);
	ASSERT_EQ(stubs.calls[STUB_HOOK_MAPPED], 0);
	ASSERT_TRUE(stubs.calls[STUB_UNMAP_VMAS] > 0);

	return true;
}

static void fail_pages(struct vm_area_desc *desc)
{
	stubs.fail_at[STUB_INSERT_PAGE] = stubs.calls[STUB_INSERT_PAGE] + 4;
	mmap_action_map_kernel_pages_full(desc, hook_page_array);
}

static bool test_kernel_pages_fail(void)
{
	init_pages();
	use_ops(&stateful_vm_ops);
	prep.fn = fail_pages;
	ASSERT_TRUE(undone_each(-ENOMEM));
	ASSERT_TRUE(pages_unused());

	return true;
}

static bool test_kernel_page_unusable(void)
{
	init_pages();
	hook_pages[3].count = 0;
	prep.fn = want_pages;
	ASSERT_TRUE(undone_each(-EINVAL));
	hook_pages[3].count = 1;
	ASSERT_TRUE(pages_unused());

	return true;
}

static bool test_mapped_fails(void)
{
	use_ops(&stateful_vm_ops);
	mapped.set_private = true;
	mapped.private_data = &mapped;
	mapped.err = -EBUSY;
	ASSERT_TRUE(undone_each(-EBUSY));
	/* What the action has populated goes too. */
	prep.fn = want_remap;
	ASSERT_TRUE(undone_each(-EBUSY));
	init_pages();
	prep.fn = want_pages;
	ASSERT_TRUE(undone_each(-EBUSY));
	ASSERT_TRUE(pages_unused());

	return true;
}

static bool test_mapped_returns_no_errno(void)
{
	static const int values[] = {
		1, INT_MAX, -MAX_ERRNO - 1, -5000, INT_MIN
	};
	int i;

	use_ops(&stateful_vm_ops);
	stubs.warns_expected = 1;
	for (i = 0; i < ARRAY_SIZE(values); i++) {
		stubs.warns_once = 0;
		mapped.err = values[i];
		ASSERT_EQ(map(&files[0], AT(0), 4, F_RW, 3), -EINVAL);
		ASSERT_EQ(stubs.warns_once, 1);
		ASSERT_EQ(mm.map_count, 0);
		ASSERT_EQ(stubs.calls[STUB_HOOK_CLOSE], 0);
		ASSERT_BALANCED();
	}

	return true;
}

static bool test_error_filter(void)
{
	use_ops(&stateful_vm_ops);
	prep.error_filter = -EAGAIN;
	prep.fn = fail_action;
	ASSERT_TRUE(undone_each(-EAGAIN));
	prep.fn = want_remap;
	mapped.err = -EBUSY;
	ASSERT_TRUE(undone_each(-EAGAIN));
	/* The one that is set, and by either name. */
	prep.error_filter = -MAX_ERRNO;
	ASSERT_TRUE(undone_each(-MAX_ERRNO));
	/* Not where nothing failed. */
	mapped.err = 0;
	ASSERT_EQ(map(&files[0], AT(0), 4, F_RW, 3), AT(0));

	return true;
}

static void override_error(struct vm_area_desc *desc)
{
	mmap_action_remap_full(desc, HOOK_PFN);
	desc->action.error_override = -EXDEV;
}

static bool test_error_override(void)
{
	use_ops(&mapped_vm_ops);
	prep.fn = override_error;
	mapped.err = -EBUSY;

	return undone_each(-EXDEV);
}

/* What was there before MAP_FIXED is gone by then, but not leaked. */
static bool test_fails_fixed(void)
{
	int turn;

	for (turn = 0; turn < 3; turn++) {
		hook.vm_ops = &close_vm_ops;
		files[3].f_op = &mmap_fops;
		ASSERT_EQ(map(&files[3], AT(0), 4, F_SHARED, 0), AT(0));
		ASSERT_EQ(map_anon(AT(4), 4, F_RW | VM_LOCKED), AT(4));
		reset_counts();
		use_ops(&stateful_vm_ops);
		mapped.err = -EBUSY;
		ASSERT_EQ(map(&files[0], AT(2), 4, F_RW, 0), -EBUSY);
		/* One is the old mapping's, the other two are still there. */
		ASSERT_EQ(stubs.calls[STUB_HOOK_CLOSE], 1);
		ASSERT_EQ(vma_at(AT(2)), NULL);
		ASSERT_EQ(vma_at(AT(5)), NULL);
		ASSERT_EQ(mm.map_count, 2);
		ASSERT_EQ(stubs.committed, 2);
		ASSERT_EQ(mm.locked_vm, 2);
		ASSERT_BALANCED();
		ASSERT_EQ(unmap(AT(0), 10), 0);
	}

	return true;
}

/* There is no memory left: the VMA goes away all the same. */
static void exhaust_memory(struct vm_area_struct *vma)
{
	enum stub_id id;

	for (id = STUB_NONE + 1; id < STUB_DENY_EXEC; id++)
		if (id != STUB_ACTION && id != STUB_INSERT_PAGE)
			stubs.fail_at[id] = stubs.calls[id] + 1;
}

static bool test_undo_needs_no_memory(void)
{
	struct snapshot before;

	setup_neighbours();
	take_snapshot(&before);
	use_ops(&stateful_vm_ops);
	mapped.err = -EBUSY;
	stubs.on_rmap_insert = exhaust_memory;
	ASSERT_EQ(map(&files[0], AT(0), 8, F_RW, 0), -EBUSY);
	ASSERT_TRUE(unchanged(&before));
	ASSERT_EQ(vma_at(AT(0)), NULL);
	ASSERT_BALANCED();

	return true;
}

/* The VMA that is being made is the only one that is touched. */
static bool test_undo_between_neighbours(void)
{
	use_ops(&mapped_vm_ops);
	use_private(&prep);
	ASSERT_EQ(map(&files[0], AT(0), 2, F_SHARED, 0), AT(0));
	ASSERT_EQ(map(&files[0], AT(4), 2, F_SHARED, 4), AT(4));
	use_private(&mapped);
	prep.fn = want_remap;
	mapped.err = -EBUSY;
	ASSERT_EQ(map(&files[0], AT(2), 2, F_SHARED, 2), -EBUSY);
	ASSERT_EQ(mm.map_count, 2);
	ASSERT_EQ(vma_at(AT(0))->vm_end, AT(2));
	ASSERT_EQ(vma_at(AT(4))->vm_start, AT(4));
	ASSERT_EQ(vma_at(AT(2)), NULL);
	ASSERT_BALANCED();

	return true;
}

/* Hidden from rmap until complete. */

static void check_hidden_store(struct vm_area_struct *vma)
{
	if (vma->shared.mapping)
		stub_misuse("in i_mmap before it is in the tree");
}

static bool test_hide(void)
{
	int lock, unlock;

	use_ops(&mapped_vm_ops);
	prep.fn = want_remap;
	prep.hide = true;
	stubs.on_store = check_hidden_store;
	ASSERT_EQ(map(&files[0], AT(0), 4, F_SHARED, 3), AT(0));
	ASSERT_TRUE(mapped.was_locked);
	ASSERT_EQ(stubs.calls[STUB_I_MMAP_LOCK], 1);
	ASSERT_EQ(stubs.calls[STUB_I_MMAP_UNLOCK], 1);
	lock = first_event(STUB_I_MMAP_LOCK);
	unlock = first_event(STUB_I_MMAP_UNLOCK);
	ASSERT_TRUE(lock < first_event(STUB_RMAP_INSERT));
	ASSERT_TRUE(first_event(STUB_RMAP_INSERT) < first_event(STUB_ACTION));
	ASSERT_TRUE(first_event(STUB_HOOK_MAPPED) < unlock);
	ASSERT_TRUE(unlock < first_event(STUB_PERF));
	ASSERT_EQ(stubs.log[lock].object, &mappings[0]);
	ASSERT_BALANCED();

	return true;
}

static bool test_not_hidden(void)
{
	use_ops(&mapped_vm_ops);
	prep.fn = want_remap;
	ASSERT_EQ(map(&files[0], AT(0), 4, F_SHARED, 3), AT(0));
	ASSERT_FALSE(mapped.was_locked);
	ASSERT_TRUE(first_event(STUB_I_MMAP_UNLOCK) < first_event(STUB_ACTION));
	ASSERT_BALANCED();

	return true;
}

static bool test_hide_donated(void)
{
	int lock;

	use_ops(&mapped_vm_ops);
	prep.hide = true;
	prep.donate = &files[1];
	ASSERT_EQ(map(&files[0], AT(0), 4, F_SHARED, 3), AT(0));
	ASSERT_TRUE(mapped.was_locked);
	lock = first_event(STUB_I_MMAP_LOCK);
	ASSERT_EQ(stubs.log[lock].object, &mappings[1]);
	ASSERT_BALANCED();

	return true;
}

/* A file that goes away with the mapping takes its lock with it. */
static void donate_new_file(struct vm_area_desc *desc)
{
	stub_shmem_file.f_count = 1;
	desc->vm_file = &stub_shmem_file;
}

static bool test_hide_fails(void)
{
	use_ops(&stateful_vm_ops);
	prep.hide = true;
	prep.fn = donate_new_file;
	mapped.err = -EBUSY;
	ASSERT_EQ(map(&files[0], AT(0), 4, F_SHARED, 3), -EBUSY);
	ASSERT_TRUE(mapped.was_locked);
	/* Unlocked, and only then unmapped, and only then put. */
	ASSERT_TRUE(first_event(STUB_I_MMAP_UNLOCK) <
		    first_event(STUB_UNMAP_VMAS));
	ASSERT_TRUE(last_event(STUB_I_MMAP_UNLOCK) <
		    first_event(STUB_FILE_FREE));
	ASSERT_EQ(stubs.calls[STUB_FILE_FREE], 1);
	ASSERT_EQ(stubs.calls[STUB_I_MMAP_LOCK], 2);
	ASSERT_EQ(stubs.calls[STUB_HOOK_CLOSE], 0);
	ASSERT_BALANCED();

	return true;
}

static bool test_hide_merged(void)
{
	prep.hide = true;
	ASSERT_EQ(map(&files[0], AT(0), 4, F_SHARED, 0), AT(0));
	reset_counts();
	ASSERT_EQ(map(&files[0], AT(4), 4, F_SHARED, 4), AT(4));
	ASSERT_EQ(mm.map_count, 1);
	ASSERT_EQ(stubs.calls[STUB_I_MMAP_LOCK],
		  stubs.calls[STUB_I_MMAP_UNLOCK]);
	ASSERT_BALANCED();

	return true;
}

/* A VMA that is taken back is taken from where it can be seen first. */

static void check_detached(struct vm_area_struct *vma)
{
	if (!vma->detached || vma_at(vma->vm_start))
		stub_misuse("VMA is unmapped while it can be found");
}

static bool test_undo_order(void)
{
	stubs.on_unmap = check_detached;
	use_ops(&stateful_vm_ops);
	prep.fn = want_remap;
	mapped.err = -EBUSY;
	ASSERT_EQ(map(&files[0], AT(0), 4, F_RW, 3), -EBUSY);
	ASSERT_TRUE(first_event(STUB_UNMAP_VMAS) < first_event(STUB_VMA_FREE));
	ASSERT_TRUE(first_event(STUB_RMAP_REMOVE) < first_event(STUB_VMA_FREE));
	ASSERT_TRUE(first_event(STUB_RMAP_REMOVE) < first_event(STUB_FPUT));
	ASSERT_EQ(stubs.calls[STUB_KHUGEPAGED], 0);
	ASSERT_EQ(stubs.calls[STUB_VMA_FREE], 1);

	return true;
}

/* Each allocation fails, and what can fail later, too. */

static bool check_no_close(enum stub_id id, unsigned long ret,
			   const struct snapshot *before)
{
	if (!IS_ERR_VALUE(ret))
		return true;
	ASSERT_EQ(files[1].f_count, 1);
	ASSERT_TRUE(pages_unused());
	/* The one mapping that is replaced, if it came to that. */
	ASSERT_TRUE(stubs.calls[STUB_HOOK_CLOSE] <= 1);
	if (!stubs.calls[STUB_UNMAP_VMAS])
		ASSERT_TRUE(unchanged(before));

	return true;
}

static void setup_sweep(void)
{
	init_pages();
	setup_neighbours();
	hook.vm_ops = &close_vm_ops;
	hook.populate = 1;
	map(&files[3], AT(2), 2, F_SHARED, 40);
	use_ops(&stateful_vm_ops);
	prep.donate = &files[1];
}

static void setup_sweep_pages(void)
{
	setup_sweep();
	prep.fn = want_pages;
}

static void setup_sweep_remap(void)
{
	setup_sweep();
	prep.fn = want_remap;
	prep.hide = true;
}

static unsigned long op_private(void)
{
	return map(&files[0], AT(1), NR_HOOK_PAGES, F_RW, 0);
}

static unsigned long op_shared(void)
{
	return map(&files[0], AT(1), NR_HOOK_PAGES, F_SHARED, 0);
}

static bool test_sweep_pages(void)
{
	static const struct sweep private = {
		.setup = setup_sweep_pages, .op = op_private,
		.check = check_no_close,
	};
	static const struct sweep shared = {
		.setup = setup_sweep_pages, .op = op_shared,
		.check = check_no_close,
	};

	return run_sweep(&private) && run_sweep(&shared);
}

static bool test_sweep_remap(void)
{
	static const struct sweep private = {
		.setup = setup_sweep_remap, .op = op_private,
		.check = check_no_close,
	};
	static const struct sweep shared = {
		.setup = setup_sweep_remap, .op = op_shared,
		.check = check_no_close,
	};

	return run_sweep(&private) && run_sweep(&shared);
}

static const struct test tests[] = {
	TEST(remap),
	TEST(ioremap),
	TEST(simple_ioremap),
	TEST(kernel_pages),
	TEST(remap_cow),
	TEST(mapped),
	TEST(mapped_offset),
	TEST(mapped_not_for_mmap),
	TEST(mapped_once),
	TEST(mapped_donated),
	TEST(nested),
	TEST(nested_overridden),
	TEST(nested_sets_no_ops),
	TEST(nested_two),
	TEST(nested_two_same),
	TEST(nested_no_hook),
	TEST(nested_deep),
	TEST(nested_deep_overridden),
	TEST(nested_fails),
	TEST(action_fails),
	TEST(action_fails_no_mapped),
	TEST(kernel_pages_fail),
	TEST(kernel_page_unusable),
	TEST(mapped_fails),
	TEST(mapped_returns_no_errno),
	TEST(error_filter),
	TEST(error_override),
	TEST(fails_fixed),
	TEST(undo_needs_no_memory),
	TEST(undo_between_neighbours),
	TEST(hide),
	TEST(not_hidden),
	TEST(hide_donated),
	TEST(hide_fails),
	TEST(hide_merged),
	TEST(undo_order),
	TEST(sweep_pages),
	TEST(sweep_remap),
};

int main(int argc, char **argv)
{
	program_start = hook_start;

	return RUN_TESTS(tests, argc, argv);
}
