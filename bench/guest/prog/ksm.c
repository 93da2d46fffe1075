// SPDX-License-Identifier: GPL-2.0-only
/*
 * KSM for the whole process (PR_SET_MEMORY_MERGE): the flag is decided before
 * the merge, so neighbours join; 6.12 sets it afterwards and they do not.
 */
#include "guest.h"
#include "kselftest_harness.h"

#define RW (PROT_READ | PROT_WRITE)

static int map_at(char *p, int fd, int flags, off_t off)
{
	return mmap(p, PG, RW, flags | MAP_FIXED, fd, off) == p ? 0 : errno;
}

FIXTURE(ksm) {
	char *p;
};

FIXTURE_SETUP(ksm)
{
	self->p = arena(4 * PG);
	ASSERT_EQ(0, prctl(PR_SET_MEMORY_MERGE, 1, 0, 0, 0));
}

FIXTURE_TEARDOWN(ksm)
{
}

TEST_F(ksm, zero_private_marked)
{
	int fd = open("/dev/zero", O_RDWR);

	ASSERT_EQ(0, map_at(self->p, fd, MAP_PRIVATE, 0));
	EXPECT_TRUE(smaps_flag(self->p, "mg"));
}

TEST_F(ksm, zero_private_merges)
{
	int fd = open("/dev/zero", O_RDWR);
	int i;

	for (i = 0; i < 4; i++)
		ASSERT_EQ(0, map_at(self->p + i * PG, fd, MAP_PRIVATE, i * PG));
	EXPECT_EQ(1, nr_vmas(self->p, 4 * PG));
	for (i = 0; i < 4; i++)
		EXPECT_TRUE(smaps_flag(self->p + i * PG, "mg"));
}

TEST_F(ksm, anonymous_marked)
{
	int i;

	for (i = 0; i < 4; i++) {
		ASSERT_EQ(0, map_at(self->p + i * PG, -1,
				    MAP_PRIVATE | MAP_ANONYMOUS, 0));
		EXPECT_TRUE(smaps_flag(self->p + i * PG, "mg"));
	}
}

TEST_F(ksm, tmpfs_private_merges)
{
	int i, fd = tmpfs_file("ksm", 4 * PG, false);

	for (i = 0; i < 4; i++)
		ASSERT_EQ(0, map_at(self->p + i * PG, fd, MAP_PRIVATE, i * PG));
	EXPECT_EQ(1, nr_vmas(self->p, 4 * PG));
	EXPECT_TRUE(smaps_flag(self->p + PG, "mg"));
}

TEST_F(ksm, shared_not_marked)
{
	int zero = open("/dev/zero", O_RDWR);
	int file = tmpfs_file("ksm", 4 * PG, false);

	ASSERT_EQ(0, map_at(self->p, zero, MAP_SHARED, 0));
	EXPECT_FALSE(smaps_flag(self->p, "mg"));
	ASSERT_EQ(0, map_at(self->p + PG, file, MAP_SHARED, 0));
	EXPECT_FALSE(smaps_flag(self->p + PG, "mg"));
	ASSERT_EQ(0, map_at(self->p + 2 * PG, -1, MAP_SHARED | MAP_ANONYMOUS,
			    0));
	EXPECT_FALSE(smaps_flag(self->p + 2 * PG, "mg"));
}

TEST_F(ksm, tmpfs_shared_merges)
{
	int i, fd = tmpfs_file("ksm", 4 * PG, false);

	for (i = 0; i < 4; i++)
		ASSERT_EQ(0, map_at(self->p + i * PG, fd, MAP_SHARED, i * PG));
	EXPECT_EQ(1, nr_vmas(self->p, 4 * PG));
}

/* Memory of a device is never for KSM. */
TEST_F(ksm, dev_mem_not_marked)
{
	int fd = open("/dev/mem", O_RDONLY);

	ASSERT_EQ(self->p, mmap(self->p, PG, PROT_READ, MAP_PRIVATE | MAP_FIXED,
				fd, 0xf0000));
	EXPECT_FALSE(smaps_flag(self->p, "mg"));
	EXPECT_TRUE(smaps_flag(self->p, "pf"));
}

/* What was made before the prctl() is marked by it, and unmarked again. */
TEST(marked_later)
{
	int fd = open("/dev/zero", O_RDWR);
	char *p = mmap(NULL, PG, RW, MAP_PRIVATE, fd, 0);

	EXPECT_FALSE(smaps_flag(p, "mg"));
	ASSERT_EQ(0, prctl(PR_SET_MEMORY_MERGE, 1, 0, 0, 0));
	EXPECT_TRUE(smaps_flag(p, "mg"));
	ASSERT_EQ(0, prctl(PR_SET_MEMORY_MERGE, 0, 0, 0, 0));
	EXPECT_FALSE(smaps_flag(p, "mg"));
}

/* Equal pages of private /dev/zero really become one. */
TEST_F(ksm, pages_are_shared)
{
	int i, fd = open("/dev/zero", O_RDWR);
	char *p = mmap(NULL, 64 * PG, RW, MAP_PRIVATE, fd, 0);
	long shared = -1;

	ASSERT_NE(MAP_FAILED, p);
	memset(p, 'k', 64 * PG);
	ASSERT_EQ(0, spew("/sys/kernel/mm/ksm/sleep_millisecs", "5"));
	ASSERT_EQ(0, spew("/sys/kernel/mm/ksm/pages_to_scan", "1000"));
	ASSERT_EQ(0, spew("/sys/kernel/mm/ksm/run", "1"));
	for (i = 0; i < 500 && shared < 200; i++) {
		usleep(10000);
		shared = smaps_kb(p, "KSM");
	}
	EXPECT_LE(200, shared);
	p[PG] = 'x';
	EXPECT_EQ('k', p[2 * PG]);
	EXPECT_EQ(0, spew("/sys/kernel/mm/ksm/run", "2"));
	EXPECT_EQ('k', p[63 * PG]);
	EXPECT_EQ('x', p[PG]);
}

TEST_HARNESS_MAIN
