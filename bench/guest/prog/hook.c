// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which function serves an mmap(): a kprobe on the old hook and on the new
 * one, and the counts of a mapping in between. Only a kernel with the series
 * passes.
 */
#include "guest.h"
#include "kselftest_harness.h"

#define RW (PROT_READ | PROT_WRITE)

/* Maps n times, and says how often fn was called for it; -1: no such fn. */
static long hits(const char *fn, int n, size_t len, int prot, int flags, int fd,
		 off_t off)
{
	long before, after;
	void *p;
	int i;

	if (!has_symbol(fn) || probe_add(fn))
		return -1;
	before = probe_hits("kprobe_profile", fn);
	for (i = 0; i < n; i++) {
		p = mmap(NULL, len, prot, flags, fd, off);
		if (p == MAP_FAILED)
			die("mmap under a probe");
		munmap(p, len);
	}
	after = probe_hits("kprobe_profile", fn);
	probe_del(fn);
	return after - before;
}

TEST(zero)
{
	int fd = open("/dev/zero", O_RDWR);

	EXPECT_EQ(3, hits("mmap_zero_prepare", 3, PG, RW, MAP_PRIVATE, fd, 0));
	EXPECT_EQ(3, hits("mmap_zero_prepare", 3, PG, RW, MAP_SHARED, fd, 0));
	EXPECT_EQ(-1, hits("mmap_zero", 1, PG, RW, MAP_PRIVATE, fd, 0));
}

TEST(tmpfs)
{
	int fd = tmpfs_file("hook", PG, false);

	EXPECT_EQ(3, hits("shmem_mmap_prepare", 3, PG, RW, MAP_SHARED, fd, 0));
	EXPECT_EQ(3, hits("shmem_mmap_prepare", 3, PG, RW, MAP_PRIVATE, fd, 0));
	EXPECT_EQ(-1, hits("shmem_mmap", 1, PG, RW, MAP_PRIVATE, fd, 0));
}

TEST(memfd)
{
	int fd = memfd_sized("hook", PG);

	EXPECT_EQ(2, hits("shmem_mmap_prepare", 2, PG, RW, MAP_SHARED, fd, 0));
}

TEST(dev_mem)
{
	int fd = open("/dev/mem", O_RDONLY);

	EXPECT_EQ(2, hits("mmap_mem_prepare", 2, PG, PROT_READ, MAP_SHARED, fd,
			  0xf0000));
	EXPECT_EQ(-1, hits("mmap_mem", 1, PG, PROT_READ, MAP_SHARED, fd,
			   0xf0000));
}

/* The donated file of shared /dev/zero is not asked for a hook of its own. */
TEST(zero_donates_once)
{
	int fd = open("/dev/zero", O_RDWR);

	EXPECT_EQ(0, hits("shmem_mmap_prepare", 2, PG, RW, MAP_SHARED, fd, 0));
	EXPECT_EQ(2, hits("shmem_zero_setup_desc", 2, PG, RW, MAP_SHARED, fd,
			  0));
	EXPECT_EQ(0, hits("shmem_zero_setup_desc", 2, PG, RW, MAP_PRIVATE, fd,
			  0));
}

/* One call per mmap(), also where the range merges into a neighbour. */
TEST(once_per_mmap)
{
	int i, fd = tmpfs_file("hook", 8 * PG, false);
	char *p = arena(8 * PG);

	ASSERT_EQ(0, probe_add("shmem_mmap_prepare"));
	for (i = 0; i < 8; i++)
		ASSERT_EQ(p + i * PG, mmap(p + i * PG, PG, RW,
					   MAP_SHARED | MAP_FIXED, fd, i * PG));
	EXPECT_EQ(8, probe_hits("kprobe_profile", "shmem_mmap_prepare"));
	probe_del("shmem_mmap_prepare");
	EXPECT_EQ(1, nr_vmas(p, 8 * PG));
}

TEST_HARNESS_MAIN
