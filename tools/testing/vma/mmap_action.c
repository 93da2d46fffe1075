// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of mmap_action_prepare() and mmap_action_complete(): what an action may
 * be, what it does to the descriptor, and what is called in the end.
 *
 * The mapping has 8 pages from START, and offset 3.
 */
#include <limits.h>

#include "mmap_hook.h"

#define START	0x100000UL
#define END	0x108000UL
#define P	PAGE_SIZE
#define NR	NR_HOOK_PAGES
#define MAX_PFN	(ULONG_MAX >> PAGE_SHIFT)
#define PROT	BIT(60)

#define COW	F_RW
/* Private, but never to be written. */
#define RO	(F_RO & ~VM_MAYWRITE)

static void init_desc(struct vm_area_desc *desc, vm_flags_t flags)
{
	memset(desc, 0, sizeof(*desc));
	desc->mm = &mm;
	desc->file = &files[0];
	desc->vm_file = &files[0];
	desc->start = START;
	desc->end = END;
	desc->pgoff = 3;
	desc->vma_flags = legacy_to_vma_flags(flags);
	desc->page_prot = __pgprot(PROT);
	desc->vm_ops = &vma_dummy_vm_ops;
}

static vm_flags_t desc_flags(const struct vm_area_desc *desc)
{
	return vma_flags_to_legacy(desc->vma_flags);
}

/* Prepare what must be refused: nothing but the type may have changed. */
static bool refused(struct vm_area_desc *desc, int err)
{
	struct vm_area_desc before;

	memcpy(&before, desc, sizeof(before));
	ASSERT_EQ(mmap_action_prepare(desc), err);
	ASSERT_EQ(desc->vma_flags.__vma_flags[0],
		  before.vma_flags.__vma_flags[0]);
	ASSERT_EQ(desc->pgoff, before.pgoff);
	ASSERT_EQ(desc->page_prot.pgprot, before.page_prot.pgprot);
	if (desc->action.type == before.action.type)
		ASSERT_FALSE(memcmp(desc, &before, sizeof(before)));

	return true;
}

/* Prepare what must be accepted, twice: the second time changes nothing. */
static bool accepted(struct vm_area_desc *desc)
{
	struct vm_area_desc before;

	ASSERT_EQ(mmap_action_prepare(desc), 0);
	memcpy(&before, desc, sizeof(before));
	ASSERT_EQ(mmap_action_prepare(desc), 0);
	ASSERT_FALSE(memcmp(desc, &before, sizeof(before)));

	return true;
}

/* Remaps. Each row is tried as memory and as device memory. */

struct remap_row {
	vm_flags_t flags;
	unsigned long start, pfn, size;
	int err;
	unsigned long out_size, out_pgoff;
};

static bool check_remap_row(const struct remap_row *row, bool is_io)
{
	struct vm_area_desc desc;

	init_desc(&desc, row->flags);
	if (is_io)
		mmap_action_ioremap(&desc, row->start, row->pfn, row->size);
	else
		mmap_action_remap(&desc, row->start, row->pfn, row->size);
	if (row->err)
		return refused(&desc, row->err);

	ASSERT_TRUE(accepted(&desc));
	ASSERT_EQ(desc.action.type, is_io ? MMAP_IO_REMAP_PFN : MMAP_REMAP_PFN);
	ASSERT_EQ(desc.action.remap.start, row->start);
	ASSERT_EQ(desc.action.remap.start_pfn, row->pfn);
	ASSERT_EQ(desc.action.remap.size, row->out_size);
	ASSERT_EQ(desc.action.remap.pgprot.pgprot, PROT);
	ASSERT_EQ(desc.pgoff, row->out_pgoff);
	ASSERT_EQ(desc_flags(&desc), row->flags | VM_REMAP_FLAGS);

	return true;
}

static bool check_remap_rows(const struct remap_row *rows, int nr)
{
	int i;

	for (i = 0; i < nr; i++) {
		if (check_remap_row(&rows[i], false) &&
		    check_remap_row(&rows[i], true))
			continue;
		printf("# in row %d: start %#lx, pfn %#lx, size %#lx\n", i,
		       rows[i].start, rows[i].pfn, rows[i].size);
		return false;
	}

	return true;
}

static bool test_remap(void)
{
	static const struct remap_row rows[] = {
		{ F_SHARED, START, 0x500, 8 * P, 0, 8 * P, 3 },
		{ F_SHARED, START, 0, 8 * P, 0, 8 * P, 3 },
		/* A part, at the start, in the middle, and at the end. */
		{ F_SHARED, START, 0x500, P, 0, P, 3 },
		{ F_SHARED, START + P, 0x500, 2 * P, 0, 2 * P, 3 },
		{ F_SHARED, END - P, 0x500, P, 0, P, 3 },
		/* Any size is rounded up. */
		{ F_SHARED, START, 0x500, 1, 0, P, 3 },
		{ F_SHARED, START, 0x500, 8 * P - 1, 0, 8 * P, 3 },
		{ F_SHARED, START, 0x500, 7 * P + 1, 0, 8 * P, 3 },
		{ F_SHARED, START, 0x500, 8 * P + 1, -EFAULT },
		{ F_SHARED, END - P, 0x500, P + 1, -EFAULT },
	};

	return check_remap_rows(rows, ARRAY_SIZE(rows));
}

static bool test_remap_nothing(void)
{
	static const struct remap_row rows[] = {
		{ F_SHARED, START, 0x500, 0, -EINVAL },
		{ COW, START, 0x500, 0, -EINVAL },
		{ F_SHARED, END, 0x500, 0, -EINVAL },
	};

	return check_remap_rows(rows, ARRAY_SIZE(rows));
}

static bool test_remap_outside(void)
{
	static const struct remap_row rows[] = {
		{ F_SHARED, START - P, 0x500, P, -EFAULT },
		{ F_SHARED, START - P, 0x500, 2 * P, -EFAULT },
		{ F_SHARED, START - P, 0x500, 8 * P, -EFAULT },
		{ F_SHARED, END, 0x500, P, -EFAULT },
		{ F_SHARED, END - P, 0x500, 2 * P, -EFAULT },
		{ F_SHARED, START, 0x500, 9 * P, -EFAULT },
		{ F_SHARED, 0, 0x500, P, -EFAULT },
		{ COW, START - P, 0x500, 8 * P, -EFAULT },
		/* The end wraps. */
		{ F_SHARED, START, 0x500, ULONG_MAX, -EFAULT },
		{ F_SHARED, START, 0x500, ULONG_MAX - P + 2, -EFAULT },
		{ F_SHARED, START, 0x500, -START, -EFAULT },
		{ F_SHARED, START + P, 0x500, -(START + P), -EFAULT },
		{ F_SHARED, ULONG_MAX & PAGE_MASK, 0x500, P, -EFAULT },
		{ F_SHARED, ULONG_MAX & PAGE_MASK, 0x500, END, -EFAULT },
	};

	return check_remap_rows(rows, ARRAY_SIZE(rows));
}

static bool test_remap_unaligned(void)
{
	static const struct remap_row rows[] = {
		{ F_SHARED, START + 1, 0x500, P, -EINVAL },
		{ F_SHARED, START + P / 2, 0x500, P / 2, -EINVAL },
		{ COW, START + 1, 0x500, 8 * P, -EINVAL },
	};

	return check_remap_rows(rows, ARRAY_SIZE(rows));
}

static bool test_remap_pfn(void)
{
	static const struct remap_row rows[] = {
		{ F_SHARED, START, ULONG_MAX, 2 * P, -EINVAL },
		{ F_SHARED, START, ULONG_MAX - 6, 8 * P, -EINVAL },
		{ F_SHARED, START, ULONG_MAX, P, -EINVAL },
		{ F_SHARED, START, MAX_PFN, P, 0, P, 3 },
		{ F_SHARED, START, MAX_PFN - 7, 8 * P, 0, 8 * P, 3 },
		{ F_SHARED, START, MAX_PFN, 2 * P, -EINVAL },
		{ F_SHARED, START, MAX_PFN + 1, P, -EINVAL },
		{ F_SHARED, START, MAX_PFN - 6, 8 * P, -EINVAL },
	};

	return check_remap_rows(rows, ARRAY_SIZE(rows));
}

/* A private writable mapping has to be remapped as a whole. */
static bool test_remap_cow(void)
{
	static const struct remap_row rows[] = {
		{ COW, START, 0x500, 8 * P, 0, 8 * P, 0x500 },
		{ COW, START, 0x500, 8 * P - 1, 0, 8 * P, 0x500 },
		{ COW, START, 0x500, 7 * P + 1, 0, 8 * P, 0x500 },
		{ F_RO, START, 0x500, 8 * P, 0, 8 * P, 0x500 },
		{ COW, START, 0x500, 7 * P, -EINVAL },
		{ COW, START + P, 0x500, 7 * P, -EINVAL },
		{ COW, START + P, 0x500, P, -EINVAL },
		{ F_RO, START, 0x500, 7 * P, -EINVAL },
		/* Not one that can never be written. */
		{ RO, START, 0x500, 8 * P, 0, 8 * P, 3 },
		{ RO, START + P, 0x500, P, 0, P, 3 },
	};

	return check_remap_rows(rows, ARRAY_SIZE(rows));
}

static bool test_remap_full(void)
{
	struct vm_area_desc desc;

	init_desc(&desc, F_SHARED);
	mmap_action_remap_full(&desc, 0x500);
	ASSERT_TRUE(accepted(&desc));
	ASSERT_EQ(desc.action.type, MMAP_REMAP_PFN);
	ASSERT_EQ(desc.action.remap.start, START);
	ASSERT_EQ(desc.action.remap.size, 8 * P);

	init_desc(&desc, F_SHARED);
	mmap_action_ioremap_full(&desc, 0x500);
	ASSERT_TRUE(accepted(&desc));
	ASSERT_EQ(desc.action.type, MMAP_IO_REMAP_PFN);
	ASSERT_EQ(desc.action.remap.start, START);
	ASSERT_EQ(desc.action.remap.size, 8 * P);

	return true;
}

/* The protection that counts is the one that the mapping has in the end. */
static bool test_remap_prot(void)
{
	struct vm_area_desc desc;

	init_desc(&desc, F_SHARED);
	mmap_action_remap_full(&desc, 0x500);
	desc.page_prot = __pgprot(0x77);
	ASSERT_TRUE(accepted(&desc));
	ASSERT_EQ(desc.action.remap.pgprot.pgprot, 0x77);

	return true;
}

/* An architecture that has device memory elsewhere. */
static bool test_ioremap_arch(void)
{
	struct vm_area_desc desc;

	stub_action.io_offset = 0x1000;
	init_desc(&desc, F_SHARED);
	mmap_action_ioremap_full(&desc, 0x500);
	ASSERT_TRUE(accepted(&desc));
	ASSERT_EQ(desc.action.remap.start_pfn, 0x500);
	ASSERT_EQ(desc.pgoff, 3);

	init_desc(&desc, COW);
	mmap_action_ioremap_full(&desc, 0x500);
	ASSERT_TRUE(accepted(&desc));
	ASSERT_EQ(desc.action.remap.start_pfn, 0x500);
	ASSERT_EQ(desc.pgoff, 0x1500);

	/* It is where it ends up that has to be valid. */
	init_desc(&desc, F_SHARED);
	mmap_action_ioremap(&desc, START, MAX_PFN + 1 - 0x1000, P);
	ASSERT_TRUE(refused(&desc, -EINVAL));

	stub_action.io_calls = 0;
	init_desc(&desc, F_SHARED);
	mmap_action_remap(&desc, START, MAX_PFN, P);
	ASSERT_TRUE(accepted(&desc));
	ASSERT_EQ(stub_action.io_calls, 0);

	return true;
}

/* Regions of physical memory. */

struct simple_row {
	unsigned long phys, size, pgoff;
	int err;
	unsigned long pfn;
};

static bool check_simple_row(const struct simple_row *row)
{
	struct vm_area_desc desc;

	init_desc(&desc, F_SHARED);
	desc.pgoff = row->pgoff;
	mmap_action_simple_ioremap(&desc, row->phys, row->size);
	if (row->err)
		return refused(&desc, row->err);

	ASSERT_TRUE(accepted(&desc));
	ASSERT_EQ(desc.action.type, MMAP_IO_REMAP_PFN);
	ASSERT_EQ(desc.action.remap.start, START);
	ASSERT_EQ(desc.action.remap.start_pfn, row->pfn);
	ASSERT_EQ(desc.action.remap.size, 8 * P);
	ASSERT_EQ(desc.action.remap.pgprot.pgprot, PROT);
	ASSERT_EQ(desc.pgoff, row->pgoff);
	ASSERT_EQ(desc_flags(&desc), F_SHARED | VM_REMAP_FLAGS);

	return true;
}

static bool test_simple_ioremap(void)
{
	static const struct simple_row rows[] = {
		{ 0x500000, 16 * P, 3, 0, 0x503 },
		{ 0x500000, 16 * P, 0, 0, 0x500 },
		{ 0x500000, 16 * P, 8, 0, 0x508 },
		{ 0x500000, 16 * P, 9, -EINVAL },
		/* It just fits. A part of a page counts as the page. */
		{ 0x500000, 11 * P, 3, 0, 0x503 },
		{ 0x500000, 11 * P - 1, 3, 0, 0x503 },
		{ 0x500000, 10 * P + 1, 3, 0, 0x503 },
		{ 0x500000, 10 * P, 3, -EINVAL },
		{ 0x500800, 8 * P, 0, 0, 0x500 },
		{ 0x500800, 7 * P + 0x800, 0, 0, 0x500 },
		{ 0x500800, 7 * P + 0x801, 1, 0, 0x501 },
		{ 0x500800, 7 * P + 0x800, 1, -EINVAL },
		/* The offset is behind it, and is not to wrap either. */
		{ 0x500000, 16 * P, 16, -EINVAL },
		{ 0x500000, 16 * P, 17, -EINVAL },
		{ 0x500000, 16 * P, ULONG_MAX, -EINVAL },
		{ 0x500000, 16 * P, ULONG_MAX - 7, -EINVAL },
		/* Empty. */
		{ 0x500000, 0, 0, -EINVAL },
		{ 0x500800, 0, 0, -EINVAL },
		/* The region wraps. */
		{ ULONG_MAX - P + 1, P, 0, -EINVAL },
		{ ULONG_MAX - P + 1, 2 * P, 0, -EINVAL },
		{ 1, ULONG_MAX, 0, -EINVAL },
		{ 0x500000, ULONG_MAX, 0, -EINVAL },
		/* All there is. */
		{ 0, ULONG_MAX, 0, 0, 0 },
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		if (!check_simple_row(&rows[i])) {
			printf("# in row %d\n", i);
			return false;
		}

	return true;
}

/* An empty region that is not aligned looks like one page. */
static bool test_simple_ioremap_empty(void)
{
	struct vm_area_desc desc;

	init_desc(&desc, F_SHARED);
	desc.end = desc.start + P;
	desc.pgoff = 0;
	mmap_action_simple_ioremap(&desc, 0x500800, 0);
	ASSERT_TRUE(refused(&desc, -EINVAL));
	mmap_action_simple_ioremap(&desc, 0x500800, 1);
	ASSERT_TRUE(accepted(&desc));

	return true;
}

static bool test_simple_ioremap_cow(void)
{
	struct vm_area_desc desc;

	init_desc(&desc, COW);
	mmap_action_simple_ioremap(&desc, 0x500000, 16 * P);
	ASSERT_TRUE(accepted(&desc));
	ASSERT_EQ(desc.pgoff, 0x503);
	ASSERT_EQ(desc.action.remap.start_pfn, 0x503);

	return true;
}

/* Kernel pages. */

struct pages_row {
	vm_flags_t flags;
	unsigned long start, nr;
	int err;
};

static bool check_pages_row(const struct pages_row *row)
{
	struct vm_area_desc desc;

	init_desc(&desc, row->flags);
	mmap_action_map_kernel_pages(&desc, row->start, hook_page_array,
				     row->nr);
	if (row->err)
		return refused(&desc, row->err);

	ASSERT_TRUE(accepted(&desc));
	ASSERT_EQ(desc.pgoff, 3);
	ASSERT_EQ(desc_flags(&desc), row->flags | VM_MIXEDMAP);
	ASSERT_EQ(desc.action.map_kernel.start, row->start);
	ASSERT_EQ(desc.action.map_kernel.nr_pages, row->nr);
	ASSERT_EQ(desc.action.map_kernel.pages, hook_page_array);

	return true;
}

static bool test_kernel_pages(void)
{
	static const struct pages_row rows[] = {
		{ F_SHARED, START, 8 },
		{ F_SHARED, START + P, 2 },
		{ F_SHARED, END - P, 1 },
		{ COW, START, 8 },
		{ COW, START + P, 2 },
		{ F_SHARED, START, 9, -EFAULT },
		{ F_SHARED, START - P, 1, -EFAULT },
		{ F_SHARED, START - P, 9, -EFAULT },
		{ F_SHARED, END, 1, -EFAULT },
		{ F_SHARED, END - P, 2, -EFAULT },
		{ F_SHARED, START, ULONG_MAX, -EFAULT },
		{ F_SHARED, START, 1UL << 52, -EFAULT },
		{ F_SHARED, START, (1UL << 52) + 1, -EFAULT },
		{ F_SHARED, START, 0, -EINVAL },
		{ F_SHARED, START + 1, 1, -EINVAL },
		{ F_SHARED | VM_PFNMAP, START, 8, -EINVAL },
	};
	struct vm_area_desc desc;
	int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		if (!check_pages_row(&rows[i])) {
			printf("# in row %d\n", i);
			return false;
		}

	init_desc(&desc, F_SHARED);
	mmap_action_map_kernel_pages(&desc, START, NULL, 8);
	ASSERT_TRUE(refused(&desc, -EINVAL));

	init_desc(&desc, F_SHARED);
	mmap_action_map_kernel_pages_full(&desc, hook_page_array);
	ASSERT_TRUE(accepted(&desc));
	ASSERT_EQ(desc.action.map_kernel.start, START);
	ASSERT_EQ(desc.action.map_kernel.nr_pages, 8);

	return true;
}

/* No action, unknown ones, several. */

static bool test_nothing(void)
{
	struct vm_area_desc desc, before;

	init_desc(&desc, COW);
	memcpy(&before, &desc, sizeof(before));
	ASSERT_TRUE(accepted(&desc));
	ASSERT_FALSE(memcmp(&desc, &before, sizeof(before)));
	ASSERT_EQ(mmap_action_complete(NULL, &desc.action), 0);
	ASSERT_EQ(stubs.nr_events, 0);

	return true;
}

static bool test_unknown(void)
{
	struct vm_area_desc desc;

	stubs.warns_expected = 4;
	init_desc(&desc, F_SHARED);
	desc.action.type = MMAP_MAP_KERNEL_PAGES + 1;
	ASSERT_TRUE(refused(&desc, -EINVAL));
	ASSERT_EQ(mmap_action_complete(NULL, &desc.action), -EINVAL);
	desc.action.type = -1;
	ASSERT_TRUE(refused(&desc, -EINVAL));
	ASSERT_EQ(mmap_action_complete(NULL, &desc.action), -EINVAL);
	ASSERT_EQ(stubs.warns_once, 4);

	return true;
}

static bool test_last_one_wins(void)
{
	struct vm_area_desc desc;

	init_desc(&desc, F_SHARED);
	desc.action.error_filter = -EAGAIN;
	desc.action.hide_from_rmap_until_complete = true;
	mmap_action_map_kernel_pages_full(&desc, hook_page_array);
	mmap_action_simple_ioremap(&desc, 0x500000, 16 * P);
	mmap_action_remap(&desc, START + P, 0x700, P);
	ASSERT_TRUE(accepted(&desc));
	ASSERT_EQ(desc.action.type, MMAP_REMAP_PFN);
	ASSERT_EQ(desc.action.remap.start_pfn, 0x700);
	ASSERT_EQ(desc.action.error_filter, -EAGAIN);
	ASSERT_EQ(desc.action.error_override, -EAGAIN);
	ASSERT_TRUE(desc.action.hide_from_rmap_until_complete);

	return true;
}

/* Completing. */

static struct vm_area_struct *make_vma(const struct vm_area_desc *desc)
{
	struct vm_area_struct *vma = vm_area_alloc(&mm);

	vma_set_range(vma, desc->start, desc->end, desc->pgoff);
	vm_flags_init(vma, desc_flags(desc));
	vma->vm_page_prot = __pgprot(0x1234);
	reset_counts();

	return vma;
}

static void drop_vma(struct vm_area_struct *vma)
{
	stub_clear_ptes(vma->vm_start, vma->vm_end);
	vm_area_free(vma);
}

static bool test_complete_remap(void)
{
	struct vm_area_struct *vma;
	struct vm_area_desc desc;

	init_desc(&desc, F_SHARED);
	mmap_action_remap(&desc, START + P, 0x500, 2 * P);
	ASSERT_EQ(mmap_action_prepare(&desc), 0);
	vma = make_vma(&desc);
	ASSERT_EQ(mmap_action_complete(vma, &desc.action), 0);
	ASSERT_EQ(stubs.calls[STUB_ACTION], 1);
	ASSERT_EQ(stubs.log[0].object, vma);
	ASSERT_EQ(stubs.log[0].start, START + P);
	ASSERT_EQ(stub_action.size, 2 * P);
	ASSERT_EQ(stub_action.pfn, 0x500);
	ASSERT_EQ(stub_action.prot, PROT);
	ASSERT_FALSE(stub_action.is_io);
	ASSERT_EQ(vma->vm_pgoff, 3);
	drop_vma(vma);

	/* Its errno comes back as it is: the filter is not applied here. */
	desc.action.error_filter = -EAGAIN;
	vma = make_vma(&desc);
	stubs.fail_at[STUB_ACTION] = 1;
	stub_action.err = -ENXIO;
	ASSERT_EQ(mmap_action_complete(vma, &desc.action), -ENXIO);
	drop_vma(vma);

	return true;
}

static bool test_complete_ioremap(void)
{
	struct vm_area_struct *vma;
	struct vm_area_desc desc;

	init_desc(&desc, COW);
	mmap_action_simple_ioremap(&desc, 0x500000, 16 * P);
	ASSERT_EQ(mmap_action_prepare(&desc), 0);
	vma = make_vma(&desc);
	ASSERT_EQ(mmap_action_complete(vma, &desc.action), 0);
	ASSERT_TRUE(stub_action.is_io);
	ASSERT_EQ(stub_action.pfn, 0x503);
	ASSERT_EQ(stub_action.prot, PROT);
	ASSERT_EQ(vma->vm_pgoff, 0x503);
	drop_vma(vma);

	return true;
}

static bool test_complete_unprepared(void)
{
	struct vm_area_struct *vma;
	struct vm_area_desc desc;

	init_desc(&desc, F_SHARED);
	mmap_action_simple_ioremap(&desc, 0x500000, 16 * P);
	vma = make_vma(&desc);
	stubs.warns_expected = 1;
	ASSERT_EQ(mmap_action_complete(vma, &desc.action), -EINVAL);
	ASSERT_EQ(stubs.warns_once, 1);
	ASSERT_EQ(stubs.calls[STUB_ACTION], 0);
	drop_vma(vma);

	return true;
}

static bool test_complete_pages(void)
{
	struct vm_area_struct *vma;
	struct vm_area_desc desc;

	init_pages();
	init_desc(&desc, F_SHARED);
	want_pages(&desc);
	ASSERT_EQ(mmap_action_prepare(&desc), 0);
	vma = make_vma(&desc);
	ASSERT_EQ(mmap_action_complete(vma, &desc.action), 0);
	ASSERT_EQ(stubs.calls[STUB_ACTION], 1);
	ASSERT_EQ(stubs.calls[STUB_ZAP], 0);
	ASSERT_EQ(stubs.nr_ptes, NR);
	drop_vma(vma);
	ASSERT_TRUE(pages_unused());

	return true;
}

/* @failing fails: those before it, and no other, are zapped. */
static bool pages_fail(unsigned int failing)
{
	struct vm_area_struct *vma;
	struct vm_area_desc desc;
	int zap;

	init_desc(&desc, F_SHARED);
	want_pages(&desc);
	ASSERT_EQ(mmap_action_prepare(&desc), 0);
	vma = make_vma(&desc);
	stubs.fail_at[STUB_INSERT_PAGE] = failing + 1;
	ASSERT_EQ(mmap_action_complete(vma, &desc.action), -ENOMEM);
	ASSERT_EQ(stubs.calls[STUB_ZAP], !!failing);
	if (failing) {
		zap = first_event(STUB_ZAP);
		ASSERT_EQ(stubs.log[zap].start, START);
		ASSERT_EQ(stubs.log[zap].end, START + PAGES(failing));
	}
	ASSERT_EQ(stubs.nr_ptes, 0);
	ASSERT_TRUE(pages_unused());
	drop_vma(vma);

	return true;
}

static bool test_complete_pages_fail(void)
{
	unsigned int i;

	init_pages();
	for (i = 0; i < NR; i++)
		ASSERT_TRUE(pages_fail(i));

	return true;
}

/* The page that is there already is not ours. */
static bool test_complete_page_present(void)
{
	static struct page other = { .count = 1 };
	struct vm_area_struct *vma;
	struct vm_area_desc desc;

	init_pages();
	init_desc(&desc, F_SHARED);
	want_pages(&desc);
	ASSERT_EQ(mmap_action_prepare(&desc), 0);
	vma = make_vma(&desc);
	stub_set_pte(START + PAGES(3), 0, &other, 0);
	ASSERT_EQ(mmap_action_complete(vma, &desc.action), -EBUSY);
	ASSERT_EQ(stubs.nr_ptes, 1);
	ASSERT_EQ(stub_find_pte(START + PAGES(3))->page, &other);
	ASSERT_EQ(other.count, 2);
	ASSERT_TRUE(pages_unused());
	drop_vma(vma);

	return true;
}

static bool test_complete_page_unusable(void)
{
	struct vm_area_struct *vma;
	struct vm_area_desc desc;

	init_pages();
	hook_pages[3].count = 0;
	init_desc(&desc, F_SHARED);
	want_pages(&desc);
	ASSERT_EQ(mmap_action_prepare(&desc), 0);
	vma = make_vma(&desc);
	ASSERT_EQ(mmap_action_complete(vma, &desc.action), -EINVAL);
	ASSERT_EQ(stubs.nr_ptes, 0);
	hook_pages[3].count++;
	ASSERT_TRUE(pages_unused());
	drop_vma(vma);

	return true;
}

/* What remap_pfn_range(), vm_iomap_memory() and vm_insert_pages() ask. */

static bool test_pages_in_range(void)
{
	ASSERT_TRUE(pages_in_range(START, END, START, 8));
	ASSERT_TRUE(pages_in_range(START, END, START, 0));
	ASSERT_TRUE(pages_in_range(START, END, END, 0));
	ASSERT_TRUE(pages_in_range(START, END, END - P, 1));
	ASSERT_FALSE(pages_in_range(START, END, END, 1));
	ASSERT_FALSE(pages_in_range(START, END, END + P, 0));
	ASSERT_FALSE(pages_in_range(START, END, START, 9));
	ASSERT_FALSE(pages_in_range(START, END, START - P, 0));
	ASSERT_FALSE(pages_in_range(START, END, START, ULONG_MAX));
	ASSERT_FALSE(pages_in_range(START, END, START, 1UL << 52));

	return true;
}

static bool test_remap_pfn_check(void)
{
	ASSERT_EQ(remap_pfn_check(F_SHARED, START, END, START, 1, P), 0);
	ASSERT_EQ(remap_pfn_check(F_SHARED, START, END, START, 1, 1), 0);
	ASSERT_EQ(remap_pfn_check(COW, START, END, START, 1, 8 * P), 0);
	ASSERT_EQ(remap_pfn_check(COW, START, END, START, 1, 8 * P - 1), 0);
	ASSERT_EQ(remap_pfn_check(COW, START, END, START, 1, 7 * P), -EINVAL);
	ASSERT_EQ(remap_pfn_check(COW, START, END, START + P, 1, 7 * P),
		  -EINVAL);
	ASSERT_EQ(remap_pfn_check(F_SHARED, START, END, START, 1, 0), -EINVAL);
	ASSERT_EQ(remap_pfn_check(F_SHARED, START, END, START, 1, ULONG_MAX),
		  -EINVAL);
	ASSERT_EQ(remap_pfn_check(F_SHARED, START, END, START, 1, -START),
		  -EINVAL);

	return true;
}

static bool test_iomap_memory_pfn(void)
{
	unsigned long pfn = 0;

	ASSERT_EQ(iomap_memory_pfn(0x500000, 8 * P, 0, 8 * P, &pfn), 0);
	ASSERT_EQ(pfn, 0x500);
	ASSERT_EQ(iomap_memory_pfn(0x500000, 8 * P, 7, P, &pfn), 0);
	ASSERT_EQ(pfn, 0x507);
	ASSERT_EQ(iomap_memory_pfn(0x500000, 8 * P, 8, P, &pfn), -EINVAL);
	ASSERT_EQ(iomap_memory_pfn(0x500000, 8 * P, 0, 9 * P, &pfn), -EINVAL);
	ASSERT_EQ(iomap_memory_pfn(0x500000, 0, 0, P, &pfn), -EINVAL);
	ASSERT_EQ(iomap_memory_pfn(-P, P, 0, P, &pfn), -EINVAL);
	ASSERT_EQ(iomap_memory_pfn(0, ULONG_MAX, 0, P, &pfn), 0);
	ASSERT_EQ(pfn, 0);
	/* As 6.12 has it, for vm_iomap_memory() only. */
	ASSERT_EQ(iomap_memory_pfn(0x500800, 0, 0, P, &pfn), 0);
	ASSERT_EQ(pfn, 0x500);

	return true;
}

static const struct test tests[] = {
	TEST(remap),
	TEST(remap_nothing),
	TEST(remap_outside),
	TEST(remap_unaligned),
	TEST(remap_pfn),
	TEST(remap_cow),
	TEST(remap_full),
	TEST(remap_prot),
	TEST(ioremap_arch),
	TEST(simple_ioremap),
	TEST(simple_ioremap_empty),
	TEST(simple_ioremap_cow),
	TEST(kernel_pages),
	TEST(nothing),
	TEST(unknown),
	TEST(last_one_wins),
	TEST(complete_remap),
	TEST(complete_ioremap),
	TEST(complete_unprepared),
	TEST(complete_pages),
	TEST(complete_pages_fail),
	TEST(complete_page_present),
	TEST(complete_page_unusable),
	TEST(pages_in_range),
	TEST(remap_pfn_check),
	TEST(iomap_memory_pfn),
};

int main(int argc, char **argv)
{
	program_start = hook_start;

	return RUN_TESTS(tests, argc, argv);
}
