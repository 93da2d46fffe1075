// SPDX-License-Identifier: GPL-2.0-only
/* Transparent huge pages under private /dev/zero and on tmpfs. */
#include "guest.h"
#include "kselftest_harness.h"

#define RW (PROT_READ | PROT_WRITE)
#define HP (2 * MB)

/* Address space of one aligned huge page. */
static char *aligned(void)
{
	uintptr_t p = (uintptr_t)arena(2 * HP);

	return (char *)((p + HP - 1) & ~(HP - 1));
}

TEST(private_zero)
{
	int fd = open("/dev/zero", O_RDWR);
	char *p = aligned();

	ASSERT_EQ(0, spew("/sys/kernel/mm/transparent_hugepage/enabled",
			  "madvise"));
	ASSERT_EQ(p, mmap(p, HP, RW, MAP_PRIVATE | MAP_FIXED, fd, 0));
	p[0] = 1;
	EXPECT_EQ(0, smaps_kb(p, "AnonHugePages"));
	ASSERT_EQ(0, munmap(p, HP));
	p = aligned();
	ASSERT_EQ(p, mmap(p, HP, RW, MAP_PRIVATE | MAP_FIXED, fd, 0));
	ASSERT_EQ(0, madvise(p, HP, MADV_HUGEPAGE));
	EXPECT_TRUE(smaps_flag(p, "hg"));
	p[0] = 1;
	EXPECT_EQ(2048, smaps_kb(p, "AnonHugePages"));
	EXPECT_EQ(2048, smaps_kb(p, "Anonymous"));
	EXPECT_EQ(1, smaps_kb(p, "THPeligible"));
	EXPECT_EQ(0, munmap(p, HP));
}

TEST(private_zero_always)
{
	int fd = open("/dev/zero", O_RDWR);
	char *p = aligned();

	ASSERT_EQ(0, spew("/sys/kernel/mm/transparent_hugepage/enabled",
			  "always"));
	ASSERT_EQ(p, mmap(p, HP, RW, MAP_PRIVATE | MAP_FIXED, fd, 0));
	p[HP - 1] = 1;
	EXPECT_EQ(2048, smaps_kb(p, "AnonHugePages"));
	EXPECT_EQ(0, p[0]);
	EXPECT_EQ(0, munmap(p, PG));
	EXPECT_EQ(1, p[HP - 1]);
	EXPECT_EQ(0, spew("/sys/kernel/mm/transparent_hugepage/enabled",
			  "madvise"));
}

/* khugepaged takes private /dev/zero for what it is: anonymous. */
TEST(collapse_private_zero)
{
	int i, fd = open("/dev/zero", O_RDWR);
	char *p = aligned();

	ASSERT_EQ(p, mmap(p, HP, RW, MAP_PRIVATE | MAP_FIXED, fd, 0));
	for (i = 0; i < 512; i++)
		p[i * PG] = i;
	EXPECT_EQ(0, smaps_kb(p, "AnonHugePages"));
	ASSERT_EQ(0, madvise(p, HP, 25 /* MADV_COLLAPSE */));
	EXPECT_EQ(2048, smaps_kb(p, "AnonHugePages"));
	for (i = 0; i < 512; i++)
		if (p[i * PG] != (char)i)
			break;
	EXPECT_EQ(512, i);
}

FIXTURE(huge_tmpfs) {
	int fd;
};

FIXTURE_SETUP(huge_tmpfs)
{
	mkdir("/tmp/hugetmp", 0700);
	ASSERT_EQ(0, mount("tmpfs", "/tmp/hugetmp", "tmpfs", 0, "huge=always"));
	self->fd = open("/tmp/hugetmp/f", O_RDWR | O_CREAT, 0600);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, ftruncate(self->fd, 2 * HP));
}

FIXTURE_TEARDOWN(huge_tmpfs)
{
	close(self->fd);
	EXPECT_EQ(0, umount("/tmp/hugetmp"));
}

TEST_F(huge_tmpfs, shared)
{
	/* the file's own get_unmapped_area aligns it */
	char *p = mmap(NULL, 2 * HP, RW, MAP_SHARED, self->fd, 0);

	ASSERT_NE(MAP_FAILED, p);
	EXPECT_EQ(0UL, (uintptr_t)p & (HP - 1));
	p[HP] = 1;
	EXPECT_EQ(2048, smaps_kb(p, "ShmemPmdMapped"));
	EXPECT_EQ(0, munmap(p, 2 * HP));
}

TEST_F(huge_tmpfs, private)
{
	char *p = mmap(NULL, 2 * HP, RW, MAP_PRIVATE, self->fd, 0);

	ASSERT_NE(MAP_FAILED, p);
	EXPECT_EQ(0, p[PG]);
	p[PG] = 1;
	EXPECT_EQ(4, smaps_kb(p, "Anonymous"));
	EXPECT_EQ(0, munmap(p, 2 * HP));
}

TEST(shared_zero_aligned)
{
	int fd = open("/dev/zero", O_RDWR);
	char *p, *q;

	ASSERT_EQ(0, spew("/sys/kernel/mm/transparent_hugepage/shmem_enabled",
			  "always"));
	p = mmap(NULL, 2 * HP, RW, MAP_SHARED, fd, 0);
	q = mmap(NULL, 2 * HP, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, p);
	ASSERT_NE(MAP_FAILED, q);
	EXPECT_EQ(0UL, (uintptr_t)p & (HP - 1));
	EXPECT_EQ(0UL, (uintptr_t)q & (HP - 1));
	p[0] = 1;
	q[0] = 1;
	EXPECT_EQ(2048, smaps_kb(p, "ShmemPmdMapped"));
	EXPECT_EQ(2048, smaps_kb(q, "ShmemPmdMapped"));
	EXPECT_EQ(0, munmap(p, 2 * HP));
	EXPECT_EQ(0, munmap(q, 2 * HP));
	EXPECT_EQ(0, spew("/sys/kernel/mm/transparent_hugepage/shmem_enabled",
			  "never"));
}

TEST_HARNESS_MAIN
