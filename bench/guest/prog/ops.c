// SPDX-License-Identifier: GPL-2.0-only
/* What is done to mappings later, on files that the hook maps. */
#include "guest.h"
#include "kselftest_harness.h"

#define RW (PROT_READ | PROT_WRITE)

FIXTURE(ops) {
	int fd;
	char *p;
};

FIXTURE_VARIANT(ops) {
	int kind;
	int flags;
};

enum { ZERO, TMPFS, MEMFD };

FIXTURE_VARIANT_ADD(ops, zero_private) { ZERO, MAP_PRIVATE };
FIXTURE_VARIANT_ADD(ops, zero_shared) { ZERO, MAP_SHARED };
FIXTURE_VARIANT_ADD(ops, tmpfs_private) { TMPFS, MAP_PRIVATE };
FIXTURE_VARIANT_ADD(ops, tmpfs_shared) { TMPFS, MAP_SHARED };
FIXTURE_VARIANT_ADD(ops, memfd_private) { MEMFD, MAP_PRIVATE };
FIXTURE_VARIANT_ADD(ops, memfd_shared) { MEMFD, MAP_SHARED };

FIXTURE_SETUP(ops)
{
	switch (variant->kind) {
	case ZERO:
		self->fd = open("/dev/zero", O_RDWR);
		break;
	case TMPFS:
		self->fd = tmpfs_file("ops", 8 * PG, false);
		break;
	case MEMFD:
		self->fd = memfd_sized("ops", 8 * PG);
		break;
	}
	self->p = mmap(NULL, 8 * PG, RW, variant->flags, self->fd, 0);
	ASSERT_NE(MAP_FAILED, self->p);
	self->p[0] = 'a';
	self->p[4 * PG] = 'e';
}

FIXTURE_TEARDOWN(ops)
{
	munmap(self->p, 8 * PG);
	close(self->fd);
}

TEST_F(ops, mprotect)
{
	char *p = self->p;

	ASSERT_EQ(0, mprotect(p + PG, PG, PROT_READ));
	EXPECT_EQ(3, nr_vmas(p, 8 * PG));
	EXPECT_EQ(SIGSEGV, touch_signal(p + PG, true));
	EXPECT_EQ(0, touch_signal(p + PG, false));
	ASSERT_EQ(0, mprotect(p + PG, PG, PROT_NONE));
	EXPECT_EQ(SIGSEGV, touch_signal(p + PG, false));
	ASSERT_EQ(0, mprotect(p + PG, PG, RW));
	EXPECT_EQ(1, nr_vmas(p, 8 * PG));
	p[PG] = 1;
	EXPECT_EQ('a', p[0]);
	ASSERT_EQ(0, mprotect(p, PG, RW | PROT_EXEC));
	EXPECT_EQ(2, nr_vmas(p, 8 * PG));
}

TEST_F(ops, partial_munmap)
{
	char *p = self->p;

	ASSERT_EQ(0, munmap(p + PG, 2 * PG));
	EXPECT_EQ(2, nr_vmas(p, 8 * PG));
	EXPECT_EQ(3 * PG, vma_at(p + 3 * PG).pgoff);
	EXPECT_EQ('e', p[4 * PG]);
	EXPECT_EQ(SIGSEGV, touch_signal(p + PG, false));
	ASSERT_EQ(0, munmap(p, PG));
	EXPECT_EQ('e', p[4 * PG]);
}

TEST_F(ops, mremap_moves)
{
	char *q = arena(8 * PG), *p = self->p;

	ASSERT_EQ(q, mremap(p, 8 * PG, 8 * PG, MREMAP_MAYMOVE | MREMAP_FIXED,
			    q));
	EXPECT_EQ('e', q[4 * PG]);
	EXPECT_EQ(0, nr_vmas(p, 8 * PG));
	EXPECT_EQ(1, nr_vmas(q, 8 * PG));
	EXPECT_EQ(0, munmap(q, 8 * PG));
}

TEST_F(ops, mremap_shrinks)
{
	char *p = self->p;

	ASSERT_EQ(p, mremap(p, 8 * PG, 5 * PG, 0));
	EXPECT_EQ('e', p[4 * PG]);
	EXPECT_EQ(SIGSEGV, touch_signal(p + 5 * PG, false));
}

TEST_F(ops, mremap_keeps_old)
{
	char *p = self->p, *q;

	q = mremap(p, 8 * PG, 8 * PG, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL);
	ASSERT_NE(MAP_FAILED, q);
	EXPECT_EQ('e', q[4 * PG]);
	/* private anonymous memory is gone from there, a file's is not */
	EXPECT_EQ(variant->flags == MAP_SHARED ? 'e' : 0, p[4 * PG]);
	EXPECT_EQ(0, munmap(q, 8 * PG));
}

TEST_F(ops, mremap_shared_copy)
{
	char *p = self->p, *q;

	q = mremap(p, 0, 8 * PG, MREMAP_MAYMOVE);
	if (variant->flags == MAP_SHARED) {
		ASSERT_NE(MAP_FAILED, q);
		q[PG] = 'q';
		EXPECT_EQ('q', p[PG]);
		EXPECT_EQ(0, munmap(q, 8 * PG));
	} else {
		EXPECT_EQ(MAP_FAILED, q);
		EXPECT_EQ(EINVAL, errno);
	}
}

TEST_F(ops, dontneed)
{
	char *p = self->p;

	ASSERT_EQ(0, madvise(p, 8 * PG, MADV_DONTNEED));
	EXPECT_EQ(variant->flags == MAP_SHARED ? 'a' : 0, p[0]);
}

TEST_F(ops, fork_advice)
{
	char *p = self->p;

	/* a VMA with a file, so not even private /dev/zero is wiped */
	EXPECT_EQ(-1, madvise(p, PG, MADV_WIPEONFORK));
	EXPECT_EQ(EINVAL, errno);
	ASSERT_EQ(0, madvise(p, 8 * PG, MADV_DONTFORK));
	EXPECT_EQ(SIGSEGV, touch_signal(p, false));
	ASSERT_EQ(0, madvise(p, 8 * PG, MADV_DOFORK));
	EXPECT_EQ(0, touch_signal(p, false));
}

TEST_F(ops, dump_advice)
{
	ASSERT_EQ(0, madvise(self->p, PG, MADV_DONTDUMP));
	EXPECT_TRUE(smaps_flag(self->p, "dd"));
	EXPECT_EQ(2, nr_vmas(self->p, 8 * PG));
	ASSERT_EQ(0, madvise(self->p, PG, MADV_DODUMP));
	EXPECT_EQ(1, nr_vmas(self->p, 8 * PG));
}

TEST_F(ops, populate_advice)
{
	ASSERT_EQ(0, madvise(self->p, 8 * PG, MADV_POPULATE_WRITE));
	EXPECT_EQ(32, smaps_kb(self->p, "Rss"));
	EXPECT_EQ('e', self->p[4 * PG]);
}

TEST_F(ops, msync)
{
	EXPECT_EQ(0, msync(self->p, 8 * PG, MS_SYNC));
	EXPECT_EQ(0, msync(self->p, 8 * PG, MS_ASYNC));
}

TEST_F(ops, mincore)
{
	unsigned char vec[8];

	ASSERT_EQ(0, mincore(self->p, 8 * PG, vec));
	EXPECT_EQ(1, vec[0] & 1);
	EXPECT_EQ(1, vec[4] & 1);
	EXPECT_EQ(0, vec[7] & 1);
}

TEST_F(ops, mlock)
{
	long lck = status_kb("VmLck");

	ASSERT_EQ(0, mlock(self->p, 8 * PG));
	EXPECT_EQ(lck + 32, status_kb("VmLck"));
	EXPECT_TRUE(smaps_flag(self->p, "lo"));
	ASSERT_EQ(0, munlock(self->p, 4 * PG));
	EXPECT_EQ(lck + 16, status_kb("VmLck"));
	EXPECT_EQ(2, nr_vmas(self->p, 8 * PG));
	ASSERT_EQ(0, munlock(self->p, 8 * PG));
	EXPECT_EQ(1, nr_vmas(self->p, 8 * PG));
}

TEST_F(ops, remap_file_pages)
{
	int err = syscall(SYS_remap_file_pages, self->p, PG, 0, 4, 0);

	if (variant->flags == MAP_SHARED) {
		EXPECT_EQ(0, err);
		EXPECT_EQ('e', self->p[0]);
		EXPECT_EQ(4 * PG, vma_at(self->p).pgoff);
	} else {
		EXPECT_EQ(-1, err);
		EXPECT_EQ(EINVAL, errno);
	}
}

TEST_F(ops, write_through_proc_mem)
{
	int fd = open("/proc/self/mem", O_RDWR);
	char c = 'w';

	ASSERT_LE(0, fd);
	EXPECT_EQ(1, pwrite(fd, &c, 1, (off_t)(uintptr_t)(self->p + PG)));
	EXPECT_EQ('w', self->p[PG]);
	c = 0;
	EXPECT_EQ(1, pread(fd, &c, 1, (off_t)(uintptr_t)(self->p + 4 * PG)));
	EXPECT_EQ('e', c);
	close(fd);
}

TEST_F(ops, truncated_under_it)
{
	bool file = variant->kind != ZERO;

	if (!file) {
		EXPECT_EQ(-1, ftruncate(self->fd, PG));
		return;
	}
	ASSERT_EQ(0, ftruncate(self->fd, PG));
	EXPECT_EQ(SIGBUS, touch_signal(self->p + 4 * PG, false));
	ASSERT_EQ(0, ftruncate(self->fd, 8 * PG));
	EXPECT_EQ(0, self->p[4 * PG]);
	EXPECT_EQ('a', self->p[0]);
}

TEST_HARNESS_MAIN
