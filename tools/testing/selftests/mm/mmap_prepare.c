// SPDX-License-Identifier: GPL-2.0-only
/*
 * The mmap_prepare hook, what mm makes of its answer, and vm_ops->mapped().
 *
 * Runs against drivers/misc/mmap_prepare_test.c, as root. The same is asked of
 * a driver with .mmap, one with .mmap_prepare and a stacked one, so that a
 * difference is seen. The actions have mmap_prepare_actions.c.
 */
#include "mmap_prepare.h"

#include <poll.h>
#include <sys/prctl.h>

#ifndef PR_SET_MDWE
#define PR_SET_MDWE			65
#define PR_MDWE_REFUSE_EXEC_GAIN	1
#endif

#define NR_PAGES	4

/* ---- calls ---- */

TEST_F(mp, hook_is_called_once)
{
	unsigned long want_file = variant->prepare && variant->mmap ?
				  MPT_FILE_INNER : MPT_FILE_OWN;
	struct mpt_status st;
	long addr;

	self->s.private_data = 3;
	ASSERT_EQ(0, mpt_setup(self->fd, &self->s));
	addr = map_shared(self->fd, NR_PAGES, 2);
	ASSERT_FALSE(IS_ERR_VALUE(addr));

	st = mpt_status(self->fd);
	EXPECT_EQ(1, st.hook);
	EXPECT_EQ(variant->prepare && variant->mmap, st.outer);
	EXPECT_EQ(want_file, st.hook_file);
	EXPECT_EQ(VM_READ | VM_WRITE | VM_SHARED | VM_MAYSHARE,
		  st.hook_flags & (VM_READ | VM_WRITE | VM_EXEC | VM_SHARED |
				   VM_MAYSHARE));
	EXPECT_EQ(1, st.mapped);
	EXPECT_EQ(want_file, st.mapped_file);
	EXPECT_EQ(addr, st.start);
	EXPECT_EQ(addr + NR_PAGES * self->page, st.end);
	EXPECT_EQ(2, st.pgoff);
	EXPECT_EQ(3, st.private_data);
	EXPECT_EQ(0, st.open + st.close + st.fault);

	EXPECT_EQ(0, unmap(addr, NR_PAGES));
	EXPECT_EQ(1, mpt_status(self->fd).close);
	EXPECT_NOTHING_LEFT(self->fd);
}

TEST_F(mp, ops_without_mapped)
{
	struct mpt_status st;
	long addr;

	self->s.ops = MPT_OPS_PLAIN;
	ASSERT_EQ(0, mpt_setup(self->fd, &self->s));
	addr = map_shared(self->fd, NR_PAGES, 0);
	ASSERT_FALSE(IS_ERR_VALUE(addr));
	EXPECT_TRUE(is_buffer(addr, 0, NR_PAGES));

	/* close() pairs with the mapping itself here. */
	EXPECT_EQ(0, unmap(addr, NR_PAGES));
	st = mpt_status(self->fd);
	EXPECT_EQ(1, st.hook);
	EXPECT_EQ(0, st.mapped);
	EXPECT_EQ(0, st.open);
	EXPECT_EQ(1, st.close);
}

TEST_F(mp, default_ops_stay_a_file_mapping)
{
	struct vma vma;
	long addr;

	/* A driver that forgot its vm_ops gets SIGBUS, not zeroes. */
	self->s.ops = MPT_OPS_LEAVE;
	ASSERT_EQ(0, mpt_setup(self->fd, &self->s));
	addr = map_private(self->fd, NR_PAGES, 0);
	ASSERT_FALSE(IS_ERR_VALUE(addr));
	EXPECT_FALSE(readable(addr));
	ASSERT_TRUE(find_vma(addr, &vma));
	EXPECT_NE(NULL, strstr(vma.name, variant->dev));
	EXPECT_EQ(0, unmap(addr, NR_PAGES));
}

TEST_F(mp, null_ops_make_it_anonymous)
{
	pid_t pid;
	int status;
	long addr;

	self->s.ops = MPT_OPS_NULL;
	ASSERT_EQ(0, mpt_setup(self->fd, &self->s));
	addr = map_private(self->fd, NR_PAGES, 0);
	ASSERT_FALSE(IS_ERR_VALUE(addr));
	EXPECT_TRUE(all_bytes(addr, NR_PAGES, 0));
	memset((void *)addr, 1, NR_PAGES * self->page);

	pid = fork();
	ASSERT_GE(pid, 0);
	if (!pid) {
		poke(addr, 2);
		_exit(all_bytes(addr + self->page, NR_PAGES - 1, 1) ? 0 : 1);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_TRUE(all_bytes(addr, NR_PAGES, 1));
	EXPECT_EQ(0, unmap(addr, NR_PAGES));
	EXPECT_EQ(0, mpt_status(self->fd).fault);
}

TEST_F(mp, faults_and_contents)
{
	long shared = map_shared(self->fd, MPT_PAGES, 0);
	long part = map_shared(self->fd, NR_PAGES, 5);
	long private = map_private(self->fd, MPT_PAGES, 0);

	ASSERT_FALSE(IS_ERR_VALUE(shared));
	ASSERT_FALSE(IS_ERR_VALUE(part));
	ASSERT_FALSE(IS_ERR_VALUE(private));
	EXPECT_TRUE(is_buffer(shared, 0, MPT_PAGES));
	EXPECT_TRUE(is_buffer(part, 5, NR_PAGES));
	EXPECT_TRUE(is_buffer(private, 0, MPT_PAGES));
	EXPECT_EQ(2 * MPT_PAGES + NR_PAGES, mpt_status(self->fd).fault);

	poke(part, 42);
	EXPECT_EQ(42, peek(shared + 5 * self->page));
	poke(private, 43);
	EXPECT_EQ(MPT_WORD(0, 0), peek(shared));

	EXPECT_EQ(0, unmap(shared, MPT_PAGES));
	EXPECT_EQ(0, unmap(part, NR_PAGES));
	EXPECT_EQ(0, unmap(private, MPT_PAGES));
	EXPECT_NOTHING_LEFT(self->fd);
}

TEST_F(mp, populate_and_lock)
{
	long addr = map_at(0, MPT_PAGES, RW, MAP_SHARED | MAP_POPULATE,
			   self->fd, 0);

	ASSERT_FALSE(IS_ERR_VALUE(addr));
	EXPECT_EQ(MPT_PAGES, mpt_status(self->fd).fault);
	EXPECT_TRUE(is_buffer(addr, 0, MPT_PAGES));
	EXPECT_EQ(MPT_PAGES, mpt_status(self->fd).fault);
	EXPECT_EQ(0, unmap(addr, MPT_PAGES));

	addr = map_at(0, NR_PAGES, RW, MAP_SHARED | MAP_LOCKED, self->fd, 0);
	ASSERT_FALSE(IS_ERR_VALUE(addr));
	EXPECT_TRUE(has_flags(addr, "lo"));
	EXPECT_EQ(NR_PAGES * self->page / 1024,
		  proc_value("/proc/self/status", "VmLck"));
	EXPECT_EQ(0, unmap(addr, NR_PAGES));
	EXPECT_EQ(0, proc_value("/proc/self/status", "VmLck"));
	/* mm may still look at the pages that were locked. */
	EXPECT_ALL_CLOSED(self->fd);
}

/* ---- what the hook returns ---- */

TEST_F(mp, hook_fails)
{
	const int errnos[] = { -EIO, -ENOMEM, -EAGAIN, -EPERM, -ENODEV };
	unsigned int i;

	/* error_filter is not for what the hook itself says. */
	self->s.error_filter = -EXDEV;
	for (i = 0; i < ARRAY_SIZE(errnos); i++) {
		self->s.hook_ret = errnos[i];
		ASSERT_EQ(0, mpt_setup(self->fd, &self->s));
		EXPECT_EQ(errnos[i], map_shared(self->fd, NR_PAGES, 0));
		EXPECT_EQ(errnos[i], map_private(self->fd, NR_PAGES, 0));
	}
	EXPECT_EQ(2 * i, mpt_status(self->fd).hook);
	EXPECT_NEVER_OPENED(self->fd);
}

TEST_F(mp, hook_returns_nonsense)
{
	const int values[] = { 1, 4096, 0x7ffff000, -4096, -65536 };
	unsigned int i;

	if (!variant->prepare)
		SKIP(return, "a value from .mmap is taken as it is");
	if (warnings_panic())
		SKIP(return, WHY_NO_WARNING);
	for (i = 0; i < ARRAY_SIZE(values); i++) {
		self->s.hook_ret = values[i];
		ASSERT_EQ(0, mpt_setup(self->fd, &self->s));
		EXPECT_EQ(-EINVAL, map_shared(self->fd, NR_PAGES, 0));
	}
	EXPECT_EQ(i, mpt_status(self->fd).hook);
	EXPECT_NEVER_OPENED(self->fd);
}

TEST_F(mp, read_only_fields_are_spoiled)
{
	const uint32_t flags[] = {
		MPT_F_SPOIL_MM, MPT_F_SPOIL_FILE, MPT_F_SPOIL_START,
		MPT_F_SPOIL_END, MPT_F_SPOIL_VM_FILE, MPT_F_SPOIL,
	};
	unsigned int i;

	if (!variant->prepare)
		SKIP(return, ".mmap has no descriptor");
	if (warnings_panic())
		SKIP(return, WHY_NO_WARNING);
	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		self->s.flags = flags[i];
		ASSERT_EQ(0, mpt_setup(self->fd, &self->s));
		EXPECT_EQ(-EINVAL, map_shared(self->fd, NR_PAGES, 0)) {
			TH_LOG("flag 0x%x", flags[i]);
		}
	}
	EXPECT_EQ(i, mpt_status(self->fd).hook);
	EXPECT_NEVER_OPENED(self->fd);
}

/* ---- flags ---- */

/* Map a read-only open file, so that MAYWRITE is not there to begin with. */
static long map_bare(const char *dev, struct mpt_setup *s, int flags)
{
	int fd = mpt_open_dev(dev, O_RDONLY);
	long addr;

	if (fd < 0)
		return fd;
	addr = mpt_setup(fd, s);
	if (!addr)
		addr = map_at(0, NR_PAGES, PROT_NONE, flags, fd, 0);
	if (!IS_ERR_VALUE(addr))
		unmap(addr, NR_PAGES);
	close(fd);
	return addr;
}

TEST_F(mp, hook_adds_forbidden_flags)
{
	const struct {
		uint64_t flag;
		int map;
	} rows[] = {
		{ VM_WRITE, MAP_SHARED },
		{ VM_EXEC, MAP_PRIVATE },
		{ VM_SHARED, MAP_PRIVATE },
		{ VM_MAYSHARE, MAP_PRIVATE },
		{ VM_MAYWRITE, MAP_SHARED },
		{ VM_ACCOUNT, MAP_SHARED },
	};
	unsigned int i;

	if (!variant->prepare)
		SKIP(return, ".mmap may do anything");
	if (warnings_panic())
		SKIP(return, WHY_NO_WARNING);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		self->s.set_flags = rows[i].flag;
		EXPECT_EQ(-EINVAL,
			  map_bare(variant->dev, &self->s, rows[i].map)) {
			TH_LOG("flag 0x%llx",
			       (unsigned long long)rows[i].flag);
		}
		/* And the row fails for its flag only. */
		self->s.set_flags = 0;
		EXPECT_FALSE(IS_ERR_VALUE(map_bare(variant->dev, &self->s,
						   rows[i].map)));
	}
}

TEST_F(mp, hook_removes_account)
{
	if (!(variant->prepare && variant->mmap))
		SKIP(return, "the flag is there only where a VMA is before the hook");
	if (warnings_panic())
		SKIP(return, WHY_NO_WARNING);
	self->s.clear_flags = VM_ACCOUNT;
	ASSERT_EQ(0, mpt_setup(self->fd, &self->s));
	EXPECT_EQ(-EINVAL, map_private(self->fd, NR_PAGES, 0));
	EXPECT_FALSE(IS_ERR_VALUE(map_shared(self->fd, NR_PAGES, 0)));
}

TEST_F(mp, hook_changes_flags)
{
	struct vma vma;
	long addr;

	self->s.set_flags = VM_DONTCOPY | VM_DONTDUMP;
	self->s.clear_flags = VM_MAYWRITE;
	ASSERT_EQ(0, mpt_setup(self->fd, &self->s));
	addr = map_at(0, NR_PAGES, PROT_READ, MAP_SHARED, self->fd, 0);
	ASSERT_FALSE(IS_ERR_VALUE(addr));
	EXPECT_TRUE(has_flags(addr, "rd sh mr dc dd"));
	EXPECT_FALSE(has_flags(addr, "mw"));
	EXPECT_EQ(-1, mprotect((void *)addr, self->page, RW));
	EXPECT_EQ(EACCES, errno);
	EXPECT_TRUE(is_buffer(addr, 0, NR_PAGES));
	ASSERT_TRUE(find_vma(addr, &vma));
	EXPECT_STREQ("r--s", vma.perms);
	EXPECT_EQ(0, unmap(addr, NR_PAGES));
	EXPECT_NOTHING_LEFT(self->fd);
}

TEST_F(mp, hook_changes_pgoff)
{
	struct vma vma;
	long addr;

	self->s.flags = MPT_F_PGOFF;
	self->s.pgoff = 7;
	ASSERT_EQ(0, mpt_setup(self->fd, &self->s));
	addr = map_shared(self->fd, NR_PAGES, 1);
	ASSERT_FALSE(IS_ERR_VALUE(addr));
	EXPECT_EQ(7, mpt_status(self->fd).pgoff);
	EXPECT_TRUE(is_buffer(addr, 7, NR_PAGES));
	ASSERT_TRUE(find_vma(addr, &vma));
	EXPECT_EQ(7 * self->page, vma.offset);
	EXPECT_EQ(0, unmap(addr, NR_PAGES));
	EXPECT_NOTHING_LEFT(self->fd);
}

TEST_F(mp, hook_wraps_pgoff)
{
	if (!variant->prepare)
		SKIP(return, "nobody looks at what .mmap sets");
	self->s.flags = MPT_F_PGOFF;
	self->s.pgoff = -1UL - NR_PAGES + 2;
	ASSERT_EQ(0, mpt_setup(self->fd, &self->s));
	EXPECT_EQ(-EOVERFLOW, map_shared(self->fd, NR_PAGES, 0));
	EXPECT_NEVER_OPENED(self->fd);
}

TEST_F(mp, write_exec_policy_is_kept)
{
	if (!variant->prepare)
		SKIP(return, "nobody looks at what .mmap sets");
	if (prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0))
		SKIP(return, "no PR_SET_MDWE");
	EXPECT_EQ(-EACCES, map_at(0, 1, RW | PROT_EXEC, MAP_PRIVATE, self->fd,
				  0));
	/* Other flags change, the policy has nothing against. */
	self->s.set_flags = VM_DONTCOPY;
	ASSERT_EQ(0, mpt_setup(self->fd, &self->s));
	EXPECT_FALSE(IS_ERR_VALUE(map_private(self->fd, 1, 0)));
}

/* ---- mapped() ---- */

TEST_F(mp, mapped_fails)
{
	struct mpt_status st;

	self->s.mapped_ret = -EIO;
	ASSERT_EQ(0, mpt_setup(self->fd, &self->s));
	EXPECT_EQ(-EIO, map_shared(self->fd, NR_PAGES, 0));
	EXPECT_EQ(-EIO, map_private(self->fd, NR_PAGES, 0));

	st = mpt_status(self->fd);
	EXPECT_EQ(2, st.hook);
	EXPECT_EQ(2, st.mapped_failed);
	EXPECT_TRUE(unmapped(st.start, NR_PAGES));
	EXPECT_NEVER_OPENED(self->fd);

	/* Nothing is left in the way of the next. */
	ASSERT_EQ(0, mpt_setup_none(self->fd));
	EXPECT_FALSE(IS_ERR_VALUE(map_shared(self->fd, NR_PAGES, 0)));
}

TEST_F(mp, mapped_fails_after_action)
{
	unsigned int type;

	self->s.mapped_ret = -EIO;
	for (type = MPT_REMAP; type < MPT_NR_ACTIONS; type++) {
		self->s.action[0] = mpt_full(type, 0);
		ASSERT_EQ(0, mpt_setup(self->fd, &self->s));
		EXPECT_EQ(-EIO, map_shared(self->fd, NR_PAGES, 0));
		EXPECT_EQ(type, mpt_status(self->fd).mapped_failed);
		EXPECT_TRUE(unmapped(mpt_status(self->fd).start, NR_PAGES));
	}
	EXPECT_NEVER_OPENED(self->fd);
}

TEST_F(mp, mapped_returns_nonsense)
{
	if (!variant->prepare)
		SKIP(return, "mm does not call mapped() for .mmap");
	if (warnings_panic())
		SKIP(return, WHY_NO_WARNING);
	self->s.mapped_ret = 1;
	ASSERT_EQ(0, mpt_setup(self->fd, &self->s));
	EXPECT_EQ(-EINVAL, map_shared(self->fd, NR_PAGES, 0));
	EXPECT_EQ(1, mpt_status(self->fd).mapped_failed);
	EXPECT_NEVER_OPENED(self->fd);
}

TEST_F(mp, mapped_fails_and_sets_private_data)
{
	/* The nested device looks whether its own value survives. */
	self->s.mapped_ret = -EIO;
	self->s.mapped_private = 2;
	ASSERT_EQ(0, mpt_setup(self->fd, &self->s));
	EXPECT_EQ(-EIO, map_shared(self->fd, NR_PAGES, 0));
	EXPECT_NEVER_OPENED(self->fd);
	EXPECT_EQ(0, mpt_status(self->fd).bad);
}

TEST_F(mp, error_filter)
{
	self->s.mapped_ret = -EIO;
	self->s.error_filter = -EAGAIN;
	ASSERT_EQ(0, mpt_setup(self->fd, &self->s));
	EXPECT_EQ(-EAGAIN, map_shared(self->fd, NR_PAGES, 0));
	EXPECT_EQ(1, mpt_status(self->fd).mapped_failed);

	self->s.error_filter = -4095;
	ASSERT_EQ(0, mpt_setup(self->fd, &self->s));
	EXPECT_EQ(-4095, map_shared(self->fd, NR_PAGES, 0));
	EXPECT_NEVER_OPENED(self->fd);

	/* It is no error by itself. */
	self->s.mapped_ret = 0;
	ASSERT_EQ(0, mpt_setup(self->fd, &self->s));
	EXPECT_FALSE(IS_ERR_VALUE(map_shared(self->fd, NR_PAGES, 0)));
}

TEST_F(mp, error_filter_hides_no_refusal)
{
	if (!variant->prepare)
		SKIP(return, ".mmap has no filter");
	self->s.error_filter = -EAGAIN;
	self->s.action[0] = mpt_part(MPT_REMAP, 0, 0, NR_PAGES + 1);
	ASSERT_EQ(0, mpt_setup(self->fd, &self->s));
	EXPECT_EQ(-EFAULT, map_shared(self->fd, NR_PAGES, 0));
	EXPECT_NEVER_OPENED(self->fd);
}

TEST_F(mp, error_filter_is_nonsense)
{
	const int values[] = { 1, 11, -4096, 0x7fffffff, -0x7fffffff - 1 };
	unsigned int i;

	if (!variant->prepare)
		SKIP(return, ".mmap has no filter");
	if (warnings_panic())
		SKIP(return, WHY_NO_WARNING);
	for (i = 0; i < ARRAY_SIZE(values); i++) {
		self->s.error_filter = values[i];
		ASSERT_EQ(0, mpt_setup(self->fd, &self->s));
		EXPECT_EQ(-EINVAL, map_shared(self->fd, NR_PAGES, 0)) {
			TH_LOG("error_filter %d", values[i]);
		}
	}
	EXPECT_NEVER_OPENED(self->fd);
}

/* ---- merging ---- */

/*
 * Map @pages pages twice, side by side, the second with another set-up. A range
 * is reserved for them, and nothing else is in it.
 */
static long map_two(int fd, unsigned long pages, struct mpt_setup *first,
		    struct mpt_setup *second)
{
	long addr = map_at(0, 2 * pages + 2, PROT_NONE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	long at = addr + page_size();
	long err;

	if (IS_ERR_VALUE(addr))
		return addr;
	err = mpt_setup(fd, first);
	if (err)
		return err;
	err = map_at(at, pages, RW, MAP_SHARED | MAP_FIXED, fd, 0);
	if (err != at)
		return err;
	err = mpt_setup(fd, second);
	if (err)
		return err;
	err = map_at(at + pages * page_size(), pages, RW,
		     MAP_SHARED | MAP_FIXED, fd, pages);
	return IS_ERR_VALUE(err) ? err : at;
}

TEST_F(mp, same_mappings_merge)
{
	struct mpt_status st;
	long addr;

	self->s.private_data = 1;
	addr = map_two(self->fd, NR_PAGES, &self->s, &self->s);
	ASSERT_FALSE(IS_ERR_VALUE(addr));
	EXPECT_TRUE(is_one_vma(addr, 2 * NR_PAGES));
	EXPECT_TRUE(is_buffer(addr, 0, 2 * NR_PAGES));

	/* .mmap is not even called; mapped() is for a new VMA only. */
	st = mpt_status(self->fd);
	EXPECT_EQ(variant->mmap ? 1 : 2, st.hook);
	EXPECT_EQ(1, st.mapped);
	EXPECT_EQ(0, st.open);
	EXPECT_EQ(0, unmap(addr, 2 * NR_PAGES));
	EXPECT_NOTHING_LEFT(self->fd);
	EXPECT_EQ(1, mpt_status(self->fd).close);
}

TEST_F(mp, differing_mappings_do_not_merge)
{
	const struct mpt_setup rows[] = {
		{ .private_data = 2 },
		{ .ops = MPT_OPS_PLAIN, .private_data = 1 },
		{ .ops = MPT_OPS_LEAVE, .private_data = 1 },
		{ .set_flags = VM_DONTCOPY, .private_data = 1 },
		{ .flags = MPT_F_PGOFF, .pgoff = 9, .private_data = 1 },
		/* an action would not run if its mapping were merged */
		{ .action[0] = mpt_full(MPT_REMAP, 0), .private_data = 1 },
		{ .action[0] = mpt_full(MPT_KERNEL_PAGES, 0),
		  .private_data = 1 },
	};
	struct mpt_setup second;
	unsigned int i;
	long addr;

	if (variant->mmap)
		SKIP(return, "merged before .mmap is asked");
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		ASSERT_EQ(0, ioctl(self->fd, MPT_IOC_RESET));
		self->s.private_data = 1;
		second = rows[i];
		addr = map_two(self->fd, NR_PAGES, &self->s, &second);
		ASSERT_FALSE(IS_ERR_VALUE(addr));
		EXPECT_TRUE(is_one_vma(addr, NR_PAGES)) {
			TH_LOG("row %u", i);
		}
		EXPECT_EQ(2, mpt_status(self->fd).hook);
		EXPECT_EQ(second.ops == MPT_OPS_FULL ? 2 : 1,
			  mpt_status(self->fd).mapped);
		EXPECT_EQ(0, unmap(addr, 2 * NR_PAGES));
	}
}

TEST_F(mp, private_data_of_mapped_is_merged_with)
{
	struct mpt_setup second = { .private_data = 2 };
	long addr;

	if (variant->mmap)
		SKIP(return, "merged before .mmap is asked");
	/* The neighbour has what mapped() left, not what the hook said. */
	self->s.private_data = 1;
	self->s.mapped_private = 2;
	addr = map_two(self->fd, NR_PAGES, &self->s, &second);
	ASSERT_FALSE(IS_ERR_VALUE(addr));
	EXPECT_TRUE(is_one_vma(addr, 2 * NR_PAGES));
	EXPECT_EQ(0, unmap(addr, 2 * NR_PAGES));

	second.private_data = 1;
	addr = map_two(self->fd, NR_PAGES, &self->s, &second);
	ASSERT_FALSE(IS_ERR_VALUE(addr));
	EXPECT_TRUE(is_one_vma(addr, NR_PAGES));
	EXPECT_EQ(0, unmap(addr, 2 * NR_PAGES));
	EXPECT_NOTHING_LEFT(self->fd);
}

TEST_F(mp, merging_uses_what_the_hook_says)
{
	struct mpt_setup second = { .flags = MPT_F_PGOFF, .pgoff = NR_PAGES };
	long addr, next;

	if (variant->mmap)
		SKIP(return, "merged before .mmap is asked");
	addr = map_at(0, 2 * NR_PAGES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
		      -1, 0);
	ASSERT_FALSE(IS_ERR_VALUE(addr));
	next = addr + NR_PAGES * self->page;

	ASSERT_EQ(addr, map_at(addr, NR_PAGES, RW, MAP_SHARED | MAP_FIXED,
			       self->fd, 0));
	/* Asked for at another offset and as it is no neighbour. */
	ASSERT_EQ(0, mpt_setup(self->fd, &second));
	ASSERT_EQ(next, map_at(next, NR_PAGES, RW, MAP_SHARED | MAP_FIXED,
			       self->fd, 20));
	EXPECT_TRUE(is_one_vma(addr, 2 * NR_PAGES));
	EXPECT_TRUE(is_buffer(addr, 0, 2 * NR_PAGES));
	EXPECT_EQ(1, mpt_status(self->fd).mapped);
	EXPECT_EQ(0, unmap(addr, 2 * NR_PAGES));
	EXPECT_NOTHING_LEFT(self->fd);
}

TEST_F(mp, actions_never_merge)
{
	unsigned int type;
	long addr;

	for (type = MPT_REMAP; type < MPT_NR_ACTIONS; type++) {
		self->s.action[0] = mpt_full(type, 0);
		addr = map_two(self->fd, NR_PAGES, &self->s, &self->s);
		ASSERT_FALSE(IS_ERR_VALUE(addr));
		EXPECT_TRUE(is_one_vma(addr, NR_PAGES));
		EXPECT_TRUE(is_buffer(addr, 0, NR_PAGES));
		/* A simple ioremap begins at the mapping's offset. */
		EXPECT_TRUE(is_buffer(addr + NR_PAGES * self->page,
				      type == MPT_SIMPLE_IOREMAP ? NR_PAGES : 0,
				      NR_PAGES));
		EXPECT_EQ(2 * type, mpt_status(self->fd).mapped);
		EXPECT_EQ(0, unmap(addr, 2 * NR_PAGES));
	}
	EXPECT_NOTHING_LEFT(self->fd);
}

/* ---- MAP_FIXED over something ---- */

#define OLD_PAGES	8

/*
 * A failing mmap() in the middle of @old, which is filled with 'o'. What is
 * around it has to stay in any case.
 */
static void over_old(struct __test_metadata *_metadata, int fd,
		     struct mpt_setup *s, int err, bool stays)
{
	long old = map_filled(OLD_PAGES, 'o');
	long at = old + 2 * page_size();

	ASSERT_FALSE(IS_ERR_VALUE(old));
	ASSERT_EQ(0, mpt_setup(fd, s));
	EXPECT_EQ(err, map_at(at, NR_PAGES, RW, MAP_SHARED | MAP_FIXED, fd, 0));
	EXPECT_TRUE(all_bytes(old, 2, 'o'));
	EXPECT_TRUE(all_bytes(at + NR_PAGES * page_size(), 2, 'o'));
	ASSERT_EQ(!stays, unmapped(at, NR_PAGES));
	EXPECT_TRUE(!stays || all_bytes(at, NR_PAGES, 'o'));
	EXPECT_NEVER_OPENED(fd);
	unmap(old, OLD_PAGES);
}

TEST_F(mp, fixed_over_old_refused_by_hook)
{
	self->s.hook_ret = -EIO;
	/* .mmap runs when the old mapping is gone already. */
	over_old(_metadata, self->fd, &self->s, -EIO, !variant->mmap);
}

TEST_F(mp, fixed_over_old_refused_by_validation)
{
	if (!variant->prepare)
		SKIP(return, "nothing is validated with .mmap");
	self->s.flags = MPT_F_PGOFF;
	self->s.pgoff = -1UL;
	over_old(_metadata, self->fd, &self->s, -EOVERFLOW, !variant->mmap);
}

TEST_F(mp, fixed_over_old_hook_breaks_the_rules)
{
	if (!variant->prepare)
		SKIP(return, "nothing is validated with .mmap");
	if (warnings_panic())
		SKIP(return, WHY_NO_WARNING);
	self->s.flags = MPT_F_SPOIL_END;
	over_old(_metadata, self->fd, &self->s, -EINVAL, !variant->mmap);
	memset(&self->s, 0, sizeof(self->s));
	self->s.error_filter = 1;
	over_old(_metadata, self->fd, &self->s, -EINVAL, !variant->mmap);
	memset(&self->s, 0, sizeof(self->s));
	self->s.set_flags = VM_ACCOUNT;
	over_old(_metadata, self->fd, &self->s, -EINVAL, !variant->mmap);
	memset(&self->s, 0, sizeof(self->s));
	self->s.hook_ret = 1;
	over_old(_metadata, self->fd, &self->s, -EINVAL, !variant->mmap);
}

TEST_F(mp, fixed_over_old_refused_by_action)
{
	unsigned int type;

	for (type = MPT_REMAP; type < MPT_NR_ACTIONS; type++) {
		if (type == MPT_SIMPLE_IOREMAP)
			continue;
		self->s.action[0] = mpt_part(type, 1, 0, NR_PAGES);
		over_old(_metadata, self->fd, &self->s, -EFAULT,
			 !variant->mmap);
	}
	self->s.action[0] = mpt_full(MPT_SIMPLE_IOREMAP, 0);
	self->s.action[0].size = self->page;
	over_old(_metadata, self->fd, &self->s, -EINVAL, !variant->mmap);
	if (!variant->prepare)
		return;
	/* PFNs that wrap. remap_pfn_range() alone finds that out too late. */
	self->s.action[0] = mpt_part(MPT_REMAP, 0, -1UL, NR_PAGES);
	self->s.action[0].flags = MPT_A_ABS_PFN;
	over_old(_metadata, self->fd, &self->s, -EINVAL, !variant->mmap);
}

TEST_F(mp, fixed_over_old_fails_late)
{
	self->s.mapped_ret = -EIO;
	over_old(_metadata, self->fd, &self->s, -EIO, false);

	memset(&self->s, 0, sizeof(self->s));
	self->s.action[0] = mpt_full(MPT_KERNEL_PAGES, 0);
	self->s.flags = MPT_F_BAD_PAGE;
	self->s.bad_page = 2;
	over_old(_metadata, self->fd, &self->s, -EINVAL, false);
}

TEST_F(mp, fixed_over_own_mapping)
{
	struct mpt_status st;
	long addr;

	self->s.action[0] = mpt_full(MPT_KERNEL_PAGES, 0);
	ASSERT_EQ(0, mpt_setup(self->fd, &self->s));
	addr = map_shared(self->fd, NR_PAGES, 0);
	ASSERT_FALSE(IS_ERR_VALUE(addr));
	self->s.action[0] = mpt_full(MPT_KERNEL_PAGES, 8);
	ASSERT_EQ(0, mpt_setup(self->fd, &self->s));
	EXPECT_EQ(addr, map_at(addr, NR_PAGES, RW, MAP_SHARED | MAP_FIXED,
			       self->fd, 0));
	EXPECT_TRUE(is_buffer(addr, 8, NR_PAGES));

	st = mpt_status(self->fd);
	EXPECT_EQ(2, st.mapped);
	EXPECT_EQ(1, st.close);
	EXPECT_EQ(NR_PAGES, st.pages_mapped);
	EXPECT_EQ(0, unmap(addr, NR_PAGES));
	EXPECT_NOTHING_LEFT(self->fd);
}

TEST(fixed_over_old_refused_by_dev_mem)
{
	int fd = open("/dev/mem", O_RDONLY);
	long old = map_filled(OLD_PAGES, 'o');
	/* Beyond what any machine has. */
	unsigned long pgoff = 1UL << (8 * sizeof(long) - 8 - 12);

	if (fd < 0)
		SKIP(return, "/dev/mem: %s", strerror(errno));
	ASSERT_FALSE(IS_ERR_VALUE(old));
	EXPECT_EQ(-EINVAL, map_at(old, OLD_PAGES, PROT_READ,
				  MAP_SHARED | MAP_FIXED, fd, pgoff));
	ASSERT_FALSE(unmapped(old, OLD_PAGES));
	EXPECT_TRUE(all_bytes(old, OLD_PAGES, 'o'));
	close(fd);
}

/* ---- donated files ---- */

/* A memfd of NR_PAGES pages, each byte 'd'. */
static int donated_memfd(void)
{
	int fd = memfd_create("donated", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	char buf[4096];
	unsigned long i;

	if (fd < 0)
		return -errno;
	memset(buf, 'd', sizeof(buf));
	for (i = 0; i < NR_PAGES * page_size(); i += sizeof(buf))
		if (write(fd, buf, sizeof(buf)) != sizeof(buf))
			return -EIO;
	return fd;
}

TEST_F(mp, donated_file_is_mapped)
{
	int fd = donated_memfd();
	struct vma vma;
	long addr;

	ASSERT_GE(fd, 0);
	self->s.flags = MPT_F_DONATE | MPT_F_DONATE_CALL;
	self->s.donate_fd = fd;
	self->s.ops = MPT_OPS_LEAVE;
	ASSERT_EQ(0, mpt_setup(self->fd, &self->s));
	addr = map_shared(self->fd, NR_PAGES, 0);
	ASSERT_FALSE(IS_ERR_VALUE(addr));
	EXPECT_TRUE(all_bytes(addr, NR_PAGES, 'd'));
	ASSERT_TRUE(find_vma(addr, &vma));
	EXPECT_NE(NULL, strstr(vma.name, "memfd:donated"));

	/* It is the VMA that holds it now. */
	ASSERT_EQ(0, mpt_setup_none(self->fd));
	close(fd);
	poke(addr, 'x');
	EXPECT_EQ('x', peek(addr));
	EXPECT_EQ(0, unmap(addr, NR_PAGES));
	EXPECT_EQ(1, mpt_status(self->fd).hook);
	EXPECT_EQ(0, mpt_status(self->fd).close);
}

/*
 * A pipe tells whether its last writer is gone. Donate the writing end, do one
 * mmap(), and see that nobody keeps it.
 */
static void donate_pipe(struct __test_metadata *_metadata, int dev,
			struct mpt_setup *s, int err)
{
	struct pollfd pfd = { .events = POLLIN };
	int fds[2];
	long addr;

	ASSERT_EQ(0, pipe(fds));
	pfd.fd = fds[0];
	s->flags |= MPT_F_DONATE;
	s->donate_fd = fds[1];
	ASSERT_EQ(0, mpt_setup(dev, s));
	close(fds[1]);

	addr = map_shared(dev, NR_PAGES, 0);
	EXPECT_EQ(err, IS_ERR_VALUE(addr) ? addr : 0);
	EXPECT_EQ(0, mpt_setup_none(dev));
	/* The VMA keeps it as long as it lives. */
	EXPECT_EQ(err ? POLLHUP : 0,
		  poll(&pfd, 1, 0) == 1 ? pfd.revents & POLLHUP : 0);
	EXPECT_EQ(0, err ? 0 : unmap(addr, NR_PAGES));
	ASSERT_EQ(1, poll(&pfd, 1, 0)) {
		TH_LOG("a reference to the donated file leaked");
	}
	EXPECT_EQ(POLLHUP, pfd.revents & POLLHUP);
	close(fds[0]);
}

TEST_F(mp, donated_file_is_dropped)
{
	self->s.private_data = 1;
	donate_pipe(_metadata, self->fd, &self->s, 0);
	EXPECT_EQ(1, mpt_status(self->fd).mapped);
	EXPECT_NOTHING_LEFT(self->fd);
}

struct failing {
	struct mpt_setup s;
	int err;
};

static void donate_and_fail(struct __test_metadata *_metadata, int dev,
			    const struct failing *rows, unsigned int nr)
{
	struct mpt_setup s;

	for (; nr--; rows++) {
		s = rows->s;
		s.private_data = 1;
		donate_pipe(_metadata, dev, &s, rows->err);
	}
	EXPECT_NEVER_OPENED(dev);
}

TEST_F(mp, donated_file_of_failing_mmap_is_dropped)
{
	const struct failing rows[] = {
		{ { .hook_ret = -EIO }, -EIO },
		{ { .mapped_ret = -EIO }, -EIO },
		/* A pipe cannot be mapped by itself. */
		{ { .flags = MPT_F_DONATE_CALL }, -ENODEV },
		{ { .action[0] = mpt_part(MPT_REMAP, 1, 0, NR_PAGES) },
		  -EFAULT },
		{ { .action[0] = mpt_full(MPT_KERNEL_PAGES, 0),
		    .flags = MPT_F_BAD_PAGE }, -EINVAL },
	};

	donate_and_fail(_metadata, self->fd, rows, ARRAY_SIZE(rows));
}

TEST_F(mp, donated_file_of_invalid_mmap_is_dropped)
{
	const struct failing rows[] = {
		{ { .flags = MPT_F_PGOFF, .pgoff = -1UL }, -EOVERFLOW },
		{ { .flags = MPT_F_HIDE, .mapped_ret = -EIO }, -EIO },
	};

	if (!variant->prepare)
		SKIP(return, "nothing is validated with .mmap");
	donate_and_fail(_metadata, self->fd, rows, ARRAY_SIZE(rows));
}

TEST_F(mp, donated_file_is_dropped_when_the_hook_breaks_the_rules)
{
	const struct failing rows[] = {
		{ { .error_filter = 1 }, -EINVAL },
		{ { .hook_ret = 1 }, -EINVAL },
		{ { .flags = MPT_F_SPOIL_START }, -EINVAL },
		{ { .set_flags = VM_ACCOUNT }, -EINVAL },
		{ { .mapped_ret = 1 }, -EINVAL },
	};

	if (!variant->prepare)
		SKIP(return, "nothing is validated with .mmap");
	if (warnings_panic())
		SKIP(return, WHY_NO_WARNING);
	donate_and_fail(_metadata, self->fd, rows, ARRAY_SIZE(rows));
}

TEST_F(mp, donated_file_outlives_the_driver)
{
	int fd = donated_memfd();
	struct mpt_status st;
	long addr;

	ASSERT_GE(fd, 0);
	self->s.flags = MPT_F_DONATE;
	self->s.donate_fd = fd;
	self->s.private_data = 1;
	ASSERT_EQ(0, mpt_setup(self->fd, &self->s));
	addr = map_shared(self->fd, NR_PAGES, 0);
	ASSERT_FALSE(IS_ERR_VALUE(addr));
	st = mpt_status(self->fd);
	EXPECT_EQ(1, st.mapped);

	close(self->fd);
	close(fd);
	EXPECT_TRUE(is_buffer(addr, 0, NR_PAGES));
	EXPECT_EQ(0, unmap(addr, NR_PAGES));

	self->fd = mpt_open_dev(variant->dev, O_RDWR);
	ASSERT_GE(self->fd, 0);
}

TEST_F(mp, donated_file_merges)
{
	struct pollfd pfd = { .events = POLLIN };
	int fds[2];
	long addr;

	if (variant->mmap)
		SKIP(return, "merged before .mmap is asked");
	ASSERT_EQ(0, pipe(fds));
	self->s.flags = MPT_F_DONATE;
	self->s.donate_fd = fds[1];
	self->s.private_data = 1;
	addr = map_two(self->fd, NR_PAGES, &self->s, &self->s);
	ASSERT_FALSE(IS_ERR_VALUE(addr));
	EXPECT_TRUE(is_one_vma(addr, 2 * NR_PAGES));
	EXPECT_EQ(2, mpt_status(self->fd).hook);
	EXPECT_EQ(1, mpt_status(self->fd).mapped);

	/* The neighbour holds one reference, the second was dropped. */
	EXPECT_EQ(0, unmap(addr, 2 * NR_PAGES));
	EXPECT_EQ(0, mpt_setup_none(self->fd));
	close(fds[1]);
	pfd.fd = fds[0];
	EXPECT_EQ(1, poll(&pfd, 1, 0));
	EXPECT_EQ(POLLHUP, pfd.revents & POLLHUP);
	EXPECT_NOTHING_LEFT(self->fd);
}

TEST_F(mp, donated_seal_is_kept)
{
	int fd = donated_memfd();
	int ro = mpt_open_dev(variant->dev, O_RDONLY);
	long addr;

	if (!variant->prepare)
		SKIP(return, "nobody looks at what .mmap sets");
	ASSERT_GE(fd, 0);
	ASSERT_GE(ro, 0);
	ASSERT_EQ(0, fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	self->s.flags = MPT_F_DONATE;
	self->s.donate_fd = fd;
	self->s.private_data = 1;
	ASSERT_EQ(0, mpt_setup(self->fd, &self->s));
	EXPECT_EQ(-EPERM, map_shared(self->fd, NR_PAGES, 0));
	EXPECT_NEVER_OPENED(self->fd);

	/* Private is no danger. */
	addr = map_private(self->fd, NR_PAGES, 0);
	EXPECT_FALSE(IS_ERR_VALUE(addr));
	EXPECT_EQ(0, unmap(addr, NR_PAGES));

	/* Neither is what can never be written. */
	ASSERT_EQ(0, mpt_setup(ro, &self->s));
	addr = map_at(0, NR_PAGES, PROT_READ, MAP_SHARED, ro, 0);
	EXPECT_FALSE(IS_ERR_VALUE(addr));
	EXPECT_EQ(0, unmap(addr, NR_PAGES));
	EXPECT_NOTHING_LEFT(self->fd);
	EXPECT_NOTHING_LEFT(ro);
	close(ro);
}

/* Of a file with this seal writers are not counted. */
TEST_F(mp, donated_future_seal_is_kept)
{
	int fd = donated_memfd();
	long addr;

	if (!variant->prepare)
		SKIP(return, "nobody looks at what .mmap sets");
	ASSERT_GE(fd, 0);
	ASSERT_EQ(0, fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE));
	self->s.flags = MPT_F_DONATE;
	self->s.donate_fd = fd;
	self->s.private_data = 1;
	ASSERT_EQ(0, mpt_setup(self->fd, &self->s));
	EXPECT_EQ(-EPERM, map_shared(self->fd, NR_PAGES, 0));
	EXPECT_NEVER_OPENED(self->fd);

	/* It may be read, by one who could write, and not become writable. */
	addr = map_at(0, NR_PAGES, PROT_READ, MAP_SHARED, self->fd, 0);
	ASSERT_FALSE(IS_ERR_VALUE(addr));
	EXPECT_EQ(-1, mprotect((void *)addr, NR_PAGES * self->page, RW));
	EXPECT_EQ(EACCES, errno);
	EXPECT_EQ(0, unmap(addr, NR_PAGES));

	addr = map_private(self->fd, NR_PAGES, 0);
	EXPECT_FALSE(IS_ERR_VALUE(addr));
	EXPECT_EQ(0, unmap(addr, NR_PAGES));
	EXPECT_NOTHING_LEFT(self->fd);
}

TEST_F(mp, donated_writers_are_counted)
{
	int fd = donated_memfd();
	long addr;

	ASSERT_GE(fd, 0);
	self->s.flags = MPT_F_DONATE;
	self->s.donate_fd = fd;
	self->s.private_data = 1;
	ASSERT_EQ(0, mpt_setup(self->fd, &self->s));
	addr = map_shared(self->fd, NR_PAGES, 0);
	ASSERT_FALSE(IS_ERR_VALUE(addr));
	EXPECT_EQ(-1, fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	EXPECT_EQ(EBUSY, errno);
	EXPECT_EQ(0, unmap(addr, NR_PAGES));
	/* Gone, and not one too many. */
	EXPECT_EQ(0, fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	EXPECT_NOTHING_LEFT(self->fd);
}

/* ---- life of a mapping ---- */

/* Have a child do what @work does; its exit status. */
static int in_child(bool (*work)(long addr), long addr)
{
	int status = -1;
	pid_t pid = fork();

	if (!pid)
		_exit(work(addr) ? 0 : 1);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return -1;
	return status;
}

static bool child_sees_buffer(long addr)
{
	return is_buffer(addr, 0, NR_PAGES);
}

static bool child_sees_nothing(long addr)
{
	return unmapped(addr, NR_PAGES);
}

TEST_F(mp, fork)
{
	long addr = map_shared(self->fd, NR_PAGES, 0);
	struct mpt_status st;

	ASSERT_FALSE(IS_ERR_VALUE(addr));
	EXPECT_EQ(0, in_child(child_sees_buffer, addr));
	st = mpt_status(self->fd);
	EXPECT_EQ(1, st.mapped);
	EXPECT_EQ(1, st.open);
	EXPECT_EQ(1, st.close);
	EXPECT_EQ(0, unmap(addr, NR_PAGES));
	EXPECT_NOTHING_LEFT(self->fd);
}

TEST_F(mp, dontfork)
{
	long addr = map_shared(self->fd, NR_PAGES, 0);

	ASSERT_FALSE(IS_ERR_VALUE(addr));
	EXPECT_EQ(0, madvise((void *)addr, NR_PAGES * self->page,
			     MADV_DONTFORK));
	EXPECT_EQ(0, in_child(child_sees_nothing, addr));
	EXPECT_EQ(0, mpt_status(self->fd).open);
	EXPECT_EQ(0, madvise((void *)addr, NR_PAGES * self->page,
			     MADV_DOFORK));
	EXPECT_EQ(0, in_child(child_sees_buffer, addr));
	EXPECT_EQ(1, mpt_status(self->fd).open);
	EXPECT_EQ(0, unmap(addr, NR_PAGES));
	EXPECT_NOTHING_LEFT(self->fd);
}

TEST_F(mp, partial_munmap)
{
	long addr = map_shared(self->fd, NR_PAGES, 0);
	struct mpt_status st;

	ASSERT_FALSE(IS_ERR_VALUE(addr));
	EXPECT_TRUE(is_buffer(addr, 0, NR_PAGES));
	EXPECT_EQ(0, unmap(addr + self->page, 1));
	EXPECT_TRUE(unmapped(addr + self->page, 1));
	EXPECT_TRUE(is_one_vma(addr, 1));
	EXPECT_TRUE(is_one_vma(addr + 2 * self->page, NR_PAGES - 2));
	EXPECT_TRUE(is_buffer(addr, 0, 1));
	EXPECT_TRUE(is_buffer(addr + 2 * self->page, 2, NR_PAGES - 2));
	st = mpt_status(self->fd);
	EXPECT_EQ(2, st.open);
	EXPECT_EQ(1, st.close);
	EXPECT_EQ(0, unmap(addr, NR_PAGES));
	EXPECT_NOTHING_LEFT(self->fd);
}

TEST_F(mp, mremap)
{
	long addr = map_shared(self->fd, NR_PAGES, 0);
	void *p;

	ASSERT_FALSE(IS_ERR_VALUE(addr));
	EXPECT_TRUE(is_buffer(addr, 0, NR_PAGES));
	p = mremap((void *)addr, NR_PAGES * self->page,
		   2 * NR_PAGES * self->page, MREMAP_MAYMOVE);
	ASSERT_NE(MAP_FAILED, p);
	EXPECT_TRUE(is_buffer((long)p, 0, 2 * NR_PAGES));
	EXPECT_EQ(1, mpt_status(self->fd).hook);
	EXPECT_EQ(0, unmap((long)p, 2 * NR_PAGES));
	EXPECT_NOTHING_LEFT(self->fd);
}

TEST_F(mp, mprotect_and_back)
{
	long addr = map_shared(self->fd, NR_PAGES, 0);

	ASSERT_FALSE(IS_ERR_VALUE(addr));
	EXPECT_EQ(0, mprotect((void *)addr, self->page, PROT_NONE));
	EXPECT_FALSE(readable(addr));
	EXPECT_EQ(0, mprotect((void *)addr, self->page, RW));
	EXPECT_TRUE(is_buffer(addr, 0, NR_PAGES));
	EXPECT_EQ(0, unmap(addr, NR_PAGES));
	EXPECT_NOTHING_LEFT(self->fd);
}

/* ---- the ioctl itself ---- */

/* Each is wrong in one thing. */
static const struct mpt_setup bad_setups[] = {
	{ .flags = 0x80000000 },
	{ .flags = MPT_F_ALL + 1 },
	{ .action[0] = { .type = MPT_NR_ACTIONS } },
	{ .action[0] = { .type = MPT_NONE, .flags = MPT_A_FULL } },
	{ .action[0] = { .type = MPT_NONE, .size = 4096 } },
	{ .action[0] = { .type = MPT_REMAP, .flags = MPT_A_ALL + 1 } },
	{ .action[0] = { .type = MPT_REMAP, .flags = MPT_A_FULL, .size = 1 } },
	{ .action[0] = { .type = MPT_REMAP, .flags = MPT_A_FULL, .start = 1 } },
	{ .action[0] = { .type = MPT_REMAP,
			 .flags = MPT_A_FULL | MPT_A_ABS_START } },
	{ .action[0] = { .type = MPT_SIMPLE_IOREMAP, .flags = MPT_A_FULL } },
	{ .action[0] = { .type = MPT_SIMPLE_IOREMAP, .start = 4096,
			 .size = 4096 } },
	{ .action[0] = { .type = MPT_KERNEL_PAGES, .pfn = MPT_PAGES,
			 .size = 1 } },
	{ .action[0] = { .type = MPT_KERNEL_PAGES, .flags = MPT_A_ABS_PFN,
			 .size = 1 } },
	{ .action[1] = { .type = MPT_REMAP, .flags = MPT_A_FULL } },
	{ .pgoff = 1 },
	{ .ops = MPT_NR_OPS },
	{ .prot = MPT_NR_PROTS },
	{ .private_data = MPT_TOKENS + 1 },
	{ .mapped_private = MPT_TOKENS + 1 },
	{ .donate_fd = 1 },
	{ .flags = MPT_F_DONATE, .donate_fd = -1, .ops = MPT_OPS_LEAVE },
	{ .flags = MPT_F_DONATE, .donate_fd = 1 },
	{ .flags = MPT_F_DONATE, .donate_fd = 1, .ops = MPT_OPS_PLAIN,
	  .private_data = 1 },
	{ .flags = MPT_F_DONATE_CALL },
	{ .bad_page = 1 },
	{ .flags = MPT_F_BAD_PAGE, .bad_page = MPT_PAGES },
	{ .reserved[0] = 1 },
	{ .reserved[2] = 1 },
};

TEST_F(mp, ioctl_refuses_bad_setups)
{
	struct mpt_setup good = { .hook_ret = -EXDEV };
	struct mpt_setup s;
	unsigned int i;

	ASSERT_EQ(0, mpt_setup(self->fd, &good));
	for (i = 0; i < ARRAY_SIZE(bad_setups); i++) {
		s = bad_setups[i];
		EXPECT_EQ(-EINVAL, mpt_setup(self->fd, &s)) {
			TH_LOG("row %u", i);
		}
		/* What was set up before still is. */
		EXPECT_EQ(-EXDEV, map_shared(self->fd, NR_PAGES, 0));
	}
	EXPECT_EQ(i, mpt_status(self->fd).hook);
	EXPECT_NEVER_OPENED(self->fd);
}

TEST_F(mp, ioctl_knows_its_device)
{
	const struct mpt_setup prepare_only[] = {
		{ .flags = MPT_F_HIDE },
		{ .flags = MPT_F_SPOIL_MM },
		{ .flags = MPT_F_EARLY_PREPARE },
		{ .hook_ret = 1 },
		{ .hook_ret = -4096 },
		{ .mapped_ret = 1 },
		{ .error_filter = 1 },
		{ .action[0] = { .type = MPT_KERNEL_PAGES,
				 .size = MPT_PAGES + 1 } },
	};
	struct mpt_setup s = { .flags = MPT_F_PRESENT };
	unsigned int i;

	EXPECT_EQ(variant->mmap ? 0 : -EINVAL, mpt_setup(self->fd, &s));
	for (i = 0; i < ARRAY_SIZE(prepare_only); i++) {
		s = prepare_only[i];
		EXPECT_EQ(variant->prepare ? 0 : -EINVAL,
			  mpt_setup(self->fd, &s)) {
			TH_LOG("row %u", i);
		}
	}
}

TEST_F(mp, ioctl_refuses_bad_sizes)
{
	struct mpt_status status = { .size = sizeof(status) - 1 };
	struct mpt_setup s = { .size = sizeof(s) + 1 };

	EXPECT_EQ(-1, ioctl(self->fd, MPT_IOC_SETUP, &s));
	EXPECT_EQ(EINVAL, errno);
	s.size = 0;
	EXPECT_EQ(-1, ioctl(self->fd, MPT_IOC_SETUP, &s));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, ioctl(self->fd, MPT_IOC_STATUS, &status));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, ioctl(self->fd, MPT_IOC_SETUP, NULL));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(-1, ioctl(self->fd, MPT_IOC_STATUS, NULL));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(-1, ioctl(self->fd, _IO(0xB9, 0x7f), NULL));
	EXPECT_EQ(ENOTTY, errno);
	EXPECT_EQ(-1, ioctl(self->fd, _IOW(0xB9, 0x00, char[8]), &s));
	EXPECT_EQ(ENOTTY, errno);
}

TEST_F(mp, ioctl_refuses_bad_files)
{
	int fd = mpt_open_dev(variant->dev, O_RDWR);

	self->s.flags = MPT_F_DONATE;
	self->s.private_data = 1;
	self->s.donate_fd = 1000000;
	EXPECT_EQ(-EBADF, mpt_setup(self->fd, &self->s));
	/* The driver's own would be set up by itself. */
	ASSERT_GE(fd, 0);
	self->s.donate_fd = fd;
	EXPECT_EQ(-EINVAL, mpt_setup(self->fd, &self->s));
	close(fd);
}

TEST_F(mp, ioctl_needs_a_capability)
{
	struct mpt_setup s = { .hook_ret = -EIO };

	ASSERT_EQ(0, setresuid(65534, 65534, 65534));
	EXPECT_EQ(-EPERM, mpt_setup(self->fd, &s));
	EXPECT_EQ(0, mpt_status(self->fd).pfn);
	EXPECT_FALSE(IS_ERR_VALUE(map_shared(self->fd, NR_PAGES, 0)));
}

TEST_HARNESS_MAIN
