// SPDX-License-Identifier: GPL-2.0-only
/*
 * Flags, descriptors and actions, as drivers use them in f_op->mmap_prepare.
 * Nothing is mapped here.
 */
#include <linux/fs.h>
#include <linux/mman.h>
#include <linux/version.h>

#include "mmap_prepare_kunit.h"

/* How a driver outside of the tree finds out what this tree offers. */
static_assert(KERNEL_VERSION(7, 3, 0) <= MMAP_PREPARE_API);

#define COW_FLAGS	(VM_READ | VM_MAYREAD | VM_MAYWRITE)
#define SHARED_FLAGS	(COW_FLAGS | VM_WRITE | VM_SHARED | VM_MAYSHARE)

struct flag_name {
	const char *name;
	vma_flag_t bit;
	vm_flags_t mask;
};

#define FLAG(name)	{ #name, VMA_ ## name ## _BIT, VM_ ## name }

static const struct flag_name flag_names[] = {
	FLAG(READ),
	FLAG(WRITE),
	FLAG(EXEC),
	FLAG(SHARED),
	FLAG(MAYREAD),
	FLAG(MAYWRITE),
	FLAG(MAYEXEC),
	FLAG(MAYSHARE),
	FLAG(GROWSDOWN),
	FLAG(PFNMAP),
	FLAG(LOCKED),
	FLAG(IO),
	FLAG(SEQ_READ),
	FLAG(RAND_READ),
	FLAG(DONTCOPY),
	FLAG(DONTEXPAND),
	FLAG(LOCKONFAULT),
	FLAG(ACCOUNT),
	FLAG(NORESERVE),
	FLAG(HUGETLB),
	FLAG(SYNC),
	FLAG(ARCH_1),
	FLAG(WIPEONFORK),
	FLAG(DONTDUMP),
	FLAG(MIXEDMAP),
	FLAG(HUGEPAGE),
	FLAG(NOHUGEPAGE),
	FLAG(MERGEABLE),
	/* 0 where a configuration does not have them */
	FLAG(UFFD_MISSING),
	FLAG(UFFD_WP),
	FLAG(SOFTDIRTY),
#ifdef CONFIG_X86
	FLAG(PAT),
#endif
#ifdef CONFIG_64BIT
	FLAG(UFFD_MINOR),
	FLAG(ALLOW_ANY_UNCACHED),
	FLAG(DROPPABLE),
	FLAG(SEALED),
#ifdef CONFIG_ARCH_HAS_PKEYS
	FLAG(PKEY_BIT0),
	FLAG(PKEY_BIT1),
	FLAG(PKEY_BIT2),
#endif
#ifdef CONFIG_X86_USER_SHADOW_STACK
	FLAG(SHADOW_STACK),
#endif
#endif
};

KUNIT_ARRAY_PARAM_DESC(flag_names, flag_names, name);

/* A flag and its mask are one: alone, and among all others. */
static void flags_bit_is_mask(struct kunit *test)
{
	const struct flag_name *flag = test->param_value;
	vma_flags_t flags = legacy_to_vma_flags(flag->mask);
	vma_flags_t others = legacy_to_vma_flags(~flag->mask);

	if (!flag->mask)
		kunit_skip(test, "not in this configuration");
	KUNIT_EXPECT_TRUE(test, vma_flags_test(&flags, flag->bit));
	KUNIT_EXPECT_FALSE(test, vma_flags_test(&others, flag->bit));
	KUNIT_EXPECT_EQ(test, vma_flags_to_legacy(mk_vma_flags(flag->bit)),
			flag->mask);
	KUNIT_EXPECT_TRUE(test, vma_flags_same(&flags, flag->bit));

	vma_flags_set(&others, flag->bit);
	KUNIT_EXPECT_EQ(test, vma_flags_to_legacy(others), ~(vm_flags_t)0);
	vma_flags_clear(&flags, flag->bit);
	KUNIT_EXPECT_TRUE(test, vma_flags_empty(&flags));
}

static void flags_legacy(struct kunit *test)
{
	vm_flags_t masks[] = { 0, ~(vm_flags_t)0, COW_FLAGS, VM_SPECIAL };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(masks); i++) {
		vma_flags_t flags = legacy_to_vma_flags(masks[i]);

		KUNIT_EXPECT_EQ(test, vma_flags_to_legacy(flags), masks[i]);
	}
	KUNIT_EXPECT_EQ(test, sizeof(vma_flags_t) * BITS_PER_BYTE,
			BITS_PER_LONG);
}

static void flags_make(struct kunit *test)
{
	vma_flags_t two = mk_vma_flags(VMA_READ_BIT, VMA_IO_BIT);
	vma_flags_t twice = mk_vma_flags(VMA_IO_BIT, VMA_IO_BIT);
	vma_flags_t twelve = mk_vma_flags(VMA_READ_BIT, VMA_WRITE_BIT,
					  VMA_EXEC_BIT, VMA_SHARED_BIT,
					  VMA_MAYREAD_BIT, VMA_MAYWRITE_BIT,
					  VMA_MAYEXEC_BIT, VMA_MAYSHARE_BIT,
					  VMA_GROWSDOWN_BIT, VMA_LOCKED_BIT,
					  VMA_IO_BIT, VMA_MERGEABLE_BIT);

	KUNIT_EXPECT_EQ(test, vma_flags_to_legacy(two), VM_READ | VM_IO);
	KUNIT_EXPECT_EQ(test, vma_flags_to_legacy(twice), VM_IO);
	KUNIT_EXPECT_EQ(test, vma_flags_to_legacy(twelve),
			0xff | VM_GROWSDOWN | VM_LOCKED | VM_IO | VM_MERGEABLE);
}

static void flags_empty(struct kunit *test)
{
	vma_flags_t none = EMPTY_VMA_FLAGS;
	vma_flags_t all = legacy_to_vma_flags(~(vm_flags_t)0);

	KUNIT_EXPECT_EQ(test, vma_flags_to_legacy(none), 0);
	KUNIT_EXPECT_TRUE(test, vma_flags_empty(&none));
	KUNIT_EXPECT_FALSE(test, vma_flags_empty(&all));

	KUNIT_EXPECT_FALSE(test, vma_flags_test_any_mask(&none, none));
	KUNIT_EXPECT_TRUE(test, vma_flags_test_all_mask(&none, none));
	KUNIT_EXPECT_FALSE(test, vma_flags_test_any_mask(&all, none));
	KUNIT_EXPECT_TRUE(test, vma_flags_test_all_mask(&all, none));
	KUNIT_EXPECT_FALSE(test, vma_flags_test_any_mask(&none, all));
	KUNIT_EXPECT_FALSE(test, vma_flags_test_all_mask(&none, all));
	KUNIT_EXPECT_TRUE(test, vma_flags_test_all_mask(&all, all));
}

static void flags_test_several(struct kunit *test)
{
	vma_flags_t flags = mk_vma_flags(VMA_READ_BIT, VMA_IO_BIT);

	KUNIT_EXPECT_TRUE(test, vma_flags_test_any(&flags, VMA_READ_BIT));
	KUNIT_EXPECT_TRUE(test, vma_flags_test_any(&flags, VMA_WRITE_BIT,
						   VMA_IO_BIT));
	KUNIT_EXPECT_FALSE(test, vma_flags_test_any(&flags, VMA_WRITE_BIT,
						    VMA_EXEC_BIT));
	KUNIT_EXPECT_TRUE(test, vma_flags_test_all(&flags, VMA_IO_BIT));
	KUNIT_EXPECT_TRUE(test, vma_flags_test_all(&flags, VMA_IO_BIT,
						   VMA_READ_BIT));
	KUNIT_EXPECT_FALSE(test, vma_flags_test_all(&flags, VMA_IO_BIT,
						    VMA_READ_BIT,
						    VMA_WRITE_BIT));
}

static void flags_same(struct kunit *test)
{
	vma_flags_t flags = mk_vma_flags(VMA_READ_BIT, VMA_IO_BIT);
	vma_flags_t other = mk_vma_flags(VMA_IO_BIT, VMA_READ_BIT);

	KUNIT_EXPECT_TRUE(test, vma_flags_same_mask(&flags, other));
	KUNIT_EXPECT_TRUE(test, vma_flags_same(&flags, VMA_IO_BIT,
					       VMA_READ_BIT));
	KUNIT_EXPECT_FALSE(test, vma_flags_same(&flags, VMA_IO_BIT));
	KUNIT_EXPECT_FALSE(test, vma_flags_same(&flags, VMA_IO_BIT,
						VMA_READ_BIT, VMA_EXEC_BIT));
	KUNIT_EXPECT_FALSE(test, vma_flags_same_mask(&flags, EMPTY_VMA_FLAGS));
}

static void flags_change(struct kunit *test)
{
	vma_flags_t flags = EMPTY_VMA_FLAGS;

	vma_flags_set(&flags, VMA_READ_BIT, VMA_IO_BIT);
	vma_flags_set_mask(&flags, legacy_to_vma_flags(VM_IO | VM_PFNMAP));
	KUNIT_EXPECT_EQ(test, vma_flags_to_legacy(flags),
			VM_READ | VM_IO | VM_PFNMAP);

	vma_flags_clear(&flags, VMA_IO_BIT, VMA_EXEC_BIT);
	KUNIT_EXPECT_EQ(test, vma_flags_to_legacy(flags), VM_READ | VM_PFNMAP);
	vma_flags_clear_mask(&flags, legacy_to_vma_flags(VM_PFNMAP | VM_IO));
	KUNIT_EXPECT_EQ(test, vma_flags_to_legacy(flags), VM_READ);

	vma_flags_set_mask(&flags, EMPTY_VMA_FLAGS);
	vma_flags_clear_mask(&flags, EMPTY_VMA_FLAGS);
	KUNIT_EXPECT_EQ(test, vma_flags_to_legacy(flags), VM_READ);
}

static struct vm_area_desc make_desc(vm_flags_t vm_flags)
{
	return (struct vm_area_desc) {
		.mm = current->mm,
		.start = fake_addr(8),
		.end = fake_addr(8 + FAKE_PAGES),
		.pgoff = 3,
		.vma_flags = legacy_to_vma_flags(vm_flags),
		.page_prot = vm_get_page_prot(vm_flags),
		.vm_ops = &vma_dummy_vm_ops,
	};
}

static void desc_size(struct kunit *test)
{
	struct vm_area_desc desc = make_desc(0);

	KUNIT_EXPECT_EQ(test, vma_desc_size(&desc), FAKE_PAGES * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, vma_desc_pages(&desc), FAKE_PAGES);
	desc.end = desc.start + PAGE_SIZE;
	KUNIT_EXPECT_EQ(test, vma_desc_size(&desc), PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, vma_desc_pages(&desc), 1);
}

static void desc_range_in(struct kunit *test)
{
	struct vm_area_desc d = make_desc(0);

	KUNIT_EXPECT_TRUE(test, range_in_vma_desc(&d, d.start, d.end));
	KUNIT_EXPECT_TRUE(test, range_in_vma_desc(&d, d.start, d.start + 1));
	KUNIT_EXPECT_TRUE(test, range_in_vma_desc(&d, d.end - 1, d.end));
	KUNIT_EXPECT_TRUE(test, range_in_vma_desc(&d, d.start, d.start));
	KUNIT_EXPECT_TRUE(test, range_in_vma_desc(&d, d.end, d.end));
}

static void desc_range_not_in(struct kunit *test)
{
	struct vm_area_desc d = make_desc(0);

	KUNIT_EXPECT_FALSE(test, range_in_vma_desc(&d, d.start - 1, d.end));
	KUNIT_EXPECT_FALSE(test, range_in_vma_desc(&d, d.start, d.end + 1));
	KUNIT_EXPECT_FALSE(test, range_in_vma_desc(&d, d.end, d.start));
	KUNIT_EXPECT_FALSE(test, range_in_vma_desc(&d, d.start + 1, d.start));
	KUNIT_EXPECT_FALSE(test, range_in_vma_desc(&d, d.end, d.end + 1));
	KUNIT_EXPECT_FALSE(test, range_in_vma_desc(&d, d.start - 1, d.start));
	/* start + size has wrapped */
	KUNIT_EXPECT_FALSE(test, range_in_vma_desc(&d, d.start, 0));
	KUNIT_EXPECT_FALSE(test, range_in_vma_desc(&d, 0, ULONG_MAX));
}

static void desc_test_flags(struct kunit *test)
{
	struct vm_area_desc desc = make_desc(VM_READ | VM_IO);
	vma_flags_t mask = mk_vma_flags(VMA_IO_BIT, VMA_EXEC_BIT);

	KUNIT_EXPECT_TRUE(test, vma_desc_test(&desc, VMA_IO_BIT));
	KUNIT_EXPECT_FALSE(test, vma_desc_test(&desc, VMA_EXEC_BIT));
	KUNIT_EXPECT_TRUE(test, vma_desc_test_any(&desc, VMA_EXEC_BIT,
						  VMA_IO_BIT));
	KUNIT_EXPECT_TRUE(test, vma_desc_test_flags(&desc, VMA_EXEC_BIT,
						    VMA_IO_BIT));
	KUNIT_EXPECT_FALSE(test, vma_desc_test_flags(&desc, VMA_EXEC_BIT));
	KUNIT_EXPECT_FALSE(test, vma_desc_test_any(&desc, VMA_EXEC_BIT));
	KUNIT_EXPECT_FALSE(test, vma_desc_test_all(&desc, VMA_EXEC_BIT,
						   VMA_IO_BIT));
	KUNIT_EXPECT_TRUE(test, vma_desc_test_all(&desc, VMA_READ_BIT,
						  VMA_IO_BIT));
	KUNIT_EXPECT_TRUE(test, vma_desc_test_any_mask(&desc, mask));
	KUNIT_EXPECT_FALSE(test, vma_desc_test_all_mask(&desc, mask));
}

static void desc_change_flags(struct kunit *test)
{
	struct vm_area_desc desc = make_desc(VM_READ);

	vma_desc_set_flags(&desc, VMA_IO_BIT, VMA_DONTCOPY_BIT);
	KUNIT_EXPECT_EQ(test, vma_flags_to_legacy(desc.vma_flags),
			VM_READ | VM_IO | VM_DONTCOPY);
	vma_desc_clear_flags(&desc, VMA_IO_BIT);
	KUNIT_EXPECT_EQ(test, vma_flags_to_legacy(desc.vma_flags),
			VM_READ | VM_DONTCOPY);
	vma_desc_set_flags_mask(&desc, legacy_to_vma_flags(VM_PFNMAP));
	vma_desc_clear_flags_mask(&desc, legacy_to_vma_flags(VM_DONTCOPY));
	KUNIT_EXPECT_EQ(test, vma_flags_to_legacy(desc.vma_flags),
			VM_READ | VM_PFNMAP);
}

static void desc_set_anonymous(struct kunit *test)
{
	struct vm_area_desc desc = make_desc(COW_FLAGS);

	vma_desc_set_anonymous(&desc);
	KUNIT_EXPECT_NULL(test, desc.vm_ops);
}

static void desc_is_cow(struct kunit *test)
{
	struct vm_area_desc cow = make_desc(VM_READ | VM_MAYWRITE);
	struct vm_area_desc shared = make_desc(VM_SHARED | VM_MAYWRITE);
	struct vm_area_desc read_only = make_desc(VM_READ | VM_MAYREAD);

	KUNIT_EXPECT_TRUE(test, vma_desc_is_cow_mapping(&cow));
	KUNIT_EXPECT_FALSE(test, vma_desc_is_cow_mapping(&shared));
	KUNIT_EXPECT_FALSE(test, vma_desc_is_cow_mapping(&read_only));
}

static void expect_remap(struct kunit *test, const struct vm_area_desc *desc,
			 enum mmap_action_type type, unsigned long start,
			 unsigned long pfn, unsigned long size)
{
	KUNIT_EXPECT_EQ(test, desc->action.type, type);
	KUNIT_EXPECT_EQ(test, desc->action.remap.start, start);
	KUNIT_EXPECT_EQ(test, desc->action.remap.start_pfn, pfn);
	KUNIT_EXPECT_EQ(test, desc->action.remap.size, size);
}

static void action_set_remap(struct kunit *test)
{
	struct vm_area_desc desc = make_desc(SHARED_FLAGS);

	mmap_action_remap(&desc, 1, 2, 3);
	expect_remap(test, &desc, MMAP_REMAP_PFN, 1, 2, 3);
	mmap_action_ioremap(&desc, 4, 5, 6);
	expect_remap(test, &desc, MMAP_IO_REMAP_PFN, 4, 5, 6);
	mmap_action_remap_full(&desc, 7);
	expect_remap(test, &desc, MMAP_REMAP_PFN, desc.start, 7,
		     FAKE_PAGES * PAGE_SIZE);
	mmap_action_ioremap_full(&desc, 8);
	expect_remap(test, &desc, MMAP_IO_REMAP_PFN, desc.start, 8,
		     FAKE_PAGES * PAGE_SIZE);
}

static void action_set_simple_ioremap(struct kunit *test)
{
	struct vm_area_desc desc = make_desc(SHARED_FLAGS);

	mmap_action_simple_ioremap(&desc, 0x12345, 0x678);
	KUNIT_EXPECT_EQ(test, desc.action.type, MMAP_SIMPLE_IO_REMAP);
	KUNIT_EXPECT_EQ(test, desc.action.simple_ioremap.start_phys_addr,
			0x12345);
	KUNIT_EXPECT_EQ(test, desc.action.simple_ioremap.size, 0x678);
}

static void action_set_kernel_pages(struct kunit *test)
{
	struct vm_area_desc desc = make_desc(SHARED_FLAGS);
	struct mmap_action *action = &desc.action;
	struct page **pages = fake_world.page;

	mmap_action_map_kernel_pages(&desc, 1, pages, 2);
	KUNIT_EXPECT_EQ(test, action->type, MMAP_MAP_KERNEL_PAGES);
	KUNIT_EXPECT_EQ(test, action->map_kernel.start, 1);
	KUNIT_EXPECT_PTR_EQ(test, action->map_kernel.pages, pages);
	KUNIT_EXPECT_EQ(test, action->map_kernel.nr_pages, 2);

	mmap_action_map_kernel_pages_full(&desc, pages + 1);
	KUNIT_EXPECT_EQ(test, action->map_kernel.start, desc.start);
	KUNIT_EXPECT_PTR_EQ(test, action->map_kernel.pages, pages + 1);
	KUNIT_EXPECT_EQ(test, action->map_kernel.nr_pages, FAKE_PAGES);
}

/* Of two actions the last wins, and nothing of the first is left. */
static void action_last_wins(struct kunit *test)
{
	struct vm_area_desc desc = make_desc(SHARED_FLAGS);

	mmap_action_remap_full(&desc, 1);
	mmap_action_map_kernel_pages_full(&desc, fake_world.page);
	KUNIT_EXPECT_EQ(test, mmap_action_prepare(&desc), 0);
	KUNIT_EXPECT_EQ(test, desc.action.type, MMAP_MAP_KERNEL_PAGES);
	KUNIT_EXPECT_EQ(test, vma_flags_to_legacy(desc.vma_flags),
			SHARED_FLAGS | VM_MIXEDMAP);

	desc = make_desc(SHARED_FLAGS);
	mmap_action_map_kernel_pages_full(&desc, fake_world.page);
	mmap_action_simple_ioremap(&desc, 0, 1);
	mmap_action_remap_full(&desc, 9);
	KUNIT_EXPECT_EQ(test, mmap_action_prepare(&desc), 0);
	expect_remap(test, &desc, MMAP_REMAP_PFN, desc.start, 9,
		     FAKE_PAGES * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, vma_flags_to_legacy(desc.vma_flags),
			SHARED_FLAGS | FAKE_PFN_FLAGS);
}

static void action_error_filter(struct kunit *test)
{
	struct vm_area_desc desc = make_desc(SHARED_FLAGS);

	desc.action.error_filter = -EAGAIN;
	KUNIT_EXPECT_EQ(test, desc.action.error_override, -EAGAIN);
	desc.action.error_override = -EIO;
	KUNIT_EXPECT_EQ(test, desc.action.error_filter, -EIO);

	/* It is not the setters' business. */
	desc.action.hide_from_rmap_until_complete = true;
	mmap_action_remap_full(&desc, 1);
	mmap_action_map_kernel_pages_full(&desc, fake_world.page);
	mmap_action_simple_ioremap(&desc, 0, 1);
	KUNIT_EXPECT_EQ(test, desc.action.error_filter, -EIO);
	KUNIT_EXPECT_TRUE(test, desc.action.hide_from_rmap_until_complete);
}

static void prepare_nothing(struct kunit *test)
{
	struct vm_area_desc desc = make_desc(COW_FLAGS);

	KUNIT_EXPECT_EQ(test, mmap_action_prepare(&desc), 0);
	KUNIT_EXPECT_EQ(test, vma_flags_to_legacy(desc.vma_flags), COW_FLAGS);
	KUNIT_EXPECT_EQ(test, desc.pgoff, 3);
	KUNIT_EXPECT_EQ(test, desc.action.type, MMAP_NOTHING);
}

/* A range is given by its distance from the start of the mapping. */
struct remap_case {
	const char *name;
	unsigned long offset;
	unsigned long size;
	unsigned long pfn;
	vm_flags_t vm_flags;
	int want;
	unsigned long want_size;
};

#define P	PAGE_SIZE
#define WHOLE	(FAKE_PAGES * PAGE_SIZE)

static const struct remap_case remaps[] = {
	{ "whole", 0, WHOLE, 9, SHARED_FLAGS, 0, WHOLE },
	{ "first page", 0, P, 9, SHARED_FLAGS, 0, P },
	{ "last page", WHOLE - P, P, 9, SHARED_FLAGS, 0, P },
	{ "middle", P, 2 * P, 9, SHARED_FLAGS, 0, 2 * P },
	{ "PFN 0", 0, WHOLE, 0, SHARED_FLAGS, 0, WHOLE },
	{ "one byte", 0, 1, 9, SHARED_FLAGS, 0, P },
	{ "page and a byte", P, P + 1, 9, SHARED_FLAGS, 0, 2 * P },
	{ "whole but a byte", 0, WHOLE - 1, 9, SHARED_FLAGS, 0, WHOLE },
	{ "private read-only, part", P, P, 9, VM_READ | VM_MAYREAD, 0, P },

	{ "size 0", 0, 0, 9, SHARED_FLAGS, -EINVAL },
	{ "size 0 at the end", WHOLE, 0, 9, SHARED_FLAGS, -EINVAL },
	{ "size 0, copy on write", 0, 0, 9, COW_FLAGS, -EINVAL },
	{ "start not aligned", 1, P, 9, SHARED_FLAGS, -EINVAL },
	{ "start a byte before", -1UL, P, 9, SHARED_FLAGS, -EINVAL },
	{ "start a byte short", P - 1, P, 9, SHARED_FLAGS, -EINVAL },

	{ "page before", -P, P, 9, SHARED_FLAGS, -EFAULT },
	{ "from a page before", -P, WHOLE + P, 9, SHARED_FLAGS, -EFAULT },
	{ "page behind", WHOLE, P, 9, SHARED_FLAGS, -EFAULT },
	{ "to a page behind", 0, WHOLE + P, 9, SHARED_FLAGS, -EFAULT },
	{ "to a byte behind", 0, WHOLE + 1, 9, SHARED_FLAGS, -EFAULT },
	{ "last page and a byte", WHOLE - P, P + 1, 9, SHARED_FLAGS, -EFAULT },
	{ "far behind", 100 * P, P, 9, SHARED_FLAGS, -EFAULT },
	{ "size wraps to 0", 0, ULONG_MAX, 9, SHARED_FLAGS, -EFAULT },
	{ "largest size", 0, ULONG_MAX & PAGE_MASK, 9, SHARED_FLAGS, -EFAULT },
	{ "end wraps to start", P, -P, 9, SHARED_FLAGS, -EFAULT },
	{ "end wraps into it", 2 * P, -P, 9, SHARED_FLAGS, -EFAULT },
	{ "half of all", 0, 1UL << (BITS_PER_LONG - 1), 9, SHARED_FLAGS,
	  -EFAULT },

	{ "PFN wraps", 0, 2 * P, ULONG_MAX, SHARED_FLAGS, -EINVAL },
	{ "PFN wraps at the last", 0, WHOLE, -3UL, SHARED_FLAGS, -EINVAL },
	{ "PFN wraps, copy on write", 0, WHOLE, ULONG_MAX, COW_FLAGS, -EINVAL },

	{ "copy on write", 0, WHOLE, 9, COW_FLAGS, 0, WHOLE },
	{ "copy on write, odd size", 0, WHOLE - 1, 9, COW_FLAGS, 0, WHOLE },
	{ "copy on write, odd size 2", 0, WHOLE - P + 1, 9, COW_FLAGS, 0, WHOLE },
	{ "copy on write, first page", 0, P, 9, COW_FLAGS, -EINVAL },
	{ "copy on write, last page", WHOLE - P, P, 9, COW_FLAGS, -EINVAL },
	{ "copy on write, page short", 0, WHOLE - P, 9, COW_FLAGS, -EINVAL },
	{ "copy on write, page late", P, WHOLE - P, 9, COW_FLAGS, -EINVAL },
	{ "copy on write, writable, part", P, P, 9, COW_FLAGS | VM_WRITE,
	  -EINVAL },
	{ "copy on write, page behind", 0, WHOLE + P, 9, COW_FLAGS, -EFAULT },
};

KUNIT_ARRAY_PARAM_DESC(remaps, remaps, name);

static void expect_prepared(struct kunit *test, struct vm_area_desc *desc,
			    const struct remap_case *param,
			    enum mmap_action_type type)
{
	bool cow = vma_desc_is_cow_mapping(desc);

	expect_remap(test, desc, type, desc->start + param->offset, param->pfn,
		     param->want_size);
	KUNIT_EXPECT_EQ(test, desc->pgoff, cow ? param->pfn : 3);
	KUNIT_EXPECT_EQ(test, vma_flags_to_legacy(desc->vma_flags),
			param->vm_flags | FAKE_PFN_FLAGS);
	KUNIT_EXPECT_EQ(test, pgprot_val(desc->action.remap.pgprot),
			pgprot_val(desc->page_prot));
}

static void expect_refused(struct kunit *test, const struct vm_area_desc *desc,
			   vm_flags_t vm_flags)
{
	KUNIT_EXPECT_EQ(test, desc->pgoff, 3);
	KUNIT_EXPECT_EQ(test, vma_flags_to_legacy(desc->vma_flags), vm_flags);
}

/* The protection changes once the action is set: the one that is left counts. */
static void try_remap(struct kunit *test, struct vm_area_desc *desc,
		      enum mmap_action_type type)
{
	const struct remap_case *param = test->param_value;

	desc->page_prot = PAGE_NONE;
	KUNIT_EXPECT_EQ(test, mmap_action_prepare(desc), param->want);
	if (param->want) {
		expect_refused(test, desc, param->vm_flags);
		return;
	}
	expect_prepared(test, desc, param, type);

	/* Nor does it matter that it is prepared again. */
	KUNIT_EXPECT_EQ(test, mmap_action_prepare(desc), 0);
	expect_prepared(test, desc, param, type);
}

static void prepare_remap(struct kunit *test)
{
	const struct remap_case *param = test->param_value;
	struct vm_area_desc desc = make_desc(param->vm_flags);

	mmap_action_remap(&desc, desc.start + param->offset, param->pfn,
			  param->size);
	try_remap(test, &desc, MMAP_REMAP_PFN);
}

static void prepare_ioremap(struct kunit *test)
{
	const struct remap_case *param = test->param_value;
	struct vm_area_desc desc = make_desc(param->vm_flags);

	mmap_action_ioremap(&desc, desc.start + param->offset, param->pfn,
			    param->size);
	try_remap(test, &desc, MMAP_IO_REMAP_PFN);
}

/* Ranges that are given by an address, not by a distance. */
static void prepare_remap_elsewhere(struct kunit *test)
{
	struct vm_area_desc desc = make_desc(SHARED_FLAGS);

	mmap_action_remap(&desc, 0, 9, P);
	KUNIT_EXPECT_EQ(test, mmap_action_prepare(&desc), -EFAULT);
	mmap_action_remap(&desc, 0, 9, desc.end);
	KUNIT_EXPECT_EQ(test, mmap_action_prepare(&desc), -EFAULT);
	mmap_action_remap(&desc, -P, 9, P);
	KUNIT_EXPECT_EQ(test, mmap_action_prepare(&desc), -EFAULT);
	mmap_action_remap(&desc, -P, 9, desc.end + P);
	KUNIT_EXPECT_EQ(test, mmap_action_prepare(&desc), -EFAULT);
	mmap_action_remap(&desc, desc.start, 9, -desc.start);
	KUNIT_EXPECT_EQ(test, mmap_action_prepare(&desc), -EFAULT);
	expect_refused(test, &desc, SHARED_FLAGS);
}

/* The mapping has FAKE_PAGES pages. */
struct region_case {
	const char *name;
	phys_addr_t phys;
	unsigned long size;
	pgoff_t pgoff;
	vm_flags_t vm_flags;
	int want;
	unsigned long want_pfn;
};

static const struct region_case regions[] = {
	{ "exact", 9 * P, WHOLE, 0, SHARED_FLAGS, 0, 9 },
	{ "longer", 9 * P, 2 * WHOLE, 0, SHARED_FLAGS, 0, 9 },
	{ "at an offset", 9 * P, WHOLE + 2 * P, 2, SHARED_FLAGS, 0, 11 },
	{ "part of the last page", 9 * P, WHOLE - P + 1, 0, SHARED_FLAGS, 0, 9 },
	{ "part of the first page", 10 * P - 1, WHOLE - P + 1, 0, SHARED_FLAGS,
	  0, 9 },
	{ "part of both", 10 * P - 1, WHOLE - 2 * P + 2, 0, SHARED_FLAGS, 0, 9 },
	{ "address 0", 0, WHOLE, 0, SHARED_FLAGS, 0, 0 },
	{ "copy on write", 9 * P, WHOLE + P, 1, COW_FLAGS, 0, 10 },

	{ "size 0", 9 * P, 0, 0, SHARED_FLAGS, -EINVAL },
	{ "size 0, odd address", 9 * P + 1, 0, 0, SHARED_FLAGS, -EINVAL },
	{ "page short", 9 * P, WHOLE - P, 0, SHARED_FLAGS, -EINVAL },
	{ "offset leaves a page short", 9 * P, WHOLE, 1, SHARED_FLAGS, -EINVAL },
	{ "offset of the end", 9 * P, WHOLE, FAKE_PAGES, SHARED_FLAGS, -EINVAL },
	{ "offset beyond", 9 * P, WHOLE, FAKE_PAGES + 1, SHARED_FLAGS, -EINVAL },
	{ "offset far beyond", 9 * P, WHOLE, ULONG_MAX, SHARED_FLAGS, -EINVAL },
	{ "offset and pages wrap", 9 * P, WHOLE, -FAKE_PAGES, SHARED_FLAGS,
	  -EINVAL },
	{ "wraps", ~(phys_addr_t)0 - P + 1, 2 * P, 0, SHARED_FLAGS, -EINVAL },
	{ "ends at 0", ~(phys_addr_t)0 - WHOLE + 1, WHOLE, 0, SHARED_FLAGS,
	  -EINVAL },
#ifdef CONFIG_64BIT
	{ "up to the last byte but one", ~(phys_addr_t)0 - WHOLE + 1, WHOLE - 1,
	  0, SHARED_FLAGS, 0, (ULONG_MAX >> PAGE_SHIFT) - FAKE_PAGES + 1 },
#endif
};

KUNIT_ARRAY_PARAM_DESC(regions, regions, name);

static void prepare_simple_ioremap(struct kunit *test)
{
	const struct region_case *region = test->param_value;
	struct vm_area_desc desc = make_desc(region->vm_flags);
	bool cow = vma_desc_is_cow_mapping(&desc);
	unsigned int i;

	desc.pgoff = region->pgoff;
	mmap_action_simple_ioremap(&desc, region->phys, region->size);
	if (region->want) {
		KUNIT_EXPECT_EQ(test, mmap_action_prepare(&desc), region->want);
		KUNIT_EXPECT_EQ(test, desc.pgoff, region->pgoff);
		KUNIT_EXPECT_EQ(test, vma_flags_to_legacy(desc.vma_flags),
				region->vm_flags);
		return;
	}

	/* Whatever it becomes, it stays. */
	for (i = 0; i < 2; i++) {
		KUNIT_EXPECT_EQ(test, mmap_action_prepare(&desc), 0);
		expect_remap(test, &desc, MMAP_IO_REMAP_PFN, desc.start,
			     region->want_pfn, WHOLE);
		KUNIT_EXPECT_EQ(test, desc.pgoff,
				cow ? region->want_pfn : region->pgoff);
		KUNIT_EXPECT_EQ(test, vma_flags_to_legacy(desc.vma_flags),
				region->vm_flags | FAKE_PFN_FLAGS);
	}
}

struct kernel_case {
	const char *name;
	unsigned long offset;
	unsigned long nr_pages;
	vm_flags_t vm_flags;
	int want;
};

static const struct kernel_case kernels[] = {
	{ "whole", 0, FAKE_PAGES, SHARED_FLAGS, 0 },
	{ "first", 0, 1, SHARED_FLAGS, 0 },
	{ "last", WHOLE - P, 1, SHARED_FLAGS, 0 },
	{ "private, part", P, 2, COW_FLAGS, 0 },
	{ "none", 0, 0, SHARED_FLAGS, -EINVAL },
	{ "none at the end", WHOLE, 0, SHARED_FLAGS, -EINVAL },
	{ "start not aligned", 1, 1, SHARED_FLAGS, -EINVAL },
	{ "start a byte before", -1UL, 1, SHARED_FLAGS, -EINVAL },
	{ "into PFNs", 0, 1, SHARED_FLAGS | VM_PFNMAP, -EINVAL },
	{ "page before", -P, 1, SHARED_FLAGS, -EFAULT },
	{ "from a page before", -P, FAKE_PAGES, SHARED_FLAGS, -EFAULT },
	{ "page behind", WHOLE, 1, SHARED_FLAGS, -EFAULT },
	{ "to a page behind", 0, FAKE_PAGES + 1, SHARED_FLAGS, -EFAULT },
	{ "last and a page", WHOLE - P, 2, SHARED_FLAGS, -EFAULT },
	{ "largest number", 0, ULONG_MAX, SHARED_FLAGS, -EFAULT },
	{ "bytes wrap to 0", 0, 1UL << (BITS_PER_LONG - PAGE_SHIFT),
	  SHARED_FLAGS, -EFAULT },
	{ "bytes wrap to a page", 0, (1UL << (BITS_PER_LONG - PAGE_SHIFT)) + 1,
	  SHARED_FLAGS, -EFAULT },
};

KUNIT_ARRAY_PARAM_DESC(kernels, kernels, name);

static void prepare_kernel_pages(struct kunit *test)
{
	const struct kernel_case *param = test->param_value;
	struct vm_area_desc desc = make_desc(param->vm_flags);
	struct mmap_action *action = &desc.action;
	unsigned int i;

	mmap_action_map_kernel_pages(&desc, desc.start + param->offset,
				     fake_world.page, param->nr_pages);
	KUNIT_EXPECT_EQ(test, mmap_action_prepare(&desc), param->want);
	if (param->want) {
		expect_refused(test, &desc, param->vm_flags);
		return;
	}
	for (i = 0; i < 2; i++) {
		KUNIT_EXPECT_EQ(test, action->type, MMAP_MAP_KERNEL_PAGES);
		KUNIT_EXPECT_EQ(test, action->map_kernel.start,
				desc.start + param->offset);
		KUNIT_EXPECT_EQ(test, action->map_kernel.nr_pages,
				param->nr_pages);
		KUNIT_EXPECT_EQ(test, desc.pgoff, 3);
		KUNIT_EXPECT_EQ(test, vma_flags_to_legacy(desc.vma_flags),
				param->vm_flags | VM_MIXEDMAP);
		KUNIT_EXPECT_EQ(test, mmap_action_prepare(&desc), 0);
	}
}

/* An action that can run can never be lost in a merge. */
static void prepare_forbids_merging(struct kunit *test)
{
	const struct fake_action *action = test->param_value;
	struct fake *fake = fake_open(test, FAKE_OUTER, &fake_prepare_fops);
	struct vm_area_desc desc = make_desc(SHARED_FLAGS);

	desc.pgoff = 0;
	KUNIT_EXPECT_EQ(test, action->prepare(fake, &desc), 0);
	KUNIT_EXPECT_EQ(test, mmap_action_prepare(&desc), 0);
	KUNIT_EXPECT_NE(test, vma_flags_to_legacy(desc.vma_flags) & VM_SPECIAL,
			0);
}

static struct kunit_case cases[] = {
	KUNIT_CASE_PARAM(flags_bit_is_mask, flag_names_gen_params),
	KUNIT_CASE(flags_legacy),
	KUNIT_CASE(flags_make),
	KUNIT_CASE(flags_empty),
	KUNIT_CASE(flags_test_several),
	KUNIT_CASE(flags_same),
	KUNIT_CASE(flags_change),
	KUNIT_CASE(desc_size),
	KUNIT_CASE(desc_range_in),
	KUNIT_CASE(desc_range_not_in),
	KUNIT_CASE(desc_test_flags),
	KUNIT_CASE(desc_change_flags),
	KUNIT_CASE(desc_set_anonymous),
	KUNIT_CASE(desc_is_cow),
	KUNIT_CASE(action_set_remap),
	KUNIT_CASE(action_set_simple_ioremap),
	KUNIT_CASE(action_set_kernel_pages),
	KUNIT_CASE(action_last_wins),
	KUNIT_CASE(action_error_filter),
	KUNIT_CASE(prepare_nothing),
	KUNIT_CASE_PARAM(prepare_remap, remaps_gen_params),
	KUNIT_CASE_PARAM(prepare_ioremap, remaps_gen_params),
	KUNIT_CASE(prepare_remap_elsewhere),
	KUNIT_CASE_PARAM(prepare_simple_ioremap, regions_gen_params),
	KUNIT_CASE_PARAM(prepare_kernel_pages, kernels_gen_params),
	KUNIT_CASE_PARAM(prepare_forbids_merging, fake_action_gen_params),
	{}
};

static struct kunit_suite suite = {
	.name = "mmap_prepare",
	.init = fake_init,
	.test_cases = cases,
};

kunit_test_suites(&suite);
