// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of mmap_region() for anonymous memory and for files that have ->mmap().
 */
#include "mmap_harness.h"

/* Anonymous memory. */

static bool test_anonymous(void)
{
	struct vm_area_struct *vma;

	ASSERT_EQ(map_anon(AT(0), 3, F_RW), AT(0));

	vma = vma_at(AT(0));
	ASSERT_EQ(vma->vm_start, AT(0));
	ASSERT_EQ(vma->vm_end, AT(3));
	ASSERT_EQ(vma->vm_pgoff, PHYS_PFN(AT(0)));
	ASSERT_EQ(vma->vm_flags, F_RW | VM_ACCOUNT | VM_SOFTDIRTY);
	/* It goes by the flags in the end. */
	ASSERT_EQ(vma->vm_page_prot.pgprot,
		  vm_get_page_prot(F_RW | VM_ACCOUNT | VM_SOFTDIRTY).pgprot);
	ASSERT_EQ(vma->vm_ops, NULL);
	ASSERT_EQ(vma->vm_file, NULL);
	ASSERT_EQ(stubs.committed, 3);
	ASSERT_EQ(stubs.calls[STUB_PERF], 1);
	ASSERT_EQ(stubs.calls[STUB_UPROBE], 0);
	ASSERT_EQ(stubs.calls[STUB_KHUGEPAGED], 1);
	ASSERT_BALANCED();

	return true;
}

static bool test_anonymous_uncharged(void)
{
	ASSERT_EQ(map_anon(AT(0), 3, F_RO), AT(0));
	ASSERT_EQ(map_anon(AT(5), 3, F_RW | VM_NORESERVE), AT(5));
	ASSERT_EQ(stubs.calls[STUB_CHARGE], 0);
	ASSERT_EQ(stubs.committed, 0);
	ASSERT_FALSE(vma_at(AT(0))->vm_flags & VM_ACCOUNT);
	ASSERT_FALSE(vma_at(AT(5))->vm_flags & VM_ACCOUNT);
	ASSERT_BALANCED();

	return true;
}

static bool test_shared_anonymous(void)
{
	struct vm_area_struct *vma;

	ASSERT_EQ(map(NULL, AT(0), 2, F_SHARED, 0), AT(0));

	vma = vma_at(AT(0));
	ASSERT_EQ(vma->vm_file, &stub_shmem_file);
	ASSERT_EQ(vma->vm_ops, &stub_shmem_vm_ops);
	ASSERT_EQ(stub_shmem_file.f_count, 1);
	ASSERT_EQ(stub_shmem_mapping.i_mmap_writable, 1);
	ASSERT_EQ(stubs.calls[STUB_CHARGE], 0);
	ASSERT_EQ(stubs.calls[STUB_PERF], 1);
	ASSERT_EQ(stubs.calls[STUB_UPROBE], 1);
	ASSERT_BALANCED();

	return true;
}

static bool test_shared_anonymous_fails(void)
{
	struct snapshot before;

	take_snapshot(&before);
	stubs.fail_at[STUB_SHMEM_SETUP] = 1;
	ASSERT_EQ(map(NULL, AT(0), 2, F_SHARED, 0), -ENOMEM);
	ASSERT_TRUE(unchanged(&before));
	ASSERT_TRUE(no_events());
	ASSERT_BALANCED();

	return true;
}

static bool test_locked(void)
{
	ASSERT_EQ(map_anon(AT(0), 3, F_RW | VM_LOCKED), AT(0));
	ASSERT_EQ(mm.locked_vm, 3);
	ASSERT_BALANCED();

	/* The flag goes away where it makes no sense. */
	hook.set = VM_PFNMAP;
	ASSERT_EQ(map(&files[0], AT(5), 3, F_RO | VM_LOCKED | VM_LOCKONFAULT, 0),
		  AT(5));
	ASSERT_FALSE(vma_at(AT(5))->vm_flags & VM_LOCKED_MASK);
	ASSERT_EQ(mm.locked_vm, 3);
	ASSERT_BALANCED();

	/* What replaces locked memory takes its place in the sum. */
	ASSERT_EQ(map_anon(AT(1), 1, F_RW), AT(1));
	ASSERT_EQ(mm.locked_vm, 2);
	ASSERT_BALANCED();

	return true;
}

static bool test_statistics(void)
{
	ASSERT_EQ(map_anon(AT(0), 1, F_RW), AT(0));
	ASSERT_EQ(map_anon(AT(10), 2, F_RX), AT(10));
	ASSERT_EQ(map_anon(AT(20), 4, F_RW | VM_GROWSDOWN), AT(20));
	ASSERT_EQ(map_anon(AT(30), 8, F_RO), AT(30));
	ASSERT_EQ(mm.data_vm, 1);
	ASSERT_EQ(mm.exec_vm, 2);
	ASSERT_EQ(mm.stack_vm, 4);
	ASSERT_EQ(mm.total_vm, 15);
	ASSERT_BALANCED();

	return true;
}

/* Files. */

static void check_file_vma(struct vm_area_struct *vma)
{
	if (vma->vm_file != &files[0] || vma->vm_pgoff != 7 ||
	    vma->vm_page_prot.pgprot != vm_get_page_prot(F_RO).pgprot ||
	    vma->vm_ops != &plain_vm_ops || vma->vm_private_data != &hook)
		stub_misuse("VMA is visible before it is complete");
}

static bool test_file(void)
{
	struct vm_area_struct *vma;

	hook.vm_ops = &plain_vm_ops;
	hook.private_data = &hook;
	stubs.on_store = check_file_vma;
	stubs.on_rmap_insert = check_file_vma;
	ASSERT_EQ(map(&files[0], AT(0), 3, F_RO, 7), AT(0));

	vma = vma_at(AT(2));
	ASSERT_EQ(vma->vm_start, AT(0));
	ASSERT_EQ(vma->vm_end, AT(3));
	ASSERT_EQ(vma->vm_flags, F_RO | VM_SOFTDIRTY);
	ASSERT_EQ(files[0].f_count, 2);
	ASSERT_EQ(mappings[0].nr_vmas, 1);
	ASSERT_EQ(mappings[0].i_mmap_writable, 0);
	ASSERT_EQ(stubs.calls[STUB_HOOK_MMAP], 1);
	ASSERT_EQ(stubs.calls[STUB_PERF], 1);
	ASSERT_EQ(stubs.calls[STUB_UPROBE], 1);
	ASSERT_EQ(stubs.calls[STUB_KHUGEPAGED], 1);
	ASSERT_BALANCED();

	return true;
}

static bool test_file_private_writable(void)
{
	ASSERT_EQ(map(&files[0], AT(0), 3, F_RW, 0), AT(0));
	ASSERT_EQ(stubs.committed, 3);
	ASSERT_TRUE(vma_at(AT(0))->vm_flags & VM_ACCOUNT);
	ASSERT_EQ(stubs.calls[STUB_MAP_WRITABLE], 0);
	ASSERT_BALANCED();

	return true;
}

static bool test_file_shared(void)
{
	ASSERT_EQ(map(&files[0], AT(0), 3, F_SHARED, 0), AT(0));
	ASSERT_EQ(stubs.committed, 0);
	ASSERT_EQ(stubs.calls[STUB_MAP_WRITABLE], 1);
	ASSERT_EQ(mappings[0].i_mmap_writable, 1);
	ASSERT_BALANCED();

	/* Not writable and never to be so: a seal does not matter. */
	ASSERT_EQ(map(&files[1], AT(5), 3, F_SHARED_RO, 0), AT(5));
	ASSERT_EQ(stubs.calls[STUB_MAP_WRITABLE], 1);
	ASSERT_BALANCED();

	return true;
}

static bool test_file_hugetlb_uncharged(void)
{
	files[0].is_hugetlb = true;
	ASSERT_EQ(map(&files[0], AT(0), 3, F_RW, 0), AT(0));
	ASSERT_EQ(stubs.calls[STUB_CHARGE], 0);
	ASSERT_FALSE(vma_at(AT(0))->vm_flags & VM_ACCOUNT);
	ASSERT_BALANCED();

	return true;
}

static bool test_file_order(void)
{
	stubs.ksm_flags = VM_MERGEABLE;
	ASSERT_EQ(map_anon(AT(0), 3, F_RW), AT(0));
	hook.vm_ops = &close_vm_ops;
	ASSERT_EQ(map(&files[1], AT(3), 3, F_RO, 0), AT(3));
	reset_counts();
	hook.vm_ops = &plain_vm_ops;
	ASSERT_EQ(map(&files[0], AT(0), 6, F_RW, 0), AT(0));

	/* Checks, then the old mappings go, then the hook, then the new one. */
	ASSERT_TRUE(first_event(STUB_DENY_EXEC) < first_event(STUB_MAY_EXPAND));
	ASSERT_TRUE(first_event(STUB_MAY_EXPAND) < first_event(STUB_CHARGE));
	ASSERT_TRUE(first_event(STUB_CHARGE) < first_event(STUB_UNMAP_VMAS));
	ASSERT_TRUE(first_event(STUB_UNMAP_VMAS) < first_event(STUB_HOOK_CLOSE));
	ASSERT_TRUE(first_event(STUB_HOOK_CLOSE) < first_event(STUB_VMA_ALLOC));
	ASSERT_TRUE(first_event(STUB_VMA_ALLOC) < first_event(STUB_PREALLOC));
	ASSERT_TRUE(first_event(STUB_PREALLOC) < first_event(STUB_HOOK_MMAP));
	ASSERT_TRUE(first_event(STUB_HOOK_MMAP) < first_event(STUB_ITER_STORE));
	ASSERT_TRUE(first_event(STUB_HOOK_MMAP) < first_event(STUB_KSM));
	ASSERT_TRUE(first_event(STUB_ITER_STORE) < first_event(STUB_RMAP_INSERT));
	ASSERT_TRUE(first_event(STUB_RMAP_INSERT) < first_event(STUB_KHUGEPAGED));
	ASSERT_TRUE(first_event(STUB_RMAP_INSERT) < first_event(STUB_PERF));
	ASSERT_TRUE(first_event(STUB_PERF) < first_event(STUB_VMA_FREE));
	ASSERT_TRUE(first_event(STUB_PERF) < first_event(STUB_UPROBE));
	ASSERT_EQ(stubs.calls[STUB_HOOK_CLOSE], 1);
	ASSERT_TRUE(vma_at(AT(0))->vm_flags & VM_MERGEABLE);
	ASSERT_BALANCED();

	return true;
}

/* Refusals at the entry. Nothing at all may happen. */

static bool refused(struct file *file, vm_flags_t flags, int err)
{
	struct snapshot before;

	ASSERT_EQ(map_anon(AT(0), 3, F_RW), AT(0));
	reset_counts();
	take_snapshot(&before);
	ASSERT_EQ(map(file, AT(1), 3, flags, 0), err);
	ASSERT_TRUE(unchanged(&before));
	ASSERT_EQ(stubs.calls[STUB_HOOK_MMAP], 0);
	ASSERT_EQ(stubs.calls[STUB_VMA_DUP], 0);
	ASSERT_EQ(stubs.calls[STUB_CHARGE], 0);
	ASSERT_TRUE(no_events());
	ASSERT_BALANCED();

	return true;
}

static bool test_write_exec_denied(void)
{
	stubs.deny_exec = VM_WRITE | VM_EXEC;
	ASSERT_TRUE(refused(&files[0], F_RW | VM_EXEC, -EACCES));
	ASSERT_EQ(stubs.deny_old, F_RW | VM_EXEC);
	ASSERT_EQ(stubs.deny_new, F_RW | VM_EXEC);

	return true;
}

static bool test_arch_flags_denied(void)
{
	stubs.bad_arch_flags = VM_ARCH_1;
	ASSERT_TRUE(refused(&files[0], F_RO | VM_ARCH_1, -EINVAL));

	return true;
}

static bool test_write_seal(void)
{
	mappings[0].i_mmap_writable = -1;
	ASSERT_TRUE(refused(&files[0], F_SHARED, -EPERM));
	ASSERT_EQ(stubs.calls[STUB_UNMAP_WRITABLE], 0);

	/* The seal is about shared mappings that are writable. */
	ASSERT_EQ(map(&files[0], AT(5), 1, F_RW, 0), AT(5));
	ASSERT_EQ(map(&files[0], AT(7), 1, F_SHARED_RO, 0), AT(7));
	ASSERT_EQ(mappings[0].i_mmap_writable, -1);

	return true;
}

static bool test_sealed_vma(void)
{
	struct snapshot before;

	ASSERT_EQ(map_anon(AT(0), 2, F_RW), AT(0));
	ASSERT_EQ(map_anon(AT(2), 4, F_RO | VM_SEALED), AT(2));
	take_snapshot(&before);
	ASSERT_EQ(map(&files[0], AT(1), 2, F_RW, 0), -EPERM);
	ASSERT_EQ(map(&files[0], AT(3), 1, F_RW, 0), -EPERM);
	ASSERT_TRUE(unchanged(&before));
	ASSERT_EQ(stubs.calls[STUB_HOOK_MMAP], 0);
	ASSERT_BALANCED();

	return true;
}

/* Limits and charge. */

static bool test_limit(void)
{
	struct snapshot before;

	ASSERT_EQ(map_anon(AT(0), 3, F_RW), AT(0));
	take_snapshot(&before);
	reset_counts();
	stubs.fail_at[STUB_MAY_EXPAND] = 1;
	ASSERT_EQ(map(&files[0], AT(1), 4, F_RO, 0), -ENOMEM);
	/* What is replaced does not count. */
	ASSERT_EQ(stubs.expand_pages, 2);
	ASSERT_EQ(stubs.expand_flags, F_RO);
	ASSERT_TRUE(unchanged(&before));
	ASSERT_EQ(stubs.calls[STUB_HOOK_MMAP], 0);
	ASSERT_BALANCED();

	return true;
}

static bool test_charge_fails(void)
{
	struct snapshot before;

	ASSERT_EQ(map_anon(AT(0), 3, F_RW), AT(0));
	take_snapshot(&before);
	reset_counts();
	stubs.fail_at[STUB_CHARGE] = 1;
	ASSERT_EQ(map(&files[0], AT(1), 4, F_RW, 0), -ENOMEM);
	ASSERT_TRUE(unchanged(&before));
	ASSERT_EQ(stubs.calls[STUB_HOOK_MMAP], 0);
	ASSERT_BALANCED();

	return true;
}

static bool test_charge_taken_over(void)
{
	int i;

	ASSERT_EQ(map_anon(AT(0), 3, F_RW), AT(0));
	reset_counts();

	/* Two of four pages are charged already. */
	ASSERT_EQ(map(&files[0], AT(1), 4, F_RW, 0), AT(1));
	i = first_event(STUB_CHARGE);
	ASSERT_EQ(stubs.log[i].start, 2);
	ASSERT_EQ(stubs.committed, 5);
	ASSERT_BALANCED();

	/* All are. */
	reset_counts();
	ASSERT_EQ(map(&files[1], AT(1), 4, F_RW, 0), AT(1));
	ASSERT_EQ(stubs.calls[STUB_CHARGE], 0);
	ASSERT_EQ(stubs.committed, 5);
	ASSERT_BALANCED();

	/* Nothing is to be charged any more. */
	ASSERT_EQ(map(&files[1], AT(1), 4, F_RO, 0), AT(1));
	ASSERT_EQ(stubs.committed, 1);
	ASSERT_BALANCED();

	return true;
}

/* MAP_FIXED. */

static bool test_fixed_over_one(void)
{
	hook.vm_ops = &close_vm_ops;
	ASSERT_EQ(map(&files[0], AT(0), 3, F_SHARED, 0), AT(0));
	hook.vm_ops = NULL;
	ASSERT_EQ(map(&files[1], AT(0), 3, F_SHARED, 0), AT(0));
	ASSERT_EQ(stubs.calls[STUB_HOOK_CLOSE], 1);
	ASSERT_EQ(mm.map_count, 1);
	ASSERT_EQ(files[0].f_count, 1);
	ASSERT_EQ(mappings[0].i_mmap_writable, 0);
	ASSERT_BALANCED();

	return true;
}

static bool test_fixed_over_several(void)
{
	ASSERT_EQ(map(&files[0], AT(0), 3, F_SHARED, 0), AT(0));
	ASSERT_EQ(map_anon(AT(4), 2, F_RW), AT(4));
	ASSERT_EQ(map(&files[1], AT(6), 2, F_RO, 0), AT(6));
	ASSERT_EQ(map(&files[2], AT(0), 8, F_RW, 0), AT(0));
	ASSERT_EQ(mm.map_count, 1);
	ASSERT_EQ(mm.total_vm, 8);
	ASSERT_EQ(stubs.committed, 8);
	ASSERT_BALANCED();

	return true;
}

static bool test_fixed_over_parts(void)
{
	hook.vm_ops = &close_vm_ops;
	ASSERT_EQ(map(&files[0], AT(0), 4, F_RO, 0), AT(0));
	ASSERT_EQ(map(&files[0], AT(4), 4, F_RW, 20), AT(4));
	ASSERT_EQ(map(&files[1], AT(2), 4, F_RO, 0), AT(2));
	ASSERT_EQ(mm.map_count, 3);
	ASSERT_EQ(vma_at(AT(0))->vm_end, AT(2));
	ASSERT_EQ(vma_at(AT(6))->vm_start, AT(6));
	ASSERT_EQ(vma_at(AT(6))->vm_pgoff, 22);
	/* One open() for each piece split off, one close() for each dropped. */
	ASSERT_EQ(stubs.calls[STUB_HOOK_OPEN], 2);
	ASSERT_EQ(stubs.calls[STUB_HOOK_CLOSE], 2);
	ASSERT_BALANCED();

	return true;
}

static bool test_fixed_inside(void)
{
	ASSERT_EQ(map(&files[0], AT(0), 6, F_SHARED, 0), AT(0));
	ASSERT_EQ(map_anon(AT(2), 2, F_RW), AT(2));
	ASSERT_EQ(mm.map_count, 3);
	ASSERT_EQ(vma_at(AT(4))->vm_pgoff, 4);
	ASSERT_EQ(files[0].f_count, 3);
	ASSERT_EQ(mappings[0].i_mmap_writable, 2);
	ASSERT_BALANCED();

	return true;
}

static bool test_fixed_userfaultfd_fails(void)
{
	struct snapshot before;
	LIST_HEAD(uf);

	ASSERT_EQ(map(&files[0], AT(0), 3, F_RW, 0), AT(0));
	ASSERT_EQ(map_anon(AT(3), 3, F_RW), AT(3));
	take_snapshot(&before);
	stubs.fail_at[STUB_UFFD_PREP] = 2;
	ASSERT_EQ(mmap_region(&files[1], AT(1), PAGES(4), F_RW, 0, &uf),
		  -ENOMEM);
	ASSERT_EQ(stubs.calls[STUB_UFFD_PREP], 2);
	ASSERT_TRUE(unchanged(&before));
	ASSERT_BALANCED();

	return true;
}

/* Merging. */

/* A hole of two pages at AT(2) with anonymous memory around. */
static void setup_anon_hole(void)
{
	map_anon(AT(0), 2, F_RW);
	map_anon(AT(4), 2, F_RW);
}

static bool test_merge_anonymous(void)
{
	struct vm_area_struct *vma;

	setup_anon_hole();
	reset_counts();

	/* With the one below, then with the one above. */
	ASSERT_EQ(map_anon(AT(2), 1, F_RW), AT(2));
	ASSERT_EQ(vma_at(AT(0))->vm_end, AT(3));
	ASSERT_EQ(mm.map_count, 2);
	ASSERT_EQ(unmap(AT(0), 3), 0);
	ASSERT_EQ(map_anon(AT(2), 2, F_RW), AT(2));
	ASSERT_EQ(vma_at(AT(4))->vm_start, AT(2));
	ASSERT_EQ(mm.map_count, 1);
	ASSERT_EQ(stubs.calls[STUB_VMA_ALLOC], 0);
	ASSERT_EQ(stubs.calls[STUB_PERF], 2);
	ASSERT_BALANCED();

	/* With both. */
	ASSERT_EQ(map_anon(AT(-2), 2, F_RW), AT(-2));
	ASSERT_EQ(map_anon(AT(0), 2, F_RW), AT(0));
	ASSERT_EQ(mm.map_count, 1);
	vma = vma_at(AT(0));
	ASSERT_EQ(vma->vm_start, AT(-2));
	ASSERT_EQ(vma->vm_end, AT(6));
	ASSERT_EQ(vma->vm_pgoff, PHYS_PFN(AT(-2)));
	ASSERT_TRUE(vma->vm_flags & VM_SOFTDIRTY);
	ASSERT_EQ(stubs.committed, 8);
	ASSERT_BALANCED();

	return true;
}

static bool test_merge_refused(void)
{
	setup_anon_hole();
	/* Other flags. */
	ASSERT_EQ(map_anon(AT(2), 2, F_RO), AT(2));
	ASSERT_EQ(mm.map_count, 3);
	/* Another offset. */
	ASSERT_EQ(map(NULL, AT(6), 1, F_RW, 1), AT(6));
	ASSERT_EQ(mm.map_count, 4);
	/* A file. */
	ASSERT_EQ(map(&files[0], AT(7), 1, F_RW, 2), AT(7));
	ASSERT_EQ(mm.map_count, 5);
	/* Another file. */
	ASSERT_EQ(map(&files[1], AT(8), 1, F_RW, 3), AT(8));
	ASSERT_EQ(mm.map_count, 6);
	ASSERT_BALANCED();

	return true;
}

static bool test_merge_file(void)
{
	ASSERT_EQ(map(&files[0], AT(0), 2, F_SHARED, 0), AT(0));
	ASSERT_EQ(map(&files[0], AT(4), 2, F_SHARED, 4), AT(4));
	reset_counts();
	ASSERT_EQ(map(&files[0], AT(2), 2, F_SHARED, 2), AT(2));
	/* The first attempt to merge comes before the hook. */
	ASSERT_EQ(stubs.calls[STUB_HOOK_MMAP], 0);
	ASSERT_EQ(mm.map_count, 1);
	ASSERT_EQ(files[0].f_count, 2);
	ASSERT_EQ(mappings[0].nr_vmas, 1);
	ASSERT_EQ(mappings[0].i_mmap_writable, 1);
	ASSERT_EQ(stubs.calls[STUB_PERF], 1);
	ASSERT_BALANCED();

	return true;
}

static bool test_merge_file_close(void)
{
	hook.vm_ops = &close_vm_ops;
	ASSERT_EQ(map(&files[0], AT(0), 2, F_RO, 0), AT(0));
	ASSERT_EQ(map(&files[0], AT(4), 2, F_RO, 4), AT(4));
	ASSERT_EQ(map(&files[0], AT(2), 2, F_RO, 2), AT(2));
	/* The one above has a close() and can not vanish in a merge. */
	ASSERT_EQ(mm.map_count, 2);
	ASSERT_EQ(vma_at(AT(0))->vm_end, AT(4));
	ASSERT_EQ(stubs.calls[STUB_HOOK_CLOSE], 0);
	ASSERT_BALANCED();

	return true;
}

static bool test_merge_into_replaced(void)
{
	ASSERT_EQ(map(&files[0], AT(0), 6, F_RW, 0), AT(0));
	reset_counts();
	ASSERT_EQ(map(&files[0], AT(2), 2, F_RW, 2), AT(2));
	ASSERT_EQ(mm.map_count, 1);
	ASSERT_EQ(stubs.committed, 6);
	ASSERT_EQ(files[0].f_count, 2);
	ASSERT_BALANCED();

	return true;
}

static bool test_merge_nomem(void)
{
	setup_anon_hole();
	reset_counts();
	/* The merge finds no memory: there is a VMA of its own then. */
	stubs.fail_at[STUB_PREALLOC] = 1;
	ASSERT_EQ(map_anon(AT(2), 2, F_RW), AT(2));
	ASSERT_EQ(mm.map_count, 3);
	ASSERT_EQ(stubs.calls[STUB_VMA_ALLOC], 1);
	ASSERT_BALANCED();

	return true;
}

/* A second attempt to merge is made if the hook changed flags. */

static bool test_second_merge(void)
{
	struct vm_area_struct *vma;

	hook.set = VM_DONTDUMP;
	ASSERT_EQ(map(&files[0], AT(0), 2, F_RW, 0), AT(0));
	ASSERT_EQ(map(&files[0], AT(4), 2, F_RW, 4), AT(4));
	reset_counts();
	ASSERT_EQ(map(&files[0], AT(2), 2, F_RW, 2), AT(2));
	ASSERT_EQ(nr_nofail, 0);
	ASSERT_EQ(stubs.calls[STUB_HOOK_MMAP], 1);
	ASSERT_EQ(stubs.calls[STUB_VMA_ALLOC], 1);
	ASSERT_EQ(mm.map_count, 1);
	vma = vma_at(AT(0));
	ASSERT_EQ(vma->vm_end, AT(6));
	ASSERT_TRUE(vma->vm_flags & VM_DONTDUMP);
	ASSERT_EQ(stubs.calls[STUB_PERF], 1);
	ASSERT_EQ(stubs.committed, 6);
	ASSERT_BALANCED();

	return true;
}

static bool test_second_merge_needs_prev(void)
{
	/* As 6.12 has it: a neighbour above alone is not tried. */
	hook.set = VM_DONTDUMP;
	ASSERT_EQ(map(&files[0], AT(4), 2, F_RW, 4), AT(4));
	ASSERT_EQ(map(&files[0], AT(2), 2, F_RW, 2), AT(2));
	ASSERT_EQ(mm.map_count, 2);
	ASSERT_BALANCED();

	/* With anything at all below, it is. */
	ASSERT_EQ(map_anon(AT(-9), 1, F_RW), AT(-9));
	ASSERT_EQ(map(&files[0], AT(0), 2, F_RW, 0), AT(0));
	ASSERT_EQ(mm.map_count, 3);
	ASSERT_BALANCED();

	return true;
}

static bool test_second_merge_nomem(void)
{
	hook.set = VM_DONTDUMP;
	ASSERT_EQ(map(&files[0], AT(0), 2, F_RW, 0), AT(0));
	reset_counts();
	/* The first is for the new VMA, the second for the merge. */
	stubs.fail_at[STUB_PREALLOC] = 2;
	ASSERT_EQ(map(&files[0], AT(2), 2, F_RW, 2), AT(2));
	ASSERT_EQ(stubs.calls[STUB_PREALLOC], 2);
	/* The driver was told that the VMA is going to be stored. */
	ASSERT_EQ(nr_nofail, 1);
	ASSERT_EQ(mm.map_count, 2);
	ASSERT_TRUE(vma_at(AT(2))->vm_flags & VM_DONTDUMP);
	ASSERT_BALANCED();

	return true;
}

static bool test_second_merge_special(void)
{
	hook.set = VM_MIXEDMAP;
	ASSERT_EQ(map(&files[0], AT(0), 2, F_RO, 0), AT(0));
	ASSERT_EQ(map(&files[0], AT(2), 2, F_RO, 2), AT(2));
	ASSERT_EQ(mm.map_count, 2);
	ASSERT_BALANCED();

	return true;
}

static bool test_second_merge_new_file(void)
{
	/* The hook hands over another file, and what was asked for merges. */
	hook.set = VM_DONTDUMP;
	ASSERT_EQ(map(&files[0], AT(0), 2, F_RO, 0), AT(0));
	hook.file = &files[1];
	ASSERT_EQ(map(&files[0], AT(2), 2, F_RO, 2), AT(2));
	ASSERT_EQ(mm.map_count, 1);
	ASSERT_EQ(files[0].f_count, 2);
	ASSERT_EQ(files[1].f_count, 1);
	ASSERT_BALANCED();

	return true;
}

/* What the hook may do, and failures of the hook. */

static bool test_hook_replaces_file(void)
{
	struct vm_area_struct *vma;

	hook.file = &files[1];
	ASSERT_EQ(map(&files[0], AT(0), 2, F_SHARED, 0), AT(0));
	vma = vma_at(AT(0));
	ASSERT_EQ(vma->vm_file, &files[1]);
	ASSERT_EQ(files[0].f_count, 1);
	ASSERT_EQ(files[1].f_count, 2);
	ASSERT_EQ(mappings[0].i_mmap_writable, 0);
	ASSERT_EQ(mappings[1].i_mmap_writable, 1);
	ASSERT_EQ(mappings[1].nr_vmas, 1);
	ASSERT_BALANCED();

	return true;
}

static bool test_hook_changes_flags(void)
{
	hook.set = VM_DONTCOPY | VM_LOCKED;
	hook.clear = VM_MAYWRITE;
	ASSERT_EQ(map(&files[0], AT(0), 2, F_RO, 0), AT(0));
	ASSERT_EQ(vma_at(AT(0))->vm_flags,
		  ((F_RO | VM_DONTCOPY | VM_LOCKED) & ~VM_MAYWRITE) |
		  VM_SOFTDIRTY);
	ASSERT_EQ(mm.locked_vm, 2);
	ASSERT_BALANCED();

	return true;
}

static bool test_hook_gains_maywrite(void)
{
	/* Other changes are all right. */
	hook.set = VM_DONTCOPY;
	ASSERT_EQ(map(&files[0], AT(5), 2, F_SHARED_RO, 0), AT(5));
	ASSERT_EQ(stubs.warns_once, 0);

	stubs.warns_expected = 1;
	hook.set = VM_MAYWRITE;
	ASSERT_EQ(map(&files[0], AT(0), 2, F_SHARED_RO, 0), AT(0));
	ASSERT_EQ(stubs.warns_once, 1);
	ASSERT_BALANCED();

	return true;
}

static bool hook_fails(vm_flags_t flags)
{
	struct snapshot before;

	take_snapshot(&before);
	hook.err = -EIO;
	hook.vm_ops = &close_vm_ops;
	hook.populate = 2;
	ASSERT_EQ(map(&files[0], AT(0), 3, flags, 0), -EIO);
	ASSERT_EQ(stubs.calls[STUB_HOOK_MMAP], 1);
	/* Nothing of a mapping that came to nothing is called. */
	ASSERT_EQ(stubs.calls[STUB_HOOK_CLOSE], 0);
	ASSERT_TRUE(stubs.calls[STUB_UNMAP_VMAS] > 0);
	ASSERT_TRUE(unchanged(&before));
	ASSERT_TRUE(no_events());
	ASSERT_BALANCED();

	return true;
}

static bool test_hook_fails(void)
{
	return hook_fails(F_RO);
}

static bool test_hook_fails_charged(void)
{
	return hook_fails(F_RW);
}

static bool test_hook_fails_shared(void)
{
	return hook_fails(F_SHARED);
}

static bool test_hook_fails_with_new_file(void)
{
	hook.file = &files[1];

	return hook_fails(F_RW);
}

/* Once this leaked the charge of what was replaced. */
static bool test_hook_fails_fixed(void)
{
	int turn;

	for (turn = 0; turn < 3; turn++) {
		hook.err = 0;
		ASSERT_EQ(map_anon(AT(0), 4, F_RW), AT(0));
		hook.err = -EIO;
		ASSERT_EQ(map(&files[0], AT(0), 4, F_RW, 0), -EIO);
		/* 6.12 leaves a hole. */
		ASSERT_EQ(mm.map_count, 0);
		ASSERT_EQ(stubs.committed, 0);
		ASSERT_BALANCED();
	}

	/* The same where only a part is replaced, and more is mapped. */
	ASSERT_EQ(map_anon(AT(0), 4, F_RW), AT(0));
	ASSERT_EQ(map(&files[0], AT(2), 4, F_RW, 0), -EIO);
	ASSERT_EQ(stubs.committed, 2);
	ASSERT_BALANCED();

	/* And where the new mapping is not charged at all. */
	ASSERT_EQ(map(&files[0], AT(0), 4, F_RO, 0), -EIO);
	ASSERT_EQ(stubs.committed, 0);
	ASSERT_BALANCED();

	return true;
}

/* Once this dropped the count of a mapping that had none. */
static bool test_hook_moves_file(void)
{
	hook.mapping = &mappings[1];
	ASSERT_EQ(map(&files[0], AT(0), 2, F_SHARED, 0), AT(0));
	ASSERT_EQ(mappings[0].i_mmap_writable, 0);
	ASSERT_EQ(mappings[1].i_mmap_writable, 1);
	ASSERT_BALANCED();

	return true;
}

static bool test_hook_moves_file_and_fails(void)
{
	hook.mapping = &mappings[1];
	hook.err = -EIO;
	ASSERT_EQ(map(&files[0], AT(0), 2, F_SHARED, 0), -EIO);
	ASSERT_EQ(mappings[0].i_mmap_writable, 0);
	ASSERT_EQ(mappings[1].i_mmap_writable, 0);
	ASSERT_BALANCED();

	return true;
}

static bool test_hook_fails_between(void)
{
	struct snapshot before;

	/* The page tables of the neighbours stay. */
	hook.populate = 2;
	ASSERT_EQ(map(&files[1], AT(0), 2, F_RO, 0), AT(0));
	ASSERT_EQ(map(&files[1], AT(4), 2, F_RO, 9), AT(4));
	take_snapshot(&before);
	hook.err = -ENXIO;
	ASSERT_EQ(map(&files[0], AT(2), 2, F_RO, 0), -ENXIO);
	ASSERT_EQ(stubs.nr_ptes, 4);
	ASSERT_TRUE(unchanged(&before));
	ASSERT_BALANCED();

	return true;
}

/* Every allocation fails once. */

/* As long as nothing has been torn down, a failure changes nothing. */
static bool check_unchanged(enum stub_id id, unsigned long ret,
			    const struct snapshot *before)
{
	if (IS_ERR_VALUE(ret) && !stubs.calls[STUB_UNMAP_VMAS])
		ASSERT_TRUE(unchanged(before));

	return true;
}

static void setup_mixed(void)
{
	hook.vm_ops = &close_vm_ops;
	map(&files[0], AT(0), 4, F_SHARED, 0);
	hook.vm_ops = NULL;
	map_anon(AT(4), 2, F_RW);
	map_anon(AT(7), 4, F_RW | VM_LOCKED);
}

static unsigned long op_fixed(void)
{
	return map(&files[1], AT(2), 7, F_RW, 0);
}

static bool test_sweep_fixed(void)
{
	static const struct sweep sweep = {
		.setup = setup_mixed, .op = op_fixed, .check = check_unchanged,
	};

	return run_sweep(&sweep);
}

static unsigned long op_fixed_inside(void)
{
	LIST_HEAD(uf);

	return mmap_region(&files[1], AT(1), PAGES(2), F_SHARED, 0, &uf);
}

static bool test_sweep_fixed_inside(void)
{
	static const struct sweep sweep = {
		.setup = setup_mixed, .op = op_fixed_inside,
		.check = check_unchanged,
	};

	return run_sweep(&sweep);
}

static unsigned long op_anon(void)
{
	return map_anon(AT(2), 2, F_RW);
}

static bool test_sweep_anonymous(void)
{
	static const struct sweep sweep = {
		.setup = setup_anon_hole, .op = op_anon,
		.check = check_unchanged,
	};

	return run_sweep(&sweep);
}

static unsigned long op_shared_anon(void)
{
	return map(NULL, AT(2), 9, F_SHARED, 0);
}

static bool test_sweep_shared_anonymous(void)
{
	static const struct sweep sweep = {
		.setup = setup_mixed, .op = op_shared_anon,
		.check = check_unchanged,
	};

	return run_sweep(&sweep);
}

static void setup_second_merge(void)
{
	hook.set = VM_DONTDUMP;
	map(&files[0], AT(0), 2, F_RW, 0);
	map(&files[0], AT(4), 2, F_RW, 4);
}

static unsigned long op_second_merge(void)
{
	return map(&files[0], AT(2), 2, F_RW, 2);
}

static bool test_sweep_second_merge(void)
{
	static const struct sweep sweep = {
		.setup = setup_second_merge, .op = op_second_merge,
		.check = check_unchanged,
	};

	return run_sweep(&sweep);
}

static const struct test tests[] = {
	TEST(anonymous),
	TEST(anonymous_uncharged),
	TEST(shared_anonymous),
	TEST(shared_anonymous_fails),
	TEST(locked),
	TEST(statistics),
	TEST(file),
	TEST(file_private_writable),
	TEST(file_shared),
	TEST(file_hugetlb_uncharged),
	TEST(file_order),
	TEST(write_exec_denied),
	TEST(arch_flags_denied),
	TEST(write_seal),
	TEST(sealed_vma),
	TEST(limit),
	TEST(charge_fails),
	TEST(charge_taken_over),
	TEST(fixed_over_one),
	TEST(fixed_over_several),
	TEST(fixed_over_parts),
	TEST(fixed_inside),
	TEST(fixed_userfaultfd_fails),
	TEST(merge_anonymous),
	TEST(merge_refused),
	TEST(merge_file),
	TEST(merge_file_close),
	TEST(merge_into_replaced),
	TEST(merge_nomem),
	TEST(second_merge),
	TEST(second_merge_needs_prev),
	TEST(second_merge_nomem),
	TEST(second_merge_special),
	TEST(second_merge_new_file),
	TEST(hook_replaces_file),
	TEST(hook_changes_flags),
	TEST(hook_gains_maywrite),
	TEST(hook_fails),
	TEST(hook_fails_charged),
	TEST(hook_fails_shared),
	TEST(hook_fails_with_new_file),
	TEST(hook_fails_fixed),
	TEST(hook_moves_file),
	TEST(hook_moves_file_and_fails),
	TEST(hook_fails_between),
	TEST(sweep_fixed),
	TEST(sweep_fixed_inside),
	TEST(sweep_anonymous),
	TEST(sweep_shared_anonymous),
	TEST(sweep_second_merge),
};

int main(int argc, char **argv)
{
	return RUN_TESTS(tests, argc, argv);
}
