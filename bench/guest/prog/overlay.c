// SPDX-License-Identifier: GPL-2.0-only
/*
 * overlayfs over tmpfs: a wrapper that has a VMA before it calls the file
 * below, which is the compat path of the hook.
 */
#include "guest.h"
#include "kselftest_harness.h"
#include "dynamic.h"

FIXTURE(overlay) {
	int fd;
};

static void put(const char *path, size_t len, char c)
{
	static char buf[4 * PG];
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0700);

	memset(buf, c, len);
	if (fd < 0 || write(fd, buf, len) != (ssize_t)len)
		die("%s", path);
	close(fd);
}

FIXTURE_SETUP(overlay)
{
	mkdir("/tmp/ovl", 0700);
	ASSERT_EQ(0, mount("tmpfs", "/tmp/ovl", "tmpfs", 0, NULL));
	mkdir("/tmp/ovl/lower", 0700);
	mkdir("/tmp/ovl/upper", 0700);
	mkdir("/tmp/ovl/work", 0700);
	mkdir("/tmp/ovl/merged", 0700);
	put("/tmp/ovl/lower/file", 3 * PG, 'l');
	put("/tmp/ovl/upper/up", 3 * PG, 'u');
	ASSERT_EQ(0, mount("overlay", "/tmp/ovl/merged", "overlay", 0,
			   "lowerdir=/tmp/ovl/lower,upperdir=/tmp/ovl/upper,workdir=/tmp/ovl/work"));
}

/* If a mapping or its end lost or kept a file reference, umount() is busy. */
FIXTURE_TEARDOWN(overlay)
{
	EXPECT_EQ(0, umount("/tmp/ovl/merged"));
	EXPECT_EQ(0, umount("/tmp/ovl"));
}

TEST_F(overlay, lower_private)
{
	char *p, c = 0;
	int fd = open("/tmp/ovl/merged/file", O_RDONLY);

	p = mmap(NULL, 3 * PG, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	ASSERT_NE(MAP_FAILED, p);
	EXPECT_EQ('l', p[2 * PG]);
	p[2 * PG] = 'x';
	EXPECT_EQ(1, pread(fd, &c, 1, 2 * PG));
	EXPECT_EQ('l', c);
	EXPECT_EQ(1, nr_vmas(p, 3 * PG));
	EXPECT_STREQ("/tmp/ovl/merged/file", vma_at(p).name);
	munmap(p, 3 * PG);
	p = mmap(NULL, PG, PROT_READ, MAP_PRIVATE, fd, 3 * PG);
	EXPECT_EQ(SIGBUS, touch_signal(p, false));
	munmap(p, PG);
	close(fd);
}

TEST_F(overlay, upper_shared)
{
	char *p, c = 0;
	int fd = open("/tmp/ovl/merged/up", O_RDWR);

	p = mmap(NULL, 3 * PG, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, p);
	p[PG] = 'x';
	EXPECT_EQ(1, pread(fd, &c, 1, PG));
	EXPECT_EQ('x', c);
	c = 'y';
	EXPECT_EQ(1, pwrite(fd, &c, 1, 7));
	EXPECT_EQ('y', p[7]);
	munmap(p, 3 * PG);
	close(fd);
	fd = open("/tmp/ovl/upper/up", O_RDONLY);
	EXPECT_EQ(1, pread(fd, &c, 1, PG));
	EXPECT_EQ('x', c);
	close(fd);
}

/* Opening for writing copies the file up; the mapping is of the copy. */
TEST_F(overlay, copied_up_shared)
{
	char *p, c = 0;
	int fd = open("/tmp/ovl/merged/file", O_RDWR);

	p = mmap(NULL, PG, PROT_READ | PROT_WRITE, MAP_SHARED, fd, PG);
	ASSERT_NE(MAP_FAILED, p);
	p[0] = 'z';
	munmap(p, PG);
	close(fd);
	fd = open("/tmp/ovl/lower/file", O_RDONLY);
	EXPECT_EQ(1, pread(fd, &c, 1, PG));
	EXPECT_EQ('l', c);
	close(fd);
	fd = open("/tmp/ovl/upper/file", O_RDONLY);
	ASSERT_LE(0, fd);
	EXPECT_EQ(1, pread(fd, &c, 1, PG));
	EXPECT_EQ('z', c);
	close(fd);
}

TEST_F(overlay, read_only_shared_stays_so)
{
	void *p;
	int fd = open("/tmp/ovl/merged/file", O_RDONLY);

	EXPECT_EQ(EACCES, try_mmap(&p, NULL, PG, PROT_READ | PROT_WRITE,
				   MAP_SHARED, fd, 0));
	ASSERT_EQ(0, try_mmap(&p, NULL, PG, PROT_READ, MAP_SHARED, fd, 0));
	EXPECT_EQ(-1, mprotect(p, PG, PROT_READ | PROT_WRITE));
	EXPECT_EQ(EACCES, errno);
	munmap(p, PG);
	close(fd);
}

static int write_both(void *arg)
{
	char **p = arg;

	p[0][0] = 'P';
	p[1][0] = 'S';
	return p[0][PG] == 'u' && p[1][PG] == 'u' ? 0 : 1;
}

TEST_F(overlay, fork)
{
	int fd = open("/tmp/ovl/merged/up", O_RDWR);
	char *p[2];

	p[0] = mmap(NULL, 2 * PG, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	p[1] = mmap(NULL, 2 * PG, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, p[0]);
	ASSERT_NE(MAP_FAILED, p[1]);
	close(fd);
	p[0][1] = 'c';
	EXPECT_EQ(0, in_child(write_both, p));
	EXPECT_EQ('u', p[0][0]);
	EXPECT_EQ('c', p[0][1]);
	EXPECT_EQ('S', p[1][0]);
	EXPECT_EQ(0, munmap(p[0], 2 * PG));
	EXPECT_EQ(0, munmap(p[1], 2 * PG));
}

/* Partial unmaps, moves and a MAP_FIXED over it: references stay balanced. */
TEST_F(overlay, split_and_replace)
{
	int i, fd = open("/tmp/ovl/merged/file", O_RDONLY);
	char *p, *q;

	for (i = 0; i < 50; i++) {
		p = arena(4 * PG);
		ASSERT_EQ(p, mmap(p, 3 * PG, PROT_READ, MAP_PRIVATE | MAP_FIXED,
				  fd, 0));
		ASSERT_EQ(0, munmap(p + PG, PG));
		ASSERT_EQ(2, nr_vmas(p, 3 * PG));
		ASSERT_EQ(p + PG, mmap(p + PG, PG, PROT_READ,
				       MAP_PRIVATE | MAP_FIXED, fd, PG));
		/* the VMA has the file below, so nothing merges with it */
		ASSERT_EQ(3, nr_vmas(p, 3 * PG));
		q = mremap(p, PG, 2 * PG, MREMAP_MAYMOVE);
		ASSERT_NE(MAP_FAILED, q);
		ASSERT_EQ('l', q[PG]);
		munmap(q, 2 * PG);
		munmap(p - PG, 6 * PG);
	}
	close(fd);
}

TEST_F(overlay, exec_dynamic)
{
	static char out[8192];
	int status;

	ASSERT_EQ(0, copy_dynamic("/tmp/dyn"));
	ASSERT_EQ(0, copy_file("/dyn/hello", "/tmp/ovl/merged/hello", 0700));
	status = run_program("/tmp/ovl/merged/hello", NULL, out, sizeof(out));
	EXPECT_TRUE(WIFEXITED(status));
	EXPECT_EQ(42, WEXITSTATUS(status));
	EXPECT_NE(NULL, strstr(out, "/tmp/ovl/merged/hello\n"));
}

TEST_F(overlay, no_memory)
{
	int n, err, failed = 0, fd = open("/tmp/ovl/merged/file", O_RDONLY);
	bool injected;
	void *p;

	for (n = 1; n < 100; n++) {
		fail_nth(n);
		err = try_mmap(&p, NULL, 3 * PG, PROT_READ, MAP_PRIVATE, fd, 0);
		injected = fail_nth_done();
		if (!err)
			munmap(p, 3 * PG);
		ASSERT_TRUE(!err || err == ENOMEM);
		failed += !!err;
		if (!injected)
			break;
	}
	EXPECT_LT(n, 30);
	EXPECT_LT(0, failed);
	EXPECT_EQ(0, err);
	close(fd);
}

TEST_HARNESS_MAIN
