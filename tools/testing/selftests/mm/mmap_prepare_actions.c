// SPDX-License-Identifier: GPL-2.0-only
/*
 * The actions of mmap_prepare: what is mapped, what is refused, what is undone.
 *
 * Runs against drivers/misc/mmap_prepare_test.c, as root. The mmap device does
 * the same by hand, with remap_pfn_range() and its like.
 */
#include "mmap_prepare.h"

#define NR_PAGES	4

/* What /proc/self/smaps shows of each action. */
static const char *const action_flags[MPT_NR_ACTIONS] = {
	[MPT_NONE]		= "rd wr sh",
	[MPT_REMAP]		= "rd wr sh io pf de dd",
	[MPT_IOREMAP]		= "rd wr sh io pf de dd",
	[MPT_SIMPLE_IOREMAP]	= "rd wr sh io pf de dd",
	[MPT_KERNEL_PAGES]	= "rd wr sh mm",
};

static bool is_pfn_action(unsigned int type)
{
	return type != MPT_NONE && type != MPT_KERNEL_PAGES;
}

/* Set up one action for the whole mapping, and map @pages pages. */
static long map_full(int fd, unsigned int type, unsigned long nr,
		     unsigned long pages)
{
	struct mpt_setup s = { .action[0] = mpt_full(type, nr) };
	int err = mpt_setup(fd, &s);

	return err ? err : map_shared(fd, pages, 0);
}

/* Map NR_PAGES pages with one action. */
static long map_action(int fd, struct mpt_action action, int map)
{
	struct mpt_setup s = { .action[0] = action };
	int err = mpt_setup(fd, &s);

	return err ? err : map_at(0, NR_PAGES, RW, map, fd, 0);
}

/* ---- what is mapped ---- */

TEST_F(mp, whole_mapping)
{
	unsigned int type;
	struct vma vma;
	long addr;

	for (type = MPT_REMAP; type < MPT_NR_ACTIONS; type++) {
		addr = map_full(self->fd, type, 3, NR_PAGES);
		ASSERT_FALSE(IS_ERR_VALUE(addr));
		EXPECT_TRUE(is_buffer(addr, 3, NR_PAGES));
		EXPECT_TRUE(has_flags(addr, action_flags[type])) {
			TH_LOG("action %u", type);
		}
		ASSERT_TRUE(find_vma(addr, &vma));
		EXPECT_STREQ("rw-s", vma.perms);
		EXPECT_EQ(0, vma.offset);
		EXPECT_TRUE(is_one_vma(addr, NR_PAGES));

		poke(addr, type);
		EXPECT_EQ(0, unmap(addr, NR_PAGES));
		EXPECT_TRUE(unmapped(addr, NR_PAGES));

		/* It was the driver's page that was written to. */
		addr = map_full(self->fd, MPT_NONE, 0, NR_PAGES);
		ASSERT_FALSE(IS_ERR_VALUE(addr));
		EXPECT_EQ(type,
			  peek(addr + 3 * self->page));
		EXPECT_EQ(0, unmap(addr, NR_PAGES));
		ASSERT_EQ(0, ioctl(self->fd, MPT_IOC_RESET));
	}
	EXPECT_NOTHING_LEFT(self->fd);
}

TEST_F(mp, nothing_is_left_to_fault)
{
	unsigned int type;
	long addr;

	for (type = MPT_REMAP; type < MPT_NR_ACTIONS; type++) {
		addr = map_full(self->fd, type, 0, MPT_PAGES);
		ASSERT_FALSE(IS_ERR_VALUE(addr));
		EXPECT_TRUE(is_buffer(addr, 0, MPT_PAGES));
		EXPECT_EQ(0, mpt_status(self->fd).fault);
		EXPECT_EQ(type, mpt_status(self->fd).hook);
		EXPECT_EQ(type, mpt_status(self->fd).mapped);
		EXPECT_EQ(0, unmap(addr, MPT_PAGES));
	}
	EXPECT_NOTHING_LEFT(self->fd);
}

TEST_F(mp, part_of_a_mapping)
{
	unsigned int type;
	long addr;

	for (type = MPT_REMAP; type < MPT_NR_ACTIONS; type++) {
		if (type == MPT_SIMPLE_IOREMAP)
			continue;
		addr = map_action(self->fd, mpt_part(type, 1, 9, 2),
				  MAP_SHARED);
		ASSERT_FALSE(IS_ERR_VALUE(addr));
		EXPECT_TRUE(is_buffer(addr + self->page, 9, 2));
		EXPECT_TRUE(has_flags(addr, action_flags[type]));

		/* Only a mapping of pages can have others faulted in. */
		EXPECT_EQ(!is_pfn_action(type), readable(addr));
		EXPECT_EQ(!is_pfn_action(type),
			  readable(addr + 3 * self->page));
		EXPECT_TRUE(is_pfn_action(type) ||
			    (is_buffer(addr, 0, 1) &&
			     is_buffer(addr + 3 * self->page, 3, 1)));
		EXPECT_EQ(0, unmap(addr, NR_PAGES));
	}
	EXPECT_NOTHING_LEFT(self->fd);
}

TEST_F(mp, part_at_either_end)
{
	unsigned int type;
	long addr;

	for (type = MPT_REMAP; type < MPT_NR_ACTIONS; type++) {
		if (type == MPT_SIMPLE_IOREMAP)
			continue;
		addr = map_action(self->fd, mpt_part(type, 0, 7, 1),
				  MAP_SHARED);
		ASSERT_FALSE(IS_ERR_VALUE(addr));
		EXPECT_TRUE(is_buffer(addr, 7, 1));
		EXPECT_EQ(0, unmap(addr, NR_PAGES));
		addr = map_action(self->fd, mpt_part(type, 3, 7, 1),
				  MAP_SHARED);
		ASSERT_FALSE(IS_ERR_VALUE(addr));
		EXPECT_TRUE(is_buffer(addr + 3 * self->page, 7, 1));
		EXPECT_EQ(0, unmap(addr, NR_PAGES));
	}
	EXPECT_NOTHING_LEFT(self->fd);
}

TEST_F(mp, size_is_rounded_up)
{
	struct mpt_action action = mpt_part(MPT_REMAP, 1, 9, 1);
	long addr;

	action.size = self->page + 1;
	addr = map_action(self->fd, action, MAP_SHARED);
	ASSERT_FALSE(IS_ERR_VALUE(addr));
	EXPECT_TRUE(is_buffer(addr + self->page, 9, 2));
	EXPECT_FALSE(readable(addr + 3 * self->page));
	EXPECT_EQ(0, unmap(addr, NR_PAGES));

	action.size = 1;
	addr = map_action(self->fd, action, MAP_SHARED);
	ASSERT_FALSE(IS_ERR_VALUE(addr));
	EXPECT_TRUE(is_buffer(addr + self->page, 9, 1));
	EXPECT_FALSE(readable(addr + 2 * self->page));
	EXPECT_EQ(0, unmap(addr, NR_PAGES));
}

TEST_F(mp, region_begins_at_pgoff)
{
	long addr;

	self->s.action[0] = mpt_full(MPT_SIMPLE_IOREMAP, 4);
	self->s.action[0].size = 10 * self->page;
	ASSERT_EQ(0, mpt_setup(self->fd, &self->s));
	addr = map_shared(self->fd, NR_PAGES, 6);
	ASSERT_FALSE(IS_ERR_VALUE(addr));
	EXPECT_TRUE(is_buffer(addr, 10, NR_PAGES));
	EXPECT_EQ(0, unmap(addr, NR_PAGES));

	/* One page on there are only three left. */
	EXPECT_EQ(-EINVAL, map_shared(self->fd, NR_PAGES, 7));
	EXPECT_EQ(-EINVAL, map_shared(self->fd, 1, 10));
	EXPECT_EQ(-EINVAL, map_shared(self->fd, 1, 11));
	EXPECT_EQ(-EINVAL, map_shared(self->fd, 11, 0));
	EXPECT_NOTHING_LEFT(self->fd);
}

TEST_F(mp, region_begins_at_pgoff_of_the_hook)
{
	long addr;

	self->s.flags = MPT_F_PGOFF;
	self->s.pgoff = 5;
	self->s.action[0] = mpt_full(MPT_SIMPLE_IOREMAP, 0);
	ASSERT_EQ(0, mpt_setup(self->fd, &self->s));
	addr = map_shared(self->fd, NR_PAGES, 1);
	ASSERT_FALSE(IS_ERR_VALUE(addr));
	EXPECT_TRUE(is_buffer(addr, 5, NR_PAGES));
	EXPECT_EQ(0, unmap(addr, NR_PAGES));
}

TEST_F(mp, region_is_not_aligned)
{
	long addr;

	/* The page that has its first byte, and the one that has its last. */
	self->s.action[0] = mpt_full(MPT_SIMPLE_IOREMAP, 0);
	self->s.action[0].pfn = 3 * self->page - 1;
	self->s.action[0].size = 2;
	ASSERT_EQ(0, mpt_setup(self->fd, &self->s));
	addr = map_shared(self->fd, 2, 0);
	ASSERT_FALSE(IS_ERR_VALUE(addr));
	EXPECT_TRUE(is_buffer(addr, 2, 2));
	EXPECT_EQ(0, unmap(addr, 2));
	EXPECT_EQ(-EINVAL, map_shared(self->fd, 3, 0));
}

TEST_F(mp, read_only_mapping)
{
	int zero = open("/dev/zero", O_RDONLY);
	unsigned int type;
	long addr;

	for (type = MPT_REMAP; type < MPT_NR_ACTIONS; type++) {
		self->s.action[0] = mpt_full(type, 0);
		ASSERT_EQ(0, mpt_setup(self->fd, &self->s));
		addr = map_at(0, NR_PAGES, PROT_READ, MAP_SHARED, self->fd, 0);
		ASSERT_FALSE(IS_ERR_VALUE(addr));
		EXPECT_TRUE(is_buffer(addr, 0, NR_PAGES));
		EXPECT_TRUE(has_flags(addr, "rd sh"));
		EXPECT_FALSE(has_flags(addr, "wr"));
		/* What the page table says, not only the VMA. */
		EXPECT_EQ(-1, read(zero, (void *)addr, 1));
		EXPECT_EQ(EFAULT, errno);
		EXPECT_TRUE(is_buffer(addr, 0, NR_PAGES));
		EXPECT_EQ(0, unmap(addr, NR_PAGES));
	}
	EXPECT_NOTHING_LEFT(self->fd);
}

TEST_F(mp, hidden_from_rmap)
{
	unsigned int type;
	long addr;

	if (!variant->prepare)
		SKIP(return, ".mmap cannot ask for it");
	self->s.flags = MPT_F_HIDE;
	for (type = MPT_NONE; type < MPT_NR_ACTIONS; type++) {
		self->s.action[0] = mpt_full(type, 0);
		ASSERT_EQ(0, mpt_setup(self->fd, &self->s));
		addr = map_shared(self->fd, NR_PAGES, 0);
		ASSERT_FALSE(IS_ERR_VALUE(addr));
		EXPECT_TRUE(is_buffer(addr, 0, NR_PAGES));
		EXPECT_EQ(0, unmap(addr, NR_PAGES));
	}
	EXPECT_NOTHING_LEFT(self->fd);

	/* The lock is dropped where the mapping is undone. */
	ASSERT_EQ(0, ioctl(self->fd, MPT_IOC_RESET));
	self->s.mapped_ret = -EIO;
	ASSERT_EQ(0, mpt_setup(self->fd, &self->s));
	EXPECT_EQ(-EIO, map_shared(self->fd, NR_PAGES, 0));
	self->s.flags |= MPT_F_BAD_PAGE;
	ASSERT_EQ(0, mpt_setup(self->fd, &self->s));
	EXPECT_EQ(-EINVAL, map_shared(self->fd, NR_PAGES, 0));
	EXPECT_NEVER_OPENED(self->fd);
	ASSERT_EQ(0, mpt_setup_none(self->fd));
	EXPECT_FALSE(IS_ERR_VALUE(map_shared(self->fd, NR_PAGES, 0)));
}

/* ---- copy on write ---- */

TEST_F(mp, private_mapping_of_pfns)
{
	unsigned int type;
	uint64_t pfn = mpt_status(self->fd).pfn;
	struct vma vma;
	long addr;

	for (type = MPT_REMAP; type <= MPT_SIMPLE_IOREMAP; type++) {
		addr = map_action(self->fd, mpt_full(type, 2), MAP_PRIVATE);
		ASSERT_FALSE(IS_ERR_VALUE(addr));
		EXPECT_TRUE(is_buffer(addr, 2, NR_PAGES));
		/* The offset is how mm knows which pages are copies. */
		ASSERT_TRUE(find_vma(addr, &vma));
		EXPECT_EQ((pfn + 2) * self->page, vma.offset);
		EXPECT_STREQ("rw-p", vma.perms);

		poke(addr, 1);
		EXPECT_EQ(1, peek(addr));
		EXPECT_TRUE(is_buffer(addr + self->page, 3, NR_PAGES - 1));
		EXPECT_EQ(0, unmap(addr, NR_PAGES));

		addr = map_full(self->fd, type, 2, NR_PAGES);
		ASSERT_FALSE(IS_ERR_VALUE(addr));
		EXPECT_TRUE(is_buffer(addr, 2, NR_PAGES));
		EXPECT_EQ(0, unmap(addr, NR_PAGES));
	}
	EXPECT_NOTHING_LEFT(self->fd);
}

/*
 * mm finds the mappings of a part of a file by their offset, and sorts them when
 * they are linked to the file. That the offset is the PFN has to be known then:
 * a hole in the file, there, takes what is mapped.
 */
TEST_F(mp, private_mapping_is_sorted_by_pfn)
{
	const int mode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
	off_t at = mpt_status(self->fd).pfn * self->page;
	off_t len = NR_PAGES * self->page;
	int fd = memfd_create("donated", MFD_CLOEXEC);
	long addr;

	ASSERT_EQ(0, ftruncate(fd, at + len));
	self->s.flags = MPT_F_DONATE;
	self->s.donate_fd = fd;
	self->s.private_data = 1;
	self->s.action[0] = mpt_full(MPT_REMAP, 0);
	ASSERT_EQ(0, mpt_setup(self->fd, &self->s));
	addr = map_private(self->fd, NR_PAGES, 0);
	ASSERT_FALSE(IS_ERR_VALUE(addr));

	EXPECT_EQ(0, fallocate(fd, mode, 0, len));
	EXPECT_TRUE(is_buffer(addr, 0, NR_PAGES));
	EXPECT_EQ(0, fallocate(fd, mode, at, len));
	EXPECT_FALSE(readable(addr));
	EXPECT_EQ(0, unmap(addr, NR_PAGES));
	EXPECT_NOTHING_LEFT(self->fd);
	close(fd);
}

TEST_F(mp, private_mapping_of_pages)
{
	long addr = map_action(self->fd, mpt_full(MPT_KERNEL_PAGES, 2),
			       MAP_PRIVATE);

	ASSERT_FALSE(IS_ERR_VALUE(addr));
	EXPECT_TRUE(is_buffer(addr, 2, NR_PAGES));
	poke(addr, 1);
	EXPECT_EQ(1, peek(addr));
	EXPECT_EQ(0, unmap(addr, NR_PAGES));
	addr = map_full(self->fd, MPT_NONE, 0, NR_PAGES);
	EXPECT_TRUE(is_buffer(addr, 0, NR_PAGES));
	EXPECT_EQ(0, unmap(addr, NR_PAGES));
	EXPECT_NOTHING_LEFT(self->fd);
}

TEST_F(mp, private_mapping_in_part)
{
	struct mpt_action action;
	unsigned int type;
	long addr;

	for (type = MPT_REMAP; type <= MPT_IOREMAP; type++) {
		EXPECT_EQ(-EINVAL, map_action(self->fd, mpt_part(type, 0, 0, 3),
					      MAP_PRIVATE));
		EXPECT_EQ(-EINVAL, map_action(self->fd, mpt_part(type, 1, 0, 3),
					      MAP_PRIVATE));
	}
	EXPECT_NEVER_OPENED(self->fd);

	/* Not a page too little: rounded up it is the whole. */
	action = mpt_part(MPT_REMAP, 0, 0, NR_PAGES);
	action.size -= self->page - 1;
	addr = map_action(self->fd, action, MAP_PRIVATE);
	ASSERT_FALSE(IS_ERR_VALUE(addr));
	EXPECT_TRUE(is_buffer(addr, 0, NR_PAGES));
	EXPECT_EQ(0, unmap(addr, NR_PAGES));

	/* What can never be written is not copied. */
	self->s.action[0] = mpt_part(MPT_REMAP, 1, 1, 1);
	self->s.clear_flags = VM_MAYWRITE;
	ASSERT_EQ(0, mpt_setup(self->fd, &self->s));
	addr = map_at(0, NR_PAGES, PROT_READ, MAP_PRIVATE, self->fd, 0);
	ASSERT_FALSE(IS_ERR_VALUE(addr));
	EXPECT_TRUE(is_buffer(addr + self->page, 1, 1));
	EXPECT_EQ(0, unmap(addr, NR_PAGES));
}

/* ---- what is refused ---- */

struct bad_range {
	struct mpt_action action;
	int err;
};

/* Each fails alone for its range, and leaves nothing. */
static void refuse_ranges(struct __test_metadata *_metadata, int fd,
			  const struct bad_range *rows, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		EXPECT_EQ(rows[i].err,
			  map_action(fd, rows[i].action, MAP_SHARED)) {
			TH_LOG("row %u: action %u flags 0x%x start 0x%llx pfn 0x%llx size 0x%llx",
			       i, rows[i].action.type, rows[i].action.flags,
			       (unsigned long long)rows[i].action.start,
			       (unsigned long long)rows[i].action.pfn,
			       (unsigned long long)rows[i].action.size);
		}
	EXPECT_EQ(nr, mpt_status(fd).hook);
	EXPECT_NEVER_OPENED(fd);
}

static struct mpt_action raw(unsigned int type, unsigned long start,
			     unsigned long pfn, unsigned long size)
{
	return (struct mpt_action){
		.type = type,
		.start = start,
		.pfn = pfn,
		.size = size,
	};
}

static struct mpt_action raw_abs(unsigned int type, unsigned long start,
				 unsigned long pfn, unsigned long size)
{
	struct mpt_action action = raw(type, start, pfn, size);

	action.flags = MPT_A_ABS_START;
	return action;
}

TEST_F(mp, bad_ranges_of_pfns)
{
	const unsigned long page = self->page;
	unsigned int type;

	for (type = MPT_REMAP; type <= MPT_IOREMAP; type++) {
		const struct bad_range rows[] = {
			/* outside by a page, at either end, and by a byte */
			{ raw(type, -page, 0, page), -EFAULT },
			{ raw(type, -page, 0, 2 * page), -EFAULT },
			{ raw(type, NR_PAGES * page, 0, page), -EFAULT },
			{ raw(type, 3 * page, 0, 2 * page), -EFAULT },
			{ raw(type, 0, 0, NR_PAGES * page + 1), -EFAULT },
			{ raw(type, 3 * page, 0, page + 1), -EFAULT },
			{ raw(type, 0, 0, (NR_PAGES + 1) * page), -EFAULT },
			/* nowhere near */
			{ raw_abs(type, 0, 0, page), -EFAULT },
			{ raw_abs(type, 0x10000, 0, page), -EFAULT },
			{ raw_abs(type, -page, 0, page), -EFAULT },
			/* nothing at all */
			{ raw(type, 0, 0, 0), -EINVAL },
			{ raw(type, 2 * page, 0, 0), -EINVAL },
			/* not at a page */
			{ raw(type, 1, 0, page), -EINVAL },
			{ raw(type, page / 2, 0, page), -EINVAL },
		};

		ASSERT_EQ(0, ioctl(self->fd, MPT_IOC_RESET));
		refuse_ranges(_metadata, self->fd, rows, ARRAY_SIZE(rows));
	}
}

/* Whether such a range wraps, is empty or lies outside: it is refused. */
TEST_F(mp, wrapping_ranges)
{
	const unsigned long page = self->page;
	unsigned int type;
	long err;

	if (!variant->prepare)
		SKIP(return, "remap_pfn_range() trusts its caller");
	for (type = MPT_REMAP; type <= MPT_IOREMAP; type++) {
		const struct mpt_action rows[] = {
			raw(type, 0, 0, -1UL),
			raw(type, 0, 0, -page),
			raw(type, page, 0, -page),
			raw(type, page, 0, -page + 1),
			raw(type, page, 0, -2 * page),
			raw_abs(type, -page, 0, 2 * page),
			raw_abs(type, -page, 0, -page),
			raw(type, 0, -1UL, -1UL),
		};
		unsigned int i;

		ASSERT_EQ(0, ioctl(self->fd, MPT_IOC_RESET));
		for (i = 0; i < ARRAY_SIZE(rows); i++) {
			err = map_action(self->fd, rows[i], MAP_SHARED);
			EXPECT_TRUE(err == -EINVAL || err == -EFAULT) {
				TH_LOG("row %u of action %u: %ld", i, type,
				       err);
			}
		}
		EXPECT_NEVER_OPENED(self->fd);
	}
}

TEST_F(mp, wrapping_pfns)
{
	struct mpt_action action;
	unsigned int type;

	if (!variant->prepare)
		SKIP(return, "remap_pfn_range() trusts its caller");
	for (type = MPT_REMAP; type <= MPT_IOREMAP; type++) {
		action = raw(type, 0, -1UL, 2 * self->page);
		action.flags = MPT_A_ABS_PFN;
		EXPECT_EQ(-EINVAL, map_action(self->fd, action, MAP_SHARED));
		action = raw(type, 0, -1UL - 2, NR_PAGES * self->page);
		action.flags = MPT_A_ABS_PFN;
		EXPECT_EQ(-EINVAL, map_action(self->fd, action, MAP_SHARED));
		action = mpt_full(type, -1UL);
		action.flags |= MPT_A_ABS_PFN;
		EXPECT_EQ(-EINVAL, map_action(self->fd, action, MAP_SHARED));
	}
	EXPECT_NEVER_OPENED(self->fd);
}

TEST_F(mp, bad_regions)
{
	const unsigned long page = self->page;
	const struct bad_range rows[] = {
		/* shorter than the mapping, by a page and by all */
		{ raw(MPT_SIMPLE_IOREMAP, 0, 0, 3 * page), -EINVAL },
		{ raw(MPT_SIMPLE_IOREMAP, 0, 0, 0), -EINVAL },
		{ raw(MPT_SIMPLE_IOREMAP, 0, 0, 1), -EINVAL },
		{ { .type = MPT_SIMPLE_IOREMAP, .flags = MPT_A_ABS_PFN,
		    .pfn = -page, .size = 2 * page }, -EINVAL },
		{ { .type = MPT_SIMPLE_IOREMAP, .flags = MPT_A_ABS_PFN,
		    .pfn = -1UL, .size = NR_PAGES * page }, -EINVAL },
		{ { .type = MPT_SIMPLE_IOREMAP, .flags = MPT_A_ABS_PFN,
		    .pfn = 1, .size = -1UL }, -EINVAL },
	};

	refuse_ranges(_metadata, self->fd, rows, ARRAY_SIZE(rows));
}

TEST_F(mp, bad_ranges_of_pages)
{
	const unsigned long page = self->page;
	const unsigned int type = MPT_KERNEL_PAGES;
	const struct bad_range rows[] = {
		{ raw(type, -page, 0, 1), -EFAULT },
		{ raw(type, -page, 0, 2), -EFAULT },
		{ raw(type, NR_PAGES * page, 0, 1), -EFAULT },
		{ raw(type, 3 * page, 0, 2), -EFAULT },
		{ raw(type, 0, 0, NR_PAGES + 1), -EFAULT },
		{ raw_abs(type, 0, 0, 1), -EFAULT },
		{ raw_abs(type, -page, 0, 1), -EFAULT },
		{ raw(type, 0, 0, 0), -EINVAL },
		{ raw(type, 1, 0, 1), -EINVAL },
	};

	refuse_ranges(_metadata, self->fd, rows, ARRAY_SIZE(rows));
}

TEST_F(mp, wrapping_numbers_of_pages)
{
	const unsigned long page = self->page;
	const unsigned int type = MPT_KERNEL_PAGES;
	const struct mpt_action rows[] = {
		raw(type, 0, 0, -1UL),
		raw(type, 0, 0, -1UL / page),
		raw(type, 0, 0, -1UL / page + 1),
		raw(type, 0, 0, -1UL / page + 2),
		raw(type, page, 0, -1UL / page + 1),
		raw(type, 0, 0, 1UL << (8 * sizeof(long) - 1)),
	};
	unsigned int i;
	long err;

	if (!variant->prepare)
		SKIP(return, "vm_insert_pages() trusts its caller");
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		err = map_action(self->fd, rows[i], MAP_SHARED);
		EXPECT_TRUE(err == -EINVAL || err == -EFAULT) {
			TH_LOG("row %u: %ld", i, err);
		}
	}
	EXPECT_NEVER_OPENED(self->fd);
}

/* ---- what fails half way ---- */

TEST_F(mp, page_without_reference)
{
	unsigned int i;
	const unsigned int at[] = { 0, 1, 7, 8, 9, 15, 31 };

	self->s.flags = MPT_F_BAD_PAGE;
	self->s.action[0] = mpt_full(MPT_KERNEL_PAGES, 0);
	for (i = 0; i < ARRAY_SIZE(at); i++) {
		self->s.bad_page = at[i];
		ASSERT_EQ(0, mpt_setup(self->fd, &self->s));
		EXPECT_EQ(-EINVAL, map_shared(self->fd, MPT_PAGES, 0));
		EXPECT_NEVER_OPENED(self->fd);
	}
	self->s.error_filter = -ENXIO;
	ASSERT_EQ(0, mpt_setup(self->fd, &self->s));
	EXPECT_EQ(-ENXIO, map_shared(self->fd, MPT_PAGES, 0));
	EXPECT_EQ(0, mpt_status(self->fd).mapped_failed);
	EXPECT_NEVER_OPENED(self->fd);

	/* One that the action does not come to does no harm. */
	self->s.action[0] = mpt_part(MPT_KERNEL_PAGES, 0, 0, NR_PAGES);
	ASSERT_EQ(0, mpt_setup(self->fd, &self->s));
	EXPECT_FALSE(IS_ERR_VALUE(map_shared(self->fd, NR_PAGES, 0)));
}

TEST_F(mp, page_is_there_already)
{
	unsigned int i;
	const unsigned int at[] = { 0, 1, 7, 8, 9, 15, 31 };

	if (!variant->mmap)
		SKIP(return, "no VMA to put a page into before");
	self->s.flags = MPT_F_PRESENT;
	self->s.action[0] = mpt_full(MPT_KERNEL_PAGES, 0);
	for (i = 0; i < ARRAY_SIZE(at); i++) {
		self->s.bad_page = at[i];
		ASSERT_EQ(0, mpt_setup(self->fd, &self->s));
		EXPECT_EQ(-EBUSY, map_shared(self->fd, MPT_PAGES, 0));
		EXPECT_NEVER_OPENED(self->fd);
	}
	self->s.error_filter = -EAGAIN;
	ASSERT_EQ(0, mpt_setup(self->fd, &self->s));
	EXPECT_EQ(-EAGAIN, map_shared(self->fd, MPT_PAGES, 0));
	EXPECT_NEVER_OPENED(self->fd);
}

/* ---- hooks that change their mind ---- */

TEST_F(mp, last_action_wins)
{
	unsigned int first, last;
	long addr;

	for (first = MPT_REMAP; first < MPT_NR_ACTIONS; first++) {
		for (last = MPT_REMAP; last < MPT_NR_ACTIONS; last++) {
			self->s.action[0] = mpt_full(first, 20);
			self->s.action[1] = mpt_full(last, 1);
			ASSERT_EQ(0, mpt_setup(self->fd, &self->s));
			addr = map_shared(self->fd, NR_PAGES, 0);
			ASSERT_FALSE(IS_ERR_VALUE(addr));
			EXPECT_TRUE(is_buffer(addr, 1, NR_PAGES));
			EXPECT_TRUE(has_flags(addr, action_flags[last]));
			EXPECT_EQ(is_pfn_action(last), has_flags(addr, "pf"));
			EXPECT_EQ(!is_pfn_action(last), has_flags(addr, "mm"));
			EXPECT_EQ(0, unmap(addr, NR_PAGES));
		}
	}
	EXPECT_NOTHING_LEFT(self->fd);
}

TEST_F(mp, bad_action_is_overwritten)
{
	long addr;

	self->s.action[0] = mpt_part(MPT_REMAP, 0, 0, 0);
	self->s.action[1] = mpt_full(MPT_KERNEL_PAGES, 0);
	ASSERT_EQ(0, mpt_setup(self->fd, &self->s));
	addr = map_shared(self->fd, NR_PAGES, 0);
	ASSERT_FALSE(IS_ERR_VALUE(addr));
	EXPECT_TRUE(is_buffer(addr, 0, NR_PAGES));
	EXPECT_EQ(0, unmap(addr, NR_PAGES));

	self->s.action[1] = self->s.action[0];
	self->s.action[0] = mpt_full(MPT_KERNEL_PAGES, 0);
	ASSERT_EQ(0, mpt_setup(self->fd, &self->s));
	EXPECT_EQ(-EINVAL, map_shared(self->fd, NR_PAGES, 0));
	EXPECT_NOTHING_LEFT(self->fd);
}

TEST_F(mp, flags_of_an_action_stay)
{
	unsigned int type;
	long addr;

	if (!variant->prepare)
		SKIP(return, ".mmap has no such step");
	for (type = MPT_REMAP; type < MPT_NR_ACTIONS; type++) {
		self->s.flags = MPT_F_EARLY_PREPARE;
		self->s.clear_flags = VM_IO | VM_PFNMAP | VM_DONTEXPAND |
				      VM_DONTDUMP | VM_MIXEDMAP;
		self->s.action[0] = mpt_full(type, 0);
		ASSERT_EQ(0, mpt_setup(self->fd, &self->s));
		addr = map_shared(self->fd, NR_PAGES, 0);
		ASSERT_FALSE(IS_ERR_VALUE(addr));
		EXPECT_TRUE(is_buffer(addr, 0, NR_PAGES));
		EXPECT_TRUE(has_flags(addr, action_flags[type]));
		EXPECT_EQ(0, unmap(addr, NR_PAGES));
	}
	EXPECT_NOTHING_LEFT(self->fd);
}

TEST_F(mp, action_is_prepared_twice)
{
	unsigned int type;
	struct vma vma;
	long addr;

	if (!variant->prepare)
		SKIP(return, ".mmap has no such step");
	self->s.flags = MPT_F_EARLY_PREPARE;
	for (type = MPT_REMAP; type <= MPT_SIMPLE_IOREMAP; type++) {
		self->s.action[0] = mpt_full(type, 2);
		ASSERT_EQ(0, mpt_setup(self->fd, &self->s));
		addr = map_private(self->fd, NR_PAGES, 0);
		ASSERT_FALSE(IS_ERR_VALUE(addr));
		EXPECT_TRUE(is_buffer(addr, 2, NR_PAGES));
		ASSERT_TRUE(find_vma(addr, &vma));
		EXPECT_EQ((mpt_status(self->fd).pfn + 2) * self->page,
			  vma.offset);
		EXPECT_EQ(0, unmap(addr, NR_PAGES));
	}

	/* At an offset, which the region's beginning is counted from once. */
	addr = map_shared(self->fd, NR_PAGES, 3);
	ASSERT_FALSE(IS_ERR_VALUE(addr));
	EXPECT_TRUE(is_buffer(addr, 5, NR_PAGES));
	EXPECT_EQ(0, unmap(addr, NR_PAGES));
}

/* ---- life of such a mapping ---- */

static bool child_work(long addr)
{
	if (!is_buffer(addr, 0, NR_PAGES))
		return false;
	poke(addr, 77);
	return true;
}

static int in_child(long addr)
{
	int status = -1;
	pid_t pid = fork();

	if (!pid)
		_exit(child_work(addr) ? 0 : 1);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return -1;
	return status;
}

TEST_F(mp, fork_shares)
{
	unsigned int type;
	long addr;

	for (type = MPT_REMAP; type < MPT_NR_ACTIONS; type++) {
		ASSERT_EQ(0, ioctl(self->fd, MPT_IOC_RESET));
		addr = map_full(self->fd, type, 0, NR_PAGES);
		ASSERT_FALSE(IS_ERR_VALUE(addr));
		EXPECT_EQ(0, in_child(addr));
		EXPECT_EQ(77, peek(addr));
		EXPECT_EQ(1, mpt_status(self->fd).open);
		EXPECT_EQ(1, mpt_status(self->fd).close);
		EXPECT_EQ(0, unmap(addr, NR_PAGES));
		EXPECT_NOTHING_LEFT(self->fd);
	}
}

TEST_F(mp, fork_copies)
{
	unsigned int type;
	long addr;

	for (type = MPT_REMAP; type < MPT_NR_ACTIONS; type++) {
		addr = map_action(self->fd, mpt_full(type, 0), MAP_PRIVATE);
		ASSERT_FALSE(IS_ERR_VALUE(addr));
		EXPECT_EQ(0, in_child(addr));
		EXPECT_TRUE(is_buffer(addr, 0, NR_PAGES));
		EXPECT_EQ(0, unmap(addr, NR_PAGES));
	}
	EXPECT_NOTHING_LEFT(self->fd);
}

TEST_F(mp, mremap)
{
	unsigned long len = NR_PAGES * self->page;
	unsigned int type;
	long addr;
	void *p;

	for (type = MPT_REMAP; type < MPT_NR_ACTIONS; type++) {
		addr = map_full(self->fd, type, 0, NR_PAGES);
		ASSERT_FALSE(IS_ERR_VALUE(addr));
		if (is_pfn_action(type)) {
			p = mremap((void *)addr, len, 2 * len, MREMAP_MAYMOVE);
			EXPECT_EQ(MAP_FAILED, p);
			EXPECT_EQ(EFAULT, errno);
		}
		/* To another place it may go. */
		p = mremap((void *)addr, len, len,
			   MREMAP_MAYMOVE | MREMAP_FIXED,
			   (void *)map_filled(NR_PAGES, 0));
		ASSERT_NE(MAP_FAILED, p);
		EXPECT_TRUE(is_buffer((long)p, 0, NR_PAGES));
		EXPECT_TRUE(unmapped(addr, NR_PAGES));
		EXPECT_EQ(0, unmap((long)p, NR_PAGES));
	}
	EXPECT_NOTHING_LEFT(self->fd);
}

TEST_F(mp, partial_munmap)
{
	unsigned int type;
	long addr;

	for (type = MPT_REMAP; type < MPT_NR_ACTIONS; type++) {
		ASSERT_EQ(0, ioctl(self->fd, MPT_IOC_RESET));
		addr = map_full(self->fd, type, 0, NR_PAGES);
		ASSERT_FALSE(IS_ERR_VALUE(addr));
		EXPECT_EQ(0, unmap(addr + self->page, 2));
		EXPECT_TRUE(unmapped(addr + self->page, 2));
		EXPECT_TRUE(is_buffer(addr, 0, 1));
		EXPECT_TRUE(is_buffer(addr + 3 * self->page, 3, 1));
		EXPECT_EQ(type == MPT_KERNEL_PAGES ? 2 : 0,
			  mpt_status(self->fd).pages_mapped);
		EXPECT_EQ(0, unmap(addr, NR_PAGES));
		EXPECT_NOTHING_LEFT(self->fd);
	}
}

TEST_F(mp, madvise)
{
	unsigned int type;
	long addr;

	for (type = MPT_REMAP; type < MPT_NR_ACTIONS; type++) {
		addr = map_full(self->fd, type, 0, NR_PAGES);
		ASSERT_FALSE(IS_ERR_VALUE(addr));
		/* There is nobody who could bring PFNs back. */
		EXPECT_EQ(is_pfn_action(type) ? -1 : 0,
			  madvise((void *)addr, self->page, MADV_DONTNEED));
		EXPECT_EQ(0, madvise((void *)addr, self->page, MADV_DONTFORK));
		EXPECT_TRUE(has_flags(addr, "dc"));
		EXPECT_EQ(is_pfn_action(type) ? -1 : 0,
			  madvise((void *)addr, self->page, MADV_DOFORK));
		EXPECT_TRUE(is_buffer(addr, 0, NR_PAGES));
		EXPECT_EQ(0, unmap(addr, NR_PAGES));
	}
	EXPECT_NOTHING_LEFT(self->fd);
}

TEST_F(mp, locked)
{
	unsigned int type;
	long addr;

	for (type = MPT_REMAP; type <= MPT_SIMPLE_IOREMAP; type++) {
		self->s.action[0] = mpt_full(type, 0);
		ASSERT_EQ(0, mpt_setup(self->fd, &self->s));
		addr = map_at(0, NR_PAGES, RW, MAP_SHARED | MAP_LOCKED,
			      self->fd, 0);
		ASSERT_FALSE(IS_ERR_VALUE(addr));
		EXPECT_FALSE(has_flags(addr, "lo"));
		EXPECT_EQ(0, proc_value("/proc/self/status", "VmLck"));
		EXPECT_EQ(0, unmap(addr, NR_PAGES));
	}
	EXPECT_EQ(0, proc_value("/proc/self/status", "VmLck"));
}

/* ---- x86 memory types ---- */

/* PFN of some device's registers, as /proc/iomem has it; 0 if there is none. */
static unsigned long device_pfn(void)
{
	FILE *f = fopen("/proc/iomem", "r");
	unsigned long long start, end, found = 0;
	char line[256], name[128];

	if (!f)
		return 0;
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, " %llx-%llx : %127[^\n]", &start, &end,
			   name) != 3)
			continue;
		if (strstr(name, "HPET") || strstr(name, "IOAPIC"))
			found = start;
	}
	fclose(f);
	return found / page_size();
}

static long map_device(int fd, struct mpt_setup *s, unsigned int prot,
		       unsigned long pfn)
{
	int err;

	s->prot = prot;
	s->action[0] = (struct mpt_action){
		.type = MPT_IOREMAP,
		.flags = MPT_A_FULL | MPT_A_ABS_PFN,
		.pfn = pfn,
	};
	err = mpt_setup(fd, s);
	return err ? err : map_at(0, 1, PROT_READ, MAP_SHARED, fd, 0);
}

TEST_F(mp, memory_types_are_tracked)
{
	unsigned long pfn = device_pfn();
	char before[8192], during[8192], after[8192];
	long addr;

	if (!pfn)
		SKIP(return, "no HPET or IOAPIC in /proc/iomem");
	read_memtypes(before, sizeof(before));
	if (!before[0])
		SKIP(return, "no " MEMTYPES);

	addr = map_device(self->fd, &self->s, MPT_PROT_NONCACHED, pfn);
	ASSERT_FALSE(IS_ERR_VALUE(addr));
	read_memtypes(during, sizeof(during));
	EXPECT_EQ(0, unmap(addr, 1));
	read_memtypes(after, sizeof(after));
	EXPECT_STREQ(before, after);
	EXPECT_STRNE(before, during);

	/* A failure behind the action gives it back, too. */
	self->s.mapped_ret = -EIO;
	EXPECT_EQ(-EIO, map_device(self->fd, &self->s, MPT_PROT_NONCACHED,
				   pfn));
	read_memtypes(after, sizeof(after));
	EXPECT_STREQ(before, after);
}

TEST_F(mp, memory_types_conflict)
{
	/* Nothing decodes this, but nothing reads it. */
	unsigned long pfn = 0x7f00000000ULL / self->page;
	char before[8192], during[8192], after[8192];
	long addr;

	read_memtypes(before, sizeof(before));
	if (!before[0])
		SKIP(return, "no " MEMTYPES);
	addr = map_device(self->fd, &self->s, MPT_PROT_LEAVE, pfn);
	ASSERT_FALSE(IS_ERR_VALUE(addr));
	read_memtypes(during, sizeof(during));
	EXPECT_STRNE(before, during);

	/* Write-combining cannot be had where write-back is. */
	EXPECT_EQ(-EINVAL, map_device(self->fd, &self->s,
				      MPT_PROT_WRITECOMBINE, pfn));
	self->s.error_filter = -EAGAIN;
	EXPECT_EQ(-EAGAIN, map_device(self->fd, &self->s,
				      MPT_PROT_WRITECOMBINE, pfn));
	read_memtypes(after, sizeof(after));
	EXPECT_STREQ(during, after);
	EXPECT_EQ(0, unmap(addr, 1));
	read_memtypes(after, sizeof(after));
	EXPECT_STREQ(before, after);
	EXPECT_NOTHING_LEFT(self->fd);
}

TEST_HARNESS_MAIN
