// SPDX-License-Identifier: GPL-2.0-only
/*
 * A small but complete driver that uses f_op->mmap_prepare.
 *
 * It shows the two ways in which memory of a driver gets into a mapping:
 *
 * - The status page is there when mmap() returns. The hook asks for it with
 *   mmap_action_map_kernel_pages_full(), and mm does it.
 * - The data appears page by page as it is touched, in vm_ops->fault(). The
 *   driver keeps a struct mps_mapping for each mmap() of it.
 *
 * The hook runs before there is a VMA, and the mmap() may still fail after it.
 * So it takes, counts and locks nothing: it looks, it refuses, or it describes.
 * What a mapping has of its own is taken in vm_ops->mapped(), once the mapping
 * is established, and given back in vm_ops->close().
 *
 * mmap_prepare_sample_test.c is the test of it.
 */
#include <linux/cacheflush.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/version.h>

#include "mmap_prepare_sample.h"

/*
 * This source is for mainline from 7.3 on and for older kernels that were given
 * the API of that release. Those define MMAP_PREPARE_API, as their own version
 * tells nothing. A driver for still other kernels has its .mmap under the
 * opposite condition: a file has either .mmap or .mmap_prepare, never both.
 */
#ifndef MMAP_PREPARE_API
#define MMAP_PREPARE_API	LINUX_VERSION_CODE
#endif
#if KERNEL_VERSION(7, 3, 0) > MMAP_PREPARE_API
#error "f_op->mmap_prepare is missing here, or older than that of Linux 7.3"
#endif

#define MPS_PGOFF_STATUS	(MPS_OFF_STATUS >> PAGE_SHIFT)
#define MPS_PGOFF_DATA		(MPS_OFF_DATA >> PAGE_SHIFT)

/* Of one open file. A mapping holds the file, so this outlives all of them. */
struct mps_buffer {
	/* Guards all that changes. Taken under mmap_lock, so never around it */
	struct mutex lock;
	struct page *status_page;
	struct page *data[MPS_DATA_PAGES];
};

/* Of one mmap() of the data. All VMAs that it was split into or copied to. */
struct mps_mapping {
	struct mps_buffer *buf;
	unsigned int vmas;
};

/* ---- the buffer ---- */

static struct mps_status *mps_status(struct mps_buffer *buf)
{
	return page_address(buf->status_page);
}

/* Programs look at the counters at any time. The lock is held. */
static void mps_add(struct mps_buffer *buf, u32 *counter, int n)
{
	WRITE_ONCE(*counter, *counter + n);
	flush_dcache_page(buf->status_page);
}

static struct mps_buffer *mps_alloc(void)
{
	struct mps_buffer *buf = kzalloc(sizeof(*buf), GFP_KERNEL_ACCOUNT);

	if (!buf)
		return NULL;
	buf->status_page = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);
	if (!buf->status_page) {
		kfree(buf);
		return NULL;
	}
	mutex_init(&buf->lock);
	return buf;
}

static void mps_free_data(struct mps_buffer *buf)
{
	unsigned int i;

	for (i = 0; i < MPS_DATA_PAGES; i++) {
		if (!buf->data[i])
			continue;
		put_page(buf->data[i]);
		buf->data[i] = NULL;
		mps_add(buf, &mps_status(buf)->pages, -1);
	}
}

static void mps_free(struct mps_buffer *buf)
{
	mps_free_data(buf);
	put_page(buf->status_page);
	mutex_destroy(&buf->lock);
	kfree(buf);
}

/* A page of the data, made when it is first asked for. The lock is held. */
static struct page *mps_data_page(struct mps_buffer *buf, unsigned long nr)
{
	struct page *page = buf->data[nr];

	if (page)
		return page;
	page = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);
	if (!page)
		return NULL;
	*(u32 *)page_address(page) = MPS_STAMP + nr;
	flush_dcache_page(page);
	buf->data[nr] = page;
	mps_add(buf, &mps_status(buf)->pages, 1);
	return page;
}

/* ---- mappings ---- */

/* Too many? This depends on what others do, so the hook cannot say it. */
static int mps_count_mmap(struct mps_buffer *buf)
{
	struct mps_status *status = mps_status(buf);

	guard(mutex)(&buf->lock);
	if (status->mmaps == MPS_MAX_MMAPS)
		return -EMFILE;
	mps_add(buf, &status->mmaps, 1);
	mps_add(buf, &status->vmas, 1);
	return 0;
}

/*
 * The mapping is there now. An error undoes it, without a call to close().
 * Not called for a range that was merged into a VMA that exists: here none is,
 * because of VMA_DONTEXPAND_BIT.
 */
static int mps_mapped(unsigned long start, unsigned long end, pgoff_t pgoff,
		      const struct file *file, void **vm_private_data)
{
	struct mps_mapping *mapping;
	int err;

	mapping = kmalloc(sizeof(*mapping), GFP_KERNEL_ACCOUNT);
	if (!mapping)
		return -ENOMEM;
	mapping->buf = file->private_data;
	mapping->vmas = 1;

	err = mps_count_mmap(mapping->buf);
	if (err) {
		kfree(mapping);
		return err;
	}
	*vm_private_data = mapping;
	return 0;
}

/* A VMA was split, moved, or copied by fork(): it is a second one. */
static void mps_open_vma(struct vm_area_struct *vma)
{
	struct mps_mapping *mapping = vma->vm_private_data;
	struct mps_buffer *buf = mapping->buf;

	guard(mutex)(&buf->lock);
	mapping->vmas++;
	mps_add(buf, &mps_status(buf)->vmas, 1);
}

static void mps_close_vma(struct vm_area_struct *vma)
{
	struct mps_mapping *mapping = vma->vm_private_data;
	struct mps_buffer *buf = mapping->buf;

	guard(mutex)(&buf->lock);
	mps_add(buf, &mps_status(buf)->vmas, -1);
	if (--mapping->vmas)
		return;
	mps_add(buf, &mps_status(buf)->mmaps, -1);
	kfree(mapping);
}

/* The hook has checked the range, and it does not grow. */
static vm_fault_t mps_fault(struct vm_fault *vmf)
{
	struct mps_mapping *mapping = vmf->vma->vm_private_data;
	struct mps_buffer *buf = mapping->buf;
	struct page *page;

	guard(mutex)(&buf->lock);
	page = mps_data_page(buf, vmf->pgoff - MPS_PGOFF_DATA);
	if (!page)
		return VM_FAULT_OOM;
	mps_add(buf, &mps_status(buf)->faults, 1);
	/* One reference for the page table. munmap() drops it. */
	get_page(page);
	vmf->page = page;
	return 0;
}

static const struct vm_operations_struct mps_vm_ops = {
	.open = mps_open_vma,
	.close = mps_close_vma,
	.fault = mps_fault,
	.mapped = mps_mapped,
};

static int mps_prepare_status(struct vm_area_desc *desc)
{
	struct mps_buffer *buf = desc->file->private_data;

	if (desc->pgoff != MPS_PGOFF_STATUS || vma_desc_pages(desc) != 1)
		return -EINVAL;
	if (vma_desc_test(desc, VMA_WRITE_BIT))
		return -EPERM;
	/* Nor is mprotect() to make it writable later. */
	vma_desc_clear_flags(desc, VMA_MAYWRITE_BIT);
	vma_desc_set_flags(desc, VMA_DONTEXPAND_BIT, VMA_DONTDUMP_BIT);

	/* The array is read after this returns: it must not be on the stack. */
	mmap_action_map_kernel_pages_full(desc, &buf->status_page);
	return 0;
}

static int mps_prepare_data(struct vm_area_desc *desc)
{
	const pgoff_t first = desc->pgoff - MPS_PGOFF_DATA;

	if (first >= MPS_DATA_PAGES ||
	    vma_desc_pages(desc) > MPS_DATA_PAGES - first)
		return -EINVAL;
	/* Written copies of the data are no use to anybody. */
	if (vma_desc_is_cow_mapping(desc))
		return -EINVAL;
	vma_desc_set_flags(desc, VMA_DONTEXPAND_BIT, VMA_DONTDUMP_BIT);

	/* desc->private_data stays NULL: mps_mapped() fills it in. */
	desc->vm_ops = &mps_vm_ops;
	return 0;
}

static int mps_mmap_prepare(struct vm_area_desc *desc)
{
	if (desc->pgoff < MPS_PGOFF_DATA)
		return mps_prepare_status(desc);
	return mps_prepare_data(desc);
}

/* ---- the file ---- */

static int mps_open(struct inode *inode, struct file *file)
{
	file->private_data = mps_alloc();
	return file->private_data ? 0 : -ENOMEM;
}

static int mps_release(struct inode *inode, struct file *file)
{
	mps_free(file->private_data);
	return 0;
}

static ssize_t mps_read(struct file *file, char __user *to, size_t len,
			loff_t *pos)
{
	struct mps_buffer *buf = file->private_data;
	struct mps_status status;

	/* A copy: user memory is not touched under the lock, see there. */
	scoped_guard(mutex, &buf->lock)
		status = *mps_status(buf);
	return simple_read_from_buffer(to, len, pos, &status, sizeof(status));
}

static int mps_clear(struct mps_buffer *buf)
{
	guard(mutex)(&buf->lock);
	if (mps_status(buf)->mmaps)
		return -EBUSY;
	mps_free_data(buf);
	return 0;
}

static long mps_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	if (cmd != MPS_IOC_CLEAR)
		return -ENOTTY;
	return mps_clear(file->private_data);
}

static const struct file_operations mps_fops = {
	.owner = THIS_MODULE,
	.open = mps_open,
	.release = mps_release,
	.read = mps_read,
	.llseek = default_llseek,
	.unlocked_ioctl = mps_ioctl,
	.compat_ioctl = mps_ioctl,
	.mmap_prepare = mps_mmap_prepare,
};

static struct miscdevice mps_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "mmap_prepare_sample",
	.fops = &mps_fops,
	.mode = 0666,
};
module_misc_device(mps_device);

MODULE_DESCRIPTION("Sample driver that uses mmap_prepare");
MODULE_LICENSE("GPL");
