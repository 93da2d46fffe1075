// SPDX-License-Identifier: GPL-2.0-only
/*
 * Commit charge: a mapping that fails over one that is charged for returns
 * the charge of what it tore down, and what it did not tear down stays paid.
 */
#include "guest.h"
#include "kselftest_harness.h"

#define RW (PROT_READ | PROT_WRITE)
#define LEN (64 * MB)

static char *charged(void)
{
	return page_or_die(LEN, RW);
}

/*
 * Without any privilege: /proc/meminfo has a hook that fails, and unpatched
 * every turn leaves 64 MiB charged for nothing.
 */
TEST(proc_file_over_anonymous)
{
	int i, fd = open("/proc/meminfo", O_RDONLY);
	long as = committed();
	char *p;
	void *q;

	ASSERT_LE(0, fd);
	for (i = 0; i < 5; i++) {
		p = charged();
		EXPECT_EQ(EIO, try_mmap(&q, p, LEN, RW, MAP_PRIVATE | MAP_FIXED,
					fd, 0));
		munmap(p, LEN);
	}
	EXPECT_EQ(as, committed());
}

/* Half of it: only that half is given back with the refused mapping. */
TEST(proc_file_over_half)
{
	int fd = open("/proc/meminfo", O_RDONLY);
	long as = committed();
	char *p = charged();
	void *q;

	EXPECT_EQ(EIO, try_mmap(&q, p, LEN / 2, RW, MAP_PRIVATE | MAP_FIXED, fd,
				0));
	munmap(p, LEN);
	EXPECT_EQ(as, committed());
}

/* The new mapping is larger, so something is charged on top. */
TEST(proc_file_over_smaller)
{
	int fd = open("/proc/meminfo", O_RDONLY);
	long as = committed();
	char *p = charged();
	void *q;

	munmap(p + LEN / 2, LEN / 2);
	EXPECT_EQ(EIO, try_mmap(&q, p, LEN, RW, MAP_PRIVATE | MAP_FIXED, fd, 0));
	munmap(p, LEN);
	EXPECT_EQ(as, committed());
}

/* A read-only one needs no charge: the old one's was returned in 6.12 too. */
TEST(proc_file_read_only)
{
	int fd = open("/proc/meminfo", O_RDONLY);
	long as = committed();
	char *p = charged();
	void *q;

	EXPECT_EQ(EIO, try_mmap(&q, p, LEN, PROT_READ, MAP_PRIVATE | MAP_FIXED,
				fd, 0));
	munmap(p, LEN);
	EXPECT_EQ(as, committed());
}

/* A hook that refuses a private writable mapping of /dev/mem. */
TEST(dev_mem_refused)
{
	int i, fd = open("/dev/mem", O_RDWR);
	long as = committed();
	void *q;
	char *p;

	ASSERT_LE(0, fd);
	for (i = 0; i < 3; i++) {
		p = charged();
		EXPECT_EQ(EINVAL, try_mmap(&q, p, LEN, RW,
					   MAP_PRIVATE | MAP_FIXED, fd,
					   (off_t)0xffffffffffffULL << 12));
		munmap(p, LEN);
	}
	for (i = 0; i < 3; i++)
		EXPECT_EQ(EINVAL, try_mmap(&q, NULL, LEN, RW, MAP_PRIVATE, fd,
					   (off_t)0xffffffffffffULL << 12));
	EXPECT_EQ(as, committed());
}

/*
 * Every allocation of a private writable mapping over charged memory fails
 * once. Whatever stays, in the end all is paid back.
 */
static void sweep(struct __test_metadata *_metadata, int fd, int flags,
		  int bound)
{
	int n, err = 0, failed = 0;
	long as = committed();
	bool injected;
	char *p;
	void *q;

	for (n = 1; n <= bound; n++) {
		p = page_or_die(MB, RW);
		fail_nth(n);
		err = try_mmap(&q, p, MB, RW, flags | MAP_FIXED, fd, 0);
		injected = fail_nth_done();
		failed += !!err;
		munmap(p, MB);
		EXPECT_EQ(as, committed())
			TH_LOG("after failure %d (%s)", n, strerror(err));
		if (!injected)
			break;
	}
	EXPECT_FALSE(injected);
	EXPECT_EQ(0, err);
	EXPECT_LT(0, failed);
}

TEST(fail_nth_anonymous)
{
	sweep(_metadata, -1, MAP_PRIVATE | MAP_ANONYMOUS, 20);
}

TEST(fail_nth_zero_private)
{
	sweep(_metadata, open("/dev/zero", O_RDWR), MAP_PRIVATE, 20);
}

TEST(fail_nth_zero_shared)
{
	sweep(_metadata, open("/dev/zero", O_RDWR), MAP_SHARED, 30);
}

TEST(fail_nth_tmpfs_private)
{
	sweep(_metadata, tmpfs_file("commit", MB, false), MAP_PRIVATE, 20);
}

TEST(fail_nth_dev_mem_private)
{
	int fd = open("/dev/mem", O_RDWR), n, failed = 0, err = 0;
	long as = committed();
	bool injected;
	char *p;
	void *q;

	for (n = 1; n <= 20; n++) {
		p = page_or_die(PG, RW);
		fail_nth(n);
		err = try_mmap(&q, p, PG, PROT_READ, MAP_PRIVATE | MAP_FIXED,
			       fd, 0xf0000);
		injected = fail_nth_done();
		failed += !!err;
		munmap(p, PG);
		EXPECT_EQ(as, committed()) TH_LOG("after failure %d", n);
		if (!injected)
			break;
	}
	EXPECT_FALSE(injected);
	EXPECT_EQ(0, err);
	EXPECT_LT(0, failed);
}

/* Strict accounting: what a failure took would soon be missed. */
TEST(strict_overcommit)
{
	int i, fd = open("/proc/meminfo", O_RDONLY), err = 0;
	char old[16];
	void *q;
	char *p;

	ASSERT_LT(0, slurp("/proc/sys/vm/overcommit_ratio", old, sizeof(old)));
	ASSERT_EQ(0, spew("/proc/sys/vm/overcommit_memory", "2"));
	for (i = 0; i < 10 && !err; i++) {
		p = mmap(NULL, LEN, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (p == MAP_FAILED) {
			err = errno;
			break;
		}
		try_mmap(&q, p, LEN, RW, MAP_PRIVATE | MAP_FIXED, fd, 0);
		munmap(p, LEN);
	}
	EXPECT_EQ(0, spew("/proc/sys/vm/overcommit_memory", "0"));
	EXPECT_EQ(0, err) TH_LOG("out of memory in turn %d", i);
}

TEST_HARNESS_MAIN
