// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/zero and /dev/mem, as a program has always seen them.
 *
 * Needs nothing of the kernel but these two, so that it can be run on one that
 * maps them without mmap_prepare, with the same result.
 */
#include "mmap_prepare.h"

#include <dirent.h>
#include <sys/resource.h>

#define NR_PAGES	4

/* ---- /dev/zero ---- */

FIXTURE(zero)
{
	int fd;
	unsigned long page;
};

FIXTURE_SETUP(zero)
{
	self->page = page_size();
	self->fd = open("/dev/zero", O_RDWR | O_CLOEXEC);
	ASSERT_GE(self->fd, 0);
}

FIXTURE_TEARDOWN(zero)
{
	close(self->fd);
}

/* Have a child write @byte to the whole mapping; its exit status. */
static int child_fills(long addr, int byte)
{
	int status = -1;
	pid_t pid = fork();

	if (!pid) {
		memset((void *)addr, byte, NR_PAGES * page_size());
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return -1;
	return status;
}

TEST_F(zero, private_is_anonymous)
{
	long addr = map_private(self->fd, NR_PAGES, 0);
	struct vma vma;

	ASSERT_FALSE(IS_ERR_VALUE(addr));
	EXPECT_TRUE(all_bytes(addr, NR_PAGES, 0));
	memset((void *)addr, 1, NR_PAGES * self->page);
	ASSERT_TRUE(find_vma(addr, &vma));
	EXPECT_STREQ("rw-p", vma.perms);
	EXPECT_STREQ("/dev/zero", vma.name);
	EXPECT_EQ(0, vma.offset);
	EXPECT_EQ(NR_PAGES * self->page / 1024, vma.anonymous);
	EXPECT_TRUE(has_flags(addr, "rd wr mr mw me ac"));
	EXPECT_FALSE(has_flags(addr, "sh"));

	EXPECT_EQ(0, child_fills(addr, 2));
	EXPECT_TRUE(all_bytes(addr, NR_PAGES, 1));
	EXPECT_EQ(0, unmap(addr, NR_PAGES));
}

TEST_F(zero, private_grows)
{
	long addr = map_private(self->fd, NR_PAGES, 0);
	void *p;

	ASSERT_FALSE(IS_ERR_VALUE(addr));
	memset((void *)addr, 1, NR_PAGES * self->page);
	p = mremap((void *)addr, NR_PAGES * self->page,
		   2 * NR_PAGES * self->page, MREMAP_MAYMOVE);
	ASSERT_NE(MAP_FAILED, p);
	EXPECT_TRUE(all_bytes((long)p, NR_PAGES, 1));
	EXPECT_TRUE(all_bytes((long)p + NR_PAGES * self->page, NR_PAGES, 0));
	EXPECT_EQ(0, unmap((long)p, 2 * NR_PAGES));
}

TEST_F(zero, private_does_not_depend_on_the_descriptor)
{
	int ro = open("/dev/zero", O_RDONLY);
	long addr;

	ASSERT_GE(ro, 0);
	addr = map_private(ro, NR_PAGES, 100);
	ASSERT_FALSE(IS_ERR_VALUE(addr));
	close(ro);
	EXPECT_TRUE(all_bytes(addr, NR_PAGES, 0));
	memset((void *)addr, 1, NR_PAGES * self->page);
	EXPECT_TRUE(all_bytes(addr, NR_PAGES, 1));
	EXPECT_EQ(0, madvise((void *)addr, self->page, MADV_DONTNEED));
	EXPECT_TRUE(all_bytes(addr, 1, 0));
	EXPECT_EQ(0, unmap(addr, NR_PAGES));
}

/* Map twice, side by side, in a range with nothing else. */
static long map_two(int fd, int map)
{
	unsigned long page = page_size();
	long addr = map_at(0, 2 * NR_PAGES + 2, PROT_NONE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	long at = addr + page;
	long err;

	if (IS_ERR_VALUE(addr))
		return addr;
	err = map_at(at, NR_PAGES, RW, map | MAP_FIXED, fd, 0);
	if (err != at)
		return err;
	err = map_at(at + NR_PAGES * page, NR_PAGES, RW, map | MAP_FIXED, fd,
		     NR_PAGES);
	return IS_ERR_VALUE(err) ? err : at;
}

TEST_F(zero, private_merges)
{
	long addr = map_two(self->fd, MAP_PRIVATE);

	ASSERT_FALSE(IS_ERR_VALUE(addr));
	EXPECT_TRUE(is_one_vma(addr, 2 * NR_PAGES));
	EXPECT_TRUE(all_bytes(addr, 2 * NR_PAGES, 0));
	EXPECT_EQ(0, unmap(addr, 2 * NR_PAGES));
}

TEST_F(zero, shared_does_not_merge)
{
	long addr = map_two(self->fd, MAP_SHARED);

	/* Each is a file of its own, and the second begins behind its end. */
	ASSERT_FALSE(IS_ERR_VALUE(addr));
	EXPECT_TRUE(is_one_vma(addr, NR_PAGES));
	EXPECT_TRUE(all_bytes(addr, NR_PAGES, 0));
	EXPECT_FALSE(readable(addr + NR_PAGES * self->page));
	EXPECT_EQ(0, unmap(addr, 2 * NR_PAGES));
}

TEST_F(zero, shared_with_children_only)
{
	long addr = map_shared(self->fd, NR_PAGES, 0);
	long other = map_shared(self->fd, NR_PAGES, 0);
	struct vma vma;

	ASSERT_FALSE(IS_ERR_VALUE(addr));
	ASSERT_FALSE(IS_ERR_VALUE(other));
	EXPECT_TRUE(all_bytes(addr, NR_PAGES, 0));
	EXPECT_EQ(0, child_fills(addr, 2));
	EXPECT_TRUE(all_bytes(addr, NR_PAGES, 2));
	EXPECT_TRUE(all_bytes(other, NR_PAGES, 0));

	ASSERT_TRUE(find_vma(addr, &vma));
	EXPECT_STREQ("rw-s", vma.perms);
	EXPECT_STREQ("/dev/zero (deleted)", vma.name);
	EXPECT_EQ(0, vma.anonymous);
	EXPECT_TRUE(has_flags(addr, "rd wr sh mr mw me ms"));
	EXPECT_EQ(0, unmap(addr, NR_PAGES));
	EXPECT_EQ(0, unmap(other, NR_PAGES));
}

TEST_F(zero, shared_memory_is_given_back)
{
	const unsigned long pages = 4096;
	long before = proc_value("/proc/meminfo", "Shmem");
	long addr = map_at(0, pages, RW, MAP_SHARED | MAP_POPULATE, self->fd,
			   0);
	long during = proc_value("/proc/meminfo", "Shmem");
	long kb = pages * self->page / 1024;

	ASSERT_FALSE(IS_ERR_VALUE(addr));
	EXPECT_GE(during, before + kb * 9 / 10);
	EXPECT_EQ(0, unmap(addr, pages));
	EXPECT_LT(proc_value("/proc/meminfo", "Shmem"), before + kb / 10);
}

TEST_F(zero, shared_from_a_read_only_descriptor)
{
	int ro = open("/dev/zero", O_RDONLY);
	long addr;

	ASSERT_GE(ro, 0);
	EXPECT_EQ(-EACCES, map_shared(ro, NR_PAGES, 0));
	addr = map_at(0, NR_PAGES, PROT_READ, MAP_SHARED, ro, 0);
	ASSERT_FALSE(IS_ERR_VALUE(addr));
	EXPECT_TRUE(all_bytes(addr, NR_PAGES, 0));
	EXPECT_EQ(-1, mprotect((void *)addr, self->page, RW));
	EXPECT_EQ(EACCES, errno);
	EXPECT_EQ(0, unmap(addr, NR_PAGES));
	close(ro);
}

TEST_F(zero, no_room)
{
	struct rlimit none = { };
	long old = map_filled(NR_PAGES, 'o');
	struct rlimit was;

	/* What is replaced counts, so only a bigger one is too much. */
	ASSERT_FALSE(IS_ERR_VALUE(old));
	ASSERT_EQ(0, unmap(old + 2 * self->page, NR_PAGES - 2));
	ASSERT_EQ(0, getrlimit(RLIMIT_AS, &was));
	none.rlim_max = was.rlim_max;
	ASSERT_EQ(0, setrlimit(RLIMIT_AS, &none));
	EXPECT_EQ(-ENOMEM, map_at(old, NR_PAGES, RW, MAP_PRIVATE | MAP_FIXED,
				  self->fd, 0));
	EXPECT_EQ(-ENOMEM, map_at(old, NR_PAGES, RW, MAP_SHARED | MAP_FIXED,
				  self->fd, 0));
	ASSERT_EQ(0, setrlimit(RLIMIT_AS, &was));
	EXPECT_TRUE(all_bytes(old, 2, 'o'));
	EXPECT_EQ(0, unmap(old, NR_PAGES));
}

/* ---- /dev/mem ---- */

#define BIOS		0xf0000UL
#define BIOS_PAGES	16
#define WHY_NO_BIOS	"no System ROM at 0xf0000 in /proc/iomem"

FIXTURE(mem)
{
	int fd;
	unsigned long page;
};

FIXTURE_SETUP(mem)
{
	self->page = page_size();
	self->fd = open("/dev/mem", O_RDWR | O_CLOEXEC);
	if (self->fd < 0)
		SKIP(return, "/dev/mem: %s", strerror(errno));
}

FIXTURE_TEARDOWN(mem)
{
	close(self->fd);
}

static bool same_as_read(long addr, int fd, off_t at, unsigned long pages)
{
	char buf[4096];
	unsigned long i;

	for (i = 0; i < pages * page_size(); i += sizeof(buf))
		if (pread(fd, buf, sizeof(buf), at + i) != sizeof(buf) ||
		    memcmp(buf, (void *)(addr + i), sizeof(buf)))
			return false;
	return true;
}

/* A PC has its BIOS there. */
static bool has_bios(void)
{
	FILE *f = fopen("/proc/iomem", "r");
	unsigned long start, end;
	bool found = false;
	char line[256];

	if (!f)
		return false;
	while (!found && fgets(line, sizeof(line), f))
		found = strstr(line, "System ROM") &&
			sscanf(line, "%lx-%lx", &start, &end) == 2 &&
			start == BIOS && end >= BIOS + BIOS_PAGES * 4096 - 1;
	fclose(f);
	return found;
}

TEST_F(mem, bios)
{
	struct vma vma;
	long addr;

	if (!has_bios())
		SKIP(return, WHY_NO_BIOS);
	addr = map_at(0, BIOS_PAGES, PROT_READ, MAP_SHARED, self->fd,
		      BIOS / self->page);
	ASSERT_FALSE(IS_ERR_VALUE(addr));
	EXPECT_TRUE(same_as_read(addr, self->fd, BIOS, BIOS_PAGES));
	EXPECT_FALSE(all_bytes(addr, BIOS_PAGES, 0));
	ASSERT_TRUE(find_vma(addr, &vma));
	EXPECT_STREQ("r--s", vma.perms);
	EXPECT_STREQ("/dev/mem", vma.name);
	EXPECT_EQ(BIOS, vma.offset);
	EXPECT_TRUE(is_one_vma(addr, BIOS_PAGES));
	EXPECT_TRUE(has_flags(addr, "rd sh mr me ms io pf de dd"));
	EXPECT_FALSE(has_flags(addr, "mm"));
	EXPECT_EQ(0, unmap(addr, BIOS_PAGES));
}

TEST_F(mem, bios_in_private)
{
	struct vma vma;
	long addr;

	if (!has_bios())
		SKIP(return, WHY_NO_BIOS);
	addr = map_at(0, BIOS_PAGES, RW, MAP_PRIVATE, self->fd,
		      BIOS / self->page);
	ASSERT_FALSE(IS_ERR_VALUE(addr));
	EXPECT_TRUE(same_as_read(addr, self->fd, BIOS, BIOS_PAGES));
	poke(addr, peek(addr) + 1);
	EXPECT_FALSE(same_as_read(addr, self->fd, BIOS, 1));
	EXPECT_TRUE(same_as_read(addr + self->page, self->fd,
				 BIOS + self->page, BIOS_PAGES - 1));
	ASSERT_TRUE(find_vma(addr, &vma));
	EXPECT_STREQ("rw-p", vma.perms);
	EXPECT_EQ(BIOS, vma.offset);
	EXPECT_EQ(self->page / 1024, vma.anonymous);
	EXPECT_EQ(0, unmap(addr, BIOS_PAGES));
}

TEST_F(mem, bios_in_parts)
{
	unsigned long len = BIOS_PAGES * self->page;
	pid_t pid;
	int status;
	long addr;

	if (!has_bios())
		SKIP(return, WHY_NO_BIOS);
	addr = map_at(0, BIOS_PAGES, PROT_READ, MAP_SHARED, self->fd,
		      BIOS / self->page);
	ASSERT_FALSE(IS_ERR_VALUE(addr));
	EXPECT_EQ(MAP_FAILED, mremap((void *)addr, len, 2 * len,
				     MREMAP_MAYMOVE));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(0, unmap(addr + self->page, 2));
	EXPECT_TRUE(unmapped(addr + self->page, 2));
	EXPECT_TRUE(same_as_read(addr, self->fd, BIOS, 1));
	EXPECT_TRUE(same_as_read(addr + 3 * self->page, self->fd,
				 BIOS + 3 * self->page, BIOS_PAGES - 3));

	pid = fork();
	ASSERT_GE(pid, 0);
	if (!pid)
		_exit(!same_as_read(addr, self->fd, BIOS, 1));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(0, unmap(addr, BIOS_PAGES));
}

TEST_F(mem, neighbours_do_not_merge)
{
	long addr;

	if (!has_bios())
		SKIP(return, WHY_NO_BIOS);
	addr = map_at(0, 2, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_FALSE(IS_ERR_VALUE(addr));
	ASSERT_EQ(addr, map_at(addr, 1, PROT_READ, MAP_SHARED | MAP_FIXED,
			       self->fd, BIOS / self->page));
	ASSERT_EQ(addr + self->page,
		  map_at(addr + self->page, 1, PROT_READ,
			 MAP_SHARED | MAP_FIXED, self->fd,
			 BIOS / self->page + 1));
	EXPECT_TRUE(is_one_vma(addr, 1));
	EXPECT_TRUE(same_as_read(addr, self->fd, BIOS, 2));
	EXPECT_EQ(0, unmap(addr, 2));
}

TEST_F(mem, bad_offsets)
{
	const struct {
		off_t at;
		unsigned long pages;
		int err;
	} rows[] = {
		/* more than any machine has, also with its end only */
		{ 1L << 56, 1, -EINVAL },
		{ 1L << 62, 1, -EINVAL },
		{ (1L << 52) - 4096, 2, -EINVAL },
		{ -8192, 1, -EINVAL },
		{ -4096, 1, -EINVAL },
		/* that it wraps is seen by mmap() itself */
		{ -4096, 2, -EOVERFLOW },
		{ -8192, 16, -EOVERFLOW },
	};
	unsigned int i;
	void *p;

	if (sizeof(long) < 8 || self->page != 4096)
		SKIP(return, "the offsets are for 64 bits and 4k pages");
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		p = mmap(NULL, rows[i].pages * self->page, PROT_READ,
			 MAP_SHARED, self->fd, rows[i].at);
		EXPECT_EQ(MAP_FAILED, p);
		EXPECT_EQ(-rows[i].err, errno) {
			TH_LOG("row %u", i);
		}
	}
}

TEST_F(mem, protection)
{
	int ro = open("/dev/mem", O_RDONLY);
	long addr;

	if (!has_bios())
		SKIP(return, WHY_NO_BIOS);
	ASSERT_GE(ro, 0);
	EXPECT_EQ(-EACCES, map_shared(ro, 1, BIOS / self->page));
	addr = map_at(0, 1, PROT_READ, MAP_SHARED, ro, BIOS / self->page);
	ASSERT_FALSE(IS_ERR_VALUE(addr));
	EXPECT_EQ(-1, mprotect((void *)addr, self->page, RW));
	EXPECT_EQ(EACCES, errno);
	EXPECT_EQ(0, unmap(addr, 1));
	close(ro);
}

/* Physical address of a page of RAM beyond the first MB, 0 if not known. */
static off_t ram_address(void)
{
	FILE *f = fopen("/proc/iomem", "r");
	unsigned long long start, end;
	char line[256], name[64];
	off_t found = 0;

	if (!f)
		return 0;
	while (!found && fgets(line, sizeof(line), f))
		if (sscanf(line, "%llx-%llx : %63[^\n]", &start, &end,
			   name) == 3 &&
		    !strcmp(name, "System RAM") && end > 0x200000)
			found = start < 0x200000 ? 0x200000 : start;
	fclose(f);
	return found;
}

/* x86 never lets it have a second mapping if it has memory types. */
TEST_F(mem, ram_is_not_more_allowed_than_for_read)
{
	off_t at = ram_address();
	bool allowed;
	char byte;
	long addr;

	if (!at)
		SKIP(return, "no RAM in /proc/iomem");
	errno = 0;
	allowed = pread(self->fd, &byte, 1, at) == 1;
	EXPECT_TRUE(allowed || errno == EPERM);
	addr = map_at(0, 1, PROT_READ, MAP_SHARED, self->fd, at / self->page);
	EXPECT_TRUE(IS_ERR_VALUE(addr) || allowed);
	EXPECT_TRUE(!IS_ERR_VALUE(addr) ||
		    addr == (allowed ? -EINVAL : -EPERM));
	TH_LOG("RAM through /dev/mem: read %d, mmap %ld", allowed, addr);
	EXPECT_EQ(0, IS_ERR_VALUE(addr) ? 0 : unmap(addr, 1));
}

TEST_F(mem, conflicting_memory_type)
{
	/* Nothing decodes this, but nothing reads it. */
	unsigned long pfn = 0x7f00001000ULL / self->page;
	int sync = open("/dev/mem", O_RDWR | O_SYNC);
	char before[8192], during[8192], after[8192];
	long addr;

	ASSERT_GE(sync, 0);
	read_memtypes(before, sizeof(before));
	if (!before[0])
		SKIP(return, "no " MEMTYPES);
	addr = map_at(0, 1, PROT_READ, MAP_SHARED, self->fd, pfn);
	ASSERT_FALSE(IS_ERR_VALUE(addr));
	read_memtypes(during, sizeof(during));
	EXPECT_STRNE(before, during);
	/* The errno of /dev/mem for whatever fails late. */
	EXPECT_EQ(-EAGAIN, map_at(0, 1, PROT_READ, MAP_SHARED, sync, pfn));
	read_memtypes(after, sizeof(after));
	EXPECT_STREQ(during, after);
	EXPECT_EQ(0, unmap(addr, 1));
	read_memtypes(after, sizeof(after));
	EXPECT_STREQ(before, after);
	close(sync);
}

/* ---- device memory: the registers of QEMU's edu device ---- */

#define EDU_ID		0x11e81234	/* device and vendor */
#define EDU_MAGIC	0x010000edU	/* in its first register */

static unsigned long pci_value(const char *dev, const char *file)
{
	unsigned long value = 0;
	char path[512];
	FILE *f;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/%s", dev, file);
	f = fopen(path, "r");
	if (!f)
		return 0;
	if (fscanf(f, "%lx", &value) != 1)
		value = 0;
	fclose(f);
	return value;
}

static bool pci_enable(const char *dev)
{
	char path[512];
	bool ok;
	int fd;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/enable", dev);
	fd = open(path, O_WRONLY);
	if (fd < 0)
		return false;
	ok = write(fd, "1", 1) == 1;
	close(fd);
	return ok;
}

/* Physical address of the device's first BAR, 0 if there is no such device. */
static unsigned long edu_address(void)
{
	DIR *dir = opendir("/sys/bus/pci/devices");
	unsigned long found = 0;
	struct dirent *entry;

	if (!dir)
		return 0;
	while (!found && (entry = readdir(dir))) {
		const char *dev = entry->d_name;

		if ((pci_value(dev, "device") << 16 |
		     pci_value(dev, "vendor")) == EDU_ID && pci_enable(dev))
			found = pci_value(dev, "resource");
	}
	closedir(dir);
	return found;
}

TEST_F(mem, device_registers)
{
	unsigned long at = edu_address();
	uint32_t *reg;
	long addr;

	if (!at)
		SKIP(return, "no edu device (qemu -device edu)");
	addr = map_shared(self->fd, 1, at / self->page);
	ASSERT_FALSE(IS_ERR_VALUE(addr));
	reg = (uint32_t *)addr;
	EXPECT_EQ(EDU_MAGIC, __atomic_load_n(&reg[0], __ATOMIC_SEQ_CST));
	/* The second register gives back the complement of what it is told. */
	__atomic_store_n(&reg[1], 0x12345678, __ATOMIC_SEQ_CST);
	EXPECT_EQ(~0x12345678U, __atomic_load_n(&reg[1], __ATOMIC_SEQ_CST));
	EXPECT_TRUE(has_flags(addr, "io pf de dd"));
	EXPECT_EQ(0, unmap(addr, 1));
}

TEST_HARNESS_MAIN
