// SPDX-License-Identifier: GPL-2.0-only
/*
 * Uprobes in a file that the hook maps: the breakpoint is set when the
 * mapping is complete, and only then.
 */
#include "guest.h"
#include "kselftest_harness.h"

#define CODE "/tmp/uprobe_code"
#define SEM (2 * PG)	/* where the reference counter of the probe is */

static const unsigned char code[] = {
	0x90,				/* nop */
	0xb8, 7, 0, 0, 0,		/* mov $7, %eax */
	0xc3,				/* ret */
};

FIXTURE(uprobe) {
	int fd;
};

FIXTURE_SETUP(uprobe)
{
	self->fd = open(CODE, O_RDWR | O_CREAT | O_TRUNC, 0700);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, ftruncate(self->fd, 4 * PG));
	ASSERT_EQ(sizeof(code), pwrite(self->fd, code, sizeof(code), PG));
	ASSERT_EQ(0, spew(TRACEFS "uprobe_events",
			  "p:guestu/hit " CODE ":0x1000\n"));
	ASSERT_EQ(0, spew(TRACEFS "uprobe_events",
			  "p:guestu/sem " CODE ":0x1001(0x2000)\n"));
}

FIXTURE_TEARDOWN(uprobe)
{
	spew(TRACEFS "events/guestu/enable", "0");
	EXPECT_EQ(0, spew(TRACEFS "uprobe_events", "-:guestu/hit\n"));
	EXPECT_EQ(0, spew(TRACEFS "uprobe_events", "-:guestu/sem\n"));
	close(self->fd);
	unlink(CODE);
}

static unsigned char *map_code(int fd)
{
	void *p = mmap(NULL, PG, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, PG);

	if (p == MAP_FAILED)
		die("mmap of " CODE);
	return p;
}

static long profile(const char *event)
{
	return probe_hits("uprobe_profile", event);
}

TEST_F(uprobe, mapped_after_the_probe)
{
	unsigned char *p, c = 0;
	int i;

	ASSERT_EQ(0, spew(TRACEFS "events/guestu/hit/enable", "1"));
	p = map_code(self->fd);
	EXPECT_EQ(0xcc, p[0]);
	for (i = 0; i < 5; i++)
		EXPECT_EQ(7, ((int (*)(void))p)());
	EXPECT_EQ(5, profile("hit"));
	EXPECT_EQ(1, pread(self->fd, &c, 1, PG));
	EXPECT_EQ(0x90, c);
	ASSERT_EQ(0, spew(TRACEFS "events/guestu/hit/enable", "0"));
	EXPECT_EQ(0x90, p[0]);
	EXPECT_EQ(7, ((int (*)(void))p)());
	EXPECT_EQ(5, profile("hit"));
	munmap(p, PG);
}

TEST_F(uprobe, mapped_before_the_probe)
{
	unsigned char *p = map_code(self->fd);

	EXPECT_EQ(0x90, p[0]);
	ASSERT_EQ(0, spew(TRACEFS "events/guestu/hit/enable", "1"));
	EXPECT_EQ(0xcc, p[0]);
	EXPECT_EQ(7, ((int (*)(void))p)());
	EXPECT_EQ(1, profile("hit"));
	munmap(p, PG);
}

/* Not executable, or not mapped there: no breakpoint. */
TEST_F(uprobe, elsewhere)
{
	unsigned char *p;

	ASSERT_EQ(0, spew(TRACEFS "events/guestu/hit/enable", "1"));
	p = mmap(NULL, PG, PROT_READ, MAP_SHARED, self->fd, PG);
	ASSERT_NE(MAP_FAILED, p);
	EXPECT_EQ(0x90, p[0]);
	munmap(p, PG);
	p = mmap(NULL, PG, PROT_READ | PROT_EXEC, MAP_PRIVATE, self->fd, 0);
	ASSERT_NE(MAP_FAILED, p);
	EXPECT_EQ(0, p[0]);
	EXPECT_EQ(0, profile("hit"));
	munmap(p, PG);
}

/* A range that merges into its neighbour is probed as well. */
TEST_F(uprobe, merged)
{
	unsigned char *p = arena(2 * PG);

	ASSERT_EQ(0, spew(TRACEFS "events/guestu/hit/enable", "1"));
	ASSERT_EQ(p, mmap(p, PG, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED,
			  self->fd, 0));
	ASSERT_EQ(p + PG, mmap(p + PG, PG, PROT_READ | PROT_EXEC,
			       MAP_PRIVATE | MAP_FIXED, self->fd, PG));
	EXPECT_EQ(1, nr_vmas(p, 2 * PG));
	EXPECT_EQ(0xcc, p[PG]);
	EXPECT_EQ(7, ((int (*)(void))(p + PG))());
	EXPECT_EQ(1, profile("hit"));
	munmap(p, 2 * PG);
}

static int call(void *p)
{
	return ((int (*)(void))p)();
}

TEST_F(uprobe, in_a_child)
{
	unsigned char *p;

	ASSERT_EQ(0, spew(TRACEFS "events/guestu/hit/enable", "1"));
	p = map_code(self->fd);
	EXPECT_EQ(7 << 8, in_child(call, p));
	EXPECT_EQ(1, profile("hit"));
	munmap(p, PG);
}

/* The counter is raised in a mapping that comes after the code's. */
TEST_F(uprobe, reference_counter)
{
	unsigned short *sem;
	unsigned char *p;

	ASSERT_EQ(0, spew(TRACEFS "events/guestu/sem/enable", "1"));
	p = map_code(self->fd);
	EXPECT_EQ(0xcc, p[1]);
	sem = mmap(NULL, PG, PROT_READ | PROT_WRITE, MAP_PRIVATE, self->fd, SEM);
	ASSERT_NE(MAP_FAILED, sem);
	EXPECT_EQ(1, *sem);
	EXPECT_EQ(7, ((int (*)(void))p)());
	EXPECT_EQ(1, profile("sem"));
	munmap(sem, PG);
	munmap(p, PG);
}

/* A mapping that fails has no breakpoint, and takes none away. */
TEST_F(uprobe, failed_map)
{
	unsigned char *p, *q;
	bool injected;
	int n, err;
	void *r;

	ASSERT_EQ(0, spew(TRACEFS "events/guestu/hit/enable", "1"));
	p = map_code(self->fd);
	q = arena(PG);
	for (n = 1; n < 30; n++) {
		fail_nth(n);
		err = try_mmap(&r, q, PG, PROT_READ | PROT_EXEC,
			       MAP_PRIVATE | MAP_FIXED, self->fd, PG);
		injected = fail_nth_done();
		if (!err)
			munmap(q, PG);
		if (!injected)
			break;
	}
	EXPECT_LT(n, 30);
	EXPECT_EQ(7, ((int (*)(void))p)());
	EXPECT_EQ(1, profile("hit"));
	munmap(p, PG);
}

TEST_HARNESS_MAIN
