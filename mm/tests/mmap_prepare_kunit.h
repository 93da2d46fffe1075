/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Files that are not there, for the tests of f_op->mmap_prepare.
 */
#ifndef _MM_TESTS_MMAP_PREPARE_KUNIT_H
#define _MM_TESTS_MMAP_PREPARE_KUNIT_H

#include <kunit/test.h>
#include <linux/mm.h>

/**
 * define FAKE_PAGES - pages that there are to map, their PFNs are contiguous
 */
#define FAKE_PAGES	4UL

/**
 * define FAKE_ARENA - pages of address space that a test may map where it likes
 */
#define FAKE_ARENA	32UL

/**
 * define FAKE_FAULT - what fake_peek() finds where there is nothing
 */
#define FAKE_FAULT	0xdeadU

/**
 * define FAKE_RW - a protection that allows all that the tests do
 */
#define FAKE_RW		(PROT_READ | PROT_WRITE)

/**
 * enum fake_nr - the files there are
 * @FAKE_OUTER: the one that a test maps
 * @FAKE_INNER: the one that @FAKE_OUTER is stacked on
 * @FAKE_GIFT: the one that a hook donates
 * @NR_FAKES: how many
 */
enum fake_nr {
	FAKE_OUTER,
	FAKE_INNER,
	FAKE_GIFT,
	NR_FAKES,
};

/**
 * struct fake - a file whose hooks do what a test says
 * @file: the file. One reference is the test's
 * @prepare: called by the mmap_prepare hook with the descriptor made up
 * @prepare_ret: what the hook returns if @prepare is content
 * @mmap: called by the mmap hook
 * @vm_ops: what the hook sets, if not NULL
 * @private_data: what the hook sets, if not NULL
 * @error_filter: what the hook sets
 * @hide: what the hook sets hide_from_rmap_until_complete to
 * @donate: what the hook donates, if not NULL
 * @arg: for @prepare
 * @preparing: the mmap_prepare hook is running
 * @seen: the descriptor as the hook got it
 * @nr_prepare: calls of the mmap_prepare hook
 * @nr_mmap: calls of the mmap hook
 */
struct fake {
	struct file *file;
	int (*prepare)(struct fake *fake, struct vm_area_desc *desc);
	int prepare_ret;
	int (*mmap)(struct fake *fake, struct vm_area_struct *vma);
	const struct vm_operations_struct *vm_ops;
	void *private_data;
	int error_filter;
	bool hide;
	struct file *donate;
	unsigned long arg;
	bool preparing;
	struct vm_area_desc seen;
	unsigned int nr_prepare;
	unsigned int nr_mmap;
};

/**
 * struct vma_look - what a VMA looked like
 * @found: there was one
 * @start: its first address
 * @end: the first address behind it
 * @flags: vm_flags, without VM_SOFTDIRTY
 * @pgoff: vm_pgoff
 * @file: vm_file
 * @ops: vm_ops
 * @private_data: vm_private_data
 */
struct vma_look {
	bool found;
	unsigned long start;
	unsigned long end;
	vm_flags_t flags;
	pgoff_t pgoff;
	struct file *file;
	const struct vm_operations_struct *ops;
	void *private_data;
};

/**
 * struct mapped_call - what vm_ops->mapped was called with, and saw
 * @start: argument
 * @end: argument
 * @pgoff: argument
 * @file: argument
 * @private_data: what the argument pointed to
 * @vma: the VMA at @start
 * @page_count: references to the first page
 * @rmap_locked: the i_mmap lock of @file was held
 */
struct mapped_call {
	unsigned long start;
	unsigned long end;
	pgoff_t pgoff;
	const struct file *file;
	void *private_data;
	struct vma_look vma;
	int page_count;
	bool rmap_locked;
};

/**
 * struct fake_world - everything that the tests share
 * @files: the files, see enum fake_nr
 * @page: the pages, of contiguous PFNs. Each begins with fake_word()
 * @slab: memory that cannot be mapped
 * @base: the first of FAKE_ARENA pages of address space in which nothing is
 *	mapped when a test begins
 * @mapped_ret: what vm_ops->mapped returns
 * @mapped_data: what vm_ops->mapped stores, if not NULL
 * @nr_mapped: calls of vm_ops->mapped
 * @nr_open: calls of vm_ops->open
 * @nr_close: calls of vm_ops->close
 * @mapped: the last call of vm_ops->mapped
 *
 * It is never freed: the address space of a test that was given up may go away
 * after the test has been cleaned up.
 */
struct fake_world {
	struct fake files[NR_FAKES];
	struct page *page[FAKE_PAGES];
	void *slab;
	unsigned long base;
	int mapped_ret;
	void *mapped_data;
	unsigned int nr_mapped;
	unsigned int nr_open;
	unsigned int nr_close;
	struct mapped_call mapped;
};

extern struct fake_world fake_world;

/**
 * struct fake_mark - what must be as before when a test is through
 * @map_count: VMAs of the address space
 * @total_vm: pages of it
 * @data_vm: private writable pages of it
 * @locked_vm: locked pages of it
 * @committed: pages committed, system-wide
 * @writable: users of the files' mapping that may write
 * @files: references to the files
 * @pages: references to the pages
 */
struct fake_mark {
	int map_count;
	unsigned long total_vm;
	unsigned long data_vm;
	unsigned long locked_vm;
	unsigned long committed;
	int writable;
	long files[NR_FAKES];
	int pages[FAKE_PAGES];
};

/**
 * struct fake_action - an action, and what it gives
 * @name: of the test
 * @prepare: hook that sets the action
 * @map_flags: MAP_SHARED or MAP_PRIVATE
 * @pgoff: offset to map at, in pages
 * @first: index of the first page of the mapping that is populated
 * @nr: how many are
 * @shows: index of the page to be seen in page @first
 * @vm_flags: what is added to the flags of the mapping
 * @pgoff_is_pfn: vm_pgoff becomes the PFN
 */
struct fake_action {
	const char *name;
	int (*prepare)(struct fake *fake, struct vm_area_desc *desc);
	unsigned long map_flags;
	unsigned long pgoff;
	unsigned int first;
	unsigned int nr;
	unsigned int shows;
	vm_flags_t vm_flags;
	bool pgoff_is_pfn;
};

/**
 * struct fake_fail - a way for an mmap() to fail
 * @name: of the test
 * @prepare: see struct fake
 * @prepare_ret: see struct fake
 * @mapped_ret: see struct fake_world
 * @error_filter: see struct fake
 * @want: what mmap() fails with
 * @late: it fails once the mapping exists
 */
struct fake_fail {
	const char *name;
	int (*prepare)(struct fake *fake, struct vm_area_desc *desc);
	int prepare_ret;
	int mapped_ret;
	int error_filter;
	int want;
	bool late;
};

/**
 * define FAKE_PFN_FLAGS - the flags that a mapping of PFNs has to get
 */
#define FAKE_PFN_FLAGS	(VM_IO | VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP)

/* vm_ops; the same again; without ->mapped; with ->fault */
extern const struct vm_operations_struct fake_vm_ops;
extern const struct vm_operations_struct fake_other_vm_ops;
extern const struct vm_operations_struct fake_plain_vm_ops;
extern const struct vm_operations_struct fake_fault_vm_ops;

/* With mmap_prepare, with mmap, with neither, with both. */
extern const struct file_operations fake_prepare_fops;
extern const struct file_operations fake_mmap_fops;
extern const struct file_operations fake_no_fops;
extern const struct file_operations fake_both_fops;

int fake_init(struct kunit *test);
struct fake *fake_open(struct kunit *test, enum fake_nr nr,
		       const struct file_operations *fops);
void fake_put_later(struct kunit *test, struct file *file);

unsigned long fake_addr(unsigned int page);
unsigned long fake_map(struct fake *fake, unsigned int page,
		       unsigned long nr_pages, unsigned long prot,
		       unsigned long flags, unsigned long pgoff);
void fake_unmap(struct kunit *test, unsigned int page, unsigned long nr_pages);

unsigned int fake_word(unsigned int page);
unsigned int fake_peek(unsigned long addr);
int fake_poke(unsigned long addr, unsigned int word);
struct vma_look fake_look(unsigned long addr);
struct vma_look fake_look_at(const struct vm_area_struct *vma);
unsigned long fake_pfn(unsigned int page);
void fake_forget(void);

struct fake_mark fake_mark(void);
void fake_expect_same(struct kunit *test, const struct fake_mark *mark);

const void *fake_action_gen_params(const void *prev, char *desc);
void fake_expect_action(struct kunit *test, struct fake *fake,
			const struct fake_action *action);

const void *fake_fail_gen_params(const void *prev, char *desc);
void fake_set_fail(struct fake *fake, const struct fake_fail *fail);
void fake_expect_fail(struct kunit *test, struct fake *outer,
		      struct fake *hook, const struct fake_fail *fail,
		      unsigned long map_flags);
int fake_action_fails(struct fake *fake, struct vm_area_desc *desc);
int fake_prepare_fails(struct fake *fake, struct vm_area_desc *desc);

#endif /* _MM_TESTS_MMAP_PREPARE_KUNIT_H */
