/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a driver or file system says of a mapping in f_op->mmap_prepare.
 *
 * The hook is called once per mmap(), before any VMA exists. It describes the
 * mapping that it wants in a struct vm_area_desc; mm makes the VMA, or merges
 * the range into a neighbour, or fails. The hook therefore takes nothing that
 * outlives it: per-mapping state is taken in vm_ops->mapped().
 */
#ifndef _LINUX_MMAP_PREPARE_H
#define _LINUX_MMAP_PREPARE_H

#ifndef _LINUX_MM_H
#error "include linux/mm.h, which includes this file"
#endif

#include <linux/mm_types.h>
#include <linux/pgtable.h>
#include <linux/types.h>
#include <linux/vma_flags.h>

struct file;
struct page;
struct vm_operations_struct;

/**
 * enum mmap_action_type - what mm does once the mapping exists
 * @MMAP_NOTHING: nothing
 * @MMAP_REMAP_PFN: map PFNs, as remap_pfn_range() does
 * @MMAP_IO_REMAP_PFN: map device memory, as io_remap_pfn_range() does
 * @MMAP_SIMPLE_IO_REMAP: map a region of physical memory, as
 *	vm_iomap_memory() does
 * @MMAP_MAP_KERNEL_PAGES: map kernel pages, as vm_insert_pages() does
 */
enum mmap_action_type {
	MMAP_NOTHING,
	MMAP_REMAP_PFN,
	MMAP_IO_REMAP_PFN,
	MMAP_SIMPLE_IO_REMAP,
	MMAP_MAP_KERNEL_PAGES,
};

/**
 * struct mmap_action - what mm does once the mapping exists
 * @remap: of MMAP_REMAP_PFN and MMAP_IO_REMAP_PFN
 * @remap.start: first address, page aligned
 * @remap.start_pfn: PFN that appears at @remap.start
 * @remap.size: bytes, rounded up to a page by mmap_action_prepare()
 * @remap.pgprot: protection, filled in by mmap_action_prepare()
 * @simple_ioremap: of MMAP_SIMPLE_IO_REMAP
 * @simple_ioremap.start_phys_addr: first byte of the region
 * @simple_ioremap.size: bytes in the region
 * @map_kernel: of MMAP_MAP_KERNEL_PAGES
 * @map_kernel.start: first address, page aligned
 * @map_kernel.pages: the pages. They and the array must live until the mmap()
 *	has returned: it is read once the mapping exists
 * @map_kernel.nr_pages: how many
 * @type: which of the above
 * @error_filter: 0, or the errno (negative) that mmap() fails with in place of
 *	that of the action or of vm_ops->mapped()
 * @error_override: another name of @error_filter
 * @hide_from_rmap_until_complete: hold the i_mmap lock of the file from the
 *	moment the VMA is linked until the action and vm_ops->mapped() are
 *	through, so that no rmap walk sees the mapping half populated. Memory is
 *	allocated under that lock: not for files whose pages are reclaimed
 *	through rmap, and the lock should have a lockdep class of its own, as
 *	hugetlbfs gives it one
 *
 * Set it with the mmap_action_*() functions. There is one action per mmap():
 * when several are set, the last one wins.
 */
struct mmap_action {
	union {
		struct {
			unsigned long start;
			unsigned long start_pfn;
			unsigned long size;
			pgprot_t pgprot;
		} remap;
		struct {
			phys_addr_t start_phys_addr;
			unsigned long size;
		} simple_ioremap;
		struct {
			unsigned long start;
			struct page **pages;
			unsigned long nr_pages;
		} map_kernel;
	};
	enum mmap_action_type type;
	union {
		int error_filter;
		int error_override;
	};
	bool hide_from_rmap_until_complete:1;
};

/**
 * struct vm_area_desc - a mapping that does not exist yet
 * @mm: address space of the mapping. Read only
 * @file: file whose hook runs. Read only. Where files are stacked it differs
 *	from @vm_file
 * @start: first address, page aligned. Read only
 * @end: first address behind the mapping, page aligned. Read only
 * @pgoff: offset into the file, in pages
 * @vm_file: file that the VMA is to hold. A hook may replace it by a file that
 *	it has a reference to; this reference then belongs to mm, which drops
 *	it if no VMA comes to hold it. The reference of the file replaced is not
 *	the hook's business
 * @vma_flags: flags of the mapping. VMA_WRITE_BIT, EXEC, SHARED, MAYREAD,
 *	MAYWRITE, MAYEXEC, MAYSHARE and ACCOUNT cannot be added, nor ACCOUNT
 *	taken away
 * @page_prot: protection of its pages
 * @vm_ops: operations of the mapping, the dummy ones if the hook sets none.
 *	NULL makes the mapping anonymous, see vma_desc_set_anonymous()
 * @private_data: vm_private_data of the VMA
 * @action: what mm does once the mapping exists
 *
 * A hook that changes a read-only field, or the flags in a way that is not
 * allowed, gets a warning, once, and the mmap() fails with -EINVAL.
 */
struct vm_area_desc {
	struct mm_struct *mm;
	struct file *file;
	unsigned long start;
	unsigned long end;

	pgoff_t pgoff;
	struct file *vm_file;
	vma_flags_t vma_flags;
	pgprot_t page_prot;

	const struct vm_operations_struct *vm_ops;
	void *private_data;

	struct mmap_action action;

	/* private: whose hook set @vm_ops, where one hook calls another's */
	struct file *nested_file;
	const struct vm_operations_struct *nested_ops;
};

/**
 * vma_desc_size() - size of a mapping
 * @desc: the mapping
 *
 * Context: Any.
 * Return: bytes.
 */
static inline unsigned long vma_desc_size(const struct vm_area_desc *desc)
{
	return desc->end - desc->start;
}

/**
 * vma_desc_pages() - number of pages of a mapping
 * @desc: the mapping
 *
 * Context: Any.
 * Return: pages.
 */
static inline unsigned long vma_desc_pages(const struct vm_area_desc *desc)
{
	return vma_desc_size(desc) >> PAGE_SHIFT;
}

/**
 * range_in_vma_desc() - is a range of addresses inside a mapping?
 * @desc: the mapping
 * @start: first address of the range
 * @end: first address behind it
 *
 * Context: Any.
 * Return: true if the range is not inverted and lies wholly within @desc.
 */
static inline bool range_in_vma_desc(const struct vm_area_desc *desc,
				     unsigned long start, unsigned long end)
{
	return start >= desc->start && start <= end && end <= desc->end;
}

/**
 * vma_desc_test() - is one flag set?
 * @desc: the mapping
 * @bit: the flag
 *
 * Context: Any.
 * Return: true if it is.
 */
static inline bool vma_desc_test(const struct vm_area_desc *desc,
				 vma_flag_t bit)
{
	return vma_flags_test(&desc->vma_flags, bit);
}

/**
 * vma_desc_test_any_mask() - is any of these flags set?
 * @desc: the mapping
 * @mask: the flags looked for
 *
 * Context: Any.
 * Return: true if at least one is.
 */
static inline bool vma_desc_test_any_mask(const struct vm_area_desc *desc,
					  vma_flags_t mask)
{
	return vma_flags_test_any_mask(&desc->vma_flags, mask);
}

/**
 * vma_desc_test_all_mask() - are all of these flags set?
 * @desc: the mapping
 * @mask: the flags looked for
 *
 * Context: Any.
 * Return: true if every one is.
 */
static inline bool vma_desc_test_all_mask(const struct vm_area_desc *desc,
					  vma_flags_t mask)
{
	return vma_flags_test_all_mask(&desc->vma_flags, mask);
}

/**
 * vma_desc_set_flags_mask() - add flags to a mapping
 * @desc: the mapping
 * @mask: the flags to add
 *
 * Context: Any.
 */
static inline void vma_desc_set_flags_mask(struct vm_area_desc *desc,
					   vma_flags_t mask)
{
	vma_flags_set_mask(&desc->vma_flags, mask);
}

/**
 * vma_desc_clear_flags_mask() - take flags away from a mapping
 * @desc: the mapping
 * @mask: the flags to take away
 *
 * Context: Any.
 */
static inline void vma_desc_clear_flags_mask(struct vm_area_desc *desc,
					     vma_flags_t mask)
{
	vma_flags_clear_mask(&desc->vma_flags, mask);
}

/**
 * vma_desc_test_any() - is any of these flags set?
 * @desc: the mapping
 * @...: one to twelve flags, each a vma_flag_t
 *
 * Return: true if at least one is.
 */
#define vma_desc_test_any(desc, ...)					\
	vma_desc_test_any_mask(desc, mk_vma_flags(__VA_ARGS__))

/**
 * vma_desc_test_flags() - older name of vma_desc_test_any()
 * @desc: the mapping
 * @...: one to twelve flags, each a vma_flag_t
 *
 * Return: true if at least one is.
 */
#define vma_desc_test_flags(desc, ...)					\
	vma_desc_test_any(desc, __VA_ARGS__)

/**
 * vma_desc_test_all() - are all of these flags set?
 * @desc: the mapping
 * @...: one to twelve flags, each a vma_flag_t
 *
 * Return: true if every one is.
 */
#define vma_desc_test_all(desc, ...)					\
	vma_desc_test_all_mask(desc, mk_vma_flags(__VA_ARGS__))

/**
 * vma_desc_set_flags() - add flags to a mapping
 * @desc: the mapping
 * @...: one to twelve flags, each a vma_flag_t
 */
#define vma_desc_set_flags(desc, ...)					\
	vma_desc_set_flags_mask(desc, mk_vma_flags(__VA_ARGS__))

/**
 * vma_desc_clear_flags() - take flags away from a mapping
 * @desc: the mapping
 * @...: one to twelve flags, each a vma_flag_t
 */
#define vma_desc_clear_flags(desc, ...)					\
	vma_desc_clear_flags_mask(desc, mk_vma_flags(__VA_ARGS__))

/**
 * vma_desc_set_anonymous() - make a mapping of a file anonymous
 * @desc: the mapping
 *
 * For /dev/zero only: the pages of the mapping are then not those of any file.
 *
 * Context: Any.
 */
static inline void vma_desc_set_anonymous(struct vm_area_desc *desc)
{
	desc->vm_ops = NULL;
}

/**
 * vma_desc_is_cow_mapping() - will a write to the mapping copy the page?
 * @desc: the mapping
 *
 * Context: Any.
 * Return: true for a private mapping that is, or may become, writable.
 */
static inline bool vma_desc_is_cow_mapping(const struct vm_area_desc *desc)
{
	return is_cow_mapping(vma_flags_to_legacy(desc->vma_flags));
}

static inline void __mmap_action_remap(struct vm_area_desc *desc,
				       enum mmap_action_type type,
				       unsigned long start, unsigned long pfn,
				       unsigned long size)
{
	struct mmap_action *action = &desc->action;

	action->type = type;
	action->remap.start = start;
	action->remap.start_pfn = pfn;
	action->remap.size = size;
	action->remap.pgprot = desc->page_prot;
}

/**
 * mmap_action_remap() - have PFNs mapped, as remap_pfn_range() does
 * @desc: the mapping
 * @start: first address, page aligned
 * @pfn: PFN that is to appear at @start
 * @size: bytes
 *
 * The range is checked once the hook has returned: mmap() then fails with
 * -EFAULT if it is not inside the mapping, also because it wraps, and with
 * -EINVAL if it is empty or unaligned, if the PFNs wrap, or if it is part of a
 * copy-on-write mapping.
 *
 * Context: Any.
 */
static inline void mmap_action_remap(struct vm_area_desc *desc,
				     unsigned long start, unsigned long pfn,
				     unsigned long size)
{
	__mmap_action_remap(desc, MMAP_REMAP_PFN, start, pfn, size);
}

/**
 * mmap_action_remap_full() - have PFNs mapped over the whole mapping
 * @desc: the mapping
 * @pfn: PFN that is to appear at its start
 *
 * See mmap_action_remap().
 *
 * Context: Any.
 */
static inline void mmap_action_remap_full(struct vm_area_desc *desc,
					  unsigned long pfn)
{
	mmap_action_remap(desc, desc->start, pfn, vma_desc_size(desc));
}

/**
 * mmap_action_ioremap() - have device memory mapped, as io_remap_pfn_range()
 * @desc: the mapping
 * @start: first address, page aligned
 * @pfn: PFN that is to appear at @start
 * @size: bytes
 *
 * The range is checked as that of mmap_action_remap().
 *
 * Context: Any.
 */
static inline void mmap_action_ioremap(struct vm_area_desc *desc,
				       unsigned long start, unsigned long pfn,
				       unsigned long size)
{
	__mmap_action_remap(desc, MMAP_IO_REMAP_PFN, start, pfn, size);
}

/**
 * mmap_action_ioremap_full() - have device memory mapped over the whole mapping
 * @desc: the mapping
 * @pfn: PFN that is to appear at its start
 *
 * See mmap_action_ioremap().
 *
 * Context: Any.
 */
static inline void mmap_action_ioremap_full(struct vm_area_desc *desc,
					    unsigned long pfn)
{
	mmap_action_ioremap(desc, desc->start, pfn, vma_desc_size(desc));
}

/**
 * mmap_action_simple_ioremap() - have a region of physical memory mapped
 * @desc: the mapping. Its pgoff, in pages, is the offset into the region
 * @start_phys_addr: first byte of the region
 * @size: bytes in the region
 *
 * As vm_iomap_memory(): the whole mapping is populated, with device memory.
 * mmap() fails with -EINVAL if the region wraps, or if the mapping begins
 * behind it or is longer than what is left of it.
 *
 * Context: Any.
 */
static inline void mmap_action_simple_ioremap(struct vm_area_desc *desc,
					      phys_addr_t start_phys_addr,
					      unsigned long size)
{
	struct mmap_action *action = &desc->action;

	action->type = MMAP_SIMPLE_IO_REMAP;
	action->simple_ioremap.start_phys_addr = start_phys_addr;
	action->simple_ioremap.size = size;
}

/**
 * mmap_action_map_kernel_pages() - have pages mapped, as vm_insert_pages() does
 * @desc: the mapping
 * @start: first address, page aligned
 * @pages: the pages. Neither they nor the array may go away before mmap() is
 *	through
 * @nr_pages: how many
 *
 * mmap() fails with -EFAULT if they do not fit into the mapping, and with
 * -EINVAL if there are none or @start is not aligned.
 *
 * Context: Any.
 */
static inline void mmap_action_map_kernel_pages(struct vm_area_desc *desc,
						unsigned long start,
						struct page **pages,
						unsigned long nr_pages)
{
	struct mmap_action *action = &desc->action;

	action->type = MMAP_MAP_KERNEL_PAGES;
	action->map_kernel.start = start;
	action->map_kernel.pages = pages;
	action->map_kernel.nr_pages = nr_pages;
}

/**
 * mmap_action_map_kernel_pages_full() - have pages mapped over the whole mapping
 * @desc: the mapping
 * @pages: as many pages as the mapping has
 *
 * See mmap_action_map_kernel_pages().
 *
 * Context: Any.
 */
static inline void mmap_action_map_kernel_pages_full(struct vm_area_desc *desc,
						     struct page **pages)
{
	mmap_action_map_kernel_pages(desc, desc->start, pages,
				     vma_desc_pages(desc));
}

int mmap_action_prepare(struct vm_area_desc *desc);
int mmap_action_complete(struct vm_area_struct *vma,
			 struct mmap_action *action);

void compat_set_desc_from_vma(struct vm_area_desc *desc, struct file *file,
			      struct vm_area_struct *vma);
int __compat_vma_mmap(struct vm_area_desc *desc, struct vm_area_struct *vma);
int compat_vma_mmap(struct file *file, struct vm_area_struct *vma);

#endif /* _LINUX_MMAP_PREPARE_H */
