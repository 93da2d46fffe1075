// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/zero: private mappings are anonymous memory, shared ones are a shmem
 * file of their own.
 */
#include "guest.h"
#include "kselftest_harness.h"

#define RW (PROT_READ | PROT_WRITE)

FIXTURE(zero) {
	int fd;
};

FIXTURE_SETUP(zero)
{
	self->fd = open("/dev/zero", O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(zero)
{
	close(self->fd);
}

static char *map(int fd, size_t len, int flags)
{
	char *p = mmap(NULL, len, RW, flags, fd, 0);

	if (p == MAP_FAILED)
		die("/dev/zero, %zu bytes, flags %x", len, flags);
	return p;
}

TEST_F(zero, private_is_anonymous)
{
	char *p = map(self->fd, 4 * PG, MAP_PRIVATE);

	EXPECT_STREQ("/dev/zero", vma_at(p).name);
	EXPECT_STREQ("rw-p", vma_at(p).perms);
	EXPECT_EQ(0, p[PG]);
	p[0] = 1;
	EXPECT_EQ(4, smaps_kb(p, "Anonymous"));
	EXPECT_EQ(4, smaps_kb(p, "Rss"));
	EXPECT_TRUE(smaps_flag(p, "ac"));
	EXPECT_FALSE(smaps_flag(p, "sh"));
	EXPECT_EQ(0, munmap(p, 4 * PG));
}

static int write_and_look(void *arg)
{
	char **p = arg;

	if (p[0][0] != 'a' || p[1][0] != 'a')
		return 1;
	p[0][0] = 'c';
	p[1][0] = 'c';
	p[1][PG] = 'n';
	return 0;
}

TEST_F(zero, fork_private_copies)
{
	char *p[2];

	p[0] = map(self->fd, 2 * PG, MAP_PRIVATE);
	p[1] = p[0];
	p[0][0] = 'a';
	EXPECT_EQ(0, in_child(write_and_look, p));
	EXPECT_EQ('a', p[0][0]);
	EXPECT_EQ(0, p[0][PG]);
}

TEST_F(zero, fork_shared_shares)
{
	char *p[2];

	p[0] = map(self->fd, 2 * PG, MAP_PRIVATE);
	p[1] = map(self->fd, 2 * PG, MAP_SHARED);
	p[0][0] = 'a';
	p[1][0] = 'a';
	EXPECT_EQ(0, in_child(write_and_look, p));
	EXPECT_EQ('a', p[0][0]);
	EXPECT_EQ('c', p[1][0]);
	EXPECT_EQ('n', p[1][PG]);
}

TEST_F(zero, two_shared_maps_differ)
{
	char *p = map(self->fd, PG, MAP_SHARED);
	char *q = map(self->fd, PG, MAP_SHARED);

	p[0] = 'p';
	EXPECT_EQ(0, q[0]);
	EXPECT_STREQ("/dev/zero (deleted)", vma_at(p).name);
	EXPECT_STREQ("rw-s", vma_at(p).perms);
	EXPECT_NE(vma_at(p).inode, vma_at(q).inode);
	EXPECT_FALSE(smaps_flag(p, "ac"));
	EXPECT_TRUE(smaps_flag(p, "sh"));
}

/* Sees the parent's writes too, whoever wrote first. */
static int wait_for_parent(void *arg)
{
	volatile char *p = arg;
	int i;

	p[0] = 1;
	for (i = 0; i < 10000 && p[1] != 2; i++)
		usleep(1000);
	return p[1] == 2 ? 0 : 1;
}

TEST_F(zero, both_directions)
{
	volatile char *p = map(self->fd, PG, MAP_SHARED);
	int status, i;
	pid_t pid;

	pid = fork();
	if (!pid)
		_exit(wait_for_parent((void *)p));
	for (i = 0; i < 10000 && p[0] != 1; i++)
		usleep(1000);
	EXPECT_EQ(1, p[0]);
	p[1] = 2;
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
}

/* The pages of the shmem file are gone with the last unmap. */
TEST_F(zero, shared_is_freed)
{
	long shmem = pages_kb("Shmem"), as = committed();
	char *p = map(self->fd, 8 * MB, MAP_SHARED);

	EXPECT_EQ(as + 8192, committed());
	memset(p, 1, 8 * MB);
	EXPECT_LE(shmem + 8192, pages_kb("Shmem"));
	ASSERT_EQ(0, munmap(p, 4 * MB));
	EXPECT_LE(shmem + 8192, pages_kb("Shmem"));
	EXPECT_EQ(as + 8192, committed());
	ASSERT_EQ(0, munmap(p + 4 * MB, 4 * MB));
	EXPECT_GT(shmem + 64, pages_kb("Shmem"));
	EXPECT_EQ(as, committed());
}

/* Also when the last to have it is a child that dies. */
static int fill(void *arg)
{
	memset(*(char **)arg, 1, 8 * MB);
	return 0;
}

TEST_F(zero, shared_outlives_nobody)
{
	long shmem = pages_kb("Shmem"), as = committed();
	char *p = map(self->fd, 8 * MB, MAP_SHARED);

	EXPECT_EQ(0, in_child(fill, &p));
	EXPECT_EQ(1, p[8 * MB - 1]);
	EXPECT_LE(shmem + 8192, pages_kb("Shmem"));
	ASSERT_EQ(0, munmap(p, 8 * MB));
	EXPECT_GT(shmem + 64, pages_kb("Shmem"));
	EXPECT_EQ(as, committed());
}

TEST_F(zero, private_charge)
{
	long as = committed();
	char *p = map(self->fd, 8 * MB, MAP_PRIVATE);

	EXPECT_EQ(as + 8192, committed());
	ASSERT_EQ(0, mprotect(p, 4 * MB, PROT_READ));
	/* what was never written is not charged for once it cannot be */
	EXPECT_EQ(as + 4096, committed());
	ASSERT_EQ(0, munmap(p, 2 * MB));
	EXPECT_EQ(as + 4096, committed());
	ASSERT_EQ(0, mprotect(p + 2 * MB, 2 * MB, RW));
	EXPECT_EQ(as + 6144, committed());
	ASSERT_EQ(0, munmap(p + 2 * MB, 6 * MB));
	EXPECT_EQ(as, committed());
}

TEST_F(zero, private_mremap)
{
	char *p = map(self->fd, 2 * PG, MAP_PRIVATE), *q;

	p[PG] = 'm';
	q = mremap(p, 2 * PG, 64 * PG, MREMAP_MAYMOVE);
	ASSERT_NE(MAP_FAILED, q);
	EXPECT_EQ('m', q[PG]);
	q[63 * PG] = 'n';
	EXPECT_EQ('n', q[63 * PG]);
	EXPECT_EQ(1, nr_vmas(q, 64 * PG));
	EXPECT_EQ(8, smaps_kb(q, "Anonymous"));
	q = mremap(q, 64 * PG, PG, 0);
	ASSERT_NE(MAP_FAILED, q);
	EXPECT_EQ(0, q[0]);
}

/* Shared grows in address space, not in the file. */
TEST_F(zero, shared_mremap)
{
	char *p = map(self->fd, 2 * PG, MAP_SHARED), *q;

	p[PG] = 'm';
	q = mremap(p, 2 * PG, 3 * PG, MREMAP_MAYMOVE);
	ASSERT_NE(MAP_FAILED, q);
	EXPECT_EQ('m', q[PG]);
	EXPECT_EQ(SIGBUS, touch_signal(q + 2 * PG, true));
}

TEST_F(zero, private_advice)
{
	char *p = map(self->fd, 4 * PG, MAP_PRIVATE);

	EXPECT_EQ(0, madvise(p, 4 * PG, MADV_MERGEABLE));
	EXPECT_TRUE(smaps_flag(p, "mg"));
	EXPECT_EQ(0, madvise(p, 4 * PG, MADV_HUGEPAGE));
	EXPECT_TRUE(smaps_flag(p, "hg"));
	p[0] = 1;
	EXPECT_EQ(0, madvise(p, PG, MADV_FREE));
	p[0] = 2;
	EXPECT_EQ(2, p[0]);
	EXPECT_EQ(0, madvise(p, PG, MADV_DONTNEED));
	EXPECT_EQ(0, p[0]);
	/* anonymous it is, but it has a file */
	EXPECT_EQ(-1, madvise(p, 4 * PG, MADV_WIPEONFORK));
	EXPECT_EQ(EINVAL, errno);
}

TEST_F(zero, shared_advice)
{
	char *p = map(self->fd, 4 * PG, MAP_SHARED);

	p[0] = 1;
	EXPECT_EQ(0, madvise(p, PG, MADV_MERGEABLE));
	EXPECT_FALSE(smaps_flag(p, "mg"));
	EXPECT_EQ(0, madvise(p, PG, MADV_DONTNEED));
	EXPECT_EQ(1, p[0]);
	EXPECT_EQ(0, madvise(p, PG, MADV_REMOVE));
	EXPECT_EQ(0, p[0]);
	EXPECT_EQ(-1, madvise(p, PG, MADV_WIPEONFORK));
	EXPECT_EQ(EINVAL, errno);
}

/* A descriptor that cannot write: "shared" is private in all but name. */
TEST_F(zero, shared_read_only_descriptor)
{
	int fd = open("/dev/zero", O_RDONLY);
	void *p;

	EXPECT_EQ(EACCES, try_mmap(&p, NULL, PG, RW, MAP_SHARED, fd, 0));
	EXPECT_EQ(EACCES, try_mmap(&p, NULL, PG, PROT_WRITE, MAP_SHARED, fd, 0));
	ASSERT_EQ(0, try_mmap(&p, NULL, PG, PROT_READ, MAP_SHARED, fd, 0));
	EXPECT_STREQ("r--s", vma_at(p).perms);
	EXPECT_STREQ("/dev/zero", vma_at(p).name);
	EXPECT_EQ(0, *(char *)p);
	EXPECT_EQ(-1, mprotect(p, PG, RW));
	EXPECT_EQ(EACCES, errno);
	EXPECT_EQ(0, munmap(p, PG));
	ASSERT_EQ(0, try_mmap(&p, NULL, PG, RW, MAP_PRIVATE, fd, 0));
	*(char *)p = 1;
	EXPECT_EQ(0, munmap(p, PG));
}

TEST_F(zero, write_only_descriptor)
{
	int fd = open("/dev/zero", O_WRONLY);
	void *p;

	EXPECT_EQ(EACCES, try_mmap(&p, NULL, PG, RW, MAP_SHARED, fd, 0));
	EXPECT_EQ(EACCES, try_mmap(&p, NULL, PG, RW, MAP_PRIVATE, fd, 0));
}

TEST_F(zero, offsets)
{
	char *p = mmap(NULL, PG, RW, MAP_PRIVATE, self->fd, 5 * PG);
	char *q = mmap(NULL, 2 * PG, RW, MAP_SHARED, self->fd, 5 * PG);
	void *r;

	ASSERT_NE(MAP_FAILED, p);
	ASSERT_NE(MAP_FAILED, q);
	EXPECT_EQ(5 * PG, vma_at(p).pgoff);
	p[0] = 1;
	EXPECT_EQ(5 * PG, vma_at(q).pgoff);
	/* the file is as long as the mapping, and its offset stays */
	EXPECT_EQ(SIGBUS, touch_signal(q, false));
	EXPECT_EQ(EINVAL, try_mmap(&r, NULL, PG, RW, MAP_SHARED, self->fd, 1));
	EXPECT_EQ(EOVERFLOW, try_mmap(&r, NULL, 2 * PG, RW, MAP_PRIVATE,
				      self->fd, -PG));
	EXPECT_EQ(ENOMEM, try_mmap(&r, NULL, 0 - PG, RW, MAP_SHARED, self->fd,
				   0));
}

/* The file that the shared mapping is made of is nobody's: no leak in loops. */
TEST_F(zero, many)
{
	long as = committed(), shmem = pages_kb("Shmem"), files = file_nr();
	int i;
	char *p;

	for (i = 0; i < 2000; i++) {
		p = map(self->fd, 2 * PG, i & 1 ? MAP_SHARED : MAP_PRIVATE);
		p[PG] = 1;
		ASSERT_EQ(0, munmap(p, 2 * PG));
	}
	EXPECT_EQ(as, committed());
	EXPECT_GT(shmem + 64, pages_kb("Shmem"));
	EXPECT_GT(files + 200, file_nr());
}

TEST_F(zero, populate_and_lock)
{
	char *p = map(self->fd, 4 * PG, MAP_PRIVATE | MAP_POPULATE);
	char *q = map(self->fd, 4 * PG, MAP_SHARED | MAP_POPULATE);
	long lck = status_kb("VmLck");

	EXPECT_EQ(16, smaps_kb(p, "Rss"));
	EXPECT_EQ(16, smaps_kb(q, "Rss"));
	p = map(self->fd, 4 * PG, MAP_PRIVATE | MAP_LOCKED);
	q = map(self->fd, 4 * PG, MAP_SHARED | MAP_LOCKED);
	EXPECT_EQ(16, smaps_kb(p, "Locked"));
	EXPECT_TRUE(smaps_flag(q, "lo"));
	EXPECT_EQ(lck + 32, status_kb("VmLck"));
	munmap(p, 4 * PG);
	munmap(q, 4 * PG);
	EXPECT_EQ(lck, status_kb("VmLck"));
}

TEST_HARNESS_MAIN
