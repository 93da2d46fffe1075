// SPDX-License-Identifier: GPL-2.0-only
/* memfd: shmem files whose seals forbid writable shared mappings. */
#include "guest.h"
#include "kselftest_harness.h"

#define RW (PROT_READ | PROT_WRITE)

TEST(shared)
{
	int fd = memfd_sized("a", 3 * PG);
	char *p, *q, c = 0;

	p = mmap(NULL, 3 * PG, RW, MAP_SHARED, fd, 0);
	q = mmap(NULL, PG, RW, MAP_SHARED, fd, 2 * PG);
	ASSERT_NE(MAP_FAILED, p);
	ASSERT_NE(MAP_FAILED, q);
	p[2 * PG] = 's';
	EXPECT_EQ('s', q[0]);
	EXPECT_EQ(1, pread(fd, &c, 1, 2 * PG));
	EXPECT_EQ('s', c);
	EXPECT_STREQ("/memfd:a (deleted)", vma_at(p).name);
	EXPECT_EQ(2 * PG, vma_at(q).pgoff);
}

TEST(private)
{
	int fd = memfd_sized("a", PG);
	char *p, c = 1;

	p = mmap(NULL, PG, RW, MAP_PRIVATE, fd, 0);
	ASSERT_NE(MAP_FAILED, p);
	p[0] = 'p';
	EXPECT_EQ(1, pread(fd, &c, 1, 0));
	EXPECT_EQ(0, c);
	EXPECT_EQ(4, smaps_kb(p, "Anonymous"));
	EXPECT_EQ(SIGBUS, ({ void *q; try_mmap(&q, NULL, 2 * PG, RW, MAP_SHARED,
		fd, 0); touch_signal((char *)q + PG, true); }));
}

TEST(seal_write)
{
	int fd = memfd_sized("a", 2 * PG);
	void *p;

	ASSERT_EQ(0, fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	EXPECT_EQ(EPERM, try_mmap(&p, NULL, PG, RW, MAP_SHARED, fd, 0));
	EXPECT_EQ(EPERM, try_mmap(&p, NULL, PG, PROT_WRITE, MAP_SHARED, fd, 0));
	ASSERT_EQ(0, try_mmap(&p, NULL, PG, RW, MAP_PRIVATE, fd, 0));
	*(char *)p = 'x';
	EXPECT_EQ(0, munmap(p, PG));
}

/* A read-only shared mapping of it can be made, but never be made writable. */
TEST(seal_write_read_only)
{
	int fd = memfd_sized("a", PG);
	void *p;

	ASSERT_EQ(0, fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	ASSERT_EQ(0, try_mmap(&p, NULL, PG, PROT_READ, MAP_SHARED, fd, 0));
	EXPECT_STREQ("r--s", vma_at(p).perms);
	EXPECT_FALSE(smaps_flag(p, "mw"));
	EXPECT_EQ(-1, mprotect(p, PG, RW));
	EXPECT_EQ(EACCES, errno);
	EXPECT_EQ(0, munmap(p, PG));
}

/* What is mapped writable cannot be sealed, and counts until it is gone. */
TEST(sealing_a_mapped_file)
{
	int i, fd = memfd_sized("a", 4 * PG);
	char *p;

	for (i = 0; i < 20; i++) {
		p = mmap(NULL, 4 * PG, RW, MAP_SHARED, fd, 0);
		ASSERT_NE(MAP_FAILED, p);
		ASSERT_EQ(-1, fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
		ASSERT_EQ(EBUSY, errno);
		ASSERT_EQ(0, munmap(p + PG, PG));
		ASSERT_EQ(0, munmap(p, PG));
		ASSERT_EQ(0, munmap(p + 2 * PG, PG));
		ASSERT_EQ(-1, fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
		ASSERT_EQ(EBUSY, errno);
		ASSERT_EQ(0, munmap(p + 3 * PG, PG));
	}
	EXPECT_EQ(0, fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
}

/* Neither do mappings that failed leave a writer behind, nor undo one. */
TEST(failed_maps_and_writers)
{
	int n, fd = memfd_sized("a", 4 * PG);
	char *p = arena(4 * PG);
	bool injected;
	void *q;

	for (n = 1; n < 40; n++) {
		fail_nth(n);
		if (!try_mmap(&q, p, 4 * PG, RW, MAP_SHARED | MAP_FIXED, fd, 0))
			munmap(q, 4 * PG);
		injected = fail_nth_done();
		if (!injected)
			break;
	}
	EXPECT_LT(n, 30);
	EXPECT_EQ(0, fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
}

TEST(merged_maps_and_writers)
{
	int fd = memfd_sized("a", 4 * PG);
	char *p = arena(4 * PG);
	int i;

	for (i = 0; i < 4; i++)
		ASSERT_EQ(p + i * PG, mmap(p + i * PG, PG, RW,
					   MAP_SHARED | MAP_FIXED, fd, i * PG));
	EXPECT_EQ(1, nr_vmas(p, 4 * PG));
	EXPECT_EQ(-1, fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	EXPECT_EQ(EBUSY, errno);
	ASSERT_EQ(0, munmap(p, 4 * PG));
	EXPECT_EQ(0, fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
}

TEST(seal_future_write)
{
	int fd = memfd_sized("a", PG);
	char *old, *p;
	void *q;

	old = mmap(NULL, PG, RW, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, old);
	ASSERT_EQ(0, fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE));
	EXPECT_EQ(EPERM, try_mmap(&q, NULL, PG, RW, MAP_SHARED, fd, 0));
	ASSERT_EQ(0, try_mmap(&q, NULL, PG, PROT_READ, MAP_SHARED, fd, 0));
	p = q;
	old[0] = 'o';
	EXPECT_EQ('o', p[0]);
	EXPECT_FALSE(smaps_flag(p, "mw"));
	EXPECT_EQ(-1, mprotect(p, PG, RW));
	EXPECT_EQ(EACCES, errno);
	ASSERT_EQ(0, try_mmap(&q, NULL, PG, RW, MAP_PRIVATE, fd, 0));
	*(char *)q = 'q';
	EXPECT_EQ('o', p[0]);
}

TEST(seal_after_fork)
{
	int fd = memfd_sized("a", PG);
	int status;
	pid_t pid;
	char *p;
	int go[2];

	ASSERT_EQ(0, pipe(go));
	p = mmap(NULL, PG, RW, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, p);
	pid = fork();
	if (!pid) {
		close(go[1]);
		_exit(read(go[0], &status, 1));
	}
	ASSERT_EQ(0, munmap(p, PG));
	EXPECT_EQ(-1, fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	EXPECT_EQ(EBUSY, errno);
	close(go[1]);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
}

TEST(hugetlb)
{
	char *p;
	int fd;

	ASSERT_EQ(0, spew("/proc/sys/vm/nr_hugepages", "2"));
	fd = memfd_create_("h", MFD_HUGETLB | MFD_ALLOW_SEALING);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, ftruncate(fd, 2 * MB));
	p = mmap(NULL, 2 * MB, RW, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, p);
	p[MB] = 1;
	EXPECT_TRUE(smaps_flag(p, "ht"));
	EXPECT_EQ(-1, fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	EXPECT_EQ(EBUSY, errno);
	ASSERT_EQ(0, munmap(p, 2 * MB));
	EXPECT_EQ(0, fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	close(fd);
	EXPECT_EQ(0, spew("/proc/sys/vm/nr_hugepages", "0"));
}

TEST_HARNESS_MAIN
