// SPDX-License-Identifier: GPL-2.0-only
/*
 * A driver that counts its mappings, and with one of the macros
 * NO_COMPILE, NO_INIT, WARNS, LEAKS, STAYS does something wrong.
 */
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>

#include "fixture.h"

static int start;
module_param(start, int, 0444);

static atomic_t count;

int fixture_count(void)
{
	return atomic_read(&count);
}
EXPORT_SYMBOL_GPL(fixture_count);

static int fixture_mapped(unsigned long first, unsigned long end, pgoff_t pgoff,
			  const struct file *file, void **vm_private_data)
{
	atomic_inc(&count);
	return 0;
}

static void fixture_close(struct vm_area_struct *vma)
{
#ifndef LEAKS
	atomic_dec(&count);
#endif
}

static const struct vm_operations_struct fixture_vm_ops = {
	.close = fixture_close,
	.mapped = fixture_mapped,
};

static int fixture_mmap_prepare(struct vm_area_desc *desc)
{
	desc->vm_ops = &fixture_vm_ops;
	vma_desc_set_flags(desc, VMA_DONTEXPAND_BIT);
#ifdef WARNS
	vma_desc_set_flags(desc, VMA_WRITE_BIT);
#endif
#ifdef NO_COMPILE
	desc->vm_flags |= VM_WRITE;
#endif
	return 0;
}

static ssize_t fixture_read(struct file *file, char __user *to, size_t len,
			    loff_t *pos)
{
	int now = fixture_count();

	return simple_read_from_buffer(to, len, pos, &now, sizeof(now));
}

static const struct file_operations fixture_fops = {
	.owner = THIS_MODULE,
	.read = fixture_read,
	.mmap_prepare = fixture_mmap_prepare,
};

static struct miscdevice fixture_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "fixture",
	.fops = &fixture_fops,
};

static int __init fixture_init(void)
{
#ifdef NO_INIT
	pr_err("fixture: there is no such hardware\n");
	return -ENODEV;
#endif
#ifdef STAYS
	__module_get(THIS_MODULE);
#endif
	atomic_set(&count, start);
	return misc_register(&fixture_device);
}
module_init(fixture_init);

static void __exit fixture_exit(void)
{
	misc_deregister(&fixture_device);
}
module_exit(fixture_exit);

MODULE_DESCRIPTION("Fixture for the tests of make module");
MODULE_LICENSE("GPL");
