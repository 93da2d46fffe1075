// SPDX-License-Identifier: GPL-2.0-only
/* PR_SET_MDWE: no mapping is writable and executable, nor becomes so. */
#include "guest.h"
#include "kselftest_harness.h"

#define RW (PROT_READ | PROT_WRITE)
#define RX (PROT_READ | PROT_EXEC)
#define RWX (RW | PROT_EXEC)

FIXTURE(mdwe) {
	int fd;
};

FIXTURE_VARIANT(mdwe) {
	int kind;
	int flags;
};

enum { ZERO, TMPFS, MEMFD, ANON };

FIXTURE_VARIANT_ADD(mdwe, zero_private) { ZERO, MAP_PRIVATE };
FIXTURE_VARIANT_ADD(mdwe, zero_shared) { ZERO, MAP_SHARED };
FIXTURE_VARIANT_ADD(mdwe, tmpfs_private) { TMPFS, MAP_PRIVATE };
FIXTURE_VARIANT_ADD(mdwe, tmpfs_shared) { TMPFS, MAP_SHARED };
FIXTURE_VARIANT_ADD(mdwe, memfd_shared) { MEMFD, MAP_SHARED };
FIXTURE_VARIANT_ADD(mdwe, anon) { ANON, MAP_PRIVATE | MAP_ANONYMOUS };

FIXTURE_SETUP(mdwe)
{
	self->fd = variant->kind == ZERO ? open("/dev/zero", O_RDWR) :
		variant->kind == TMPFS ? tmpfs_file("mdwe", PG, false) :
		variant->kind == MEMFD ? memfd_sized("mdwe", PG) : -1;
}

FIXTURE_TEARDOWN(mdwe)
{
	if (self->fd >= 0)
		close(self->fd);
}

TEST_F(mdwe, refused)
{
	long as = committed();
	void *p;

	ASSERT_EQ(0, try_mmap(&p, NULL, PG, RWX, variant->flags, self->fd, 0));
	EXPECT_EQ(0, munmap(p, PG));
	ASSERT_EQ(0, prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0));
	EXPECT_EQ(EACCES, try_mmap(&p, NULL, PG, RWX, variant->flags, self->fd,
				   0));
	EXPECT_EQ(EACCES, try_mmap(&p, NULL, PG, PROT_WRITE | PROT_EXEC,
				   variant->flags, self->fd, 0));
	EXPECT_EQ(as, committed());
}

TEST_F(mdwe, no_gain)
{
	void *p;

	ASSERT_EQ(0, prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0));
	ASSERT_EQ(0, try_mmap(&p, NULL, PG, RW, variant->flags, self->fd, 0));
	EXPECT_EQ(-1, mprotect(p, PG, RX));
	EXPECT_EQ(EACCES, errno);
	EXPECT_EQ(0, munmap(p, PG));
	ASSERT_EQ(0, try_mmap(&p, NULL, PG, RX, variant->flags, self->fd, 0));
	EXPECT_EQ(-1, mprotect(p, PG, RWX));
	EXPECT_EQ(EACCES, errno);
	EXPECT_STREQ(variant->flags & MAP_SHARED ? "r-xs" : "r-xp",
		     vma_at(p).perms);
	EXPECT_EQ(0, munmap(p, PG));
}

/* A refusal under MAP_FIXED keeps what was there. */
TEST_F(mdwe, fixed)
{
	char *p = page_or_die(PG, RW);
	void *q;

	p[0] = 'o';
	ASSERT_EQ(0, prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0));
	EXPECT_EQ(EACCES, try_mmap(&q, p, PG, RWX, variant->flags | MAP_FIXED,
				   self->fd, 0));
	EXPECT_EQ('o', p[0]);
	EXPECT_STREQ("rw-p", vma_at(p).perms);
}

TEST_HARNESS_MAIN
