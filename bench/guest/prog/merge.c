// SPDX-License-Identifier: GPL-2.0-only
/* How many VMAs two neighbours make, as 6.12 does. */
#include "guest.h"
#include "kselftest_harness.h"

#define RW (PROT_READ | PROT_WRITE)

/* VMAs of two one-page mappings side by side, the second at offset off. */
static int pair_of(int fd, int fd2, int flags, int flags2, int prot2, off_t off,
		   bool downwards)
{
	char *p = arena(2 * PG), *first = p, *second = p + PG, *tmp;
	off_t off1 = 4 * PG;
	int nr;

	if (downwards) {
		tmp = first;
		first = second;
		second = tmp;
		off = -off;
	}
	if (mmap(first, PG, RW, flags | MAP_FIXED, fd, fd < 0 ? 0 : off1) !=
	    first)
		die("first of a pair");
	if (mmap(second, PG, prot2, flags2 | MAP_FIXED, fd2,
		 fd2 < 0 ? 0 : off1 + off) != second)
		die("second of a pair");
	nr = nr_vmas(p, 2 * PG);
	munmap(p - PG, 4 * PG);
	return nr;
}

static int pair(int fd, int flags, off_t off, bool downwards)
{
	return pair_of(fd, fd, flags, flags, RW, off, downwards);
}

FIXTURE(merge) {
	int fd;
	int flags;
};

FIXTURE_VARIANT(merge) {
	int kind;
	int flags;
	int contiguous;	/* VMAs when the offsets follow each other */
	int same;	/* VMAs when they are the same */
};

enum { ZERO, TMPFS, UNLINKED, MEMFD, ANON };

FIXTURE_VARIANT_ADD(merge, zero_private) {
	ZERO, MAP_PRIVATE, 1, 2
};
FIXTURE_VARIANT_ADD(merge, zero_shared) {
	ZERO, MAP_SHARED, 2, 2
};
FIXTURE_VARIANT_ADD(merge, tmpfs_private) {
	TMPFS, MAP_PRIVATE, 1, 2
};
FIXTURE_VARIANT_ADD(merge, tmpfs_shared) {
	TMPFS, MAP_SHARED, 1, 2
};
FIXTURE_VARIANT_ADD(merge, unlinked_shared) {
	UNLINKED, MAP_SHARED, 1, 2
};
FIXTURE_VARIANT_ADD(merge, memfd_private) {
	MEMFD, MAP_PRIVATE, 1, 2
};
FIXTURE_VARIANT_ADD(merge, memfd_shared) {
	MEMFD, MAP_SHARED, 1, 2
};
FIXTURE_VARIANT_ADD(merge, anon_private) {
	ANON, MAP_PRIVATE | MAP_ANONYMOUS, 1, 1
};
FIXTURE_VARIANT_ADD(merge, anon_shared) {
	ANON, MAP_SHARED | MAP_ANONYMOUS, 2, 2
};

static int open_kind(int kind)
{
	switch (kind) {
	case ZERO:
		return open("/dev/zero", O_RDWR);
	case TMPFS:
		return tmpfs_file("merge", 16 * PG, false);
	case UNLINKED:
		return tmpfs_file("merge", 16 * PG, true);
	case MEMFD:
		return memfd_sized("merge", 16 * PG);
	}
	return -1;
}

FIXTURE_SETUP(merge)
{
	self->fd = open_kind(variant->kind);
	self->flags = variant->flags;
}

FIXTURE_TEARDOWN(merge)
{
	if (self->fd >= 0)
		close(self->fd);
}

TEST_F(merge, upwards)
{
	EXPECT_EQ(variant->contiguous, pair(self->fd, self->flags, PG, false));
	EXPECT_EQ(variant->same, pair(self->fd, self->flags, 0, false));
}

TEST_F(merge, downwards)
{
	EXPECT_EQ(variant->contiguous, pair(self->fd, self->flags, PG, true));
	EXPECT_EQ(variant->same, pair(self->fd, self->flags, 0, true));
}

TEST_F(merge, other_flags)
{
	EXPECT_EQ(2, pair_of(self->fd, self->fd, self->flags, self->flags,
			     PROT_READ, PG, false));
	EXPECT_EQ(2, pair_of(self->fd, self->fd, self->flags,
			     self->flags ^ (MAP_SHARED | MAP_PRIVATE), RW, PG,
			     false));
}

/* The page between two mappings joins them. */
TEST_F(merge, hole_filled)
{
	char *p = arena(3 * PG);
	static const int order[] = { 0, 2, 1 };
	int i;

	for (i = 0; i < 3; i++)
		ASSERT_EQ(p + order[i] * PG,
			  mmap(p + order[i] * PG, PG, RW,
			       self->flags | MAP_FIXED, self->fd,
			       self->fd < 0 ? 0 : order[i] * PG));
	EXPECT_EQ(variant->contiguous == 1 ? 1 : 3, nr_vmas(p, 3 * PG));
	if (variant->contiguous == 1) {
		EXPECT_EQ((unsigned long)p, vma_at(p + PG).start);
		EXPECT_EQ((unsigned long)p + 3 * PG, vma_at(p + PG).end);
	}
}

/* A mapping over the middle of an equal one leaves one VMA, of others three. */
TEST_F(merge, over_the_middle)
{
	char *p = arena(3 * PG);

	ASSERT_EQ(p, mmap(p, 3 * PG, RW, self->flags | MAP_FIXED, self->fd, 0));
	ASSERT_EQ(p + PG, mmap(p + PG, PG, RW, self->flags | MAP_FIXED, self->fd,
			       self->fd < 0 ? 0 : PG));
	EXPECT_EQ(variant->contiguous == 1 ? 1 : 3, nr_vmas(p, 3 * PG));
	EXPECT_EQ(0, munmap(p, 3 * PG));
}

/* A page that was written does not keep neighbours apart. */
TEST_F(merge, after_a_write)
{
	char *p = arena(2 * PG);

	ASSERT_EQ(p, mmap(p, PG, RW, self->flags | MAP_FIXED, self->fd, 0));
	p[0] = 1;
	ASSERT_EQ(p + PG, mmap(p + PG, PG, RW, self->flags | MAP_FIXED, self->fd,
			       self->fd < 0 ? 0 : PG));
	EXPECT_EQ(variant->contiguous, nr_vmas(p, 2 * PG));
	EXPECT_EQ(1, p[0]);
	if (variant->contiguous == 1)
		EXPECT_EQ(0, p[PG]);
}

/* Two descriptions of one file are two files. */
TEST(two_descriptors)
{
	int zero = open("/dev/zero", O_RDWR), zero2 = open("/dev/zero", O_RDWR);
	int file = tmpfs_file("two", 16 * PG, false);
	int file2 = open("/tmp/two", O_RDWR);

	EXPECT_EQ(2, pair_of(zero, zero2, MAP_PRIVATE, MAP_PRIVATE, RW, PG,
			     false));
	EXPECT_EQ(1, pair_of(zero, dup(zero), MAP_PRIVATE, MAP_PRIVATE, RW, PG,
			     false));
	EXPECT_EQ(2, pair_of(file, file2, MAP_SHARED, MAP_SHARED, RW, PG,
			     false));
	EXPECT_EQ(1, pair_of(file, dup(file), MAP_SHARED, MAP_SHARED, RW, PG,
			     false));
}

/* Private /dev/zero is anonymous, yet a file's: not the neighbour of plain. */
TEST(zero_and_anonymous)
{
	int zero = open("/dev/zero", O_RDWR);

	EXPECT_EQ(2, pair_of(zero, -1, MAP_PRIVATE, MAP_PRIVATE | MAP_ANONYMOUS,
			     RW, PG, false));
	EXPECT_EQ(2, pair_of(-1, zero, MAP_PRIVATE | MAP_ANONYMOUS, MAP_PRIVATE,
			     RW, PG, false));
}

/* Split by mprotect(), joined again. */
TEST(split_and_join)
{
	int fd = open("/dev/zero", O_RDWR);
	char *p = mmap(NULL, 3 * PG, RW, MAP_PRIVATE, fd, 0);
	char *q = mmap(NULL, 3 * PG, RW, MAP_SHARED, fd, 0);

	ASSERT_EQ(0, mprotect(p + PG, PG, PROT_READ));
	ASSERT_EQ(0, mprotect(q + PG, PG, PROT_READ));
	EXPECT_EQ(3, nr_vmas(p, 3 * PG));
	EXPECT_EQ(3, nr_vmas(q, 3 * PG));
	ASSERT_EQ(0, mprotect(p + PG, PG, RW));
	ASSERT_EQ(0, mprotect(q + PG, PG, RW));
	EXPECT_EQ(1, nr_vmas(p, 3 * PG));
	EXPECT_EQ(1, nr_vmas(q, 3 * PG));
}

TEST_HARNESS_MAIN
