// SPDX-License-Identifier: GPL-2.0-only
/*
 * SysV shared memory: shm_mmap() wraps a shmem file, with vm_ops and private
 * data of its own that count the attachments.
 */
#include <sys/ipc.h>
#include <sys/shm.h>
#include "guest.h"
#include "kselftest_harness.h"

FIXTURE(shm) {
	int id;
};

FIXTURE_SETUP(shm)
{
	self->id = shmget(IPC_PRIVATE, 4 * PG, IPC_CREAT | 0600);
	ASSERT_LE(0, self->id);
}

FIXTURE_TEARDOWN(shm)
{
	shmctl(self->id, IPC_RMID, NULL);
}

static int nattch(int id)
{
	struct shmid_ds ds;

	return shmctl(id, IPC_STAT, &ds) ? -errno : (int)ds.shm_nattch;
}

TEST_F(shm, attach_write)
{
	char *p = shmat(self->id, NULL, 0), *q = shmat(self->id, NULL, 0);

	ASSERT_NE((void *)-1, p);
	ASSERT_NE((void *)-1, q);
	EXPECT_EQ(2, nattch(self->id));
	EXPECT_EQ(0, p[3 * PG]);
	p[3 * PG] = 'a';
	EXPECT_EQ('a', q[3 * PG]);
	EXPECT_EQ(0, strncmp(vma_at(p).name, "/SYSV00000000", 13));
	EXPECT_STREQ("rw-s", vma_at(p).perms);
	EXPECT_EQ((unsigned long)self->id, vma_at(p).inode);
	EXPECT_EQ(0, shmdt(p));
	EXPECT_EQ(1, nattch(self->id));
	EXPECT_EQ('a', q[3 * PG]);
	EXPECT_EQ(0, shmdt(q));
	EXPECT_EQ(0, nattch(self->id));
}

struct seen {
	char *p;
	int id;
	int in_child;
};

static int child_counts(void *arg)
{
	struct seen *s = arg;

	if (nattch(s->id) != 2)
		return 1;
	s->p[0] = 'c';
	if (shmdt(s->p))
		return 2;
	return nattch(s->id) == 1 ? 0 : 3;
}

TEST_F(shm, fork)
{
	struct seen s = { shmat(self->id, NULL, 0), self->id };

	ASSERT_NE((void *)-1, s.p);
	EXPECT_EQ(0, in_child(child_counts, &s));
	EXPECT_EQ('c', s.p[0]);
	EXPECT_EQ(1, nattch(self->id));
	EXPECT_EQ(0, shmdt(s.p));
	EXPECT_EQ(0, nattch(self->id));
}

TEST_F(shm, read_only)
{
	char *p = shmat(self->id, NULL, SHM_RDONLY);

	ASSERT_NE((void *)-1, p);
	EXPECT_EQ(0, p[0]);
	EXPECT_STREQ("r--s", vma_at(p).perms);
	EXPECT_EQ(SIGSEGV, touch_signal(p, true));
	EXPECT_EQ(-1, mprotect(p, PG, PROT_READ | PROT_WRITE));
	EXPECT_EQ(EACCES, errno);
	EXPECT_EQ(1, nattch(self->id));
	EXPECT_EQ(0, shmdt(p));
}

TEST_F(shm, exec)
{
	unsigned char *p = shmat(self->id, NULL, SHM_EXEC);

	ASSERT_NE((void *)-1, p);
	EXPECT_STREQ("rwxs", vma_at(p).perms);
	p[0] = 0xb8;	/* mov $5, %eax; ret */
	p[1] = 5;
	p[5] = 0xc3;
	EXPECT_EQ(5, ((int (*)(void))p)());
	EXPECT_EQ(0, shmdt(p));
}

TEST_F(shm, removed_while_attached)
{
	struct shmid_ds ds;
	char *p = shmat(self->id, NULL, 0), *q;

	ASSERT_NE((void *)-1, p);
	ASSERT_EQ(0, shmctl(self->id, IPC_RMID, NULL));
	ASSERT_EQ(0, shmctl(self->id, IPC_STAT, &ds));
	EXPECT_EQ(01000, ds.shm_perm.mode & 01000);
	p[0] = 'r';
	q = shmat(self->id, NULL, 0);
	ASSERT_NE((void *)-1, q);
	EXPECT_EQ('r', q[0]);
	EXPECT_EQ(2, nattch(self->id));
	EXPECT_EQ(0, shmdt(p));
	EXPECT_EQ(0, shmdt(q));
	EXPECT_EQ(-EINVAL, nattch(self->id));
}

/* Splits open() the parts, unmapping closes them. */
TEST_F(shm, split_counts)
{
	char *p = shmat(self->id, NULL, 0);

	ASSERT_NE((void *)-1, p);
	EXPECT_EQ(0, munmap(p + PG, PG));
	EXPECT_EQ(2, nattch(self->id));
	EXPECT_EQ(2, nr_vmas(p, 4 * PG));
	EXPECT_EQ(0, mprotect(p + 2 * PG, PG, PROT_READ));
	EXPECT_EQ(3, nattch(self->id));
	EXPECT_EQ(0, munmap(p + 2 * PG, 2 * PG));
	EXPECT_EQ(1, nattch(self->id));
	EXPECT_EQ(0, shmdt(p));
	EXPECT_EQ(0, nattch(self->id));
}

/* Adjacent attachments are not merged: each is counted. */
TEST_F(shm, adjacent)
{
	char *p = arena(8 * PG);

	ASSERT_EQ(p, shmat(self->id, p, 0));
	ASSERT_EQ(p + 4 * PG, shmat(self->id, p + 4 * PG, 0));
	EXPECT_EQ(2, nr_vmas(p, 8 * PG));
	EXPECT_EQ(2, nattch(self->id));
	EXPECT_EQ(0, shmdt(p));
	EXPECT_EQ(0, shmdt(p + 4 * PG));
	EXPECT_EQ(0, nattch(self->id));
}

TEST_F(shm, remap_over)
{
	char *p = arena(4 * PG);

	ASSERT_EQ(p, shmat(self->id, p, 0));
	EXPECT_EQ((void *)-1, shmat(self->id, p, 0));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(1, nattch(self->id));
	p[0] = 'o';
	ASSERT_EQ(p, shmat(self->id, p, SHM_REMAP));
	EXPECT_EQ('o', p[0]);
	EXPECT_EQ(1, nattch(self->id));
	EXPECT_EQ(0, shmdt(p));
	EXPECT_EQ(0, nattch(self->id));
}

TEST_F(shm, mremap)
{
	char *p = shmat(self->id, NULL, 0), *q;

	ASSERT_NE((void *)-1, p);
	p[PG] = 'm';
	q = mremap(p, 4 * PG, 4 * PG, MREMAP_MAYMOVE | MREMAP_FIXED,
		   arena(4 * PG));
	ASSERT_NE(MAP_FAILED, q);
	EXPECT_EQ('m', q[PG]);
	EXPECT_EQ(1, nattch(self->id));
	EXPECT_EQ(0, shmdt(q));
	EXPECT_EQ(0, nattch(self->id));
}

/* An attachment that fails for want of memory is not counted. */
TEST_F(shm, no_memory)
{
	int n, failed = 0;
	bool injected;
	char *p;

	for (n = 1; n < 100; n++) {
		fail_nth(n);
		p = shmat(self->id, NULL, 0);
		injected = fail_nth_done();
		if (p != (void *)-1) {
			ASSERT_EQ(1, nattch(self->id));
			ASSERT_EQ(0, shmdt(p));
		} else {
			failed++;
			ASSERT_EQ(0, nattch(self->id)) TH_LOG("point %d", n);
		}
		if (!injected)
			break;
	}
	EXPECT_LT(n, 30);
	EXPECT_LT(0, failed);
}

TEST(hugetlb)
{
	char *p;
	int id;

	ASSERT_EQ(0, spew("/proc/sys/vm/nr_hugepages", "2"));
	id = shmget(IPC_PRIVATE, 2 * MB, IPC_CREAT | SHM_HUGETLB | 0600);
	ASSERT_LE(0, id);
	p = shmat(id, NULL, 0);
	ASSERT_NE((void *)-1, p);
	p[MB] = 'h';
	EXPECT_EQ(1, nattch(id));
	EXPECT_TRUE(smaps_flag(p, "ht"));
	EXPECT_EQ(0, shmdt(p));
	EXPECT_EQ(0, nattch(id));
	EXPECT_EQ(0, shmctl(id, IPC_RMID, NULL));
	EXPECT_EQ(0, spew("/proc/sys/vm/nr_hugepages", "0"));
}

TEST_HARNESS_MAIN
