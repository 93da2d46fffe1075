// SPDX-License-Identifier: GPL-2.0-only
/*
 * A MAP_FIXED that is refused leaves what was there, also when the hook is
 * what refuses it. 6.12's .mmap files leave a hole instead.
 */
#include "guest.h"
#include "kselftest_harness.h"

#define RW (PROT_READ | PROT_WRITE)
#define LEN (4 * PG)
/* More memory than the guest has: shmem refuses to account for it. */
#define HUGE (4UL << 30)

FIXTURE(fixed) {
	char *p;
	long committed;
};

FIXTURE_SETUP(fixed)
{
	self->p = arena(LEN);
	ASSERT_EQ(self->p, mmap(self->p, LEN, RW,
				MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
	memset(self->p, 'o', LEN);
	self->committed = committed();
}

FIXTURE_TEARDOWN(fixed)
{
	munmap(self->p - PG, LEN + 2 * PG);
}

/* One VMA (boundary splits may stay: more), all there, all as written. */
#define EXPECT_KEPT()							\
do {									\
	EXPECT_TRUE(readable(self->p));					\
	EXPECT_TRUE(readable(self->p + LEN - 1));			\
	if (readable(self->p) && readable(self->p + LEN - 1)) {	\
		EXPECT_EQ('o', self->p[0]);				\
		EXPECT_EQ('o', self->p[LEN - 1]);			\
		EXPECT_STREQ("rw-p", vma_at(self->p).perms);		\
	}								\
	EXPECT_EQ(self->committed, committed());			\
} while (0)

TEST_F(fixed, sealed_memfd)
{
	int fd = memfd_sized("s", LEN);
	void *q;

	ASSERT_EQ(0, fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	EXPECT_EQ(EPERM, try_mmap(&q, self->p, LEN, RW, MAP_SHARED | MAP_FIXED,
				  fd, 0));
	EXPECT_KEPT();
	EXPECT_EQ(1, nr_vmas(self->p, LEN));
}

TEST_F(fixed, no_hook)
{
	int fd[2];
	void *q;

	ASSERT_EQ(0, pipe(fd));
	EXPECT_EQ(ENODEV, try_mmap(&q, self->p, LEN, PROT_READ,
				   MAP_PRIVATE | MAP_FIXED, fd[0], 0));
	EXPECT_KEPT();
}

TEST_F(fixed, bad_access)
{
	int fd = open("/dev/zero", O_RDONLY);
	void *q;

	EXPECT_EQ(EACCES, try_mmap(&q, self->p, LEN, RW, MAP_SHARED | MAP_FIXED,
				   fd, 0));
	EXPECT_KEPT();
}

/* The hook itself refuses: the shmem file is larger than memory. */
TEST_F(fixed, zero_shared_refused)
{
	int fd = open("/dev/zero", O_RDWR);
	char *p = arena(HUGE);
	long as;
	void *q;

	ASSERT_EQ(p, mmap(p, HUGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED |
			  MAP_NORESERVE, -1, 0));
	p[0] = 'o';
	p[HUGE - 1] = 'o';
	as = committed();
	EXPECT_EQ(ENOMEM, try_mmap(&q, p, HUGE, RW, MAP_SHARED | MAP_FIXED, fd,
				   0));
	EXPECT_EQ(1, nr_vmas(p, HUGE));
	EXPECT_TRUE(readable(p) && p[0] == 'o');
	EXPECT_TRUE(readable(p + HUGE - 1) && p[HUGE - 1] == 'o');
	EXPECT_EQ(as, committed());
	munmap(p - PG, HUGE + 2 * PG);
}

/* /dev/mem refuses an offset that wraps around. */
TEST_F(fixed, mem_wraps)
{
	int fd = open("/dev/mem", O_RDONLY);
	void *q;

	EXPECT_EQ(EINVAL, try_mmap(&q, self->p, LEN, PROT_READ,
				   MAP_SHARED | MAP_FIXED, fd,
				   (off_t)0xffffffffffffULL << 12));
	EXPECT_KEPT();
	EXPECT_EQ(1, nr_vmas(self->p, LEN));
}

TEST_F(fixed, mem_wraps_private)
{
	int fd = open("/dev/mem", O_RDWR);
	void *q;

	EXPECT_EQ(EINVAL, try_mmap(&q, self->p, LEN, RW, MAP_PRIVATE | MAP_FIXED,
				   fd, (off_t)0xffffffffffffULL << 12));
	EXPECT_KEPT();
}

/*
 * The first point that can fail is in the hook (the inode of the shmem file)
 * or before it: the old mapping is there whole.
 */
TEST_F(fixed, zero_shared_first_allocation)
{
	int fd = open("/dev/zero", O_RDWR);
	bool injected;
	void *q;
	int err;

	fail_nth(1);
	err = try_mmap(&q, self->p, LEN, RW, MAP_SHARED | MAP_FIXED, fd, 0);
	injected = fail_nth_done();
	EXPECT_TRUE(injected);
	/* what shmem says when it gets no inode */
	EXPECT_EQ(ENOSPC, err);
	EXPECT_KEPT();
}

/* Over the middle: the halves stay, and are the same memory. */
TEST_F(fixed, middle)
{
	int fd = memfd_sized("s", LEN);
	void *q;

	ASSERT_EQ(0, fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	EXPECT_EQ(EPERM, try_mmap(&q, self->p + PG, PG, RW,
				  MAP_SHARED | MAP_FIXED, fd, 0));
	EXPECT_KEPT();
	EXPECT_TRUE(readable(self->p + PG) && self->p[PG] == 'o');
}

TEST_F(fixed, mem_middle)
{
	int fd = open("/dev/mem", O_RDONLY);
	void *q;

	EXPECT_EQ(EINVAL, try_mmap(&q, self->p + PG, PG, PROT_READ,
				   MAP_SHARED | MAP_FIXED, fd,
				   (off_t)0xffffffffffffULL << 12));
	EXPECT_KEPT();
	EXPECT_TRUE(readable(self->p + PG) && self->p[PG] == 'o');
}

/* MAP_FIXED_NOREPLACE does not get as far as the hook. */
TEST_F(fixed, noreplace)
{
	int fd = open("/dev/zero", O_RDWR);
	void *q;

	EXPECT_EQ(EEXIST, try_mmap(&q, self->p, LEN, RW,
				   MAP_SHARED | MAP_FIXED_NOREPLACE, fd, 0));
	EXPECT_KEPT();
}

TEST_F(fixed, success_replaces)
{
	int fd = open("/dev/zero", O_RDWR);
	void *q;

	ASSERT_EQ(0, try_mmap(&q, self->p, LEN, RW, MAP_SHARED | MAP_FIXED, fd,
			      0));
	EXPECT_EQ(0, self->p[0]);
	EXPECT_STREQ("rw-s", vma_at(self->p).perms);
	ASSERT_EQ(0, try_mmap(&q, self->p, LEN, RW, MAP_PRIVATE | MAP_FIXED, fd,
			      0));
	EXPECT_EQ(0, self->p[0]);
	EXPECT_STREQ("rw-p", vma_at(self->p).perms);
	EXPECT_EQ(self->committed, committed());
}

TEST_HARNESS_MAIN
