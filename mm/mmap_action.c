// SPDX-License-Identifier: GPL-2.0-only
/*
 * What mm does for a driver once its mapping exists.
 *
 * A hook, f_op->mmap_prepare, says what is to appear in the mapping that it
 * describes, see struct mmap_action. All that can be refused is refused by
 * mmap_action_prepare(), before anything is changed. mmap_action_complete()
 * then populates the VMA, which is linked by then: an unmap or a truncation
 * that runs later finds the pages.
 *
 * The checks are those of remap_pfn_range(), vm_iomap_memory() and
 * vm_insert_pages(), which call them here.
 */
#include "internal.h"

/*
 * An action works on the one VMA that was made for it. What it adds to the
 * flags keeps that VMA from being merged with another.
 */
static_assert(VM_REMAP_FLAGS & VM_SPECIAL);
static_assert(VM_MIXEDMAP & VM_SPECIAL);

/**
 * pages_in_range() - do so many pages fit into a VMA?
 * @vm_start: first address of the VMA
 * @vm_end: first address behind it
 * @addr: where the first page is to appear
 * @nr_pages: how many pages
 *
 * Context: Any.
 * Return: true if all of them lie within the VMA, whatever the arguments.
 */
bool pages_in_range(unsigned long vm_start, unsigned long vm_end,
		    unsigned long addr, unsigned long nr_pages)
{
	return addr >= vm_start && addr <= vm_end &&
	       nr_pages <= (vm_end - addr) >> PAGE_SHIFT;
}

/**
 * remap_pfn_check() - can this range of a VMA be remapped?
 * @vm_flags: flags of the VMA
 * @vm_start: first address of the VMA
 * @vm_end: first address behind it
 * @addr: first address of the range, page aligned
 * @pfn: PFN that is to appear there
 * @size: bytes, rounded up to a page here
 *
 * The original pages of a copy-on-write mapping are told from the copies by
 * vm_pgoff, which is the PFN at the start of the VMA, see vm_normal_page(). So
 * there can be only one range, and it has to cover the VMA.
 *
 * Without an MMU memory appears at its own address, or not at all.
 *
 * Context: Any.
 * Return: 0, or -EINVAL if the range is empty, wraps, is part of a
 * copy-on-write mapping or, without an MMU, does not lie at its own address.
 */
int remap_pfn_check(vm_flags_t vm_flags, unsigned long vm_start,
		    unsigned long vm_end, unsigned long addr,
		    unsigned long pfn, unsigned long size)
{
	unsigned long end = addr + PAGE_ALIGN(size);

	if (!IS_ENABLED(CONFIG_MMU))
		return addr == pfn << PAGE_SHIFT ? 0 : -EINVAL;

	if (end <= addr)
		return -EINVAL;
	if (is_cow_mapping(vm_flags) && (addr != vm_start || end != vm_end))
		return -EINVAL;
	return 0;
}

/**
 * iomap_memory_pfn() - find the part of a region that a VMA is to show
 * @start: first byte of the region, a physical address
 * @len: bytes in the region. Where the region does not begin or end on a page
 *	boundary, the rest of that page counts as part of it
 * @pgoff: how many pages into the region the VMA begins
 * @vm_len: bytes of the VMA
 * @pfn: the PFN at the start of the VMA is put here
 *
 * Context: Any.
 * Return: 0, or -EINVAL if the region wraps or does not have the pages asked
 * for. @pfn is then not written.
 */
int iomap_memory_pfn(phys_addr_t start, unsigned long len, pgoff_t pgoff,
		     unsigned long vm_len, unsigned long *pfn)
{
	const unsigned long offset = start & ~PAGE_MASK;
	const unsigned long first = PHYS_PFN(start);
	unsigned long pages;

	if (start + len < start)
		return -EINVAL;

	/* len + offset may wrap, what is left of both in a page cannot. */
	pages = (len >> PAGE_SHIFT) + PFN_UP((len & ~PAGE_MASK) + offset);
	/* A physical address may have more bits than fit into a PFN. */
	if (PFN_PHYS(first) + offset != start || first + pages < first)
		return -EINVAL;
	if (pgoff > pages || vm_len >> PAGE_SHIFT > pages - pgoff)
		return -EINVAL;

	*pfn = first + pgoff;
	return 0;
}

/*
 * PFNs that wrap would show memory that nobody asked for. A PFN that sparc32
 * hands to remap_pfn_range() has an I/O space above its phys_addr_t.
 */
static bool pfns_valid(unsigned long pfn, unsigned long nr_pages)
{
	unsigned long last = pfn + nr_pages - 1;

	return last >= pfn && (IS_ENABLED(CONFIG_SPARC32) ||
			       PHYS_PFN(PFN_PHYS(last)) == last);
}

/* The PFN at the start of the range, as remap_pfn_range() will see it. */
static unsigned long remap_action_pfn(const struct mmap_action *action,
				      unsigned long size)
{
	if (action->type == MMAP_IO_REMAP_PFN)
		return io_remap_pfn_range_pfn(action->remap.start_pfn, size);
	return action->remap.start_pfn;
}

static int check_remap(const struct vm_area_desc *desc, unsigned long pfn,
		       unsigned long size)
{
	if (!pfns_valid(pfn, size >> PAGE_SHIFT))
		return -EINVAL;
	return remap_pfn_check(vma_flags_to_legacy(desc->vma_flags),
			       desc->start, desc->end,
			       desc->action.remap.start, pfn, size);
}

static int prepare_remap(struct vm_area_desc *desc)
{
	struct mmap_action *action = &desc->action;
	unsigned long size = action->remap.size;
	unsigned long nr_pages, pfn;
	int err;

	if (!size || !PAGE_ALIGNED(action->remap.start))
		return -EINVAL;
	/* PAGE_ALIGN() makes 0 of a size that is far too large. */
	nr_pages = ((size - 1) >> PAGE_SHIFT) + 1;
	if (!pages_in_range(desc->start, desc->end, action->remap.start,
			    nr_pages))
		return -EFAULT;

	size = PAGE_ALIGN(size);
	pfn = remap_action_pfn(action, size);
	err = check_remap(desc, pfn, size);
	if (err)
		return err;

	action->remap.size = size;
	action->remap.pgprot = desc->page_prot;
	/*
	 * Once the VMA is in the interval tree of its file, sorted by vm_pgoff,
	 * it is too late for this.
	 */
	if (IS_ENABLED(CONFIG_MMU) && vma_desc_is_cow_mapping(desc))
		desc->pgoff = pfn;
	vma_desc_set_flags_mask(desc, legacy_to_vma_flags(VM_REMAP_FLAGS));
	return 0;
}

/*
 * Becomes a remap of the whole mapping, for good: prepare_remap() may change
 * desc->pgoff, which must not be taken for an offset into the region again.
 */
static int prepare_simple_ioremap(struct vm_area_desc *desc)
{
	const struct mmap_action *action = &desc->action;
	unsigned long pfn;
	int err;

	if (!action->simple_ioremap.size)
		return -EINVAL;
	err = iomap_memory_pfn(action->simple_ioremap.start_phys_addr,
			       action->simple_ioremap.size, desc->pgoff,
			       vma_desc_size(desc), &pfn);
	if (err)
		return err;

	mmap_action_ioremap_full(desc, pfn);
	return prepare_remap(desc);
}

static int prepare_kernel_pages(struct vm_area_desc *desc)
{
	const struct mmap_action *action = &desc->action;

	if (!IS_ENABLED(CONFIG_MMU))
		return -EINVAL;
	if (!action->map_kernel.pages || !action->map_kernel.nr_pages ||
	    !PAGE_ALIGNED(action->map_kernel.start))
		return -EINVAL;
	if (!pages_in_range(desc->start, desc->end, action->map_kernel.start,
			    action->map_kernel.nr_pages))
		return -EFAULT;
	/* Pages that are counted and pages that are not do not go together. */
	if (vma_desc_test(desc, VMA_PFNMAP_BIT))
		return -EINVAL;

	vma_desc_set_flags(desc, VMA_MIXEDMAP_BIT);
	return 0;
}

/**
 * mmap_action_prepare() - check the action of a mapping, and get ready for it
 * @desc: the mapping, as its mmap_prepare hook left it
 *
 * Adds the flags that the action needs to the mapping, rounds the size of a
 * remap up to a page, and gives it the protection that the mapping has now. A
 * copy-on-write mapping that is to be remapped gets the PFN as its pgoff. It
 * does no harm to prepare an action again, as when one hook calls another's.
 *
 * mm does this for every hook. A driver only needs it if it runs the hook of
 * another file and wants to see the result.
 *
 * Context: Process context. Does not sleep, and takes no lock.
 * Return: 0, or a negative errno, and then @desc is still as it was but for
 * the type of its action:
 *
 * * -EFAULT: the range is not inside the mapping
 * * -EINVAL: the range is empty or not page aligned; its PFNs wrap; it is a
 *   part of a copy-on-write mapping; the region does not have the pages that
 *   the mapping wants of it; there are no kernel pages, or the mapping is for
 *   PFNs; without an MMU, it cannot be done; or there is no such action, which
 *   also warns, once
 */
int mmap_action_prepare(struct vm_area_desc *desc)
{
	switch (desc->action.type) {
	case MMAP_NOTHING:
		return 0;
	case MMAP_REMAP_PFN:
	case MMAP_IO_REMAP_PFN:
		return prepare_remap(desc);
	case MMAP_SIMPLE_IO_REMAP:
		return prepare_simple_ioremap(desc);
	case MMAP_MAP_KERNEL_PAGES:
		return prepare_kernel_pages(desc);
	}

	WARN_ON_ONCE(1);
	return -EINVAL;
}
EXPORT_SYMBOL(mmap_action_prepare);

/*
 * vm_insert_pages() leaves what it has inserted when it fails. A page that was
 * there before is not ours to zap.
 */
static int complete_kernel_pages(struct vm_area_struct *vma,
				 const struct mmap_action *action)
{
	const unsigned long start = action->map_kernel.start;
	const unsigned long nr_pages = action->map_kernel.nr_pages;
	unsigned long left = nr_pages;
	int err;

	err = vm_insert_pages(vma, start, action->map_kernel.pages, &left);
	if (IS_ENABLED(CONFIG_MMU) && err && left < nr_pages)
		zap_page_range_single(vma, start,
				      (nr_pages - left) << PAGE_SHIFT, NULL);
	return err;
}

/**
 * mmap_action_complete() - do what the hook of a mapping asked for
 * @vma: the VMA that was made of the mapping
 * @action: its action, prepared by mmap_action_prepare()
 *
 * If it fails, what it had put into @vma is taken out again; unmapping @vma is
 * left to the caller, and so is @action->error_filter.
 *
 * Context: Process context. May sleep. The mmap lock is held for writing,
 * unless nobody else can see @vma.
 * Return: 0, or a negative errno:
 *
 * * -ENOMEM: there is no memory for page tables
 * * -EINVAL: the memory type conflicts with that of another mapping; a page
 *   cannot be mapped into user space; or the action was never prepared, which
 *   also warns, once
 * * -EACCES: this PFN is not to be mapped
 * * -EBUSY: there is a page already where a kernel page is to appear
 * * -EFAULT: kernel pages are not inside @vma
 */
int mmap_action_complete(struct vm_area_struct *vma,
			 struct mmap_action *action)
{
	switch (action->type) {
	case MMAP_NOTHING:
		return 0;
	case MMAP_REMAP_PFN:
		return remap_pfn_range(vma, action->remap.start,
				       action->remap.start_pfn,
				       action->remap.size,
				       action->remap.pgprot);
	case MMAP_IO_REMAP_PFN:
		return io_remap_pfn_range(vma, action->remap.start,
					  action->remap.start_pfn,
					  action->remap.size,
					  action->remap.pgprot);
	case MMAP_MAP_KERNEL_PAGES:
		return complete_kernel_pages(vma, action);
	case MMAP_SIMPLE_IO_REMAP:
		break;
	}

	WARN_ON_ONCE(1);
	return -EINVAL;
}
EXPORT_SYMBOL(mmap_action_complete);
