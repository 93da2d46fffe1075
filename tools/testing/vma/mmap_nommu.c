// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of ->mmap_prepare() without an MMU, where every mapping goes through
 * vfs_mmap(), and memory appears at its own address or not at all.
 */
#define VMA_TEST_NOMMU

#include "maple-shared.h"
#include "vma_internal.h"
#include "mmap_test.h"

#define START	0x100000UL
#define END	0x108000UL
#define P	PAGE_SIZE

#define F_PRIVATE	(VM_READ | VM_WRITE | VM_MAYREAD | VM_MAYWRITE)
#define F_SHARED	(F_PRIVATE | VM_SHARED | VM_MAYSHARE)

const struct vm_operations_struct vma_dummy_vm_ops;
static const struct vm_operations_struct plain_vm_ops;

static struct mm_struct mm;
static struct task_struct stub_task = { .mm = &mm };

struct task_struct *get_current(void)
{
	return &stub_task;
}

static struct page page, *pages[] = { &page };

/* What the hook and mapped() do. */
static void (*hook_fn)(struct vm_area_desc *desc);
static int hook_err, mapped_err;

static int hook_prepare(struct vm_area_desc *desc)
{
	stub_call(STUB_HOOK_PREPARE, desc->file);
	if (hook_fn)
		hook_fn(desc);

	return hook_err;
}

static int hook_mapped(unsigned long start, unsigned long end, pgoff_t pgoff,
		       const struct file *file, void **vm_private_data)
{
	stub_range(STUB_HOOK_MAPPED, file, start, end);
	*vm_private_data = &mm;

	return mapped_err;
}

static const struct file_operations prepare_fops = {
	.mmap_prepare = hook_prepare,
};

static const struct vm_operations_struct mapped_vm_ops = {
	.mapped = hook_mapped,
};

static struct address_space mapping;
static struct file file;

static void fresh_start(void)
{
	memset(&stubs, 0, sizeof(stubs));
	memset(&stub_action, 0, sizeof(stub_action));
	memset(&file, 0, sizeof(file));
	file.f_mapping = &mapping;
	file.f_op = &prepare_fops;
	file.f_count = 1;
	page.count = 1;
	hook_fn = NULL;
	hook_err = 0;
	mapped_err = 0;
}

static bool tear_down(void)
{
	ASSERT_EQ(file.f_count, 1);
	ASSERT_EQ(page.count, 1);
	ASSERT_EQ(stubs.nr_vmas, 0);
	ASSERT_EQ(stubs.misuse, 0);
	ASSERT_EQ(stubs.warns + stubs.warns_once, stubs.warns_expected);
	/* There are no page tables to zap. */
	ASSERT_EQ(stubs.calls[STUB_ZAP], 0);

	return true;
}

/* As do_mmap() has it. */
static struct vm_area_struct *make_vma(vm_flags_t flags)
{
	struct vm_area_struct *vma = vm_area_alloc(&mm);

	vma_set_range(vma, START, END, 3);
	vma->__vm_flags = flags;
	vma->vm_file = get_file(&file);
	vma->vm_ops = &plain_vm_ops;

	return vma;
}

static void drop_vma(struct vm_area_struct *vma)
{
	stub_clear_ptes(vma->vm_start, vma->vm_end);
	fput(vma->vm_file);
	vm_area_free(vma);
}

/* Map once: what comes back, and is the VMA as it was if this is an errno? */
static bool maps(void (*fn)(struct vm_area_desc *desc), vm_flags_t flags,
		 long err)
{
	struct vm_area_struct *vma = make_vma(flags);

	hook_fn = fn;
	ASSERT_EQ(vfs_mmap(&file, vma), err);
	ASSERT_EQ(vma->vm_pgoff, 3);
	if (err) {
		ASSERT_EQ(vma->vm_flags, flags);
		ASSERT_EQ(vma->vm_ops, &plain_vm_ops);
		ASSERT_EQ(vma->vm_private_data, NULL);
	}
	drop_vma(vma);

	return true;
}

/* /dev/mem: memory at its own address. */

static void want_own_address(struct vm_area_desc *desc)
{
	mmap_action_remap_full(desc, PHYS_PFN(desc->start));
	desc->action.error_filter = -EAGAIN;
}

static bool test_own_address(void)
{
	struct vm_area_struct *vma = make_vma(F_SHARED);

	hook_fn = want_own_address;
	ASSERT_EQ(vfs_mmap(&file, vma), 0);
	ASSERT_EQ(stubs.calls[STUB_ACTION], 1);
	ASSERT_EQ(stub_action.pfn, PHYS_PFN(START));
	ASSERT_EQ(stub_action.size, END - START);
	ASSERT_EQ(vma->vm_flags, F_SHARED | VM_REMAP_FLAGS);
	drop_vma(vma);

	/* A private one keeps its offset: it has no copies to tell apart. */
	return maps(want_own_address, F_PRIVATE, 0);
}

static void want_own_part(struct vm_area_desc *desc)
{
	mmap_action_remap(desc, START + P, PHYS_PFN(START) + 1, P);
}

static void want_own_ioremap(struct vm_area_desc *desc)
{
	mmap_action_ioremap_full(desc, PHYS_PFN(START));
}

static void want_own_region(struct vm_area_desc *desc)
{
	/* Its offset is 3 pages. */
	mmap_action_simple_ioremap(desc, START - 3 * P, 11 * P);
}

static bool test_own_address_in_other_ways(void)
{
	ASSERT_TRUE(maps(want_own_part, F_SHARED, 0));
	ASSERT_TRUE(maps(want_own_part, F_PRIVATE, 0));
	ASSERT_TRUE(maps(want_own_ioremap, F_SHARED, 0));
	ASSERT_TRUE(maps(want_own_region, F_SHARED, 0));

	return true;
}

/* What cannot be done is refused, without a warning, before it is tried. */

static void want_other_address(struct vm_area_desc *desc)
{
	mmap_action_remap_full(desc, PHYS_PFN(desc->start) + 1);
	desc->action.error_filter = -EAGAIN;
}

static void want_address_0(struct vm_area_desc *desc)
{
	mmap_action_remap_full(desc, 0);
}

static void want_nothing(struct vm_area_desc *desc)
{
	mmap_action_remap(desc, START, PHYS_PFN(START), 0);
}

static void want_unaligned(struct vm_area_desc *desc)
{
	mmap_action_remap(desc, START + 1, PHYS_PFN(START), P);
}

static void want_outside(struct vm_area_desc *desc)
{
	mmap_action_remap(desc, END, PHYS_PFN(END), P);
}

static void want_other_region(struct vm_area_desc *desc)
{
	mmap_action_simple_ioremap(desc, 0x500000, 11 * P);
}

static void want_pages(struct vm_area_desc *desc)
{
	mmap_action_map_kernel_pages(desc, START, pages, 1);
}

static bool test_refused(void)
{
	ASSERT_TRUE(maps(want_other_address, F_SHARED, -EINVAL));
	ASSERT_TRUE(maps(want_other_address, F_PRIVATE, -EINVAL));
	ASSERT_TRUE(maps(want_address_0, F_SHARED, -EINVAL));
	ASSERT_TRUE(maps(want_nothing, F_SHARED, -EINVAL));
	ASSERT_TRUE(maps(want_unaligned, F_SHARED, -EINVAL));
	ASSERT_TRUE(maps(want_outside, F_SHARED, -EFAULT));
	ASSERT_TRUE(maps(want_other_region, F_SHARED, -EINVAL));
	ASSERT_TRUE(maps(want_pages, F_SHARED, -EINVAL));
	ASSERT_EQ(stubs.calls[STUB_ACTION], 0);

	return true;
}

/* do_mmap() then makes a copy of the file. */
static bool test_enosys(void)
{
	hook_err = -ENOSYS;
	ASSERT_TRUE(maps(NULL, F_PRIVATE, -ENOSYS));
	ASSERT_TRUE(maps(want_own_address, F_PRIVATE, -ENOSYS));

	return true;
}

static void want_mapped(struct vm_area_desc *desc)
{
	want_own_address(desc);
	desc->vm_ops = &mapped_vm_ops;
}

static bool test_mapped(void)
{
	struct vm_area_struct *vma = make_vma(F_SHARED);

	hook_fn = want_mapped;
	ASSERT_EQ(vfs_mmap(&file, vma), 0);
	ASSERT_EQ(vma->vm_ops, &mapped_vm_ops);
	ASSERT_EQ(vma->vm_private_data, &mm);
	drop_vma(vma);

	mapped_err = -EBUSY;
	ASSERT_TRUE(maps(want_mapped, F_SHARED, -EAGAIN));
	ASSERT_EQ(stubs.calls[STUB_HOOK_MAPPED], 2);

	return true;
}

static void want_mayoverlay(struct vm_area_desc *desc)
{
	vma_desc_set_flags(desc, VMA_MAYOVERLAY_BIT, VMA_MAPPED_COPY_BIT);
}

static bool test_flags(void)
{
	struct vm_area_struct *vma = make_vma(F_PRIVATE);

	hook_fn = want_mayoverlay;
	ASSERT_EQ(vfs_mmap(&file, vma), 0);
	ASSERT_EQ(vma->vm_flags, F_PRIVATE | VM_MAYOVERLAY | VM_MAPPED_COPY);
	drop_vma(vma);

	return true;
}

static const struct test tests[] = {
	TEST(own_address),
	TEST(own_address_in_other_ways),
	TEST(refused),
	TEST(enosys),
	TEST(mapped),
	TEST(flags),
};

int main(int argc, char **argv)
{
	return RUN_TESTS(tests, argc, argv);
}
