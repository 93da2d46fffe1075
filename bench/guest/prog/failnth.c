// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every allocation that an mmap() makes fails once. Each time: an errno, the
 * address space as it was or (where the old mapping was already torn down)
 * with a hole, and nothing leaked.
 */
#include "guest.h"
#include "kselftest_harness.h"

#define RW (PROT_READ | PROT_WRITE)
#define LEN (4 * PG)

FIXTURE(fail) {
	int fd;
	char *p;
};

FIXTURE_VARIANT(fail) {
	int kind;
	int flags;
	int bound;	/* more points than this are too many */
	bool hook;	/* converted: the hook fails before the tear-down */
};

enum { ZERO, TMPFS, MEMFD, ANON, MEM, HUGE };

FIXTURE_VARIANT_ADD(fail, zero_private) {
	ZERO, MAP_PRIVATE, 12, true
};
FIXTURE_VARIANT_ADD(fail, zero_shared) {
	ZERO, MAP_SHARED, 20, true
};
FIXTURE_VARIANT_ADD(fail, zero_shared_populate) {
	ZERO, MAP_SHARED | MAP_POPULATE, 40, true
};
FIXTURE_VARIANT_ADD(fail, tmpfs_private) {
	TMPFS, MAP_PRIVATE, 12, true
};
FIXTURE_VARIANT_ADD(fail, tmpfs_shared) {
	TMPFS, MAP_SHARED, 12, true
};
FIXTURE_VARIANT_ADD(fail, memfd_shared) {
	MEMFD, MAP_SHARED, 12, true
};
FIXTURE_VARIANT_ADD(fail, anon_private) {
	ANON, MAP_PRIVATE | MAP_ANONYMOUS, 12, false
};
FIXTURE_VARIANT_ADD(fail, anon_shared) {
	ANON, MAP_SHARED | MAP_ANONYMOUS, 20, false
};
FIXTURE_VARIANT_ADD(fail, mem_shared) {
	MEM, MAP_SHARED, 20, true
};

FIXTURE_SETUP(fail)
{
	self->fd = variant->kind == ZERO ? open("/dev/zero", O_RDWR) :
		variant->kind == TMPFS ? tmpfs_file("fail", LEN, false) :
		variant->kind == MEMFD ? memfd_sized("fail", LEN) :
		variant->kind == MEM ? open("/dev/mem", O_RDWR) : -1;
	self->p = arena(LEN);
}

FIXTURE_TEARDOWN(fail)
{
	if (self->fd >= 0)
		close(self->fd);
}

static off_t offset(int kind)
{
	return kind == MEM ? 0xf0000 : 0;
}

/* The page tables of the arena are there before anything is counted. */
static void settle(char *p)
{
	if (mmap(p, LEN, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) !=
	    p)
		die("the old mapping");
	memset(p, 'o', LEN);
}

TEST_F(fail, nowhere_near)
{
	int n, err = 0, failed = 0, files;
	bool injected;
	long as;
	void *q;

	as = committed();
	files = file_nr();
	for (n = 1; n <= variant->bound; n++) {
		fail_nth(n);
		err = try_mmap(&q, self->p, LEN, RW, variant->flags | MAP_FIXED,
			       self->fd, offset(variant->kind));
		injected = fail_nth_done();
		failed += !!err;
		EXPECT_EQ(err ? 0 : 1, nr_vmas(self->p, LEN));
		EXPECT_EQ(0, munmap(self->p, LEN));
		EXPECT_EQ(as, committed()) TH_LOG("point %d, errno %d", n, err);
		if (!injected)
			break;
	}
	EXPECT_FALSE(injected);
	EXPECT_EQ(0, err);
	EXPECT_LE(2, failed);
	EXPECT_GT(files + 64, file_nr());
}

/* Over an old mapping: all of it, or nothing, but never a mix. */
TEST_F(fail, over_a_mapping)
{
	int n, err = 0, kept = 0, holes = 0;
	bool injected, there;
	long as, mine;
	void *q;

	as = committed();
	for (n = 1; n <= variant->bound; n++) {
		settle(self->p);
		mine = committed();
		EXPECT_EQ(as + 16, mine);
		fail_nth(n);
		err = try_mmap(&q, self->p, LEN, RW, variant->flags | MAP_FIXED,
			       self->fd, offset(variant->kind));
		injected = fail_nth_done();
		if (err) {
			there = readable(self->p);
			EXPECT_EQ(there, readable(self->p + LEN - 1));
			EXPECT_EQ(there ? 1 : 0, nr_vmas(self->p, LEN));
			if (there)
				EXPECT_TRUE(self->p[0] == 'o' &&
					    self->p[LEN - 1] == 'o');
			EXPECT_EQ(there ? mine : as, committed())
				TH_LOG("point %d, errno %d", n, err);
			kept += there;
			holes += !there;
		}
		EXPECT_EQ(0, munmap(self->p, LEN));
		EXPECT_EQ(as, committed()) TH_LOG("point %d, errno %d", n, err);
		if (!injected)
			break;
	}
	EXPECT_FALSE(injected);
	EXPECT_EQ(0, err);
	EXPECT_LT(0, kept + holes);
	/* making the shmem file fails in the hook: the old mapping survives */
	if (variant->kind == ZERO && variant->flags & MAP_SHARED)
		EXPECT_LE(2, kept);
}

/* In the middle of an old mapping; it is split, which takes memory too. */
TEST_F(fail, in_the_middle)
{
	int n, err = 0, failed = 0;
	bool injected;
	long as;
	void *q;

	as = committed();
	for (n = 1; n <= variant->bound + 20; n++) {
		settle(self->p);
		fail_nth(n);
		err = try_mmap(&q, self->p + PG, PG, RW,
			       variant->flags | MAP_FIXED, self->fd,
			       offset(variant->kind));
		injected = fail_nth_done();
		failed += !!err;
		EXPECT_EQ('o', self->p[0]);
		EXPECT_EQ('o', self->p[2 * PG]);
		EXPECT_EQ('o', self->p[LEN - 1]);
		if (err && readable(self->p + PG))
			EXPECT_EQ('o', self->p[PG]);
		EXPECT_EQ(0, munmap(self->p, LEN));
		EXPECT_EQ(as, committed()) TH_LOG("point %d, errno %d", n, err);
		if (!injected)
			break;
	}
	EXPECT_FALSE(injected);
	EXPECT_EQ(0, err);
	EXPECT_LT(0, failed);
}

/* Next to a neighbour that it merges with, where it merges. */
TEST_F(fail, beside_a_neighbour)
{
	int n, err = 0, neighbours;
	off_t off = offset(variant->kind);
	bool injected;
	long as;
	void *q;

	as = committed();
	ASSERT_EQ(self->p, mmap(self->p, PG, RW, variant->flags | MAP_FIXED,
				self->fd, off));
	for (n = 1; n <= variant->bound; n++) {
		fail_nth(n);
		err = try_mmap(&q, self->p + PG, PG, RW,
			       variant->flags | MAP_FIXED, self->fd,
			       self->fd < 0 ? 0 : off + PG);
		injected = fail_nth_done();
		neighbours = nr_vmas(self->p, PG);
		EXPECT_EQ(1, neighbours);
		if (err) {
			EXPECT_EQ(0, nr_vmas(self->p + PG, PG));
			EXPECT_EQ((unsigned long)self->p + PG,
				  vma_at(self->p).end);
		} else {
			EXPECT_EQ(0, munmap(self->p + PG, PG));
		}
		if (!injected)
			break;
	}
	EXPECT_FALSE(injected);
	EXPECT_EQ(0, err);
	EXPECT_EQ(0, munmap(self->p, PG));
	if (variant->kind == TMPFS || variant->kind == MEMFD)
		ASSERT_EQ(0, ftruncate(self->fd, 0));
	EXPECT_EQ(as, committed());
}

TEST_HARNESS_MAIN
