// SPDX-License-Identifier: GPL-2.0-only
/*
 * Files that are not there, for the tests of f_op->mmap_prepare.
 */
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/initrd.h>
#include <linux/mman.h>
#include <linux/slab.h>
#include <linux/swap.h>
#include <linux/uaccess.h>

#include "mmap_prepare_kunit.h"

struct fake_world fake_world;

static void fake_vm_open(struct vm_area_struct *vma)
{
	fake_world.nr_open++;
}

static void fake_vm_close(struct vm_area_struct *vma)
{
	fake_world.nr_close++;
}

static vm_fault_t fake_vm_fault(struct vm_fault *vmf)
{
	if (vmf->pgoff >= FAKE_PAGES)
		return VM_FAULT_SIGBUS;
	vmf->page = fake_world.page[vmf->pgoff];
	get_page(vmf->page);
	return 0;
}

/**
 * fake_look_at() - what does a VMA look like?
 * @vma: the VMA
 *
 * Context: Any in which @vma does not change.
 * Return: its fields.
 */
struct vma_look fake_look_at(const struct vm_area_struct *vma)
{
	return (struct vma_look) {
		.found = true,
		.start = vma->vm_start,
		.end = vma->vm_end,
		.flags = vma->vm_flags & ~VM_SOFTDIRTY,
		.pgoff = vma->vm_pgoff,
		.file = vma->vm_file,
		.ops = vma->vm_ops,
		.private_data = vma->vm_private_data,
	};
}

/* The mmap lock is held, so the tree may be looked at. */
static int fake_vm_mapped(unsigned long start, unsigned long end,
			  pgoff_t pgoff, const struct file *file,
			  void **vm_private_data)
{
	struct vm_area_struct *vma = vma_lookup(current->mm, start);
	struct mapped_call *call = &fake_world.mapped;

	fake_world.nr_mapped++;
	*call = (struct mapped_call) {
		.start = start,
		.end = end,
		.pgoff = pgoff,
		.file = file,
		.private_data = *vm_private_data,
		.page_count = page_count(fake_world.page[0]),
		.rmap_locked = rwsem_is_locked(&file->f_mapping->i_mmap_rwsem),
	};
	if (vma)
		call->vma = fake_look_at(vma);
	if (fake_world.mapped_data)
		*vm_private_data = fake_world.mapped_data;
	return fake_world.mapped_ret;
}

/**
 * fake_forget() - count the calls of vm_ops from 0 again
 *
 * Context: Any.
 */
void fake_forget(void)
{
	fake_world.nr_mapped = 0;
	fake_world.nr_open = 0;
	fake_world.nr_close = 0;
	memset(&fake_world.mapped, 0, sizeof(fake_world.mapped));
}

const struct vm_operations_struct fake_vm_ops = {
	.open = fake_vm_open,
	.close = fake_vm_close,
	.mapped = fake_vm_mapped,
};

const struct vm_operations_struct fake_other_vm_ops = {
	.open = fake_vm_open,
	.close = fake_vm_close,
	.mapped = fake_vm_mapped,
};

const struct vm_operations_struct fake_plain_vm_ops = {
	.open = fake_vm_open,
	.close = fake_vm_close,
};

const struct vm_operations_struct fake_fault_vm_ops = {
	.open = fake_vm_open,
	.close = fake_vm_close,
	.fault = fake_vm_fault,
	.mapped = fake_vm_mapped,
};

static int fake_mmap_prepare(struct vm_area_desc *desc)
{
	struct fake *fake = desc->file->private_data;
	int err = 0;

	/* A hook that calls another's, and is told its own file again? */
	if (fake->preparing)
		return -ELOOP;
	fake->preparing = true;
	fake->nr_prepare++;
	fake->seen = *desc;
	if (fake->vm_ops)
		desc->vm_ops = fake->vm_ops;
	if (fake->private_data)
		desc->private_data = fake->private_data;
	if (fake->donate)
		desc->vm_file = get_file(fake->donate);
	if (fake->prepare)
		err = fake->prepare(fake, desc);
	if (fake->error_filter)
		desc->action.error_filter = fake->error_filter;
	desc->action.hide_from_rmap_until_complete = fake->hide;
	fake->preparing = false;
	return err ?: fake->prepare_ret;
}

static int fake_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct fake *fake = file->private_data;

	fake->nr_mmap++;
	return fake->mmap ? fake->mmap(fake, vma) : 0;
}

const struct file_operations fake_prepare_fops = {
	.mmap_prepare = fake_mmap_prepare,
};

const struct file_operations fake_mmap_fops = {
	.mmap = fake_mmap,
};

const struct file_operations fake_no_fops = {
};

const struct file_operations fake_both_fops = {
	.mmap = fake_mmap,
	.mmap_prepare = fake_mmap_prepare,
};

KUNIT_DEFINE_ACTION_WRAPPER(fake_fput, fput, struct file *);

/**
 * fake_put_later() - drop a reference to a file when the test ends
 * @test: the test, which is given up if there is no file
 * @file: the file, NULL, or an error pointer
 *
 * Context: Process context, may sleep.
 */
void fake_put_later(struct kunit *test, struct file *file)
{
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, file);
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, fake_fput, file));
}

/**
 * fake_open() - make a fake file, that does nothing but set vm_ops
 * @test: the test, which is given up if there is no memory
 * @nr: which one. It replaces what was open as such
 * @fops: its file operations, one of fake_*_fops
 *
 * Context: Process context, may sleep.
 * Return: what the file does, for the test to change.
 */
struct fake *fake_open(struct kunit *test, enum fake_nr nr,
		       const struct file_operations *fops)
{
	struct fake *fake = &fake_world.files[nr];
	struct file *file;

	file = anon_inode_getfile("[mmap_prepare]", fops, fake, O_RDWR);
	fake_put_later(test, file);
	*fake = (struct fake) { .file = file, .vm_ops = &fake_vm_ops };
	return fake;
}

/**
 * fake_word() - what does a page begin with?
 * @page: index of the page
 *
 * Context: Any.
 * Return: its first word.
 */
unsigned int fake_word(unsigned int page)
{
	return 0x4d4d4150 + page;
}

static void fake_put_pages(void *unused)
{
	unsigned int i;

	for (i = 0; i < FAKE_PAGES; i++)
		put_page(fake_world.page[i]);
}

static void fake_get_pages(struct kunit *test)
{
	struct page *page = alloc_pages(GFP_KERNEL | __GFP_ZERO,
					ilog2(FAKE_PAGES));
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, page);
	split_page(page, ilog2(FAKE_PAGES));
	for (i = 0; i < FAKE_PAGES; i++) {
		fake_world.page[i] = page + i;
		*(unsigned int *)page_address(page + i) = fake_word(i);
	}
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, fake_put_pages,
							   NULL));
}

/**
 * fake_init() - get pages and an address space for a test
 * @test: the test
 *
 * For the init of a suite. kunit_vm_mmap() is what gives a test an address
 * space. What it maps is only looked at for its address, so it is unmapped at
 * once.
 *
 * Context: Process context, may sleep. The mmap lock is not held.
 * Return: 0. A test that cannot be run is given up.
 */
int fake_init(struct kunit *test)
{
	unsigned long size = FAKE_ARENA * PAGE_SIZE;
	unsigned long addr;

	/* Its unpacking in the background commits memory: it must be over. */
	wait_for_initramfs();

	memset(&fake_world, 0, sizeof(fake_world));
	fake_get_pages(test);
	fake_world.slab = kunit_kzalloc(test, 64, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, fake_world.slab);
	addr = kunit_vm_mmap(test, NULL, 0, size, PROT_READ,
			     MAP_PRIVATE | MAP_ANONYMOUS, 0);
	KUNIT_ASSERT_NE(test, addr, 0UL);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(addr));
	KUNIT_ASSERT_EQ(test, 0, vm_munmap(addr, size));
	fake_world.base = addr;
	return 0;
}

/**
 * fake_addr() - where is a page of the arena?
 * @page: index of the page
 *
 * Context: Any.
 * Return: its address.
 */
unsigned long fake_addr(unsigned int page)
{
	return fake_world.base + page * PAGE_SIZE;
}

/**
 * fake_map() - map a fake file at a page of the arena, as MAP_FIXED
 * @fake: the file
 * @page: index of the first page in the arena
 * @nr_pages: how many pages
 * @prot: PROT_* flags
 * @flags: MAP_* flags
 * @pgoff: offset into the file, in pages
 *
 * Context: Process context, may sleep. The mmap lock is not held.
 * Return: the address of the page, or what mmap() fails with.
 */
unsigned long fake_map(struct fake *fake, unsigned int page,
		       unsigned long nr_pages, unsigned long prot,
		       unsigned long flags, unsigned long pgoff)
{
	return vm_mmap(fake->file, fake_addr(page), nr_pages * PAGE_SIZE, prot,
		       flags | MAP_FIXED, pgoff * PAGE_SIZE);
}

/**
 * fake_unmap() - unmap pages of the arena
 * @test: the test, which fails if this does
 * @page: index of the first page
 * @nr_pages: how many
 *
 * Context: Process context, may sleep. The mmap lock is not held.
 */
void fake_unmap(struct kunit *test, unsigned int page, unsigned long nr_pages)
{
	KUNIT_EXPECT_EQ(test, 0,
			vm_munmap(fake_addr(page), nr_pages * PAGE_SIZE));
}

/**
 * fake_peek() - read what user space sees
 * @addr: the address
 *
 * Context: Process context, may sleep. The mmap lock is not held.
 * Return: the word at @addr, FAKE_FAULT if there is none.
 */
unsigned int fake_peek(unsigned long addr)
{
	unsigned int word;

	if (copy_from_user(&word, (void __user *)addr, sizeof(word)))
		return FAKE_FAULT;
	return word;
}

/**
 * fake_poke() - write as user space
 * @addr: the address
 * @word: what to write
 *
 * Context: Process context, may sleep. The mmap lock is not held.
 * Return: 0, or -EFAULT.
 */
int fake_poke(unsigned long addr, unsigned int word)
{
	if (copy_to_user((void __user *)addr, &word, sizeof(word)))
		return -EFAULT;
	return 0;
}

/**
 * fake_look() - look at the VMA at an address
 * @addr: the address
 *
 * Context: Process context, may sleep. The mmap lock is not held.
 * Return: its fields, all of them 0 if there is none.
 */
struct vma_look fake_look(unsigned long addr)
{
	struct vma_look look = { };
	struct vm_area_struct *vma;

	mmap_read_lock(current->mm);
	vma = vma_lookup(current->mm, addr);
	if (vma)
		look = fake_look_at(vma);
	mmap_read_unlock(current->mm);
	return look;
}

/**
 * fake_mark() - note what a test may have to find again
 *
 * Context: Process context, may sleep. The mmap lock is not held.
 * Return: what there is now.
 */
struct fake_mark fake_mark(void)
{
	struct mm_struct *mm = current->mm;
	struct fake_mark mark = {
		.map_count = mm->map_count,
		.total_vm = mm->total_vm,
		.data_vm = mm->data_vm,
		.locked_vm = mm->locked_vm,
		.committed = vm_memory_committed(),
	};
	struct file *file;
	unsigned int i;

	for (i = 0; i < NR_FAKES; i++) {
		file = fake_world.files[i].file;
		if (!file)
			continue;
		mark.files[i] = file_count(file);
		mark.writable = atomic_read(&file->f_mapping->i_mmap_writable);
	}
	/* A CPU may hold on to pages that were locked or unlocked there. */
	lru_add_drain_all();
	for (i = 0; i < FAKE_PAGES; i++)
		mark.pages[i] = page_count(fake_world.page[i]);
	return mark;
}

/**
 * fake_expect_same() - expect that nothing was leaked, nor dropped
 * @test: the test
 * @mark: what there was before
 *
 * Context: Process context, may sleep. The mmap lock is not held.
 */
void fake_expect_same(struct kunit *test, const struct fake_mark *mark)
{
	struct fake_mark now = fake_mark();
	unsigned int i;

	KUNIT_EXPECT_EQ(test, now.map_count, mark->map_count);
	KUNIT_EXPECT_EQ(test, now.total_vm, mark->total_vm);
	KUNIT_EXPECT_EQ(test, now.data_vm, mark->data_vm);
	KUNIT_EXPECT_EQ(test, now.locked_vm, mark->locked_vm);
	KUNIT_EXPECT_EQ(test, now.committed, mark->committed);
	KUNIT_EXPECT_EQ(test, now.writable, mark->writable);
	for (i = 0; i < NR_FAKES; i++)
		KUNIT_EXPECT_EQ_MSG(test, now.files[i], mark->files[i],
				    "references to file %u", i);
	for (i = 0; i < FAKE_PAGES; i++)
		KUNIT_EXPECT_EQ_MSG(test, now.pages[i], mark->pages[i],
				    "references to page %u", i);
}

/**
 * fake_pfn() - where is a page in memory?
 * @page: index of the page
 *
 * Context: Any.
 * Return: its PFN.
 */
unsigned long fake_pfn(unsigned int page)
{
	return page_to_pfn(fake_world.page[page]);
}

static int remap_full(struct fake *fake, struct vm_area_desc *desc)
{
	mmap_action_remap_full(desc, fake_pfn(0));
	return 0;
}

static int remap_middle(struct fake *fake, struct vm_area_desc *desc)
{
	mmap_action_remap(desc, desc->start + PAGE_SIZE, fake_pfn(2),
			  2 * PAGE_SIZE);
	return 0;
}

static int remap_bytes(struct fake *fake, struct vm_area_desc *desc)
{
	mmap_action_remap(desc, desc->start, fake_pfn(0), PAGE_SIZE + 1);
	return 0;
}

static int remap_full_bytes(struct fake *fake, struct vm_area_desc *desc)
{
	mmap_action_remap(desc, desc->start, fake_pfn(0),
			  vma_desc_size(desc) - 1);
	return 0;
}

static int ioremap_full(struct fake *fake, struct vm_area_desc *desc)
{
	mmap_action_ioremap_full(desc, fake_pfn(0));
	return 0;
}

static int ioremap_last(struct fake *fake, struct vm_area_desc *desc)
{
	mmap_action_ioremap(desc, desc->end - PAGE_SIZE, fake_pfn(1),
			    PAGE_SIZE);
	return 0;
}

static int simple_ioremap(struct fake *fake, struct vm_area_desc *desc)
{
	unsigned long skip = desc->pgoff * PAGE_SIZE;

	/* The region begins before the pages if the offset says so. */
	mmap_action_simple_ioremap(desc,
				   PFN_PHYS(fake_pfn(0)) - skip,
				   skip + vma_desc_size(desc));
	return 0;
}

static int simple_ioremap_bytes(struct fake *fake, struct vm_area_desc *desc)
{
	unsigned long skip = desc->pgoff * PAGE_SIZE;

	mmap_action_simple_ioremap(desc, PFN_PHYS(fake_pfn(0)) - skip + 16,
				   skip + vma_desc_size(desc) - 32);
	return 0;
}

static int kernel_pages_full(struct fake *fake, struct vm_area_desc *desc)
{
	mmap_action_map_kernel_pages_full(desc, fake_world.page);
	return 0;
}

static int kernel_pages_some(struct fake *fake, struct vm_area_desc *desc)
{
	mmap_action_map_kernel_pages(desc, desc->start + PAGE_SIZE,
				     fake_world.page + 1, 2);
	return 0;
}

static const struct fake_action fake_actions[] = {
	{ "remap, whole", remap_full, MAP_SHARED, 0, 0, 4, 0, FAKE_PFN_FLAGS },
	{ "remap, two pages in the middle", remap_middle, MAP_SHARED, 0, 1, 2,
	  2, FAKE_PFN_FLAGS },
	{ "remap, a page and a byte", remap_bytes, MAP_SHARED, 0, 0, 2, 0,
	  FAKE_PFN_FLAGS },
	{ "remap, copy on write", remap_full, MAP_PRIVATE, 7, 0, 4, 0,
	  FAKE_PFN_FLAGS, true },
	{ "remap, copy on write, odd size", remap_full_bytes, MAP_PRIVATE, 7, 0,
	  4, 0, FAKE_PFN_FLAGS, true },
	{ "ioremap, whole", ioremap_full, MAP_SHARED, 0, 0, 4, 0,
	  FAKE_PFN_FLAGS },
	{ "ioremap, last page", ioremap_last, MAP_SHARED, 0, 3, 1, 1,
	  FAKE_PFN_FLAGS },
	{ "ioremap, copy on write", ioremap_full, MAP_PRIVATE, 7, 0, 4, 0,
	  FAKE_PFN_FLAGS, true },
	{ "simple ioremap", simple_ioremap, MAP_SHARED, 0, 0, 4, 0,
	  FAKE_PFN_FLAGS },
	{ "simple ioremap, at an offset", simple_ioremap, MAP_SHARED, 3, 0, 4,
	  0, FAKE_PFN_FLAGS },
	{ "simple ioremap, part of a page", simple_ioremap_bytes, MAP_SHARED, 0,
	  0, 4, 0, FAKE_PFN_FLAGS },
	{ "simple ioremap, copy on write", simple_ioremap, MAP_PRIVATE, 3, 0,
	  4, 0, FAKE_PFN_FLAGS, true },
	{ "kernel pages, whole", kernel_pages_full, MAP_SHARED, 0, 0, 4, 0,
	  VM_MIXEDMAP },
	{ "kernel pages, two in the middle", kernel_pages_some, MAP_SHARED, 0,
	  1, 2, 1, VM_MIXEDMAP },
	{ "kernel pages, private", kernel_pages_full, MAP_PRIVATE, 0, 0, 4, 0,
	  VM_MIXEDMAP },
};

KUNIT_ARRAY_PARAM_DESC(each_action, fake_actions, name);

/**
 * fake_action_gen_params() - parameters: each struct fake_action
 * @prev: the one before, NULL for the first
 * @desc: its name is put here
 *
 * Context: Any.
 * Return: the next one, NULL at the end.
 */
const void *fake_action_gen_params(const void *prev, char *desc)
{
	return each_action_gen_params(prev, desc);
}

static void expect_pages(struct kunit *test, const struct fake_action *action)
{
	unsigned int i, want;

	for (i = 0; i < FAKE_PAGES; i++) {
		want = FAKE_FAULT;
		if (i >= action->first && i < action->first + action->nr)
			want = fake_word(i - action->first + action->shows);
		KUNIT_EXPECT_EQ_MSG(test, fake_peek(fake_addr(i)), want,
				    "page %u of the mapping", i);
	}
}

static void expect_vma(struct kunit *test, const struct fake_action *action)
{
	struct vma_look vma = fake_look(fake_addr(0));
	unsigned long pgoff = action->pgoff;

	if (action->pgoff_is_pfn)
		pgoff = fake_pfn(0);
	KUNIT_EXPECT_EQ(test, vma.flags & (VM_SPECIAL | VM_DONTDUMP),
			action->vm_flags);
	KUNIT_EXPECT_EQ(test, vma.pgoff, pgoff);
	KUNIT_EXPECT_EQ(test, fake_world.nr_mapped, 1);
	KUNIT_EXPECT_EQ(test, fake_world.mapped.pgoff, pgoff);
}

/**
 * fake_expect_action() - expect that an action shows its pages
 * @test: the test
 * @fake: file to map. Its mmap(), in whatever way, ends in @action
 * @action: what is to be found, when mapped() is called and in user space
 *
 * Context: Process context, may sleep. The mmap lock is not held.
 */
void fake_expect_action(struct kunit *test, struct fake *fake,
			const struct fake_action *action)
{
	struct fake_mark mark = fake_mark();
	bool counted = (action->vm_flags & VM_MIXEDMAP) && !action->first;
	unsigned long addr;

	fake_forget();
	addr = fake_map(fake, 0, FAKE_PAGES, PROT_READ, action->map_flags,
			action->pgoff);
	KUNIT_ASSERT_EQ(test, addr, fake_addr(0));
	KUNIT_EXPECT_EQ(test, fake_world.mapped.page_count, 1 + counted);
	expect_vma(test, action);
	expect_pages(test, action);
	KUNIT_EXPECT_EQ(test, fake_world.nr_close, 0);
	fake_unmap(test, 0, FAKE_PAGES);
	KUNIT_EXPECT_EQ(test, fake_world.nr_close, 1);
	fake_expect_same(test, &mark);
}

/**
 * fake_action_fails() - have kernel pages mapped, the last of which cannot be
 * @fake: the file whose hook it is
 * @desc: the mapping
 *
 * Context: Process context, may sleep. The mmap write lock is held.
 * Return: 0.
 */
int fake_action_fails(struct fake *fake, struct vm_area_desc *desc)
{
	static struct page *pages[FAKE_PAGES];

	memcpy(pages, fake_world.page, sizeof(pages));
	pages[FAKE_PAGES - 1] = virt_to_page(fake_world.slab);
	mmap_action_map_kernel_pages_full(desc, pages);
	return 0;
}

/**
 * fake_prepare_fails() - want an action that is refused when it is prepared
 * @fake: the file whose hook it is
 * @desc: the mapping
 *
 * Context: Process context, may sleep. The mmap write lock is held.
 * Return: 0.
 */
int fake_prepare_fails(struct fake *fake, struct vm_area_desc *desc)
{
	mmap_action_remap(desc, desc->end, fake_pfn(0), PAGE_SIZE);
	return 0;
}

static int offset_wraps(struct fake *fake, struct vm_area_desc *desc)
{
	desc->pgoff = ULONG_MAX;
	return 0;
}

static const struct fake_fail fake_fails[] = {
	{ .name = "hook", .prepare_ret = -EIO, .want = -EIO },
	{ .name = "hook, filter", .prepare_ret = -EIO, .error_filter = -EAGAIN,
	  .want = -EIO },
	{ .name = "hook, ENOSYS", .prepare_ret = -ENOSYS, .want = -ENOSYS },
	{ .name = "hook, with an action", .prepare = remap_full,
	  .prepare_ret = -EIO, .want = -EIO },
	{ .name = "offset", .prepare = offset_wraps, .error_filter = -EAGAIN,
	  .want = -EOVERFLOW },
	{ .name = "action refused", .prepare = fake_prepare_fails,
	  .want = -EFAULT },
	{ .name = "action refused, filter", .prepare = fake_prepare_fails,
	  .error_filter = -EAGAIN, .want = -EFAULT },
	{ .name = "action", .prepare = fake_action_fails, .want = -EINVAL,
	  .late = true },
	{ .name = "action, filter", .prepare = fake_action_fails,
	  .error_filter = -EAGAIN, .want = -EAGAIN, .late = true },
	{ .name = "mapped", .mapped_ret = -EIO, .want = -EIO, .late = true },
	{ .name = "mapped, filter", .mapped_ret = -EIO, .error_filter = -ENXIO,
	  .want = -ENXIO, .late = true },
	{ .name = "mapped after remap", .prepare = remap_full,
	  .mapped_ret = -EIO, .want = -EIO, .late = true },
	{ .name = "mapped after ioremap", .prepare = ioremap_full,
	  .mapped_ret = -EIO, .want = -EIO, .late = true },
	{ .name = "mapped after kernel pages", .prepare = kernel_pages_full,
	  .mapped_ret = -EIO, .error_filter = -EAGAIN, .want = -EAGAIN,
	  .late = true },
};

KUNIT_ARRAY_PARAM_DESC(each_fail, fake_fails, name);

/**
 * fake_fail_gen_params() - parameters: each struct fake_fail
 * @prev: the one before, NULL for the first
 * @desc: its name is put here
 *
 * Context: Any.
 * Return: the next one, NULL at the end.
 */
const void *fake_fail_gen_params(const void *prev, char *desc)
{
	return each_fail_gen_params(prev, desc);
}

/**
 * fake_set_fail() - have the next mmap() fail
 * @fake: the file whose hook is part of it
 * @fail: how
 *
 * Context: Any.
 */
void fake_set_fail(struct fake *fake, const struct fake_fail *fail)
{
	fake->prepare = fail->prepare;
	fake->prepare_ret = fail->prepare_ret;
	fake->error_filter = fail->error_filter;
	fake_world.mapped_ret = fail->mapped_ret;
	/* It must not get into the VMA. */
	fake_world.mapped_data = &fake_world;
}

/**
 * fake_expect_fail() - expect an mmap() to fail, and to leave nothing
 * @test: the test
 * @outer: file to map
 * @hook: file whose hook is called in the end
 * @fail: how it fails
 * @map_flags: MAP_* flags to map it with
 *
 * Context: Process context, may sleep. The mmap lock is not held.
 */
void fake_expect_fail(struct kunit *test, struct fake *outer,
		      struct fake *hook, const struct fake_fail *fail,
		      unsigned long map_flags)
{
	struct rw_semaphore *sem = &outer->file->f_mapping->i_mmap_rwsem;
	struct fake_mark mark = fake_mark();

	fake_forget();
	fake_set_fail(hook, fail);
	KUNIT_EXPECT_EQ(test, fake_map(outer, 0, FAKE_PAGES, FAKE_RW, map_flags,
				       0), (unsigned long)fail->want);
	KUNIT_EXPECT_EQ(test, fake_world.nr_mapped, !!fail->mapped_ret);
	KUNIT_EXPECT_EQ(test, fake_world.nr_open, 0);
	KUNIT_EXPECT_EQ(test, fake_world.nr_close, 0);
	KUNIT_EXPECT_FALSE(test, fake_look(fake_addr(0)).found);
	KUNIT_EXPECT_EQ(test, fake_peek(fake_addr(0)), FAKE_FAULT);
	KUNIT_EXPECT_FALSE(test, rwsem_is_locked(sem));
	fake_expect_same(test, &mark);
}
