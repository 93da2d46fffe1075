/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Stubs of what mm/mmap_prepare.c and mm/mmap_action.c call, and these two
 * files themselves, as they are. vma_internal.h includes this at its end.
 */
#ifndef _VMA_MMAP_HOOK_STUBS_H
#define _VMA_MMAP_HOOK_STUBS_H

/* Arguments of the last call, and what an architecture adds to a PFN. */
static struct {
	unsigned long pfn;
	unsigned long size;
	unsigned long prot;
	unsigned long nr_pages;
	bool is_io;
	unsigned long io_offset;
	unsigned long io_calls;
	int err;
} stub_action;

static inline unsigned long io_remap_pfn_range_pfn(unsigned long pfn,
						   unsigned long size)
{
	stub_action.io_calls++;

	return pfn + stub_action.io_offset;
}

static inline int stub_remap(struct vm_area_struct *vma, unsigned long addr,
			     unsigned long pfn, unsigned long size,
			     pgprot_t prot, bool is_io)
{
	bool fail = stub_range(STUB_ACTION, vma, addr, addr + size);
	unsigned long i, nr = size >> PAGE_SHIFT;

	stub_action.pfn = pfn;
	stub_action.size = size;
	stub_action.prot = prot.pgprot;
	stub_action.is_io = is_io;

	if (addr < vma->vm_start || size > vma->vm_end - addr)
		stub_misuse("remap outside of the VMA");
	/* As the real one, it leaves nothing behind when it fails. */
	if (fail)
		return stub_action.err ?: -ENOMEM;
	for (i = 0; i < nr; i++)
		if (!stub_set_pte(addr + (i << PAGE_SHIFT), pfn + i, NULL,
				  prot.pgprot))
			stub_misuse("remap of what is mapped");

	return 0;
}

#ifdef CONFIG_MMU
static inline int remap_pfn_range(struct vm_area_struct *vma,
				  unsigned long addr, unsigned long pfn,
				  unsigned long size, pgprot_t prot)
{
	return stub_remap(vma, addr, pfn, size, prot, false);
}
#else
/* Memory is where it is. */
static inline int remap_pfn_range(struct vm_area_struct *vma,
				  unsigned long addr, unsigned long pfn,
				  unsigned long size, pgprot_t prot)
{
	if (addr != pfn << PAGE_SHIFT)
		return -EINVAL;

	return stub_remap(vma, addr, pfn, size, prot, false);
}
#endif

static inline int io_remap_pfn_range(struct vm_area_struct *vma,
				     unsigned long addr, unsigned long pfn,
				     unsigned long size, pgprot_t prot)
{
	return stub_remap(vma, addr, pfn + stub_action.io_offset, size, prot,
			  true);
}

/* One page at a time. @num is the number of pages that are left. */
static inline int vm_insert_pages(struct vm_area_struct *vma,
				  unsigned long addr, struct page **pages,
				  unsigned long *num)
{
	stub_range(STUB_ACTION, vma, addr, addr + (*num << PAGE_SHIFT));
	stub_action.nr_pages = *num;
	if (addr < vma->vm_start || *num > (vma->vm_end - addr) >> PAGE_SHIFT)
		stub_misuse("pages inserted outside of the VMA");
	if (!(vma->vm_flags & VM_MIXEDMAP))
		stub_misuse("pages inserted without VM_MIXEDMAP");

	for (; *num; pages++, (*num)--, addr += PAGE_SIZE) {
		if (stub_range(STUB_INSERT_PAGE, vma, addr, addr + PAGE_SIZE))
			return -ENOMEM;
		if ((*pages)->count < 1)
			return -EINVAL;
		if (!stub_set_pte(addr, 0, *pages, vma->vm_page_prot.pgprot))
			return -EBUSY;
	}

	return 0;
}

struct zap_details;

static inline void zap_page_range_single(struct vm_area_struct *vma,
					 unsigned long addr, unsigned long size,
					 struct zap_details *details)
{
	stub_range(STUB_ZAP, vma, addr, addr + size);
	if (!size || addr < vma->vm_start || addr + size > vma->vm_end)
		stub_misuse("zap outside of the VMA");
	stub_clear_ptes(addr, addr + size);
}

/* As the real one, it lets a sealed file be read, but never become writable. */
static inline int memfd_check_seals_mmap(struct file *file, vm_flags_t *flags)
{
	if (stub_call(STUB_SEALS, file))
		return -EPERM;
	if (!file->is_write_sealed || !(*flags & VM_SHARED))
		return 0;
	if (*flags & VM_WRITE)
		return -EPERM;
	*flags &= ~VM_MAYWRITE;

	return 0;
}

/* What KSM would add to the flags of a new mapping. */
static inline vm_flags_t ksm_vma_flags(struct mm_struct *mm,
				       const struct file *file,
				       vm_flags_t vm_flags)
{
	stub_range(STUB_KSM, file, vm_flags, 0);
	if (vm_flags & (VM_SPECIAL | VM_SHARED))
		return vm_flags;

	return vm_flags | stubs.ksm_flags;
}

/* In linux/fs.h of the kernel. */
bool can_mmap_file(struct file *file);
int vfs_mmap(struct file *file, struct vm_area_struct *vma);
int vfs_mmap_prepare(struct file *file, struct vm_area_desc *desc);

/* In mm/vma.h. */
int call_mmap_prepare(int (*hook)(struct vm_area_desc *), struct file *file,
		      struct vm_area_desc *desc);
int complete_mmap_prepare(struct vm_area_struct *vma,
			  struct vm_area_desc *desc);

/* In mm/internal.h. Its header guard keeps the rest of it out. */
#define __MM_INTERNAL_H
bool pages_in_range(unsigned long vm_start, unsigned long vm_end,
		    unsigned long addr, unsigned long nr_pages);
int remap_pfn_check(vm_flags_t vm_flags, unsigned long vm_start,
		    unsigned long vm_end, unsigned long addr,
		    unsigned long pfn, unsigned long size);
int iomap_memory_pfn(phys_addr_t start, unsigned long len, pgoff_t pgoff,
		     unsigned long vm_len, unsigned long *pfn);

#include "../../../mm/mmap_action.c"
#include "../../../mm/mmap_prepare.c"

#endif /* _VMA_MMAP_HOOK_STUBS_H */
