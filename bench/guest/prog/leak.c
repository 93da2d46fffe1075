// SPDX-License-Identifier: GPL-2.0-only
/*
 * Thousands of mappings that succeed and that fail leave every count where it
 * was. $LOOPS says how many (10000).
 */
#include "guest.h"
#include "kselftest_harness.h"

#define RW (PROT_READ | PROT_WRITE)
#define FAR ((off_t)1 << 60)
#define SLACK_FILES 128		/* what per-CPU counters may hide */
#define SLACK_KB 512		/* page tables, slabs of this program itself */

struct counts {
	long committed, files, shmem, anon, tables, inodes, vmas;
};

static int loops(void)
{
	const char *text = getenv("LOOPS");
	int n = text && *text ? atoi(text) : 10000;

	if (n < 1)
		die("LOOPS=%s", text);
	return n;
}

static void count(struct counts *c)
{
	c->files = file_nr();
	c->shmem = pages_kb("Shmem");
	c->anon = pages_kb("AnonPages");
	c->tables = pages_kb("PageTables");
	c->inodes = slab_active("shmem_inode_cache");
	c->vmas = slab_active("vm_area_struct");
	c->committed = committed();
}

/*
 * VMAs and inodes are freed after a grace period: give them the time. What
 * leaked does not come back.
 */
static void settle(const struct counts *before, struct counts *after)
{
	int tenths;

	for (tenths = 0; tenths < 300; tenths++) {
		count(after);
		if (after->vmas - before->vmas <= 500 &&
		    after->inodes - before->inodes <= 200 &&
		    after->files - before->files <= SLACK_FILES &&
		    after->committed == before->committed)
			return;
		usleep(100000);
	}
}

static char *pat(void)
{
	char *buf = malloc(16384);

	if (!buf ||
	    slurp("/sys/kernel/debug/x86/pat_memtype_list", buf, 16384) < 0)
		die("pat_memtype_list");
	return buf;
}

#define NEAR(what, slack)						\
	EXPECT_GE((slack), after.what - before.what)			\
		TH_LOG(#what ": %ld before, %ld after", before.what, after.what)

/* One body between two counts; the first turn warms up what is cached. */
#define LEAK_TEST(name, setup, body)					\
TEST_TIMEOUT_(name)							\
{									\
	struct counts before, after;					\
	int _i, _n = loops(), fd;					\
	char *types;							\
	void *p;							\
									\
	setup;								\
	ASSERT_LE(0, fd);						\
	for (_i = 0; _i < 20; _i++) {					\
		body;							\
	}								\
	types = pat();							\
	count(&before);							\
	count(&before);							\
	for (_i = 0; _i < _n; _i++) {					\
		body;							\
	}								\
	settle(&before, &after);					\
	EXPECT_EQ(before.committed, after.committed);			\
	NEAR(files, SLACK_FILES);					\
	NEAR(shmem, SLACK_KB);						\
	NEAR(anon, SLACK_KB);						\
	NEAR(tables, SLACK_KB);						\
	EXPECT_LE(0, before.inodes);					\
	NEAR(inodes, 200);						\
	NEAR(vmas, 500);						\
	EXPECT_STREQ(types, pat());					\
	close(fd);							\
}

/* TEST() has no time limit of its own choice; a fixture does. */
FIXTURE(leak) {
	int unused;
};

FIXTURE_SETUP(leak)
{
}

FIXTURE_TEARDOWN(leak)
{
}

#define TEST_TIMEOUT_(name) TEST_F_TIMEOUT(leak, name, 300)

#define OK(len, prot, flags, off)					\
	ASSERT_EQ(0, try_mmap(&p, NULL, len, prot, flags, fd, off));	\
	ASSERT_EQ(0, munmap(p, len))

#define WRITTEN(len, flags)						\
	ASSERT_EQ(0, try_mmap(&p, NULL, len, RW, flags, fd, 0));	\
	*(char *)p = 1;							\
	ASSERT_EQ(0, munmap(p, len))

#define REFUSED(err, len, prot, flags, off)				\
	ASSERT_EQ(err, try_mmap(&p, NULL, len, prot, flags, fd, off))

LEAK_TEST(zero_private, fd = open("/dev/zero", O_RDWR),
	  WRITTEN(2 * PG, MAP_PRIVATE))

LEAK_TEST(zero_shared, fd = open("/dev/zero", O_RDWR),
	  WRITTEN(2 * PG, MAP_SHARED))

LEAK_TEST(zero_shared_refused, fd = open("/dev/zero", O_RDWR),
	  REFUSED(ENOMEM, 1UL << 40, RW, MAP_SHARED, 0))

LEAK_TEST(tmpfs_shared, fd = tmpfs_file("leak", 2 * PG, false),
	  WRITTEN(2 * PG, MAP_SHARED))

LEAK_TEST(tmpfs_private, fd = tmpfs_file("leak", 2 * PG, false),
	  WRITTEN(2 * PG, MAP_PRIVATE))

LEAK_TEST(tmpfs_new_file, fd = open("/dev/null", O_RDONLY),
	  int t = tmpfs_file("leak2", PG, true);
	  ASSERT_EQ(0, try_mmap(&p, NULL, PG, RW, MAP_SHARED, t, 0));
	  *(char *)p = 1;
	  close(t);
	  ASSERT_EQ(0, munmap(p, PG)))

LEAK_TEST(memfd, fd = memfd_sized("leak", 2 * PG),
	  WRITTEN(2 * PG, MAP_SHARED))

LEAK_TEST(memfd_sealed,
	  fd = memfd_sized("leak", PG);
	  ASSERT_EQ(0, fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE)),
	  REFUSED(EPERM, PG, RW, MAP_SHARED, 0);
	  OK(PG, PROT_READ, MAP_SHARED, 0))

LEAK_TEST(dev_mem, fd = open("/dev/mem", O_RDWR),
	  OK(2 * PG, PROT_READ, MAP_SHARED, 0xf0000);
	  OK(2 * PG, RW, MAP_PRIVATE, 0xf0000))

LEAK_TEST(dev_mem_refused, fd = open("/dev/mem", O_RDWR),
	  REFUSED(EINVAL, PG, RW, MAP_PRIVATE, FAR);
	  REFUSED(EINVAL, PG, RW, MAP_SHARED, FAR))

LEAK_TEST(no_hook, fd = open("/dev/null", O_RDWR),
	  REFUSED(ENODEV, PG, RW, MAP_PRIVATE, 0))

LEAK_TEST(proc_file, fd = open("/proc/meminfo", O_RDONLY),
	  REFUSED(EIO, PG, RW, MAP_PRIVATE, 0))

/* Replacing each other in one place: splits, merges, references. */
LEAK_TEST(fixed_over_each_other,
	  fd = open("/dev/zero", O_RDWR);
	  char *at = page_or_die(4 * PG, RW);
	  int file = tmpfs_file("leak", 4 * PG, false),
	  ASSERT_EQ(0, try_mmap(&p, at, 4 * PG, RW, MAP_SHARED | MAP_FIXED, fd,
				0));
	  ASSERT_EQ(0, try_mmap(&p, at + PG, 2 * PG, RW,
				MAP_PRIVATE | MAP_FIXED, fd, PG));
	  ASSERT_EQ(0, try_mmap(&p, at, 2 * PG, RW, MAP_SHARED | MAP_FIXED,
				file, 0));
	  ASSERT_EQ(0, try_mmap(&p, at + 2 * PG, 2 * PG, RW,
				MAP_SHARED | MAP_FIXED, file, 2 * PG));
	  ASSERT_EQ(0, try_mmap(&p, at, 4 * PG, RW, MAP_PRIVATE |
				MAP_ANONYMOUS | MAP_FIXED, -1, 0)))

TEST_HARNESS_MAIN
