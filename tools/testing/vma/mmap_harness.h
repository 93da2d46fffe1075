/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One address space, some files and what has to hold for them after each
 * mmap(): a harness to run mmap_region() in.
 *
 * mm/vma.c is compiled as it is. Each test starts with an empty address space;
 * once it has returned, all is unmapped and nothing may be left over.
 */
#ifndef _VMA_MMAP_HARNESS_H
#define _VMA_MMAP_HARNESS_H

#include <limits.h>

#include "maple-shared.h"
#include "vma_internal.h"
#include "mmap_test.h"

/* Include so header guard set. */
#include "../../../mm/vma.h"

/* Make the preallocation fail on demand, and see each VMA become visible. */
static int stub_iter_prealloc(struct vma_iterator *vmi,
			      struct vm_area_struct *vma)
{
	if (stub_call(STUB_PREALLOC, vma))
		return -ENOMEM;

	return vma_iter_prealloc(vmi, vma);
}

static void stub_iter_store(struct vma_iterator *vmi,
			    struct vm_area_struct *vma)
{
	stub_range(STUB_ITER_STORE, vma, vma->vm_start, vma->vm_end);
	/* vma_start_write() increments it, see vma_lock_alloc(). */
	if (vma->vm_lock_seq == UINT_MAX)
		stub_misuse("VMA is visible and not locked for writing");
	if (stubs.on_store)
		stubs.on_store(vma);
	vma_iter_store(vmi, vma);
}

/* Preallocations that cannot fail. */
static unsigned int nr_nofail;

static int stub_preallocate(struct ma_state *mas, void *entry, gfp_t gfp)
{
	nr_nofail += !!(gfp & __GFP_NOFAIL);

	return mas_preallocate(mas, entry, gfp);
}

#define vma_iter_prealloc(vmi, vma)	stub_iter_prealloc(vmi, vma)
#define vma_iter_store(vmi, vma)	stub_iter_store(vmi, vma)
#define mas_preallocate(mas, entry, gfp)	stub_preallocate(mas, entry, gfp)

/* In linux/mm.h of the kernel. */
unsigned long mmap_region(struct file *file, unsigned long addr,
			  unsigned long len, vm_flags_t vm_flags,
			  unsigned long pgoff, struct list_head *uf);

#include "../../../mm/vma.c"

const struct vm_operations_struct vma_dummy_vm_ops;

static struct mm_struct mm;
static struct task_struct stub_task = { .mm = &mm };

struct task_struct *get_current(void)
{
	return &stub_task;
}

/* A page is 4 KiB here. Tests map at AT(n), n pages behind a base. */
#define PAGES(n)	((unsigned long)(n) << PAGE_SHIFT)
#define BASE		0x10000000UL
#define AT(n)		(BASE + PAGES(n))

#define F_RO	(VM_READ | VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC)
#define F_RW	(F_RO | VM_WRITE)
#define F_RX	(F_RO | VM_EXEC)
#define F_SHARED	(F_RW | VM_SHARED | VM_MAYSHARE)
/* What do_mmap() makes of MAP_SHARED of a file that is not writable. */
#define F_SHARED_RO	((F_RO | VM_SHARED | VM_MAYSHARE) &		\
			 ~(VM_SHARED | VM_MAYWRITE))

/* The files. Each has a mapping of its own; the opener has one reference. */
#define NR_FILES	4

static struct file files[NR_FILES];
static struct address_space mappings[NR_FILES];

/* What the ->mmap() of the files does. */
static struct {
	int err;
	vm_flags_t set, clear;
	const struct vm_operations_struct *vm_ops;
	void *private_data;
	struct file *file;
	struct address_space *mapping;
	unsigned int populate;
} hook;

static int hook_mmap(struct file *file, struct vm_area_struct *vma)
{
	unsigned int i;

	stub_vma(STUB_HOOK_MMAP, vma);
	for (i = 0; i < hook.populate; i++)
		stub_set_pte(vma->vm_start + PAGES(i), i, NULL, 0);
	if (hook.vm_ops)
		vma->vm_ops = hook.vm_ops;
	if (hook.private_data)
		vma->vm_private_data = hook.private_data;
	if (hook.file) {
		get_file(hook.file);
		fput(vma->vm_file);
		vma->vm_file = hook.file;
	}
	if (hook.mapping)
		file->f_mapping = hook.mapping;
	/* As vm_flags_mod(), but without locking the VMA. */
	vma->__vm_flags = (vma->vm_flags | hook.set) & ~hook.clear;

	return hook.err;
}

static const struct file_operations mmap_fops = { .mmap = hook_mmap };

static void hook_open(struct vm_area_struct *vma)
{
	stub_vma(STUB_HOOK_OPEN, vma);
}

static void hook_close(struct vm_area_struct *vma)
{
	stub_vma(STUB_HOOK_CLOSE, vma);
}

/* Operations without and with a close(), which forbids some merges. */
static const struct vm_operations_struct plain_vm_ops;
static const struct vm_operations_struct close_vm_ops = {
	.open = hook_open,
	.close = hook_close,
};

/* Looking at the address space. */

static __maybe_unused struct vm_area_struct *vma_at(unsigned long addr)
{
	return vma_lookup(&mm, addr);
}

/* What is in the address space, for a comparison later. */
struct snapshot {
	unsigned int nr;
	struct {
		unsigned long start, end, pgoff;
		vm_flags_t flags;
		unsigned long prot;
		struct file *file;
		const struct vm_operations_struct *vm_ops;
		void *private_data;
	} area[64];
	long committed;
	unsigned long total_vm, locked_vm, data_vm;
	unsigned int nr_ptes;
	unsigned long closed;
};

static bool snapshot_joins(const struct snapshot *snap,
			   const struct vm_area_struct *vma)
{
	unsigned int last = snap->nr - 1;

	if (!snap->nr)
		return false;

	return snap->area[last].end == vma->vm_start &&
	       snap->area[last].flags == vma->vm_flags &&
	       snap->area[last].file == vma->vm_file &&
	       snap->area[last].vm_ops == vma->vm_ops &&
	       snap->area[last].prot == vma->vm_page_prot.pgprot &&
	       snap->area[last].private_data == vma->vm_private_data &&
	       snap->area[last].pgoff + PHYS_PFN(snap->area[last].end -
						 snap->area[last].start) ==
							vma->vm_pgoff;
}

/* A mapping that was split shows as one. */
static __maybe_unused void take_snapshot(struct snapshot *snap)
{
	struct vm_area_struct *vma;
	VMA_ITERATOR(vmi, &mm, 0);

	memset(snap, 0, sizeof(*snap));
	for_each_vma(vmi, vma) {
		if (snapshot_joins(snap, vma)) {
			snap->area[snap->nr - 1].end = vma->vm_end;
			continue;
		}
		snap->area[snap->nr].start = vma->vm_start;
		snap->area[snap->nr].end = vma->vm_end;
		snap->area[snap->nr].pgoff = vma->vm_pgoff;
		snap->area[snap->nr].flags = vma->vm_flags;
		snap->area[snap->nr].prot = vma->vm_page_prot.pgprot;
		snap->area[snap->nr].file = vma->vm_file;
		snap->area[snap->nr].vm_ops = vma->vm_ops;
		snap->area[snap->nr].private_data = vma->vm_private_data;
		snap->nr++;
	}
	snap->committed = stubs.committed;
	snap->total_vm = mm.total_vm;
	snap->locked_vm = mm.locked_vm;
	snap->data_vm = mm.data_vm;
	snap->nr_ptes = stubs.nr_ptes;
	snap->closed = stubs.calls[STUB_HOOK_CLOSE];
}

/* Has the address space changed since? A close() counts as a change. */
static __maybe_unused bool unchanged(const struct snapshot *before)
{
	struct snapshot now;

	take_snapshot(&now);

	return !memcmp(&now, before, sizeof(now));
}

/* What has to hold whenever no mmap() is under way. */

static bool __check(bool ok, const char *what, const char *func, int line)
{
	if (!ok)
		printf("# %s:%d: out of balance: %s\n", func, line, what);

	return ok;
}

#define CHECK(expr)	(ok &= __check(expr, #expr, func, line))

/* Sums over the VMAs that are in the tree. */
struct sums {
	unsigned long nr, total, locked, accounted, exec, stack, data, ptes;
};

static bool sum_vmas(struct sums *sums, const char *func, int line)
{
	struct vm_area_struct *vma;
	bool ok = true;
	unsigned int i;
	VMA_ITERATOR(vmi, &mm, 0);

	memset(sums, 0, sizeof(*sums));
	for_each_vma(vmi, vma) {
		unsigned long pages = vma_pages(vma);

		sums->nr++;
		sums->total += pages;
		if (vma->vm_flags & VM_LOCKED)
			sums->locked += pages;
		if (vma->vm_flags & VM_ACCOUNT)
			sums->accounted += pages;
		if (is_exec_mapping(vma->vm_flags))
			sums->exec += pages;
		else if (is_stack_mapping(vma->vm_flags))
			sums->stack += pages;
		else if (is_data_mapping(vma->vm_flags))
			sums->data += pages;
		for (i = 0; i < stubs.nr_ptes; i++)
			sums->ptes += stubs.ptes[i].addr >= vma->vm_start &&
				      stubs.ptes[i].addr < vma->vm_end;

		CHECK(vma->vm_start == vma_iter_addr(&vmi));
		CHECK(vma->vm_end == vma_iter_end(&vmi));
		CHECK(!vma->detached);
		CHECK(!!vma->vm_file == !!vma->shared.mapping);
		if (!vma->shared.mapping)
			continue;
		CHECK(vma->shared.pgoff == vma->vm_pgoff);
		CHECK(vma->shared.pages == pages);
	}

	return ok;
}

static bool check_file(struct file *file, long opened, const char *func,
		       int line)
{
	struct vm_area_struct *vma;
	bool ok = true;
	long refs = opened;
	VMA_ITERATOR(vmi, &mm, 0);

	for_each_vma(vmi, vma)
		refs += vma->vm_file == file;
	CHECK(file->f_count == refs);

	return ok;
}

static bool check_mapping(struct address_space *mapping, const char *func,
			  int line)
{
	struct vm_area_struct *vma;
	long nr = 0, writable = 0;
	bool ok = true;
	VMA_ITERATOR(vmi, &mm, 0);

	for_each_vma(vmi, vma) {
		if (vma->shared.mapping != mapping)
			continue;
		nr++;
		writable += vma_is_shared_maywrite(vma);
	}
	CHECK(mapping->nr_vmas == nr);
	/* Sealed is -1. */
	CHECK(max(mapping->i_mmap_writable, 0) == writable);
	CHECK(!mapping->i_mmap_locked);

	return ok;
}

static bool __balanced(const char *func, int line)
{
	struct sums sums;
	bool ok = sum_vmas(&sums, func, line);
	int i;

	CHECK(mm.map_count == sums.nr);
	CHECK(stubs.nr_vmas == sums.nr);
	CHECK(mm.total_vm == sums.total);
	CHECK(mm.locked_vm == sums.locked);
	CHECK(mm.exec_vm == sums.exec);
	CHECK(mm.stack_vm == sums.stack);
	CHECK(mm.data_vm == sums.data);
	CHECK(stubs.committed == sums.accounted);
	CHECK(stubs.nr_ptes == sums.ptes);
	CHECK(!stubs.locks_held);
	CHECK(!stubs.misuse);
	CHECK(stubs.warns + stubs.warns_once == stubs.warns_expected);
	for (i = 0; i < NR_FILES; i++) {
		ok &= check_file(&files[i], 1, func, line);
		ok &= check_mapping(&mappings[i], func, line);
	}
	ok &= check_file(&stub_shmem_file, 0, func, line);
	ok &= check_mapping(&stub_shmem_mapping, func, line);

	return ok;
}

#define balanced()	__balanced(__func__, __LINE__)
#define ASSERT_BALANCED()	ASSERT_TRUE(balanced())

/* Doing things. */

static __maybe_unused unsigned long map(struct file *file, unsigned long addr,
					unsigned long pages, vm_flags_t flags,
					unsigned long pgoff)
{
	return mmap_region(file, addr, PAGES(pages), flags, pgoff, NULL);
}

/* Private anonymous memory, as do_mmap() asks for it. */
static __maybe_unused unsigned long map_anon(unsigned long addr,
					     unsigned long pages,
					     vm_flags_t flags)
{
	return map(NULL, addr, pages, flags, PHYS_PFN(addr));
}

static __maybe_unused int unmap(unsigned long addr, unsigned long pages)
{
	VMA_ITERATOR(vmi, &mm, addr);

	return do_vmi_munmap(&vmi, &mm, addr, PAGES(pages), NULL, false);
}

/* Forget what was counted, so that a test can look at one call. */
static __maybe_unused void reset_counts(void)
{
	memset(stubs.calls, 0, sizeof(stubs.calls));
	memset(stubs.fail_at, 0, sizeof(stubs.fail_at));
	stubs.nr_events = 0;
}

/* Where in the log does a call come first? -1 if there is none. */
static __maybe_unused int first_event(enum stub_id id)
{
	unsigned int i;

	for (i = 0; i < stubs.nr_events; i++)
		if (stubs.log[i].id == id)
			return i;

	return -1;
}

static __maybe_unused int last_event(enum stub_id id)
{
	int i;

	for (i = stubs.nr_events; i-- > 0; )
		if (stubs.log[i].id == id)
			return i;

	return -1;
}

/* Calls of something for one object. */
static __maybe_unused unsigned int events_of(enum stub_id id,
					     const void *object)
{
	unsigned int i, nr = 0;

	for (i = 0; i < stubs.nr_events; i++)
		nr += stubs.log[i].id == id && stubs.log[i].object == object;

	return nr;
}

/* Nobody outside has heard of a mapping. A split tells uprobes of a piece. */
static __maybe_unused bool no_events(void)
{
	return !stubs.calls[STUB_PERF] &&
	       (!stubs.calls[STUB_UPROBE] || stubs.calls[STUB_VMA_DUP]);
}

/*
 * Fail every call of everything that can fail, one at a time.
 *
 * @setup prepares an empty address space, @op does one mmap() and returns its
 * result. Whatever fails, all has to be in balance, and @op either succeeds or
 * has the errno of what failed. @check, if there is one, sees the rest.
 */
struct sweep {
	void (*setup)(void);
	unsigned long (*op)(void);
	bool (*check)(enum stub_id id, unsigned long ret,
		      const struct snapshot *before);
};

static long sweep_errno(enum stub_id id)
{
	switch (id) {
	case STUB_MAP_WRITABLE:
	case STUB_SEALS:
		return -EPERM;
	case STUB_MLOCK_OK:
		return -EAGAIN;
	default:
		return -ENOMEM;
	}
}

static bool sweep_one(const struct sweep *sweep, enum stub_id id,
		      unsigned long nth, bool *more)
{
	unsigned long ret;
	struct snapshot before;

	fresh_start();
	if (sweep->setup)
		sweep->setup();
	ASSERT_BALANCED();
	reset_counts();
	take_snapshot(&before);

	stubs.fail_at[id] = nth;
	ret = sweep->op();
	*more = stubs.calls[id] >= nth;
	stubs.fail_at[id] = 0;

	ASSERT_BALANCED();
	if (!*more)
		ASSERT_FALSE(IS_ERR_VALUE(ret));
	if (IS_ERR_VALUE(ret)) {
		ASSERT_EQ(ret, sweep_errno(id));
		ASSERT_TRUE(no_events());
	}
	if (*more && sweep->check)
		ASSERT_TRUE(sweep->check(id, ret, &before));
	ASSERT_TRUE(tear_down());

	return true;
}

static __maybe_unused bool run_sweep(const struct sweep *sweep)
{
	enum stub_id id;
	unsigned long nth, points = 0;

	for (id = STUB_NONE + 1; id < STUB_DENY_EXEC; id++) {
		bool more = true;

		for (nth = 1; more; nth++) {
			if (!sweep_one(sweep, id, nth, &more)) {
				printf("# the failure was that of call %lu of stub %d\n",
				       nth, id);
				return false;
			}
			points += more;
		}
	}
	/* A sweep that fails nothing tests nothing. */
	ASSERT_NE(points, 0);

	return true;
}

/* What a program adds to the start of a test. */
static void (*program_start)(void);

static void fresh_start(void)
{
	int i;

	nr_nofail = 0;
	memset(&stubs, 0, sizeof(stubs));
	memset(&hook, 0, sizeof(hook));
	memset(&mm, 0, sizeof(mm));
	memset(files, 0, sizeof(files));
	memset(mappings, 0, sizeof(mappings));
	memset(&stub_shmem_mapping, 0, sizeof(stub_shmem_mapping));
	stub_shmem_file.f_count = 0;
	mt_init_flags(&mm.mm_mt, MT_FLAGS_ALLOC_RANGE | MT_FLAGS_LOCK_EXTERN);
	for (i = 0; i < NR_FILES; i++) {
		files[i].f_mapping = &mappings[i];
		files[i].f_op = &mmap_fops;
		files[i].f_count = 1;
	}
	if (program_start)
		program_start();
}

/* Unmap all. What is then left has leaked. */
static bool tear_down(void)
{
	struct vm_area_struct *vma;
	VMA_ITERATOR(vmi, &mm, 0);

	ASSERT_BALANCED();
	for_each_vma(vmi, vma)
		vma->__vm_flags &= ~VM_SEALED;
	stubs.on_store = NULL;
	stubs.on_rmap_insert = NULL;
	memset(stubs.fail_at, 0, sizeof(stubs.fail_at));
	ASSERT_EQ(unmap(PAGE_SIZE, PHYS_PFN(TASK_SIZE) - 2), 0);
	ASSERT_EQ(stubs.nr_vmas, 0);
	ASSERT_EQ(mm.map_count, 0);
	ASSERT_EQ(stubs.committed, 0);
	ASSERT_BALANCED();
	__mt_destroy(&mm.mm_mt);

	return true;
}

#endif /* _VMA_MMAP_HARNESS_H */
