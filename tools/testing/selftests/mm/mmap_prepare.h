/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the mmap_prepare programs share: the fixture, which opens one of the
 * test driver's devices, and functions to map it and to look at the mapping.
 */
#ifndef _MMAP_PREPARE_H
#define _MMAP_PREPARE_H

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

/* Private to the driver and these programs, see there. */
#include <drivers/misc/mmap_prepare_test_uapi.h>

#include "../kselftest_harness.h"

#define VM_READ		0x00000001ULL
#define VM_WRITE	0x00000002ULL
#define VM_EXEC		0x00000004ULL
#define VM_SHARED	0x00000008ULL
#define VM_MAYREAD	0x00000010ULL
#define VM_MAYWRITE	0x00000020ULL
#define VM_MAYEXEC	0x00000040ULL
#define VM_MAYSHARE	0x00000080ULL
#define VM_PFNMAP	0x00000400ULL
#define VM_IO		0x00004000ULL
#define VM_DONTCOPY	0x00020000ULL
#define VM_DONTEXPAND	0x00040000ULL
#define VM_ACCOUNT	0x00100000ULL
#define VM_DONTDUMP	0x04000000ULL
#define VM_MIXEDMAP	0x10000000ULL

#ifndef ARRAY_SIZE
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#endif

#define RW	(PROT_READ | PROT_WRITE)

/* Errors are negative numbers here, as in the kernel. */
#define IS_ERR_VALUE(x)	((unsigned long)(x) >= (unsigned long)-4095)

static inline unsigned long page_size(void)
{
	return sysconf(_SC_PAGESIZE);
}

/* What other mappings of the same memory have is unknown to the compiler. */
static inline void barrier(void)
{
	__asm__ __volatile__("" : : : "memory");
}

static inline uint64_t peek(long addr)
{
	barrier();
	return *(uint64_t *)addr;
}

static inline void poke(long addr, uint64_t value)
{
	*(uint64_t *)addr = value;
	barrier();
}

/* mmap() that returns the address or a negative errno. */
static inline long map_at(unsigned long addr, unsigned long pages, int prot,
			  int flags, int fd, unsigned long pgoff)
{
	void *p = mmap((void *)addr, pages * page_size(), prot, flags, fd,
		       pgoff * page_size());

	return p == MAP_FAILED ? -errno : (long)p;
}

static inline long map_shared(int fd, unsigned long pages, unsigned long pgoff)
{
	return map_at(0, pages, RW, MAP_SHARED, fd, pgoff);
}

static inline long map_private(int fd, unsigned long pages, unsigned long pgoff)
{
	return map_at(0, pages, RW, MAP_PRIVATE, fd, pgoff);
}

static inline int unmap(long addr, unsigned long pages)
{
	return munmap((void *)addr, pages * page_size()) ? -errno : 0;
}

/* Anonymous memory, each byte @byte. */
static inline long map_filled(unsigned long pages, int byte)
{
	long addr = map_at(0, pages, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (!IS_ERR_VALUE(addr))
		memset((void *)addr, byte, pages * page_size());
	return addr;
}

static inline bool all_bytes(long addr, unsigned long pages, int byte)
{
	const unsigned char *p = (void *)addr;
	unsigned long i;

	barrier();
	for (i = 0; i < pages * page_size(); i++)
		if (p[i] != (unsigned char)byte)
			return false;
	return true;
}

/* Is there page @nr of the driver's buffer, every word of it? */
static inline bool is_buffer_page(long addr, unsigned long nr)
{
	const uint64_t *word = (void *)addr;
	unsigned long i;

	barrier();
	for (i = 0; i < page_size() / sizeof(*word); i++)
		if (word[i] != MPT_WORD(nr, i))
			return false;
	return true;
}

/* Are there @pages pages of the buffer, from @nr on? */
static inline bool is_buffer(long addr, unsigned long nr, unsigned long pages)
{
	unsigned long i;

	for (i = 0; i < pages; i++)
		if (!is_buffer_page(addr + i * page_size(), nr + i))
			return false;
	return true;
}

/* Can the byte at @addr be read? The kernel reads it, so without a signal. */
static inline bool readable(long addr)
{
	int fds[2];
	bool ok;

	if (pipe(fds))
		return false;
	ok = write(fds[1], (void *)addr, 1) == 1;
	close(fds[0]);
	close(fds[1]);
	return ok;
}

/* Is nothing mapped in the range? */
static inline bool unmapped(long addr, unsigned long pages)
{
	unsigned char vec;
	unsigned long i;

	for (i = 0; i < pages; i++)
		if (!mincore((void *)(addr + i * page_size()), 1, &vec) ||
		    errno != ENOMEM)
			return false;
	return true;
}

/* One mapping as /proc/self/smaps shows it. */
struct vma {
	unsigned long start;
	unsigned long end;
	char perms[8];
	unsigned long long offset;
	char name[128];
	char flags[256];	/* " rd wr ... " */
	unsigned long rss;	/* in kB */
	unsigned long anonymous;
};

static inline bool vma_header(const char *line, struct vma *vma)
{
	memset(vma, 0, sizeof(*vma));
	return sscanf(line, "%lx-%lx %7s %llx %*s %*s %127[^\n]", &vma->start,
		      &vma->end, vma->perms, &vma->offset, vma->name) >= 4;
}

static inline bool vma_detail(const char *line, struct vma *vma)
{
	return sscanf(line, "VmFlags:%255[^\n]", vma->flags) == 1 ||
	       sscanf(line, "Rss: %lu", &vma->rss) == 1 ||
	       sscanf(line, "Anonymous: %lu", &vma->anonymous) == 1;
}

/* The mapping that has @addr, false if there is none. */
static inline bool find_vma(long addr, struct vma *vma)
{
	FILE *f = fopen("/proc/self/smaps", "r");
	bool found = false;
	struct vma next;
	char line[512];

	if (!f) {
		perror("/proc/self/smaps");
		return false;
	}
	while (fgets(line, sizeof(line), f)) {
		if (vma_header(line, &next)) {
			if (found)
				break;
			found = (unsigned long)addr >= next.start &&
				(unsigned long)addr < next.end;
			*vma = next;
		} else if (found) {
			vma_detail(line, vma);
		}
	}
	fclose(f);
	return found;
}

/* Does /proc/self/smaps show all of the flags in @want ("io pf") at @addr? */
static inline bool has_flags(long addr, const char *want)
{
	char buf[64], word[8];
	struct vma vma;
	char *flag;

	if (!find_vma(addr, &vma))
		return false;
	snprintf(buf, sizeof(buf), "%s", want);
	for (flag = strtok(buf, " "); flag; flag = strtok(NULL, " ")) {
		snprintf(word, sizeof(word), " %s ", flag);
		if (!strstr(vma.flags, word))
			return false;
	}
	return true;
}

/* Is there exactly one mapping over these pages, and no more than them? */
static inline bool is_one_vma(long addr, unsigned long pages)
{
	struct vma vma;

	return find_vma(addr, &vma) && vma.start == (unsigned long)addr &&
	       vma.end == addr + pages * page_size();
}

/* A number of a file of "Name: number" lines, or -1. */
static inline long proc_value(const char *path, const char *name)
{
	size_t len = strlen(name);
	FILE *f = fopen(path, "r");
	long value = -1;
	char line[256];

	if (!f)
		return -1;
	while (fgets(line, sizeof(line), f))
		if (!strncmp(line, name, len) && line[len] == ':')
			value = atol(line + len + 1);
	fclose(f);
	return value;
}

/* The first number of a file, or -1. */
static inline long proc_number(const char *path)
{
	FILE *f = fopen(path, "r");
	long value;

	if (!f)
		return -1;
	if (fscanf(f, "%ld", &value) != 1)
		value = -1;
	fclose(f);
	return value;
}

/* Where an x86 kernel shows the memory types that mappings have taken. */
#define MEMTYPES	"/sys/kernel/debug/x86/pat_memtype_list"

/* The list, or "" where there is none. */
static inline void read_memtypes(char *buf, size_t size)
{
	int fd = open(MEMTYPES, O_RDONLY);
	ssize_t n = 0, got;

	while (fd >= 0 && n < (ssize_t)size - 1) {
		got = read(fd, buf + n, size - 1 - n);
		if (got <= 0)
			break;
		n += got;
	}
	buf[n] = '\0';
	if (fd >= 0)
		close(fd);
}

/* Will a warning stop the machine? Tests of what must warn are skipped then. */
static inline bool warnings_panic(void)
{
	return proc_number("/proc/sys/kernel/panic_on_warn") != 0;
}

#define WHY_NO_WARNING	"the kernel warns of this, and panic_on_warn is set"

/* ---- the driver ---- */

static inline int mpt_open_dev(const char *name, int flags)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/dev/%s", name);
	fd = open(path, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static inline int mpt_setup(int fd, struct mpt_setup *s)
{
	s->size = sizeof(*s);
	return ioctl(fd, MPT_IOC_SETUP, s) ? -errno : 0;
}

/* Back to what a file starts with. */
static inline int mpt_setup_none(int fd)
{
	struct mpt_setup s = { };

	return mpt_setup(fd, &s);
}

static inline struct mpt_status mpt_status(int fd)
{
	struct mpt_status status = { .size = sizeof(status) };

	if (ioctl(fd, MPT_IOC_STATUS, &status)) {
		perror("MPT_IOC_STATUS");
		memset(&status, 0xff, sizeof(status));
	}
	return status;
}

/* An action over the whole mapping, beginning with page @nr of the buffer. */
static inline struct mpt_action mpt_full(unsigned int type, unsigned long nr)
{
	if (type == MPT_NONE)
		return (struct mpt_action){ };
	if (type == MPT_SIMPLE_IOREMAP)
		return (struct mpt_action){
			.type = type,
			.pfn = nr * page_size(),
			.size = (MPT_PAGES - nr) * page_size(),
		};
	return (struct mpt_action){
		.type = type,
		.flags = MPT_A_FULL,
		.pfn = nr,
	};
}

/* Over @pages pages from page @at of the mapping on. */
static inline struct mpt_action mpt_part(unsigned int type, unsigned long at,
					 unsigned long nr, unsigned long pages)
{
	return (struct mpt_action){
		.type = type,
		.start = at * page_size(),
		.pfn = nr,
		.size = type == MPT_KERNEL_PAGES ? pages : pages * page_size(),
	};
}

FIXTURE(mp)
{
	int fd;
	unsigned long page;
	struct mpt_setup s;
};

FIXTURE_VARIANT(mp)
{
	const char *dev;
	/* Does .mmap_prepare run? */
	bool prepare;
	/* Does .mmap run? */
	bool mmap;
};

FIXTURE_VARIANT_ADD(mp, mmap)
{
	.dev = MPT_DEV_MMAP,
	.mmap = true,
};

FIXTURE_VARIANT_ADD(mp, prepare)
{
	.dev = MPT_DEV_PREPARE,
	.prepare = true,
};

FIXTURE_VARIANT_ADD(mp, nested)
{
	.dev = MPT_DEV_NESTED,
	.prepare = true,
	.mmap = true,
};

FIXTURE_SETUP(mp)
{
	self->page = page_size();
	self->fd = mpt_open_dev(variant->dev, O_RDWR);
	if (self->fd == -ENOENT || self->fd == -EACCES)
		SKIP(return, "no access to /dev/%s: %s (CONFIG_MMAP_PREPARE_TEST, root)",
		     variant->dev, strerror(-self->fd));
	ASSERT_GE(self->fd, 0);
}

FIXTURE_TEARDOWN(mp)
{
	/* Whatever was tested: each descriptor was as a hook is promised. */
	EXPECT_EQ(0, mpt_status(self->fd).bad);
	close(self->fd);
}

/* The page counts are back, and each mapping was closed as often as opened. */
#define EXPECT_NOTHING_LEFT(fd)						\
do {									\
	struct mpt_status left = mpt_status(fd);			\
									\
	EXPECT_EQ(0, left.pages_refs);					\
	EXPECT_EQ(0, left.pages_mapped);				\
	EXPECT_EQ(left.open + left.mapped, left.close);			\
} while (0)

/* The driver's own count of what is established is in balance. */
#define EXPECT_ALL_CLOSED(fd)						\
do {									\
	struct mpt_status closed = mpt_status(fd);			\
									\
	EXPECT_EQ(closed.open + closed.mapped, closed.close);		\
} while (0)

/* A failed mmap(): neither is anything left nor was any part of it opened. */
#define EXPECT_NEVER_OPENED(fd)						\
do {									\
	struct mpt_status never = mpt_status(fd);			\
									\
	EXPECT_EQ(0, never.mapped);					\
	EXPECT_EQ(0, never.open);					\
	EXPECT_EQ(0, never.close);					\
	EXPECT_EQ(0, never.pages_refs);					\
	EXPECT_EQ(0, never.pages_mapped);				\
} while (0)

#endif /* _MMAP_PREPARE_H */
