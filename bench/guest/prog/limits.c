// SPDX-License-Identifier: GPL-2.0-only
/* RLIMIT_AS, RLIMIT_MEMLOCK and RLIMIT_DATA, and what a refusal leaves. */
#include "guest.h"
#include "kselftest_harness.h"

#define RW (PROT_READ | PROT_WRITE)

FIXTURE(limits) {
	int fd;
	long locked;
	long size;
	long committed;
};

FIXTURE_VARIANT(limits) {
	int kind;
	int flags;
};

enum { ZERO, TMPFS, MEMFD, ANON };

FIXTURE_VARIANT_ADD(limits, zero_private) { ZERO, MAP_PRIVATE };
FIXTURE_VARIANT_ADD(limits, zero_shared) { ZERO, MAP_SHARED };
FIXTURE_VARIANT_ADD(limits, tmpfs_shared) { TMPFS, MAP_SHARED };
FIXTURE_VARIANT_ADD(limits, memfd_private) { MEMFD, MAP_PRIVATE };
FIXTURE_VARIANT_ADD(limits, anon_shared) { ANON, MAP_SHARED | MAP_ANONYMOUS };

FIXTURE_SETUP(limits)
{
	self->fd = variant->kind == ZERO ? open("/dev/zero", O_RDWR) :
		variant->kind == TMPFS ? tmpfs_file("lim", 16 * MB, false) :
		variant->kind == MEMFD ? memfd_sized("lim", 16 * MB) : -1;
	/* parse once, so that buffers are there before the numbers are read */
	self->locked = status_kb("VmLck");
	self->size = status_kb("VmSize");
	self->committed = committed();
	self->locked = status_kb("VmLck");
	self->size = status_kb("VmSize");
	self->committed = committed();
}

FIXTURE_TEARDOWN(limits)
{
	if (self->fd >= 0)
		close(self->fd);
}

#define EXPECT_AS_BEFORE()						\
do {									\
	EXPECT_EQ(self->locked, status_kb("VmLck"));			\
	EXPECT_EQ(self->size, status_kb("VmSize"));			\
	EXPECT_EQ(self->committed, committed());			\
} while (0)

/* Pages of a tmpfs file are charged as they come: drop them. */
static void drop_pages(int kind, int fd)
{
	if ((kind == TMPFS || kind == MEMFD) &&
	    (ftruncate(fd, 0) || ftruncate(fd, 16 * MB)))
		die("ftruncate");
}

static void limit(int what, rlim_t bytes)
{
	struct rlimit rl = { bytes, bytes };

	if (setrlimit(what, &rl))
		die("setrlimit %d", what);
}

/* Without CAP_IPC_LOCK, which would lift the limit. */
static void drop_root(void)
{
	if (syscall(SYS_setresgid, 1000, 1000, 1000) ||
	    syscall(SYS_setresuid, 1000, 1000, 1000))
		die("setresuid");
}

TEST_F(limits, address_space)
{
	void *p;

	limit(RLIMIT_AS, self->size * 1024 + 4 * MB);
	EXPECT_EQ(ENOMEM, try_mmap(&p, NULL, 5 * MB, RW, variant->flags,
				   self->fd, 0));
	EXPECT_AS_BEFORE();
	ASSERT_EQ(0, try_mmap(&p, NULL, 3 * MB, RW, variant->flags, self->fd,
			      0));
	EXPECT_EQ(self->size + 3072, status_kb("VmSize"));
	EXPECT_EQ(0, munmap(p, 3 * MB));
	EXPECT_AS_BEFORE();
}

/* MAP_FIXED over as much again needs no more address space. */
TEST_F(limits, address_space_fixed)
{
	char *p = mmap(NULL, 3 * MB, RW, variant->flags, self->fd, 0);
	void *q;

	ASSERT_NE(MAP_FAILED, p);
	*p = 'o';
	limit(RLIMIT_AS, self->size * 1024 + 4 * MB);
	ASSERT_EQ(0, try_mmap(&q, p, 3 * MB, RW, variant->flags | MAP_FIXED,
			      self->fd, 0));
	*p = 'o';
	/* the limit is hit before anything is torn down */
	EXPECT_EQ(ENOMEM, try_mmap(&q, p, 6 * MB, RW,
				   variant->flags | MAP_FIXED, self->fd, 0));
	EXPECT_EQ('o', *p);
	EXPECT_EQ(0, munmap(p, 3 * MB));
	drop_pages(variant->kind, self->fd);
	EXPECT_AS_BEFORE();
}

TEST_F(limits, map_locked)
{
	void *p;

	limit(RLIMIT_MEMLOCK, 64 * 1024);
	drop_root();
	EXPECT_EQ(EAGAIN, try_mmap(&p, NULL, 68 * 1024, RW,
				   variant->flags | MAP_LOCKED, self->fd, 0));
	EXPECT_AS_BEFORE();
	ASSERT_EQ(0, try_mmap(&p, NULL, 64 * 1024, RW,
			      variant->flags | MAP_LOCKED, self->fd, 0));
	EXPECT_EQ(self->locked + 64, status_kb("VmLck"));
	EXPECT_EQ(0, munmap(p, 64 * 1024));
	drop_pages(variant->kind, self->fd);
	EXPECT_AS_BEFORE();
}

TEST_F(limits, locking_forbidden)
{
	void *p;

	limit(RLIMIT_MEMLOCK, 0);
	drop_root();
	EXPECT_EQ(EPERM, try_mmap(&p, NULL, PG, RW, variant->flags | MAP_LOCKED,
				  self->fd, 0));
	EXPECT_AS_BEFORE();
}

/* mlockall(MCL_FUTURE) counts what is mapped, and only while it is. */
TEST_F(limits, lock_future)
{
	long locked;
	void *p;

	ASSERT_EQ(0, mlockall(MCL_FUTURE));
	locked = status_kb("VmLck");
	ASSERT_EQ(0, try_mmap(&p, NULL, 64 * 1024, RW, variant->flags, self->fd,
			      0));
	EXPECT_EQ(locked + 64, status_kb("VmLck"));
	EXPECT_EQ(0, munmap(p, 32 * 1024));
	EXPECT_EQ(locked + 32, status_kb("VmLck"));
	EXPECT_EQ(0, munmap((char *)p + 32 * 1024, 32 * 1024));
	EXPECT_EQ(locked, status_kb("VmLck"));
	munlockall();
}

/* A locked mapping that fails for want of memory is not counted. */
TEST_F(limits, locked_no_memory)
{
	int n, err = 0, failed = 0;
	bool injected;
	void *p;

	for (n = 1; n < 100; n++) {
		fail_nth(n);
		err = try_mmap(&p, NULL, 4 * PG, RW,
			       variant->flags | MAP_LOCKED, self->fd, 0);
		injected = fail_nth_done();
		if (!err)
			munmap(p, 4 * PG);
		failed += !!err;
		drop_pages(variant->kind, self->fd);
		EXPECT_AS_BEFORE();
		if (!injected)
			break;
	}
	EXPECT_EQ(0, err);
	EXPECT_LT(0, failed);
	EXPECT_LT(n, 60);
}

/* Private writable memory counts as data; shared does not. */
TEST_F(limits, data_segment)
{
	long data = status_kb("VmData");
	bool private = variant->flags == MAP_PRIVATE;
	void *p;

	limit(RLIMIT_DATA, (data + 1024) * 1024);
	EXPECT_EQ(private ? ENOMEM : 0,
		  try_mmap(&p, NULL, 2 * MB, RW, variant->flags, self->fd, 0));
	if (private)
		EXPECT_AS_BEFORE();
}

TEST_F(limits, map_count)
{
	char *base = page_or_die(4096 * PG, PROT_NONE), *p = base;
	int i, err = 0;
	void *q;

	ASSERT_EQ(0, spew("/proc/sys/vm/max_map_count", "500"));
	for (i = 0; i < 1000 && !err; i++, p += 2 * PG)
		err = try_mmap(&q, p, PG, PROT_READ, variant->flags | MAP_FIXED,
			       self->fd, 0);
	EXPECT_EQ(0, spew("/proc/sys/vm/max_map_count", "65530"));
	EXPECT_EQ(ENOMEM, err);
	EXPECT_GT(500, i);
	munmap(base, 4096 * PG);
	EXPECT_EQ(self->size, status_kb("VmSize"));
}

TEST_HARNESS_MAIN
