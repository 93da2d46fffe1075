// SPDX-License-Identifier: GPL-2.0-only
/*
 * mmap() in loops, failing and not: what was charged, taken or allocated is
 * given back, on each way out.
 *
 * MMAP_PREPARE_LOOPS in the environment says how often, 1000 if it is not set:
 * then it takes a leak of each tenth mmap() to be seen, of each thousandth with
 * 100000. The other tests' files show what one mmap() does.
 */
#include "mmap_prepare.h"

/* All of the buffer, so that what leaks is not small. */
#define NR_PAGES	MPT_PAGES

static unsigned long nr_loops(void)
{
	const char *env = getenv("MMAP_PREPARE_LOOPS");
	unsigned long nr = env ? strtoul(env, NULL, 0) : 0;

	return nr ? nr : 1000;
}

/*
 * Other processes move the system's numbers by as much, however many loops it
 * takes: files, and mappings of NR_PAGES pages.
 */
#define SLACK		100
/* What the slab cache keeps for each CPU counts as used. */
#define SLACK_VMAS	300

/* What must be the same before and after. */
struct gauges {
	long committed;		/* kB */
	long shmem;		/* kB */
	long anon;		/* kB */
	long tables;		/* kB */
	long files;
	long size;		/* of the address space, kB */
	long locked;		/* kB */
	long vmas;		/* objects of the slab cache */
	char memtypes[8192];
};

static long count_vmas(void)
{
	FILE *f = fopen("/proc/slabinfo", "r");
	char line[512];
	long nr = -1;

	if (!f)
		return -1;
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "vm_area_struct %ld", &nr) == 1)
			break;
	fclose(f);
	return nr;
}

static void read_gauges(struct gauges *g)
{
	/* Makes the counts of pages exact. */
	proc_number("/proc/sys/vm/stat_refresh");
	g->committed = proc_value("/proc/meminfo", "Committed_AS");
	g->shmem = proc_value("/proc/meminfo", "Shmem");
	g->anon = proc_value("/proc/meminfo", "AnonPages");
	g->tables = proc_value("/proc/meminfo", "PageTables");
	g->files = proc_number("/proc/sys/fs/file-nr");
	g->size = proc_value("/proc/self/status", "VmSize");
	g->locked = proc_value("/proc/self/status", "VmLck");
	g->vmas = count_vmas();
	read_memtypes(g->memtypes, sizeof(g->memtypes));
}

/*
 * VMAs are freed after a grace period, and files when their last user returns
 * to user space: give them the time. What leaked does not come back.
 */
static void settle(const struct gauges *a, struct gauges *b)
{
	int tenths;

	for (tenths = 0; tenths < 300; tenths++) {
		read_gauges(b);
		if (labs(b->vmas - a->vmas) < SLACK_VMAS &&
		    labs(b->files - a->files) < SLACK)
			return;
		usleep(100000);
	}
}

/* The process's own numbers are exact. */
static void compare_gauges(struct __test_metadata *_metadata,
			   const struct gauges *a, const struct gauges *b)
{
	long page_kb = page_size() / 1024;
	long most = SLACK * NR_PAGES * page_kb;

	EXPECT_GE(a->committed, 0);
	EXPECT_LT(labs(b->committed - a->committed), most);
	EXPECT_LT(labs(b->shmem - a->shmem), most);
	EXPECT_LT(labs(b->anon - a->anon), most);
	EXPECT_LT(labs(b->tables - a->tables), SLACK * page_kb);
	EXPECT_LT(labs(b->files - a->files), SLACK);
	EXPECT_LT(labs(b->vmas - a->vmas), SLACK_VMAS);
	EXPECT_EQ(a->size, b->size);
	EXPECT_EQ(a->locked, b->locked);
	EXPECT_STREQ(a->memtypes, b->memtypes);
}

/* One mmap() and, if it is to succeed, munmap(). */
static void map_once(struct __test_metadata *_metadata, int fd, int map,
		     unsigned long pgoff, int err)
{
	long addr = map_at(0, NR_PAGES, RW, map, fd, pgoff);

	ASSERT_EQ(err, IS_ERR_VALUE(addr) ? addr : 0);
	if (!err) {
		peek(addr);
		ASSERT_EQ(0, unmap(addr, NR_PAGES));
	}
}

static void map_many(struct __test_metadata *_metadata, int fd, int map,
		     unsigned long pgoff, int err)
{
	unsigned long loops = nr_loops(), i;
	struct gauges before, after;

	/* What is set up once and stays shall be there before. */
	for (i = 0; i < 10; i++)
		map_once(_metadata, fd, map, pgoff, err);
	read_gauges(&before);
	for (i = 0; i < loops; i++)
		map_once(_metadata, fd, map, pgoff, err);
	settle(&before, &after);
	compare_gauges(_metadata, &before, &after);
}

struct kind {
	const char *name;
	struct mpt_setup s;
	int err;
	int map;
	bool prepare_only;
};

static void loop_kinds(struct __test_metadata *_metadata, int fd, bool prepare,
		       const struct kind *kinds, unsigned int nr)
{
	struct mpt_setup s;

	for (; nr--; kinds++) {
		if (kinds->prepare_only && !prepare)
			continue;
		s = kinds->s;
		ASSERT_EQ(0, mpt_setup(fd, &s));
		map_many(_metadata, fd, kinds->map, 0, kinds->err);
		if (!_metadata->exit_code)
			continue;
		TH_LOG("it was: %s", kinds->name);
		return;
	}
}

TEST_F_TIMEOUT(mp, plain, 3600)
{
	const struct kind kinds[] = {
		{ "shared", { }, 0, MAP_SHARED },
		{ "private", { }, 0, MAP_PRIVATE },
		{ "anonymous", { .ops = MPT_OPS_NULL }, 0, MAP_PRIVATE },
		{ "hook fails", { .hook_ret = -EIO }, -EIO, MAP_PRIVATE },
		{ "mapped() fails", { .mapped_ret = -EIO }, -EIO,
		  MAP_PRIVATE },
		{ "offset wraps", { .flags = MPT_F_PGOFF, .pgoff = -1UL },
		  -EOVERFLOW, MAP_PRIVATE, true },
		{ "hidden, mapped() fails",
		  { .flags = MPT_F_HIDE, .mapped_ret = -EIO }, -EIO,
		  MAP_SHARED, true },
	};

	loop_kinds(_metadata, self->fd, variant->prepare, kinds,
		   ARRAY_SIZE(kinds));
	EXPECT_NOTHING_LEFT(self->fd);
}

TEST_F_TIMEOUT(mp, ops_without_mapped, 3600)
{
	const struct kind kinds[] = {
		{ "ops without mapped", { .ops = MPT_OPS_PLAIN }, 0,
		  MAP_PRIVATE },
	};
	struct mpt_status st;

	loop_kinds(_metadata, self->fd, variant->prepare, kinds, 1);
	st = mpt_status(self->fd);
	EXPECT_EQ(st.hook, st.close);
	EXPECT_EQ(0, st.open + st.mapped);
}

TEST_F_TIMEOUT(mp, actions, 3600)
{
	unsigned int type;

	for (type = MPT_REMAP; type < MPT_NR_ACTIONS; type++) {
		const struct kind kinds[] = {
			{ "shared", { .action[0] = mpt_full(type, 0) }, 0,
			  MAP_SHARED },
			{ "private", { .action[0] = mpt_full(type, 0) }, 0,
			  MAP_PRIVATE },
			{ "refused", { .action[0] = mpt_full(type, 1) },
			  -EINVAL, MAP_PRIVATE },
			{ "mapped() fails",
			  { .action[0] = mpt_full(type, 0),
			    .mapped_ret = -EIO }, -EIO, MAP_PRIVATE },
		};

		if (type != MPT_SIMPLE_IOREMAP)
			loop_kinds(_metadata, self->fd, variant->prepare, kinds,
				   2);
		else
			loop_kinds(_metadata, self->fd, variant->prepare, kinds,
				   3);
		loop_kinds(_metadata, self->fd, variant->prepare, kinds + 3, 1);
	}
	EXPECT_NOTHING_LEFT(self->fd);
}

TEST_F_TIMEOUT(mp, failing_actions, 3600)
{
	const struct kind kinds[] = {
		{ "out of range",
		  { .action[0] = mpt_part(MPT_REMAP, 1, 0, NR_PAGES) },
		  -EFAULT, MAP_PRIVATE },
		{ "bad page", { .flags = MPT_F_BAD_PAGE, .bad_page = 17,
				.action[0] = mpt_full(MPT_KERNEL_PAGES, 0) },
		  -EINVAL, MAP_PRIVATE },
		{ "bad page, filtered",
		  { .flags = MPT_F_BAD_PAGE, .bad_page = 17,
		    .error_filter = -EAGAIN,
		    .action[0] = mpt_full(MPT_KERNEL_PAGES, 0) },
		  -EAGAIN, MAP_SHARED },
	};

	loop_kinds(_metadata, self->fd, variant->prepare, kinds,
		   ARRAY_SIZE(kinds));
	EXPECT_NOTHING_LEFT(self->fd);
}

TEST_F_TIMEOUT(mp, donated_files, 3600)
{
	int fd = memfd_create("donated", MFD_CLOEXEC);
	const struct mpt_action bad = mpt_part(MPT_REMAP, 1, 0, NR_PAGES);
	const struct kind kinds[] = {
		{ "mapped", { .flags = MPT_F_DONATE | MPT_F_DONATE_CALL,
			      .donate_fd = fd, .ops = MPT_OPS_LEAVE },
		  0, MAP_SHARED },
		{ "mapped with our ops",
		  { .flags = MPT_F_DONATE, .donate_fd = fd, .private_data = 1 },
		  0, MAP_PRIVATE },
		{ "hook fails",
		  { .flags = MPT_F_DONATE, .donate_fd = fd, .private_data = 1,
		    .hook_ret = -EIO }, -EIO, MAP_SHARED },
		{ "action refused",
		  { .flags = MPT_F_DONATE, .donate_fd = fd, .private_data = 1,
		    .action[0] = bad }, -EFAULT, MAP_SHARED },
		{ "mapped() fails",
		  { .flags = MPT_F_DONATE, .donate_fd = fd, .private_data = 1,
		    .mapped_ret = -EIO }, -EIO, MAP_SHARED },
	};

	ASSERT_GE(fd, 0);
	ASSERT_EQ(0, ftruncate(fd, NR_PAGES * self->page));
	loop_kinds(_metadata, self->fd, variant->prepare, kinds,
		   ARRAY_SIZE(kinds));
	EXPECT_NOTHING_LEFT(self->fd);
}

/*
 * One failing mmap() over accounted memory. Where it takes the memory with it,
 * as .mmap does, there is new memory the next time.
 */
static void fail_over_memory(struct __test_metadata *_metadata, int fd, int err)
{
	long old = map_filled(NR_PAGES, 'o');

	ASSERT_FALSE(IS_ERR_VALUE(old));
	ASSERT_EQ(err, map_at(old, NR_PAGES, RW, MAP_PRIVATE | MAP_FIXED, fd,
			      0));
	ASSERT_EQ(0, unmap(old, NR_PAGES));
}

static void fail_over_memory_often(struct __test_metadata *_metadata, int fd,
				   int err)
{
	unsigned long loops = nr_loops(), i;
	struct gauges before, after;

	for (i = 0; i < 10; i++)
		fail_over_memory(_metadata, fd, err);
	read_gauges(&before);
	for (i = 0; i < loops; i++)
		fail_over_memory(_metadata, fd, err);
	settle(&before, &after);
	compare_gauges(_metadata, &before, &after);
}

TEST_F_TIMEOUT(mp, over_accounted_memory, 3600)
{
	self->s.hook_ret = -EIO;
	ASSERT_EQ(0, mpt_setup(self->fd, &self->s));
	fail_over_memory_often(_metadata, self->fd, -EIO);

	memset(&self->s, 0, sizeof(self->s));
	self->s.mapped_ret = -EIO;
	ASSERT_EQ(0, mpt_setup(self->fd, &self->s));
	fail_over_memory_often(_metadata, self->fd, -EIO);

	memset(&self->s, 0, sizeof(self->s));
	self->s.action[0] = mpt_part(MPT_REMAP, 0, 0, 0);
	ASSERT_EQ(0, mpt_setup(self->fd, &self->s));
	fail_over_memory_often(_metadata, self->fd, -EINVAL);
	EXPECT_NEVER_OPENED(self->fd);
}

FIXTURE(dev)
{
};

FIXTURE_SETUP(dev)
{
}

FIXTURE_TEARDOWN(dev)
{
}

/* A file of every machine whose .mmap fails: procfs has one for each file. */
TEST_F_TIMEOUT(dev, proc_file_over_memory, 3600)
{
	int fd = open("/proc/meminfo", O_RDWR);

	if (fd < 0)
		fd = open("/proc/meminfo", O_RDONLY);
	ASSERT_GE(fd, 0);
	fail_over_memory_often(_metadata, fd, -EIO);
	close(fd);
}

TEST_F_TIMEOUT(dev, zero, 3600)
{
	int fd = open("/dev/zero", O_RDWR);

	ASSERT_GE(fd, 0);
	map_many(_metadata, fd, MAP_SHARED, 0, 0);
	map_many(_metadata, fd, MAP_PRIVATE, 0, 0);
	close(fd);
}

TEST_F_TIMEOUT(dev, mem, 3600)
{
	int fd = open("/dev/mem", O_RDWR);

	if (fd < 0)
		SKIP(return, "/dev/mem: %s", strerror(errno));
	/* ROMs, on a PC. Also where STRICT_DEVMEM is set. */
	map_many(_metadata, fd, MAP_PRIVATE, 0xc0000 / page_size(), 0);
	map_many(_metadata, fd, MAP_SHARED,
		 1UL << (8 * sizeof(long) - 8 - 12), -EINVAL);
	map_many(_metadata, fd, MAP_PRIVATE,
		 1UL << (8 * sizeof(long) - 8 - 12), -EINVAL);
	close(fd);
}

TEST_HARNESS_MAIN
