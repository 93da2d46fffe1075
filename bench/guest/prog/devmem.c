// SPDX-License-Identifier: GPL-2.0-only
/* /dev/mem: the BIOS, PCI devices, and what is refused how. */
#include <dirent.h>
#include "guest.h"
#include "kselftest_harness.h"

#define RW (PROT_READ | PROT_WRITE)
#define BIOS 0xf0000
#define BIOS_LEN 0x10000
#define EDU "0x1234:0x11e8"
#define IVSHMEM "0x1af4:0x1110"
#define PAT "/sys/kernel/debug/x86/pat_memtype_list"

/* Address and size of a BAR of the PCI device with this vendor:device. */
static unsigned long bar(const char *id, int nr, unsigned long *len)
{
	unsigned long start = 0, end = 0, flags;
	char path[320], vendor[16], device[16], both[40];
	struct dirent *de;
	DIR *dir = opendir("/sys/bus/pci/devices");
	FILE *f;
	int i;

	while (dir && (de = readdir(dir))) {
		snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/vendor",
			 de->d_name);
		if (slurp(path, vendor, sizeof(vendor)) <= 0)
			continue;
		snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/device",
			 de->d_name);
		slurp(path, device, sizeof(device));
		snprintf(both, sizeof(both), "%.6s:%.6s", vendor, device);
		if (strcmp(both, id))
			continue;
		snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/resource",
			 de->d_name);
		f = fopen(path, "re");
		for (i = 0; f && i <= nr; i++)
			if (fscanf(f, "%lx %lx %lx", &start, &end, &flags) != 3)
				start = 0;
		if (f)
			fclose(f);
		/* let it answer */
		snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/enable",
			 de->d_name);
		spew(path, "1");
		break;
	}
	if (dir)
		closedir(dir);
	*len = end - start + 1;
	return start;
}

static void pat_list(char *buf, size_t size)
{
	if (slurp(PAT, buf, size) < 0)
		die(PAT);
}

FIXTURE(mem) {
	int ro;
	int rw;
	char before[8192];
};

FIXTURE_SETUP(mem)
{
	self->ro = open("/dev/mem", O_RDONLY);
	self->rw = open("/dev/mem", O_RDWR);
	ASSERT_LE(0, self->ro);
	ASSERT_LE(0, self->rw);
	pat_list(self->before, sizeof(self->before));
}

/* Every memory type that a mapping reserved is given back. */
FIXTURE_TEARDOWN(mem)
{
	char after[8192];

	pat_list(after, sizeof(after));
	EXPECT_STREQ(self->before, after);
	close(self->ro);
	close(self->rw);
}

TEST_F(mem, bios)
{
	static unsigned char want[BIOS_LEN];
	int flags[] = { MAP_SHARED, MAP_PRIVATE }, i;
	unsigned char *p;

	ASSERT_EQ(BIOS_LEN, pread(self->ro, want, BIOS_LEN, BIOS));
	for (i = 0; i < 2; i++) {
		p = mmap(NULL, BIOS_LEN, PROT_READ, flags[i], self->ro, BIOS);
		ASSERT_NE(MAP_FAILED, p);
		EXPECT_EQ(0, memcmp(p, want, BIOS_LEN));
		/* the reset vector: a jump */
		EXPECT_EQ(0xea, p[0xfff0]);
		EXPECT_EQ(1, nr_vmas(p, BIOS_LEN));
		EXPECT_STREQ("/dev/mem", vma_at(p).name);
		EXPECT_EQ(BIOS, vma_at(p).pgoff);
		EXPECT_EQ(0, munmap(p, BIOS_LEN));
	}
}

TEST_F(mem, flags)
{
	void *p;

	ASSERT_EQ(0, try_mmap(&p, NULL, PG, PROT_READ, MAP_SHARED, self->rw,
			      BIOS));
	EXPECT_TRUE(smaps_flag(p, "io"));
	EXPECT_TRUE(smaps_flag(p, "pf"));
	EXPECT_TRUE(smaps_flag(p, "de"));
	EXPECT_TRUE(smaps_flag(p, "dd"));
	EXPECT_EQ(0, smaps_kb(p, "Rss"));
	EXPECT_EQ((void *)-1, mremap(p, PG, 2 * PG, MREMAP_MAYMOVE));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(0, munmap(p, PG));
}

TEST_F(mem, refused)
{
	off_t far = (off_t)1 << 60;
	void *p;

	/* beyond what the processor can address */
	EXPECT_EQ(EINVAL, try_mmap(&p, NULL, PG, PROT_READ, MAP_SHARED,
				   self->ro, far));
	EXPECT_EQ(EINVAL, try_mmap(&p, NULL, PG, PROT_READ, MAP_PRIVATE,
				   self->ro, far));
	/* does not fit, wraps */
	EXPECT_EQ(EINVAL, try_mmap(&p, NULL, 2 * PG, PROT_READ, MAP_SHARED,
				   self->ro, (off_t)0xffffffffffffULL << 12));
	EXPECT_EQ(EOVERFLOW, try_mmap(&p, NULL, 2 * PG, PROT_READ, MAP_SHARED,
				      self->ro, -(off_t)PG));
	EXPECT_EQ(EINVAL, try_mmap(&p, NULL, PG, PROT_READ, MAP_SHARED,
				   self->ro, BIOS + 1));
	EXPECT_EQ(EACCES, try_mmap(&p, NULL, PG, RW, MAP_SHARED, self->ro,
				   BIOS));
	EXPECT_EQ(EINVAL, try_mmap(&p, NULL, 0, PROT_READ, MAP_SHARED,
				   self->ro, BIOS));
}

/*
 * Memory of the system is refused: with STRICT_DEVMEM it is not allowed at all
 * (read() says the same), without it the cache attributes would not fit.
 */
TEST_F(mem, system_ram)
{
	char c;
	int err = pread(self->ro, &c, 1, 0x1000000) == 1 ? EINVAL : EPERM;
	void *p;

	EXPECT_EQ(err, try_mmap(&p, NULL, PG, PROT_READ, MAP_SHARED, self->ro,
				0x1000000));
	EXPECT_EQ(err, try_mmap(&p, NULL, PG, RW, MAP_PRIVATE, self->rw,
				0x1000000));
}

/* A device register: QEMU's edu says who it is, and inverts what it is told. */
TEST_F(mem, edu_register)
{
	unsigned long len, at = bar(EDU, 0, &len);
	volatile uint32_t *p;

	ASSERT_NE(0UL, at);
	ASSERT_EQ(MB, len);
	p = mmap(NULL, PG, RW, MAP_SHARED, self->rw, at);
	ASSERT_NE(MAP_FAILED, p);
	EXPECT_EQ(0x010000edU, p[0]);
	p[1] = 0x12345678;
	EXPECT_EQ(~0x12345678U, p[1]);
	EXPECT_EQ(0, munmap((void *)p, PG));
	p = mmap(NULL, len, PROT_READ, MAP_PRIVATE, self->ro, at);
	ASSERT_NE(MAP_FAILED, p);
	EXPECT_EQ(0x010000edU, p[0]);
	EXPECT_EQ(0, munmap((void *)p, len));
}

/* Memory of a device: two mappings of it, and the file in sysfs, are one. */
TEST_F(mem, ivshmem)
{
	unsigned long len, at = bar(IVSHMEM, 2, &len);
	volatile char *p, *q;

	ASSERT_NE(0UL, at);
	ASSERT_EQ(MB, len);
	p = mmap(NULL, len, RW, MAP_SHARED, self->rw, at);
	q = mmap(NULL, PG, RW, MAP_SHARED, self->rw, at + len - PG);
	ASSERT_NE(MAP_FAILED, p);
	ASSERT_NE(MAP_FAILED, q);
	p[len - 1] = 'i';
	EXPECT_EQ('i', q[PG - 1]);
	EXPECT_EQ(0, munmap((void *)q, PG));
	EXPECT_EQ('i', p[len - 1]);
	EXPECT_EQ(0, munmap((void *)p, len));
}

static int look(void *arg)
{
	return *(volatile uint32_t *)arg == 0x010000ed ? 0 : 1;
}

TEST_F(mem, fork)
{
	unsigned long len, at = bar(EDU, 0, &len);
	volatile uint32_t *p;

	p = mmap(NULL, PG, RW, MAP_SHARED, self->rw, at);
	ASSERT_NE(MAP_FAILED, p);
	EXPECT_EQ(0, in_child(look, (void *)p));
	EXPECT_EQ(0x010000edU, p[0]);
	EXPECT_EQ(0, munmap((void *)p, PG));
}

/* ptrace and /proc/PID/mem go through vm_ops->access. */
TEST_F(mem, access)
{
	unsigned long len, at = bar(EDU, 0, &len);
	int fd = open("/proc/self/mem", O_RDONLY);
	uint32_t id = 0;
	void *p;

	ASSERT_EQ(0, try_mmap(&p, NULL, PG, RW, MAP_SHARED, self->rw, at));
	EXPECT_EQ(4, pread(fd, &id, 4, (off_t)(uintptr_t)p));
	EXPECT_EQ(0x010000edU, id);
	EXPECT_EQ(0, munmap(p, PG));
	close(fd);
}

/* A private, writable mapping: a write copies, the memory stays. */
TEST_F(mem, private_write)
{
	unsigned char *p, want;

	ASSERT_EQ(1, pread(self->ro, &want, 1, BIOS));
	p = mmap(NULL, PG, RW, MAP_PRIVATE, self->rw, BIOS);
	ASSERT_NE(MAP_FAILED, p);
	EXPECT_EQ(want, p[0]);
	p[0] = ~want;
	EXPECT_EQ((unsigned char)~want, p[0]);
	EXPECT_EQ(0, munmap(p, PG));
	p = mmap(NULL, PG, PROT_READ, MAP_SHARED, self->ro, BIOS);
	EXPECT_EQ(want, p[0]);
	EXPECT_EQ(0, munmap(p, PG));
}

/* Adjacent mappings are never joined, nor do their parts come together. */
TEST_F(mem, adjacent)
{
	char *p = arena(2 * PG);

	ASSERT_EQ(p, mmap(p, PG, PROT_READ, MAP_SHARED | MAP_FIXED, self->ro,
			  BIOS));
	ASSERT_EQ(p + PG, mmap(p + PG, PG, PROT_READ, MAP_SHARED | MAP_FIXED,
			       self->ro, BIOS + PG));
	EXPECT_EQ(2, nr_vmas(p, 2 * PG));
	EXPECT_EQ(0, munmap(p, 2 * PG));
}

/* The memory types follow the mapping, also when it dies in pieces. */
TEST_F(mem, memtype)
{
	unsigned long len, at = bar(EDU, 0, &len);
	char during[8192], *p;

	p = mmap(NULL, 4 * PG, RW, MAP_SHARED, self->rw, at);
	ASSERT_NE(MAP_FAILED, p);
	pat_list(during, sizeof(during));
	EXPECT_STRNE(self->before, during);
	ASSERT_EQ(0, munmap(p, 4 * PG));
}

/* Each allocation fails once: nothing is left of the mapping or its type. */
TEST_F(mem, no_memory)
{
	unsigned long len, at = bar(EDU, 0, &len);
	char now[8192];
	int n, err = 0, failed = 0, again = 0;
	bool injected;
	void *p;

	for (n = 1; n < 40; n++) {
		fail_nth(n);
		err = try_mmap(&p, NULL, 2 * PG, RW, MAP_SHARED, self->rw, at);
		injected = fail_nth_done();
		if (!err)
			munmap(p, 2 * PG);
		failed += !!err;
		again += err == EAGAIN;
		EXPECT_TRUE(!err || err == ENOMEM || err == EAGAIN);
		pat_list(now, sizeof(now));
		EXPECT_STREQ(self->before, now);
		if (!injected)
			break;
	}
	EXPECT_LT(n, 20);
	EXPECT_EQ(0, err);
	EXPECT_LE(2, failed);
	/* what the remapping itself fails with */
	EXPECT_LE(1, again);
}

TEST_HARNESS_MAIN
