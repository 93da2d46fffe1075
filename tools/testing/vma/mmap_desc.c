// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of linux/vma_flags.h, and of the helpers of linux/mmap_prepare.h that
 * look at a struct vm_area_desc or write to one.
 */
#include "mmap_hook.h"

/* Every flag there is here, as a number and as a mask. */

#define FLAG(name)	{ #name, VMA_##name##_BIT, VM_##name }

static const struct {
	const char *name;
	vma_flag_t bit;
	vm_flags_t mask;
} all_flags[] = {
	FLAG(READ), FLAG(WRITE), FLAG(EXEC), FLAG(SHARED), FLAG(MAYREAD),
	FLAG(MAYWRITE), FLAG(MAYEXEC), FLAG(MAYSHARE), FLAG(GROWSDOWN),
	FLAG(UFFD_MISSING), FLAG(PFNMAP), FLAG(UFFD_WP), FLAG(LOCKED),
	FLAG(IO), FLAG(SEQ_READ), FLAG(RAND_READ), FLAG(DONTCOPY),
	FLAG(DONTEXPAND), FLAG(LOCKONFAULT), FLAG(ACCOUNT), FLAG(NORESERVE),
	FLAG(HUGETLB), FLAG(SYNC), FLAG(ARCH_1), FLAG(WIPEONFORK),
	FLAG(DONTDUMP), FLAG(SOFTDIRTY), FLAG(MIXEDMAP), FLAG(HUGEPAGE),
	FLAG(NOHUGEPAGE), FLAG(MERGEABLE), FLAG(UFFD_MINOR),
	FLAG(ALLOW_ANY_UNCACHED), FLAG(DROPPABLE), FLAG(SEALED),
};

static bool test_each_flag(void)
{
	int i, j;

	for (i = 0; i < ARRAY_SIZE(all_flags); i++) {
		vma_flags_t flags = mk_vma_flags(all_flags[i].bit);

		if (vma_flags_to_legacy(flags) != all_flags[i].mask) {
			printf("# %s\n", all_flags[i].name);
			return false;
		}
		for (j = 0; j < ARRAY_SIZE(all_flags); j++)
			ASSERT_EQ(vma_flags_test(&flags, all_flags[j].bit),
				  i == j);
	}

	return true;
}

static bool test_all_flags(void)
{
	vma_flags_t flags = EMPTY_VMA_FLAGS;
	vm_flags_t masks = 0;
	int i;

	for (i = 0; i < ARRAY_SIZE(all_flags); i++) {
		ASSERT_FALSE(vma_flags_test(&flags, all_flags[i].bit));
		vma_flags_set(&flags, all_flags[i].bit);
		masks |= all_flags[i].mask;
		ASSERT_EQ(vma_flags_to_legacy(flags), masks);
	}
	for (i = 0; i < ARRAY_SIZE(all_flags); i++) {
		vma_flags_clear(&flags, all_flags[i].bit);
		masks &= ~all_flags[i].mask;
		ASSERT_EQ(vma_flags_to_legacy(flags), masks);
	}
	ASSERT_TRUE(vma_flags_empty(&flags));

	return true;
}

static bool test_legacy(void)
{
	vm_flags_t masks[] = { 0, 1, BIT(63), ~0UL, F_SHARED, 0x5555555555UL };
	int i;

	for (i = 0; i < ARRAY_SIZE(masks); i++) {
		vma_flags_t flags = legacy_to_vma_flags(masks[i]);

		ASSERT_EQ(vma_flags_to_legacy(flags), masks[i]);
		ASSERT_EQ(vma_flags_empty(&flags), !masks[i]);
	}
	ASSERT_EQ(vma_flags_to_legacy(EMPTY_VMA_FLAGS), 0);

	return true;
}

/* One flag up to twelve. */
static bool test_mk_vma_flags(void)
{
#define MK(bits, ...)							\
	ASSERT_EQ(vma_flags_to_legacy(mk_vma_flags(__VA_ARGS__)), bits)

	MK(0x1, VMA_READ_BIT);
	MK(0x3, VMA_READ_BIT, VMA_WRITE_BIT);
	MK(0x7, VMA_READ_BIT, VMA_WRITE_BIT, VMA_EXEC_BIT);
	MK(0xf, VMA_SHARED_BIT, VMA_READ_BIT, VMA_WRITE_BIT, VMA_EXEC_BIT);
	MK(0x1f, 0, 1, 2, 3, 4);
	MK(0x3f, 5, 4, 3, 2, 1, 0);
	MK(0x7f, 0, 1, 2, 3, 4, 5, 6);
	MK(0xff, 0, 1, 2, 3, 4, 5, 6, 7);
	MK(0x1ff, 0, 1, 2, 3, 4, 5, 6, 7, 8);
	MK(0x3ff, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9);
	MK(0x7ff, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10);
	MK(0xfff, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11);
	MK(BIT(63) | BIT(31), VMA_SEALED_BIT, VMA_MERGEABLE_BIT);
	/* Twice is once. */
	MK(0x1, VMA_READ_BIT, VMA_READ_BIT);
#undef MK

	return true;
}

static bool test_flags_any_all(void)
{
	vma_flags_t flags = mk_vma_flags(VMA_READ_BIT, VMA_SEALED_BIT);

	ASSERT_TRUE(vma_flags_test_any(&flags, VMA_WRITE_BIT, VMA_SEALED_BIT));
	ASSERT_TRUE(vma_flags_test_any(&flags, VMA_READ_BIT));
	ASSERT_FALSE(vma_flags_test_any(&flags, VMA_WRITE_BIT, VMA_EXEC_BIT));
	ASSERT_TRUE(vma_flags_test_all(&flags, VMA_READ_BIT, VMA_SEALED_BIT));
	ASSERT_TRUE(vma_flags_test_all(&flags, VMA_SEALED_BIT));
	ASSERT_FALSE(vma_flags_test_all(&flags, VMA_READ_BIT, VMA_WRITE_BIT));

	/* Of no flags, none is set, and all are. */
	ASSERT_FALSE(vma_flags_test_any_mask(&flags, EMPTY_VMA_FLAGS));
	ASSERT_TRUE(vma_flags_test_all_mask(&flags, EMPTY_VMA_FLAGS));
	ASSERT_FALSE(vma_flags_empty(&flags));

	return true;
}

static bool test_flags_same(void)
{
	vma_flags_t flags = mk_vma_flags(VMA_READ_BIT, VMA_SEALED_BIT);

	ASSERT_TRUE(vma_flags_same(&flags, VMA_SEALED_BIT, VMA_READ_BIT));
	ASSERT_FALSE(vma_flags_same(&flags, VMA_READ_BIT));
	ASSERT_FALSE(vma_flags_same(&flags, VMA_READ_BIT, VMA_SEALED_BIT,
				    VMA_EXEC_BIT));
	ASSERT_TRUE(vma_flags_same_mask(&flags, flags));
	ASSERT_FALSE(vma_flags_same_mask(&flags, EMPTY_VMA_FLAGS));

	return true;
}

static bool test_flags_set_clear(void)
{
	vma_flags_t flags = EMPTY_VMA_FLAGS;

	vma_flags_set(&flags, VMA_READ_BIT, VMA_WRITE_BIT, VMA_SEALED_BIT);
	ASSERT_EQ(vma_flags_to_legacy(flags), VM_READ | VM_WRITE | VM_SEALED);
	vma_flags_set(&flags, VMA_READ_BIT);
	ASSERT_EQ(vma_flags_to_legacy(flags), VM_READ | VM_WRITE | VM_SEALED);
	vma_flags_clear(&flags, VMA_READ_BIT, VMA_EXEC_BIT);
	ASSERT_EQ(vma_flags_to_legacy(flags), VM_WRITE | VM_SEALED);
	vma_flags_clear_mask(&flags, EMPTY_VMA_FLAGS);
	vma_flags_set_mask(&flags, EMPTY_VMA_FLAGS);
	ASSERT_EQ(vma_flags_to_legacy(flags), VM_WRITE | VM_SEALED);
	vma_flags_clear_mask(&flags, legacy_to_vma_flags(~0UL));
	ASSERT_TRUE(vma_flags_empty(&flags));

	return true;
}

/* The descriptor. */

static struct vm_area_desc make_desc(vm_flags_t flags)
{
	return (struct vm_area_desc) {
		.start = AT(0),
		.end = AT(4),
		.vma_flags = legacy_to_vma_flags(flags),
		.vm_ops = &vma_dummy_vm_ops,
		.page_prot = { 0x77 },
	};
}

static bool test_desc_size(void)
{
	struct vm_area_desc desc = make_desc(0);

	ASSERT_EQ(vma_desc_size(&desc), PAGES(4));
	ASSERT_EQ(vma_desc_pages(&desc), 4);
	desc.end = desc.start;
	ASSERT_EQ(vma_desc_size(&desc), 0);
	ASSERT_EQ(vma_desc_pages(&desc), 0);
	desc.start = 0;
	desc.end = ULONG_MAX & PAGE_MASK;
	ASSERT_EQ(vma_desc_pages(&desc), (1UL << 52) - 1);

	return true;
}

static bool test_desc_range(void)
{
	struct vm_area_desc desc = make_desc(0);

	ASSERT_TRUE(range_in_vma_desc(&desc, AT(0), AT(4)));
	ASSERT_TRUE(range_in_vma_desc(&desc, AT(1), AT(2)));
	ASSERT_TRUE(range_in_vma_desc(&desc, AT(0), AT(0)));
	ASSERT_TRUE(range_in_vma_desc(&desc, AT(4), AT(4)));
	ASSERT_FALSE(range_in_vma_desc(&desc, AT(-1), AT(4)));
	ASSERT_FALSE(range_in_vma_desc(&desc, AT(0), AT(5)));
	ASSERT_FALSE(range_in_vma_desc(&desc, AT(4), AT(5)));
	ASSERT_FALSE(range_in_vma_desc(&desc, AT(-1), AT(0)));
	ASSERT_FALSE(range_in_vma_desc(&desc, AT(2), AT(1)));
	ASSERT_FALSE(range_in_vma_desc(&desc, AT(0) - 1, AT(1)));
	ASSERT_FALSE(range_in_vma_desc(&desc, AT(0), AT(4) + 1));

	return true;
}

static bool test_desc_flags(void)
{
	struct vm_area_desc desc = make_desc(VM_READ | VM_SEALED);

	ASSERT_TRUE(vma_desc_test(&desc, VMA_SEALED_BIT));
	ASSERT_FALSE(vma_desc_test(&desc, VMA_WRITE_BIT));
	ASSERT_TRUE(vma_desc_test_any(&desc, VMA_READ_BIT, VMA_WRITE_BIT));
	ASSERT_FALSE(vma_desc_test_any(&desc, VMA_EXEC_BIT, VMA_WRITE_BIT));
	ASSERT_TRUE(vma_desc_test_flags(&desc, VMA_READ_BIT, VMA_WRITE_BIT));
	ASSERT_FALSE(vma_desc_test_flags(&desc, VMA_EXEC_BIT));
	ASSERT_TRUE(vma_desc_test_all(&desc, VMA_READ_BIT, VMA_SEALED_BIT));
	ASSERT_FALSE(vma_desc_test_all(&desc, VMA_READ_BIT, VMA_WRITE_BIT));
	ASSERT_TRUE(vma_desc_test_any_mask(&desc, desc.vma_flags));
	ASSERT_FALSE(vma_desc_test_any_mask(&desc, EMPTY_VMA_FLAGS));
	ASSERT_TRUE(vma_desc_test_all_mask(&desc, desc.vma_flags));
	ASSERT_FALSE(vma_desc_test_all_mask(&desc, mk_vma_flags(VMA_IO_BIT)));

	vma_desc_set_flags(&desc, VMA_WRITE_BIT, VMA_IO_BIT);
	ASSERT_TRUE(vma_desc_test_all(&desc, VMA_READ_BIT, VMA_SEALED_BIT,
				      VMA_WRITE_BIT, VMA_IO_BIT));
	vma_desc_clear_flags(&desc, VMA_READ_BIT, VMA_SEALED_BIT);
	ASSERT_EQ(vma_flags_to_legacy(desc.vma_flags), VM_WRITE | VM_IO);
	vma_desc_set_flags_mask(&desc, mk_vma_flags(VMA_SEALED_BIT));
	vma_desc_clear_flags_mask(&desc, mk_vma_flags(VMA_WRITE_BIT));
	ASSERT_EQ(vma_flags_to_legacy(desc.vma_flags), VM_SEALED | VM_IO);

	return true;
}

static bool test_desc_cow(void)
{
	struct vm_area_desc desc = make_desc(F_RW);

	ASSERT_TRUE(vma_desc_is_cow_mapping(&desc));
	desc = make_desc(F_RO);
	ASSERT_TRUE(vma_desc_is_cow_mapping(&desc));
	desc = make_desc(F_SHARED);
	ASSERT_FALSE(vma_desc_is_cow_mapping(&desc));
	desc = make_desc(F_RO & ~VM_MAYWRITE);
	ASSERT_FALSE(vma_desc_is_cow_mapping(&desc));

	return true;
}

static bool test_desc_anonymous(void)
{
	struct vm_area_desc desc = make_desc(F_RW);

	vma_desc_set_anonymous(&desc);
	ASSERT_EQ(desc.vm_ops, NULL);

	return true;
}

/* Setting an action writes down what is wanted, and nothing else. */

static bool test_set_remap(void)
{
	struct vm_area_desc desc = make_desc(F_RW), before = desc;

	mmap_action_remap(&desc, AT(1), 7, 123);
	ASSERT_EQ(desc.action.type, MMAP_REMAP_PFN);
	ASSERT_EQ(desc.action.remap.start, AT(1));
	ASSERT_EQ(desc.action.remap.start_pfn, 7);
	ASSERT_EQ(desc.action.remap.size, 123);
	ASSERT_EQ(desc.action.remap.pgprot.pgprot, 0x77);

	mmap_action_ioremap(&desc, AT(2), 8, 456);
	ASSERT_EQ(desc.action.type, MMAP_IO_REMAP_PFN);
	ASSERT_EQ(desc.action.remap.start, AT(2));
	ASSERT_EQ(desc.action.remap.start_pfn, 8);
	ASSERT_EQ(desc.action.remap.size, 456);

	mmap_action_remap_full(&desc, 9);
	ASSERT_EQ(desc.action.type, MMAP_REMAP_PFN);
	ASSERT_EQ(desc.action.remap.start, AT(0));
	ASSERT_EQ(desc.action.remap.start_pfn, 9);
	ASSERT_EQ(desc.action.remap.size, PAGES(4));

	mmap_action_ioremap_full(&desc, 10);
	ASSERT_EQ(desc.action.type, MMAP_IO_REMAP_PFN);
	ASSERT_EQ(desc.action.remap.start, AT(0));
	ASSERT_EQ(desc.action.remap.start_pfn, 10);
	ASSERT_EQ(desc.action.remap.size, PAGES(4));

	memset(&desc.action, 0, sizeof(desc.action));
	ASSERT_FALSE(memcmp(&desc, &before, sizeof(desc)));

	return true;
}

static bool test_set_simple_ioremap(void)
{
	struct vm_area_desc desc = make_desc(F_RW);

	mmap_action_simple_ioremap(&desc, 0x123456789aUL, 99);
	ASSERT_EQ(desc.action.type, MMAP_SIMPLE_IO_REMAP);
	ASSERT_EQ(desc.action.simple_ioremap.start_phys_addr, 0x123456789aUL);
	ASSERT_EQ(desc.action.simple_ioremap.size, 99);

	return true;
}

static bool test_set_kernel_pages(void)
{
	struct vm_area_desc desc = make_desc(F_RW);

	mmap_action_map_kernel_pages(&desc, AT(1), hook_page_array, 2);
	ASSERT_EQ(desc.action.type, MMAP_MAP_KERNEL_PAGES);
	ASSERT_EQ(desc.action.map_kernel.start, AT(1));
	ASSERT_EQ(desc.action.map_kernel.pages, hook_page_array);
	ASSERT_EQ(desc.action.map_kernel.nr_pages, 2);
	mmap_action_map_kernel_pages_full(&desc, hook_page_array);
	ASSERT_EQ(desc.action.map_kernel.start, AT(0));
	ASSERT_EQ(desc.action.map_kernel.nr_pages, 4);

	return true;
}

static bool test_error_names(void)
{
	struct mmap_action action = { .error_filter = -EAGAIN };

	ASSERT_EQ(action.error_override, -EAGAIN);
	action.error_override = -EIO;
	ASSERT_EQ(action.error_filter, -EIO);

	return true;
}

static const struct test tests[] = {
	TEST(each_flag),
	TEST(all_flags),
	TEST(legacy),
	TEST(mk_vma_flags),
	TEST(flags_any_all),
	TEST(flags_same),
	TEST(flags_set_clear),
	TEST(desc_size),
	TEST(desc_range),
	TEST(desc_flags),
	TEST(desc_cow),
	TEST(desc_anonymous),
	TEST(set_remap),
	TEST(set_simple_ioremap),
	TEST(set_kernel_pages),
	TEST(error_names),
};

int main(int argc, char **argv)
{
	program_start = hook_start;

	return RUN_TESTS(tests, argc, argv);
}
