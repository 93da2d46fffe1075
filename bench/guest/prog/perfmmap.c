// SPDX-License-Identifier: GPL-2.0-only
/* perf hears of a mapping once it is there, and of none that failed. */
#include <linux/perf_event.h>
#include "guest.h"
#include "kselftest_harness.h"

#define RW (PROT_READ | PROT_WRITE)
#define RING_PAGES 8

struct rec {
	struct perf_event_header head;
	unsigned int pid, tid;
	unsigned long addr, len, pgoff;
	char name[128];
};

FIXTURE(perf) {
	int event;
	struct perf_event_mmap_page *ring;
	int zero;
	int file;
};

FIXTURE_SETUP(perf)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE, .size = sizeof(attr),
		.config = PERF_COUNT_SW_DUMMY, .mmap = 1, .mmap_data = 1,
	};

	self->zero = open("/dev/zero", O_RDWR);
	self->file = tmpfs_file("perf", 4 * PG, false);
	self->event = syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0);
	ASSERT_LE(0, self->event);
	self->ring = mmap(NULL, (1 + RING_PAGES) * PG, RW, MAP_SHARED,
			  self->event, 0);
	ASSERT_NE(MAP_FAILED, self->ring);
}

FIXTURE_TEARDOWN(perf)
{
	close(self->event);
}

/* Copies the next mmap record, false if there is none. */
static bool next(struct perf_event_mmap_page *ring, struct rec *rec)
{
	char *data = (char *)ring + PG, *to = (char *)rec;
	unsigned long i, tail = ring->data_tail;
	struct perf_event_header *head;

	__sync_synchronize();
	if (tail == ring->data_head)
		return false;
	head = (void *)(data + tail % (RING_PAGES * PG));
	for (i = 0; i < head->size && i < sizeof(*rec); i++)
		to[i] = data[(tail + i) % (RING_PAGES * PG)];
	ring->data_tail = tail + head->size;
	return true;
}

static void drain(struct perf_event_mmap_page *ring)
{
	struct rec rec;

	while (next(ring, &rec))
		;
}

#define EXPECT_RECORD(at, length, off, what)				\
do {									\
	struct rec _r = { };						\
	EXPECT_TRUE(next(self->ring, &_r));				\
	EXPECT_EQ(PERF_RECORD_MMAP, _r.head.type);			\
	EXPECT_EQ((unsigned long)(at), _r.addr);			\
	EXPECT_EQ((unsigned long)(length), _r.len);			\
	EXPECT_EQ((unsigned long)(off), _r.pgoff);			\
	EXPECT_STREQ(what, _r.name);					\
	EXPECT_FALSE(next(self->ring, &_r));				\
} while (0)

TEST_F(perf, success)
{
	void *p;

	drain(self->ring);
	ASSERT_EQ(0, try_mmap(&p, NULL, 2 * PG, RW, MAP_SHARED, self->file, PG));
	EXPECT_RECORD(p, 2 * PG, PG, "/tmp/perf");
	ASSERT_EQ(0, try_mmap(&p, NULL, 2 * PG, RW, MAP_PRIVATE, self->zero, 0));
	EXPECT_RECORD(p, 2 * PG, 0, "/dev/zero");
	ASSERT_EQ(0, try_mmap(&p, NULL, PG, RW, MAP_SHARED, self->zero, 0));
	EXPECT_RECORD(p, PG, 0, "/dev/zero (deleted)");
}

/* The whole neighbour is told of again, as 6.12 does. */
TEST_F(perf, merge)
{
	char *p = arena(2 * PG);

	ASSERT_EQ(p, mmap(p, PG, RW, MAP_SHARED | MAP_FIXED, self->file, 0));
	drain(self->ring);
	ASSERT_EQ(p + PG, mmap(p + PG, PG, RW, MAP_SHARED | MAP_FIXED,
			       self->file, PG));
	EXPECT_RECORD(p, 2 * PG, 0, "/tmp/perf");
}

TEST_F(perf, refused)
{
	int fd = memfd_sized("perf", PG), mem = open("/dev/mem", O_RDONLY);
	struct rec rec;
	void *p;

	ASSERT_EQ(0, fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	drain(self->ring);
	EXPECT_EQ(EPERM, try_mmap(&p, NULL, PG, RW, MAP_SHARED, fd, 0));
	EXPECT_EQ(EINVAL, try_mmap(&p, NULL, PG, PROT_READ, MAP_SHARED, mem,
				   (off_t)0xffffffffffffULL << 12));
	EXPECT_EQ(ENOMEM, try_mmap(&p, NULL, 4UL << 30, RW, MAP_SHARED,
				   self->zero, 0));
	EXPECT_FALSE(next(self->ring, &rec));
}

/* One record for each success and none for a failure, wherever it fails. */
TEST_F(perf, no_memory)
{
	int n, err, failed = 0;
	struct rec rec;
	bool injected;
	void *p;

	for (n = 1; n < 40; n++) {
		drain(self->ring);
		fail_nth(n);
		err = try_mmap(&p, NULL, 2 * PG, RW, MAP_SHARED, self->zero, 0);
		injected = fail_nth_done();
		failed += !!err;
		if (err)
			EXPECT_FALSE(next(self->ring, &rec));
		if (!injected)
			break;
		if (!err)
			munmap(p, 2 * PG);
	}
	EXPECT_LT(n, 40);
	EXPECT_LT(0, failed);
	EXPECT_RECORD(p, 2 * PG, 0, "/dev/zero (deleted)");
}

TEST_HARNESS_MAIN
