/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Stubs of what mmap_region() calls outside of the files under test.
 *
 * Each stub counts its calls, writes them to a log so that their order can be
 * looked at, and can be made to fail at the n-th call. Where the real function
 * keeps a balance (references, commit charge, locks, page table entries) the
 * stub keeps one too and complains when it is used wrongly; the complaints are
 * in stubs.misuse and fail the test that caused them.
 *
 * vma_internal.h includes this file behind its types.
 */
#ifndef _VMA_MMAP_STUBS_H
#define _VMA_MMAP_STUBS_H

#include <stdio.h>
#include <string.h>

/* What can be counted, and for most also made to fail. */
enum stub_id {
	STUB_NONE,
	/* These can fail. */
	STUB_VMA_ALLOC,
	STUB_VMA_DUP,
	STUB_PREALLOC,
	STUB_MAS_STORE,
	STUB_CHARGE,
	STUB_MAY_EXPAND,
	STUB_MAP_WRITABLE,
	STUB_SEALS,
	STUB_SHMEM_SETUP,
	STUB_UFFD_PREP,
	STUB_MLOCK_OK,
	STUB_ACTION,
	STUB_INSERT_PAGE,
	/* These can not. */
	STUB_DENY_EXEC,
	STUB_ARCH_FLAGS,
	STUB_VMA_FREE,
	STUB_ITER_STORE,
	STUB_UNCHARGE,
	STUB_UNMAP_WRITABLE,
	STUB_GET_FILE,
	STUB_FPUT,
	STUB_FILE_FREE,
	STUB_I_MMAP_LOCK,
	STUB_I_MMAP_UNLOCK,
	STUB_RMAP_INSERT,
	STUB_RMAP_REMOVE,
	STUB_UNMAP_VMAS,
	STUB_ZAP,
	STUB_FREE_PGTABLES,
	STUB_KSM,
	STUB_KHUGEPAGED,
	STUB_PERF,
	STUB_UPROBE,
	STUB_WARN,
	/* For the hooks that the tests themselves provide. */
	STUB_HOOK_MMAP,
	STUB_HOOK_PREPARE,
	STUB_HOOK_MAPPED,
	STUB_HOOK_OPEN,
	STUB_HOOK_CLOSE,
	NR_STUBS,
};

struct stub_event {
	enum stub_id id;
	const void *object;
	unsigned long start, end;
};

/* One page table entry: either a PFN or a page. */
struct stub_pte {
	unsigned long addr;
	unsigned long pfn;
	struct page *page;
	unsigned long prot;
};

#define STUB_MAX_EVENTS	512
#define STUB_MAX_PTES	256

static struct {
	/* Set by the tests, see the stubs for what they do. */
	unsigned long fail_at[NR_STUBS];
	vm_flags_t deny_exec;
	vm_flags_t bad_arch_flags;
	bool (*bad_arch_flags_fn)(unsigned long flags);
	vm_flags_t ksm_flags;
	unsigned int warns_expected;
	void (*on_store)(struct vm_area_struct *vma);
	void (*on_rmap_insert)(struct vm_area_struct *vma);
	void (*on_unmap)(struct vm_area_struct *vma);

	/* Counted. */
	unsigned long calls[NR_STUBS];
	struct stub_event log[STUB_MAX_EVENTS];
	unsigned int nr_events;
	long committed;
	long nr_vmas;
	unsigned int warns, warns_once;
	unsigned int misuse;
	unsigned int locks_held;

	/* Arguments of the last call. */
	vm_flags_t expand_flags;
	unsigned long expand_pages;
	vm_flags_t deny_old, deny_new;
	vm_flags_t mlock_flags;

	/* Page tables of the one address space. */
	struct stub_pte ptes[STUB_MAX_PTES];
	unsigned int nr_ptes;
} stubs;

/* A rule of the real function was broken. */
static inline void stub_misuse(const char *what)
{
	fprintf(stderr, "# misuse: %s\n", what);
	stubs.misuse++;
}

/* Count a call. True if this is the one that is to fail. */
static inline bool stub_range(enum stub_id id, const void *object,
			      unsigned long start, unsigned long end)
{
	if (stubs.nr_events < STUB_MAX_EVENTS)
		stubs.log[stubs.nr_events++] = (struct stub_event){
			id, object, start, end
		};
	stubs.calls[id]++;

	return stubs.fail_at[id] && stubs.calls[id] == stubs.fail_at[id];
}

static inline bool stub_call(enum stub_id id, const void *object)
{
	return stub_range(id, object, 0, 0);
}

/*
 * Warnings. Those that a test has announced are silent; the once-only ones are
 * counted each time, so that the order of the tests does not matter.
 */
static inline bool stub_warn(bool warn, bool once, const char *file, int line)
{
	if (!warn)
		return false;

	stub_call(STUB_WARN, NULL);
	if (once)
		stubs.warns_once++;
	else
		stubs.warns++;
	if (stubs.warns + stubs.warns_once > stubs.warns_expected)
		fprintf(stderr, "# unexpected warning at %s:%d\n", file, line);

	return true;
}

#undef WARN
#undef WARN_ON
#undef WARN_ON_ONCE
#undef WARN_ONCE
#define __STUB_WARN(cond, once)						\
	stub_warn(!!(cond), once, __FILE__, __LINE__)
#define WARN_ON(cond)		__STUB_WARN(cond, false)
#define WARN_ON_ONCE(cond)	__STUB_WARN(cond, true)
#define WARN(cond, fmt...) ({						\
	if (0)								\
		fprintf(stderr, fmt);					\
	__STUB_WARN(cond, false);					\
})
#define WARN_ONCE(cond, fmt...) ({					\
	if (0)								\
		fprintf(stderr, fmt);					\
	__STUB_WARN(cond, true);					\
})

/* Files. */

static inline struct file *get_file(struct file *file)
{
	stub_call(STUB_GET_FILE, file);
	if (file->f_count < 1)
		stub_misuse("reference to a file that has none");
	file->f_count++;

	return file;
}

static inline void fput(struct file *file)
{
	stub_call(STUB_FPUT, file);
	if (--file->f_count < 0)
		stub_misuse("drop of a reference that is not there");
	if (!file->f_count)
		stub_call(STUB_FILE_FREE, file);
}

static inline bool is_file_hugepages(const struct file *file)
{
	return file->is_hugetlb;
}

static inline int mapping_map_writable(struct address_space *mapping)
{
	if (stub_call(STUB_MAP_WRITABLE, mapping) ||
	    mapping->i_mmap_writable < 0)
		return -EPERM;
	mapping->i_mmap_writable++;

	return 0;
}

static inline void mapping_unmap_writable(struct address_space *mapping)
{
	stub_call(STUB_UNMAP_WRITABLE, mapping);
	if (mapping->i_mmap_writable < 1)
		stub_misuse("a writable mapping less than none");
	mapping->i_mmap_writable--;
}

/* The i_mmap lock and tree. The tree is a count. */

static inline void i_mmap_lock_write(struct address_space *mapping)
{
	stub_call(STUB_I_MMAP_LOCK, mapping);
	if (mapping->i_mmap_locked)
		stub_misuse("deadlock on the i_mmap lock");
	else
		stubs.locks_held++;
	mapping->i_mmap_locked = true;
}

static inline void i_mmap_unlock_write(struct address_space *mapping)
{
	stub_call(STUB_I_MMAP_UNLOCK, mapping);
	if (!mapping->i_mmap_locked)
		stub_misuse("unlock of an i_mmap lock not held");
	else
		stubs.locks_held--;
	mapping->i_mmap_locked = false;
}

static inline struct address_space *stub_mapping(struct rb_root_cached *root)
{
	return container_of(root, struct address_space, i_mmap);
}

static inline void vma_interval_tree_insert(struct vm_area_struct *vma,
					    struct rb_root_cached *root)
{
	struct address_space *mapping = stub_mapping(root);

	stub_range(STUB_RMAP_INSERT, vma, vma->vm_start, vma->vm_end);
	if (!mapping->i_mmap_locked)
		stub_misuse("insertion into i_mmap without its lock");
	if (vma->shared.mapping)
		stub_misuse("insertion of a VMA that is in i_mmap");
	vma->shared.mapping = mapping;
	vma->shared.pgoff = vma->vm_pgoff;
	vma->shared.pages = (vma->vm_end - vma->vm_start) >> PAGE_SHIFT;
	mapping->nr_vmas++;
	if (stubs.on_rmap_insert)
		stubs.on_rmap_insert(vma);
}

static inline void vma_interval_tree_remove(struct vm_area_struct *vma,
					    struct rb_root_cached *root)
{
	struct address_space *mapping = stub_mapping(root);

	stub_range(STUB_RMAP_REMOVE, vma, vma->vm_start, vma->vm_end);
	if (!mapping->i_mmap_locked)
		stub_misuse("removal from i_mmap without its lock");
	if (vma->shared.mapping != mapping)
		stub_misuse("removal of a VMA that is not in this i_mmap");
	if (vma->shared.pgoff != vma->vm_pgoff ||
	    vma->shared.pages != (vma->vm_end - vma->vm_start) >> PAGE_SHIFT)
		stub_misuse("VMA changed its range while in i_mmap");
	vma->shared.mapping = NULL;
	mapping->nr_vmas--;
}

/* Accounting. */

static inline void vm_acct_memory(long pages)
{
	stub_range(STUB_UNCHARGE, NULL, -pages, 0);
	stubs.committed += pages;
	if (stubs.committed < 0)
		stub_misuse("more commit charge returned than taken");
}

static inline int security_vm_enough_memory_mm(struct mm_struct *mm, long pages)
{
	if (stub_range(STUB_CHARGE, mm, pages, 0))
		return -ENOMEM;
	if (pages <= 0)
		stub_misuse("charge of no or negative pages");
	stubs.committed += pages;

	return 0;
}

static inline bool may_expand_vm(struct mm_struct *mm, vm_flags_t flags,
				 unsigned long npages)
{
	stubs.expand_flags = flags;
	stubs.expand_pages = npages;

	return !stub_range(STUB_MAY_EXPAND, mm, flags, npages);
}

static inline bool mlock_future_ok(struct mm_struct *mm, unsigned long flags,
				   unsigned long bytes)
{
	stubs.mlock_flags = flags;

	return !stub_range(STUB_MLOCK_OK, mm, flags, bytes);
}

static inline bool vma_supports_mlock(const struct vm_area_struct *vma)
{
	return !(vma->vm_flags & VM_SPECIAL);
}

/* Policies. Both refuse what a test says. */

static inline bool map_deny_write_exec(unsigned long old, unsigned long new)
{
	stub_range(STUB_DENY_EXEC, NULL, old, new);
	stubs.deny_old = old;
	stubs.deny_new = new;

	return stubs.deny_exec && (new & stubs.deny_exec) == stubs.deny_exec;
}

static inline bool arch_validate_flags(unsigned long flags)
{
	stub_range(STUB_ARCH_FLAGS, NULL, flags, 0);
	if (stubs.bad_arch_flags_fn && stubs.bad_arch_flags_fn(flags))
		return false;

	return !(flags & stubs.bad_arch_flags);
}

/* The outside world. */

static inline void stub_vma(enum stub_id id, const struct vm_area_struct *vma)
{
	stub_range(id, vma, vma->vm_start, vma->vm_end);
}

static inline void perf_event_mmap(struct vm_area_struct *vma)
{
	stub_vma(STUB_PERF, vma);
}

static inline void uprobe_mmap(struct vm_area_struct *vma)
{
	stub_vma(STUB_UPROBE, vma);
}

static inline void khugepaged_enter_vma(struct vm_area_struct *vma,
					unsigned long vm_flags)
{
	stub_vma(STUB_KHUGEPAGED, vma);
}

static inline void ksm_add_vma(struct vm_area_struct *vma)
{
	stub_vma(STUB_KSM, vma);
	if (!(vma->vm_flags & (VM_SPECIAL | VM_SHARED)))
		vma->__vm_flags |= stubs.ksm_flags;
}

static inline int userfaultfd_unmap_prep(struct vm_area_struct *vma,
					 unsigned long start,
					 unsigned long end,
					 struct list_head *unmaps)
{
	return stub_range(STUB_UFFD_PREP, vma, start, end) ? -ENOMEM : 0;
}

/* Page tables. */

static inline struct stub_pte *stub_find_pte(unsigned long addr)
{
	unsigned int i;

	for (i = 0; i < stubs.nr_ptes; i++)
		if (stubs.ptes[i].addr == addr)
			return &stubs.ptes[i];

	return NULL;
}

/* Takes a reference of @page if there is one. False if @addr is mapped. */
static inline bool stub_set_pte(unsigned long addr, unsigned long pfn,
				struct page *page, unsigned long prot)
{
	if (stub_find_pte(addr) || stubs.nr_ptes == STUB_MAX_PTES)
		return false;
	if (page)
		page->count++;
	stubs.ptes[stubs.nr_ptes++] = (struct stub_pte){
		addr, pfn, page, prot
	};

	return true;
}

static inline void stub_clear_ptes(unsigned long start, unsigned long end)
{
	unsigned int from, to;

	for (from = 0, to = 0; from < stubs.nr_ptes; from++) {
		struct stub_pte *pte = &stubs.ptes[from];

		if (pte->addr < start || pte->addr >= end)
			stubs.ptes[to++] = *pte;
		else if (pte->page)
			pte->page->count--;
	}
	stubs.nr_ptes = to;
}

/* Goes on from @vma to the VMAs that @mas finds. */
static inline void unmap_vmas(struct mmu_gather *tlb, struct ma_state *mas,
			      struct vm_area_struct *vma, unsigned long start,
			      unsigned long end, unsigned long tree_end,
			      bool mm_wr_locked)
{
	stub_range(STUB_UNMAP_VMAS, vma, start, end);
	if (stubs.on_unmap)
		stubs.on_unmap(vma);
	stub_clear_ptes(start, end);
	for (; vma; vma = mas_find(mas, tree_end - 1))
		if (vma->vm_start < start || vma->vm_end > end)
			stub_misuse("unmapping goes on beyond the range");
}

/* In mm/vma.c. */
void unlink_file_vma(struct vm_area_struct *vma);

/* Takes the VMAs out of rmap, which is what the callers rely on. */
static inline void free_pgtables(struct mmu_gather *tlb, struct ma_state *mas,
				 struct vm_area_struct *vma,
				 unsigned long floor, unsigned long ceiling,
				 bool mm_wr_locked)
{
	stub_vma(STUB_FREE_PGTABLES, vma);
	for (; vma; vma = mas_find(mas, ceiling - 1))
		unlink_file_vma(vma);
}

/* Protection and flags of a VMA. */

static inline void vm_flags_init(struct vm_area_struct *vma, vm_flags_t flags)
{
	vma->__vm_flags = flags;
}

static inline void vma_set_flags_locked(struct vm_area_struct *vma,
					vm_flags_t set, vm_flags_t clear)
{
	/* A write to the VMA has begun, see vma_start_write(). */
	vma->vm_lock_seq++;
	vma->__vm_flags = (vma->vm_flags | set) & ~clear;
}

#define vm_flags_set(vma, flags)	vma_set_flags_locked(vma, flags, 0)
#define vm_flags_clear(vma, flags)	vma_set_flags_locked(vma, 0, flags)
#define vm_flags_mod(vma, set, clear)	vma_set_flags_locked(vma, set, clear)

#define vma_set_anonymous(vma)		((void)((vma)->vm_ops = NULL))

static inline pgprot_t pgprot_modify(pgprot_t oldprot, pgprot_t newprot);
static inline pgprot_t vm_get_page_prot(unsigned long vm_flags);

static inline void vma_set_page_prot(struct vm_area_struct *vma)
{
	vma->vm_page_prot = pgprot_modify(vma->vm_page_prot,
					  vm_get_page_prot(vma->vm_flags));
}

/* Shared anonymous memory: one file, as if unlinked. */

static struct address_space stub_shmem_mapping;
static struct file stub_shmem_file = { .f_mapping = &stub_shmem_mapping };
static const struct vm_operations_struct stub_shmem_vm_ops;

static inline int shmem_zero_setup(struct vm_area_struct *vma)
{
	if (stub_call(STUB_SHMEM_SETUP, vma))
		return -ENOMEM;

	if (vma->vm_file)
		fput(vma->vm_file);
	stub_shmem_file.f_count++;
	vma->vm_file = &stub_shmem_file;
	vma->vm_ops = &stub_shmem_vm_ops;

	return 0;
}

/* What the maple tree may refuse. It never refuses __GFP_NOFAIL. */

static inline int stub_mas_store_gfp(struct ma_state *mas, void *entry,
				     gfp_t gfp)
{
	if (!(gfp & __GFP_NOFAIL) && stub_call(STUB_MAS_STORE, entry)) {
		mas->node = MA_ERROR(-ENOMEM);
		mas->status = ma_error;
		return -ENOMEM;
	}

	return mas_store_gfp(mas, entry, gfp);
}

#define mas_store_gfp(mas, entry, gfp)	stub_mas_store_gfp(mas, entry, gfp)

#endif /* _VMA_MMAP_STUBS_H */
