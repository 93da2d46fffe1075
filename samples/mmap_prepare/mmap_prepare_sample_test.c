// SPDX-License-Identifier: GPL-2.0-only
/*
 * Test of the driver mmap_prepare_sample: maps it as it should be mapped and as
 * it should not, and compares what the driver counts. Speaks KTAP.
 *
 * Each test runs in a child, with an open file of its own, which is a buffer of
 * its own: what one test leaves behind is nothing to the next.
 */
#define _GNU_SOURCE
#define _FILE_OFFSET_BITS 64
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mmap_prepare_sample.h"

#define ARRAY_SIZE(array)	(sizeof(array) / sizeof((array)[0]))

#define DEVICE	"/dev/mmap_prepare_sample"

/* Ends the test, which then has failed. */
#define EXPECT(condition)	expect(condition, #condition, __LINE__)

static size_t page_size;

static void expect(bool good, const char *what, int line)
{
	if (good)
		return;
	printf("# line %d: not so (errno: %s): %s\n", line, strerror(errno),
	       what);
	fflush(stdout);
	_exit(1);
}

/* The mmap() that gave this pointer has failed, with this errno. */
static bool fails(int error, const void *pointer)
{
	return pointer == MAP_FAILED && errno == error;
}

static void *map(int fd, int prot, int flags, __u64 offset, size_t pages)
{
	return mmap(NULL, pages * page_size, prot, flags, fd, offset);
}

static void *map_status(int fd)
{
	return map(fd, PROT_READ, MAP_SHARED, MPS_OFF_STATUS, 1);
}

static void *map_data(int fd, size_t first, size_t pages)
{
	return map(fd, PROT_READ | PROT_WRITE, MAP_SHARED,
		   MPS_OFF_DATA + first * page_size, pages);
}

static __u32 *page_at(void *base, size_t nr)
{
	return (__u32 *)((char *)base + nr * page_size);
}

/* What read() says; all ones if it fails. */
static struct mps_status counters(int fd)
{
	struct mps_status status;

	if (pread(fd, &status, sizeof(status), 0) != sizeof(status))
		memset(&status, 0xff, sizeof(status));
	return status;
}

static bool counts(int fd, __u32 mmaps, __u32 vmas)
{
	struct mps_status status = counters(fd);

	if (status.mmaps == mmaps && status.vmas == vmas)
		return true;
	printf("# %u mmaps in %u VMAs, not %u in %u\n", status.mmaps,
	       status.vmas, mmaps, vmas);
	return false;
}

/* Is there a page already, or would a touch be a fault? */
static bool present(const void *page)
{
	off_t pos = (uintptr_t)page / page_size * sizeof(__u64);
	int fd = open("/proc/self/pagemap", O_RDONLY);
	__u64 entry = 0;

	if (fd < 0 || pread(fd, &entry, sizeof(entry), pos) != sizeof(entry))
		printf("# no /proc/self/pagemap\n");
	close(fd);
	return entry >> 63;
}

/* Nothing is mapped at this page. */
static bool is_hole(void *page)
{
	return msync(page, page_size, MS_ASYNC) && errno == ENOMEM;
}

static void status_is_there_at_once(int fd)
{
	struct mps_status *status = map_status(fd);
	struct mps_status copy;

	EXPECT(status != MAP_FAILED);
	EXPECT(present(status));
	copy = counters(fd);
	EXPECT(!memcmp(status, &copy, sizeof(copy)));
	/* It is no mapping of the data. */
	EXPECT(!status->mmaps && !status->vmas);
}

static void status_is_live(int fd)
{
	struct mps_status *status = map_status(fd);
	__u32 *data;

	EXPECT(status != MAP_FAILED);
	data = map_data(fd, 0, 2);
	EXPECT(data != MAP_FAILED);
	EXPECT(status->mmaps == 1 && status->vmas == 1);
	EXPECT(!status->pages && !status->faults);
	*page_at(data, 1) = 1;
	EXPECT(status->pages == 1 && status->faults == 1);
	EXPECT(!munmap(data, 2 * page_size));
	EXPECT(!status->mmaps && !status->vmas && status->pages == 1);
}

static void status_is_read_only(int fd)
{
	void *status;

	EXPECT(fails(EPERM, map(fd, PROT_READ | PROT_WRITE, MAP_SHARED,
				MPS_OFF_STATUS, 1)));
	EXPECT(fails(EPERM, map(fd, PROT_READ | PROT_WRITE, MAP_PRIVATE,
				MPS_OFF_STATUS, 1)));
	status = map_status(fd);
	EXPECT(status != MAP_FAILED);
	EXPECT(mprotect(status, page_size, PROT_READ | PROT_WRITE));
	EXPECT(errno == EACCES);
}

static void status_may_be_private(int fd)
{
	struct mps_status *status = map(fd, PROT_READ, MAP_PRIVATE,
					MPS_OFF_STATUS, 1);

	EXPECT(status != MAP_FAILED);
	EXPECT(present(status));
	EXPECT(map_data(fd, 0, 1) != MAP_FAILED);
	EXPECT(status->mmaps == 1);
	EXPECT(mprotect(status, page_size, PROT_READ | PROT_WRITE));
}

static void status_is_one_page(int fd)
{
	EXPECT(fails(EINVAL, map(fd, PROT_READ, MAP_SHARED, MPS_OFF_STATUS, 2)));
	EXPECT(fails(EINVAL, map(fd, PROT_READ, MAP_SHARED,
				 MPS_OFF_STATUS + page_size, 1)));
	EXPECT(fails(EINVAL, map(fd, PROT_READ, MAP_SHARED,
				 MPS_OFF_DATA - page_size, 2)));
}

static void data_is_faulted_in(int fd)
{
	__u32 *data = map_data(fd, 0, MPS_DATA_PAGES);
	size_t i;

	EXPECT(data != MAP_FAILED);
	for (i = 0; i < MPS_DATA_PAGES; i++) {
		EXPECT(!present(page_at(data, i)));
		EXPECT(page_at(data, i)[0] == MPS_STAMP + i);
		EXPECT(!page_at(data, i)[1]);
		EXPECT(!page_at(data, i)[page_size / sizeof(*data) - 1]);
		EXPECT(present(page_at(data, i)));
	}
	EXPECT(counters(fd).pages == MPS_DATA_PAGES);
	EXPECT(counters(fd).faults == MPS_DATA_PAGES);
}

static void data_begins_at_its_offset(int fd)
{
	__u32 *data = map_data(fd, 5, 2);

	EXPECT(data != MAP_FAILED);
	EXPECT(*page_at(data, 0) == MPS_STAMP + 5);
	EXPECT(*page_at(data, 1) == MPS_STAMP + 6);
	EXPECT(counters(fd).pages == 2);
}

static void data_is_shared(int fd)
{
	__u32 *all = map_data(fd, 0, MPS_DATA_PAGES);
	__u32 *part = map_data(fd, 3, 1);

	EXPECT(all != MAP_FAILED && part != MAP_FAILED);
	part[7] = 4711;
	EXPECT(page_at(all, 3)[7] == 4711);
	EXPECT(counters(fd).pages == 1 && counters(fd).faults == 2);
}

static void data_is_not_private(int fd)
{
	EXPECT(fails(EINVAL, map(fd, PROT_READ | PROT_WRITE, MAP_PRIVATE,
				 MPS_OFF_DATA, 1)));
	/* mprotect() could make this one the same. */
	EXPECT(fails(EINVAL, map(fd, PROT_READ, MAP_PRIVATE, MPS_OFF_DATA, 1)));
	EXPECT(counts(fd, 0, 0));
}

static void data_has_an_end(int fd)
{
	EXPECT(fails(EINVAL, map_data(fd, MPS_DATA_PAGES, 1)));
	EXPECT(fails(EINVAL, map_data(fd, 0, MPS_DATA_PAGES + 1)));
	EXPECT(fails(EINVAL, map_data(fd, MPS_DATA_PAGES - 1, 2)));
	EXPECT(fails(EINVAL, map(fd, PROT_READ, MAP_SHARED, 1ULL << 40, 1)));
	EXPECT(counts(fd, 0, 0));
	EXPECT(map_data(fd, MPS_DATA_PAGES - 1, 1) != MAP_FAILED);
}

/* What was there stays if the new mapping is refused, early or late. */
static void refused_mmap_changes_nothing(int fd)
{
	const int flags = MAP_SHARED | MAP_FIXED;
	__u32 *old = mmap(NULL, page_size, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	EXPECT(old != MAP_FAILED);
	*old = 4711;
	EXPECT(fails(EINVAL, mmap(old, page_size, PROT_READ, flags, fd,
				  MPS_OFF_STATUS + page_size)));
	EXPECT(fails(EPERM, mmap(old, page_size, PROT_WRITE, flags, fd,
				 MPS_OFF_STATUS)));
	EXPECT(*old == 4711);
	EXPECT(mmap(old, page_size, PROT_READ, flags, fd, MPS_OFF_DATA) == old);
	EXPECT(*old == MPS_STAMP);
}

static void neighbours_stay_apart(int fd)
{
	char *all = map_data(fd, 0, 2);

	EXPECT(all != MAP_FAILED);
	EXPECT(mmap(all + page_size, page_size, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_FIXED, fd, MPS_OFF_DATA + page_size) ==
	       all + page_size);
	EXPECT(counts(fd, 2, 2));
	EXPECT(*page_at(all, 1) == MPS_STAMP + 1);
}

static void unmapped_in_pieces(int fd)
{
	char *data = map_data(fd, 0, 3);

	EXPECT(data != MAP_FAILED);
	EXPECT(counts(fd, 1, 1));
	EXPECT(!munmap(data + page_size, page_size));
	EXPECT(counts(fd, 1, 2));
	EXPECT(*page_at(data, 2) == MPS_STAMP + 2);
	EXPECT(!munmap(data, page_size));
	EXPECT(counts(fd, 1, 1));
	EXPECT(!munmap(data + 2 * page_size, page_size));
	EXPECT(counts(fd, 0, 0));
}

static void moved_but_not_grown(int fd)
{
	__u32 *data = map_data(fd, 4, 1);
	__u32 *room = mmap(NULL, page_size, PROT_NONE,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	EXPECT(data != MAP_FAILED && room != MAP_FAILED);
	EXPECT(fails(EFAULT, mremap(data, page_size, 2 * page_size,
				    MREMAP_MAYMOVE)));
	EXPECT(counts(fd, 1, 1));
	EXPECT(mremap(data, page_size, page_size,
		      MREMAP_MAYMOVE | MREMAP_FIXED, room) == room);
	EXPECT(counts(fd, 1, 1));
	EXPECT(*room == MPS_STAMP + 4);
	EXPECT(is_hole(data));
}

static void forked(int fd)
{
	__u32 *data = map_data(fd, 0, 1);
	int status = -1;
	pid_t pid;

	EXPECT(data != MAP_FAILED);
	data[1] = 1;
	pid = fork();
	if (!pid) {
		/* One mmap(), in two processes */
		EXPECT(data[1] == 1);
		EXPECT(counts(fd, 1, 2));
		data[1] = 2;
		_exit(0);
	}
	EXPECT(waitpid(pid, &status, 0) == pid && !status);
	EXPECT(data[1] == 2);
	EXPECT(counts(fd, 1, 1));
}

/* It is vm_ops->mapped() that refuses: there was a VMA, and is none. */
static void too_many(int fd)
{
	void *data[MPS_MAX_MMAPS];
	void *room = mmap(NULL, page_size, PROT_NONE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	size_t i;

	EXPECT(room != MAP_FAILED && !munmap(room, page_size));
	for (i = 0; i < MPS_MAX_MMAPS; i++) {
		/* Not where the one too many is to be */
		data[i] = mmap((char *)room - (2 * i + 2) * page_size,
			       page_size, PROT_READ, MAP_SHARED, fd,
			       MPS_OFF_DATA);
		EXPECT(data[i] != MAP_FAILED && data[i] != room);
	}
	EXPECT(fails(EMFILE, mmap(room, page_size, PROT_READ,
				  MAP_SHARED | MAP_FIXED_NOREPLACE, fd,
				  MPS_OFF_DATA)));
	EXPECT(is_hole(room));
	EXPECT(counts(fd, MPS_MAX_MMAPS, MPS_MAX_MMAPS));
	EXPECT(!munmap(data[0], page_size));
	EXPECT(map_data(fd, 0, 1) != MAP_FAILED);
	EXPECT(counts(fd, MPS_MAX_MMAPS, MPS_MAX_MMAPS));
}

static void cleared_when_unmapped(int fd)
{
	__u32 *data = map_data(fd, 0, 1);

	EXPECT(data != MAP_FAILED);
	data[1] = 4711;
	EXPECT(ioctl(fd, MPS_IOC_CLEAR) && errno == EBUSY);
	EXPECT(!munmap(data, page_size));
	EXPECT(!ioctl(fd, MPS_IOC_CLEAR));
	EXPECT(!counters(fd).pages);
	data = map_data(fd, 0, 1);
	EXPECT(data != MAP_FAILED);
	EXPECT(data[0] == MPS_STAMP && !data[1]);
}

static void mapping_outlives_file(int fd)
{
	struct mps_status *status = map_status(fd);
	__u32 *data = map_data(fd, 0, 2);

	EXPECT(status != MAP_FAILED && data != MAP_FAILED);
	EXPECT(!close(fd));
	EXPECT(*page_at(data, 1) == MPS_STAMP + 1);
	EXPECT(status->mmaps == 1 && status->pages == 1);
	EXPECT(!munmap(data, 2 * page_size));
	EXPECT(!status->mmaps);
}

static void files_are_apart(int fd)
{
	int other = open(DEVICE, O_RDWR);
	__u32 *one, *two;

	EXPECT(other >= 0);
	one = map_data(fd, 0, 1);
	two = map_data(other, 0, 1);
	EXPECT(one != MAP_FAILED && two != MAP_FAILED);
	one[1] = 4711;
	EXPECT(!two[1]);
	EXPECT(counts(fd, 1, 1) && counts(other, 1, 1));
}

#define TEST(name) { #name, name }
static const struct {
	const char *name;
	void (*run)(int fd);
} tests[] = {
	TEST(status_is_there_at_once),
	TEST(status_is_live),
	TEST(status_is_read_only),
	TEST(status_may_be_private),
	TEST(status_is_one_page),
	TEST(data_is_faulted_in),
	TEST(data_begins_at_its_offset),
	TEST(data_is_shared),
	TEST(data_is_not_private),
	TEST(data_has_an_end),
	TEST(refused_mmap_changes_nothing),
	TEST(neighbours_stay_apart),
	TEST(unmapped_in_pieces),
	TEST(moved_but_not_grown),
	TEST(forked),
	TEST(too_many),
	TEST(cleared_when_unmapped),
	TEST(mapping_outlives_file),
	TEST(files_are_apart),
};

#define NR_TESTS	ARRAY_SIZE(tests)

static void child(size_t nr)
{
	int fd = open(DEVICE, O_RDWR);

	EXPECT(fd >= 0);
	alarm(20);
	tests[nr].run(fd);
	_exit(0);
}

static bool run(size_t nr)
{
	int status = -1;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid)
		child(nr);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		perror("# fork");
	if (WIFSIGNALED(status))
		printf("# %s\n", strsignal(WTERMSIG(status)));
	printf("%s %zu %s\n", status ? "not ok" : "ok", nr + 1,
	       tests[nr].name);
	return !status;
}

int main(void)
{
	bool good = true;
	size_t i;

	page_size = sysconf(_SC_PAGESIZE);
	printf("TAP version 13\n1..%zu\n", NR_TESTS);
	for (i = 0; i < NR_TESTS; i++)
		good &= run(i);
	return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
