// SPDX-License-Identifier: GPL-2.0-only
/*
 * f_op->mmap_prepare: the hook is called here, and judged here.
 *
 * A hook describes a mapping in a struct vm_area_desc. What it left there is
 * checked before anything in the address space changes. Then one of two ways
 * makes the mapping: the core builds a VMA from the descriptor, or, where a
 * caller already holds a VMA, compat_vma_mmap() carries the descriptor over.
 *
 * A step that fails leaves things as it found them: each looks at a copy of the
 * descriptor taken before it, which also tells whether a file was donated.
 */
#include <linux/export.h>

#include "vma_internal.h"

/* What the caller of mmap() was granted, or is charged for, by these flags. */
#define NOT_ADDED	mk_vma_flags(VMA_WRITE_BIT, VMA_EXEC_BIT,	\
				     VMA_SHARED_BIT, VMA_MAYREAD_BIT,	\
				     VMA_MAYWRITE_BIT, VMA_MAYEXEC_BIT,	\
				     VMA_MAYSHARE_BIT, VMA_ACCOUNT_BIT)
#define NOT_REMOVED	mk_vma_flags(VMA_ACCOUNT_BIT)

/* Says whose hook it was. The stack of the warning only knows who called it. */
#define HOOK_WARN_ONCE(condition, file, fmt, ...)			\
	WARN_ONCE(condition, "%ps " fmt, (file)->f_op->mmap_prepare,	\
		  ##__VA_ARGS__)

static bool has_one_mmap_hook(const struct file_operations *fop)
{
	if (WARN_ONCE(fop->mmap && fop->mmap_prepare,
		      "both %ps and %ps: a file has one of them\n",
		      fop->mmap, fop->mmap_prepare))
		return false;
	return fop->mmap || fop->mmap_prepare;
}

/**
 * can_mmap_file() - can this file be mapped?
 * @file: the file
 *
 * A file can be mapped if it has one of f_op->mmap and f_op->mmap_prepare. One
 * that has both is a bug, and gets a warning, once.
 *
 * Context: Any.
 * Return: true if so. If not, mmap() is to fail with -ENODEV.
 */
bool can_mmap_file(struct file *file)
{
	return has_one_mmap_hook(READ_ONCE(file->f_op));
}
EXPORT_SYMBOL(can_mmap_file);

static bool is_errno(int err)
{
	return err <= 0 && err >= -MAX_ERRNO;
}

static int check_read_only(const struct vm_area_desc *desc,
			   const struct vm_area_desc *before,
			   const struct file *file)
{
	if (HOOK_WARN_ONCE(desc->mm != before->mm || desc->file != file ||
			   desc->start != before->start ||
			   desc->end != before->end,
			   file, "changed a read-only field\n"))
		return -EINVAL;
	return 0;
}

static bool file_is_donated(const struct vm_area_desc *desc,
			    const struct vm_area_desc *before)
{
	return desc->vm_file && desc->vm_file != before->vm_file;
}

/* The reference to a donated file is ours: no VMA is going to hold it. */
static void undo_hook(struct vm_area_desc *desc,
		      const struct vm_area_desc *before)
{
	if (file_is_donated(desc, before))
		fput(desc->vm_file);
	*desc = *before;
}

/*
 * Where hooks call each other, mapped() gets the file whose hook set the
 * vm_ops that made it to the end. Each hook starts out with the dummy ones, so
 * that it can be seen whether it, or one that it called, set any.
 */
static void note_vm_ops(struct vm_area_desc *desc,
			const struct vm_area_desc *before, struct file *file)
{
	if (desc->vm_ops == &vma_dummy_vm_ops) {
		desc->vm_ops = before->vm_ops;
		desc->nested_file = before->nested_file;
		desc->nested_ops = before->nested_ops;
	} else if (!desc->nested_file || desc->nested_ops != desc->vm_ops) {
		desc->nested_file = file;
		desc->nested_ops = desc->vm_ops;
	}
}

static int run_hook(int (*hook)(struct vm_area_desc *), struct file *file,
		    struct vm_area_desc *desc)
{
	const struct vm_area_desc before = *desc;
	int err;

	desc->file = file;
	desc->vm_ops = &vma_dummy_vm_ops;
	desc->nested_file = NULL;
	desc->nested_ops = NULL;

	err = hook(desc);
	if (WARN_ONCE(!is_errno(err), "%ps returned %d\n", hook, err))
		err = -EINVAL;
	if (!err)
		err = check_read_only(desc, &before, file);
	if (err) {
		undo_hook(desc, &before);
		return err;
	}

	desc->file = before.file;
	note_vm_ops(desc, &before, file);
	return 0;
}

/**
 * vfs_mmap_prepare() - call the mmap_prepare hook of a file
 * @file: the file
 * @desc: the mapping
 *
 * For hooks of files that stand for another one. The hook of @file sees @file
 * in @desc->file and dummy @desc->vm_ops, and what it leaves in @desc is for
 * the calling hook to use or to change. A hook calls it before it replaces
 * @desc->vm_file itself, and then puts a file that the hook of @file left there.
 *
 * When the hook of @file fails, @desc is as it was before, and a file that it
 * left in @desc->vm_file is put.
 *
 * Context: Process context, may sleep. The mmap write lock is held.
 * Return: 0, or the errno of the hook; -ENODEV if @file has none; -EINVAL, with
 * a warning, if it returned no errno or changed a read-only field.
 */
int vfs_mmap_prepare(struct file *file, struct vm_area_desc *desc)
{
	int (*hook)(struct vm_area_desc *desc);

	hook = READ_ONCE(READ_ONCE(file->f_op)->mmap_prepare);
	if (!hook)
		return -ENODEV;
	return run_hook(hook, file, desc);
}
EXPORT_SYMBOL(vfs_mmap_prepare);

static int check_flags(const struct vm_area_desc *desc,
		       const struct vm_area_desc *before)
{
	vma_flags_t added = desc->vma_flags;
	vma_flags_t removed = before->vma_flags;

	vma_flags_clear_mask(&added, before->vma_flags);
	vma_flags_clear_mask(&removed, desc->vma_flags);
	if (HOOK_WARN_ONCE(vma_flags_test_any_mask(&added, NOT_ADDED) ||
			   vma_flags_test_any_mask(&removed, NOT_REMOVED),
			   desc->file, "changed flags %lx to %lx\n",
			   vma_flags_to_legacy(before->vma_flags),
			   vma_flags_to_legacy(desc->vma_flags)))
		return -EINVAL;
	return 0;
}

static int check_fields(const struct vm_area_desc *desc)
{
	const int filter = desc->action.error_filter;

	if (HOOK_WARN_ONCE(!is_errno(filter), desc->file,
			   "wants errno %d\n", filter))
		return -EINVAL;
	if (HOOK_WARN_ONCE(!desc->vm_file, desc->file,
			   "left no file to map\n"))
		return -EINVAL;
	if (desc->pgoff + vma_desc_pages(desc) < desc->pgoff)
		return -EOVERFLOW;
	return 0;
}

/* Flags that changed pass the checks that those asked for have passed. */
static int check_flags_policy(const struct vm_area_desc *desc,
			      const struct vm_area_desc *before)
{
	const vm_flags_t flags = vma_flags_to_legacy(desc->vma_flags);

	if (vma_flags_same_mask(&desc->vma_flags, before->vma_flags))
		return 0;
	if (map_deny_write_exec(flags, flags))
		return -EACCES;
	if (!arch_validate_flags(flags))
		return -EINVAL;
	return 0;
}

/* A donated file has its own seals: mmap() has looked at those of @desc->file. */
static int check_donated_seals(struct vm_area_desc *desc,
			       const struct vm_area_desc *before)
{
	vm_flags_t flags = vma_flags_to_legacy(desc->vma_flags);
	int err;

	if (!file_is_donated(desc, before))
		return 0;
	/* What is only read now is not to become writable later. */
	err = memfd_check_seals_mmap(desc->vm_file, &flags);
	desc->vma_flags = legacy_to_vma_flags(flags);
	return err;
}

static int check_desc(struct vm_area_desc *desc,
		      const struct vm_area_desc *before)
{
	int err;

	err = check_flags(desc, before);
	if (!err)
		err = check_fields(desc);
	if (!err)
		err = mmap_action_prepare(desc);
	if (!err)
		err = check_flags_policy(desc, before);
	if (!err)
		err = check_donated_seals(desc, before);
	return err;
}

/**
 * call_mmap_prepare() - call the hook of a file and judge what it returned
 * @hook: f_op->mmap_prepare of @file. It is the caller who reads it, once, as
 *	another thread may replace f_op
 * @file: the file
 * @desc: the mapping, as mmap() was asked for it. @desc->file is @file
 *
 * On success @desc is fit to make a VMA of, its action is prepared, and the
 * reference to a @desc->vm_file that the hook put there is the caller's. To
 * keep that file from being sealed against writing before the VMA is linked is
 * left to the caller, too. On failure @desc is as it was before.
 *
 * Context: Process context, may sleep. The mmap write lock is held.
 * Return: 0, or the errno of the hook or of mmap_action_prepare(); -EOVERFLOW
 * if the offset wraps; -EACCES if the flags have become writable and executable
 * where this is denied; -EPERM if the hook put a file there that is sealed
 * against writing; -EINVAL if the architecture refuses the flags, and, with a
 * warning, if the hook did what it must not.
 */
int call_mmap_prepare(int (*hook)(struct vm_area_desc *), struct file *file,
		      struct vm_area_desc *desc)
{
	const struct vm_area_desc before = *desc;
	int err;

	err = run_hook(hook, file, desc);
	if (err)
		return err;

	err = check_desc(desc, &before);
	if (err)
		undo_hook(desc, &before);
	return err;
}

static int call_mapped(struct vm_area_struct *vma,
		       const struct vm_area_desc *desc)
{
	const struct vm_operations_struct *ops = desc->vm_ops;
	const struct file *file = desc->file;
	void *private_data = vma->vm_private_data;
	int err;

	if (!ops || !ops->mapped)
		return 0;

	if (desc->nested_file && desc->nested_ops == ops)
		file = desc->nested_file;

	err = ops->mapped(vma->vm_start, vma->vm_end, vma->vm_pgoff, file,
			  &private_data);
	if (WARN_ONCE(!is_errno(err), "%ps returned %d\n", ops->mapped, err))
		err = -EINVAL;
	if (!err)
		vma->vm_private_data = private_data;
	return err;
}

static int filter_errno(const struct vm_area_desc *desc, int err)
{
	return err && desc->action.error_filter ? desc->action.error_filter
						: err;
}

/**
 * complete_mmap_prepare() - do what is left to do once the VMA exists
 * @vma: the VMA, made of @desc
 * @desc: the mapping, which call_mmap_prepare() has passed
 *
 * Runs the action, then vm_ops->mapped(). After a failure the caller zaps the
 * VMA, as it may be populated, and must not call vm_ops->close().
 *
 * Context: Process context, may sleep. The mmap write lock is held.
 * Return: 0, or the errno of the action or of mapped(), or the one that the
 * hook wants in its place.
 */
int complete_mmap_prepare(struct vm_area_struct *vma, struct vm_area_desc *desc)
{
	int err;

	err = mmap_action_complete(vma, &desc->action);
	if (!err)
		err = call_mapped(vma, desc);
	return filter_errno(desc, err);
}

/**
 * compat_set_desc_from_vma() - describe a VMA, for a hook
 * @desc: filled in, whatever it has held
 * @file: file whose hook is to run. It may differ from that of @vma
 * @vma: VMA that is being made by f_op->mmap. No one else sees it yet
 *
 * See __compat_vma_mmap().
 *
 * Context: Any in which @vma does not change.
 */
void compat_set_desc_from_vma(struct vm_area_desc *desc, struct file *file,
			      struct vm_area_struct *vma)
{
	*desc = (struct vm_area_desc) {
		.mm = vma->vm_mm,
		.file = file,
		.start = vma->vm_start,
		.end = vma->vm_end,
		.pgoff = vma->vm_pgoff,
		.vm_file = vma->vm_file,
		.vma_flags = legacy_to_vma_flags(vma->vm_flags),
		.page_prot = vma->vm_page_prot,
		.vm_ops = &vma_dummy_vm_ops,
		.private_data = vma->vm_private_data,
	};
}
EXPORT_SYMBOL(compat_set_desc_from_vma);

/* Linking the VMA takes the mapping of its file for writing, and cannot fail. */
static int check_donated_mapping(const struct vm_area_desc *desc,
				 const struct vm_area_desc *before)
{
	struct address_space *mapping;
	int err;

	if (!file_is_donated(desc, before) ||
	    !is_shared_maywrite(vma_flags_to_legacy(desc->vma_flags)))
		return 0;

	mapping = desc->vm_file->f_mapping;
	err = mapping_map_writable(mapping);
	if (!err)
		mapping_unmap_writable(mapping);
	return err;
}

/* The VMA is in no tree and no i_mmap: plain stores do. */
static void set_vma_from_desc(struct vm_area_struct *vma,
			      const struct vm_area_desc *desc,
			      const struct vm_operations_struct *ops)
{
	vma->vm_pgoff = desc->pgoff;
	vm_flags_init(vma, vma_flags_to_legacy(desc->vma_flags));
	vma->vm_page_prot = desc->page_prot;
	vma->vm_ops = ops;
	vma->vm_private_data = desc->private_data;
	vma->vm_file = desc->vm_file;
}

/*
 * What was populated goes while the VMA still has the flags and the offset that
 * tell what it is: PFNs without VM_PFNMAP would be taken for pages.
 */
static void zap_action(struct vm_area_struct *vma,
		       const struct mmap_action *action)
{
	unsigned long start, size;

	switch (action->type) {
	case MMAP_REMAP_PFN:
	case MMAP_IO_REMAP_PFN:
		start = action->remap.start;
		size = action->remap.size;
		break;
	case MMAP_MAP_KERNEL_PAGES:
		start = action->map_kernel.start;
		size = action->map_kernel.nr_pages << PAGE_SHIFT;
		break;
	default:
		return;
	}

	/* Without an MMU nothing was populated. */
	if (IS_ENABLED(CONFIG_MMU))
		zap_page_range_single(vma, start, size, NULL);
}

/* An action that fails leaves nothing behind, one that was done does. */
static int complete_compat(struct vm_area_struct *vma,
			   struct vm_area_desc *desc)
{
	int err;

	err = mmap_action_complete(vma, &desc->action);
	if (err)
		return err;

	err = call_mapped(vma, desc);
	if (err)
		zap_action(vma, &desc->action);
	return err;
}

/* Write @desc to @vma and complete it, or leave @vma as @before has it. */
static int establish(struct vm_area_struct *vma, struct vm_area_desc *desc,
		     const struct vm_area_desc *before)
{
	const struct vm_operations_struct *old_ops = vma->vm_ops;
	const struct vm_operations_struct *ops = desc->vm_ops;
	int err;

	/* A hook that sets no vm_ops leaves those of the wrapper alone. */
	if (ops == &vma_dummy_vm_ops)
		ops = old_ops;

	set_vma_from_desc(vma, desc, ops);
	err = complete_compat(vma, desc);
	if (err)
		set_vma_from_desc(vma, before, old_ops);
	return filter_errno(desc, err);
}

/**
 * __compat_vma_mmap() - make a VMA what a hook has described
 * @desc: the mapping. compat_set_desc_from_vma() has filled it in, and since
 *	then a hook has run
 * @vma: the VMA
 *
 * For an f_op->mmap that calls the mmap_prepare hook of another file by
 * vfs_mmap_prepare(). When it succeeds, @vma holds the reference to a file that
 * the hook put into @desc->vm_file, and the one that it held before is put.
 * When it fails, @vma is as it was and a file that the hook put there is put.
 * Either way @vma is unmapped by whoever made it, not here.
 *
 * Context: Process context, may sleep. The mmap write lock is held, and @vma is
 * neither in the tree nor in any i_mmap.
 * Return: 0; the errno of mmap_action_prepare(); that of the action or of
 * vm_ops->mapped(), or the one that the hook wants in their place; -EOVERFLOW
 * if the offset wraps; -EACCES if the flags have become writable and executable
 * where this is denied; -EPERM if the hook put a file there that is sealed
 * against writing; -EINVAL if the architecture refuses the flags, and, with a
 * warning, if the hook did what it must not.
 */
int __compat_vma_mmap(struct vm_area_desc *desc, struct vm_area_struct *vma)
{
	struct vm_area_desc before;
	int err;

	compat_set_desc_from_vma(&before, desc->file, vma);
	err = check_read_only(desc, &before, desc->file);
	if (!err)
		err = check_desc(desc, &before);
	if (!err)
		err = check_donated_mapping(desc, &before);
	if (!err)
		err = establish(vma, desc, &before);

	if (err)
		undo_hook(desc, &before);
	else if (file_is_donated(desc, &before))
		fput(before.vm_file);
	return err;
}
EXPORT_SYMBOL(__compat_vma_mmap);

static int compat_run_hook(int (*hook)(struct vm_area_desc *),
			   struct file *file, struct vm_area_struct *vma)
{
	struct vm_area_desc desc;
	int err;

	compat_set_desc_from_vma(&desc, file, vma);
	err = run_hook(hook, file, &desc);
	if (err)
		return err;
	return __compat_vma_mmap(&desc, vma);
}

/**
 * compat_vma_mmap() - call the mmap_prepare hook of a file for a VMA
 * @file: the file. It may differ from that of @vma
 * @vma: the VMA
 *
 * For who holds a VMA already when it comes to @file. vfs_mmap() calls it for
 * files that need it, and is what most callers want.
 *
 * Context: As __compat_vma_mmap().
 * Return: 0, or the errno of the hook, which leaves @vma as it was; -ENODEV if
 * @file has no hook; else as __compat_vma_mmap().
 */
int compat_vma_mmap(struct file *file, struct vm_area_struct *vma)
{
	int (*hook)(struct vm_area_desc *desc);

	hook = READ_ONCE(READ_ONCE(file->f_op)->mmap_prepare);
	if (!hook)
		return -ENODEV;
	return compat_run_hook(hook, file, vma);
}
EXPORT_SYMBOL(compat_vma_mmap);

/**
 * vfs_mmap() - map a file into a VMA
 * @file: the file. It may differ from that of @vma
 * @vma: VMA that is being made. No one else sees it yet
 *
 * Calls f_op->mmap, or compat_vma_mmap() for a file that has f_op->mmap_prepare.
 *
 * Context: As __compat_vma_mmap().
 * Return: 0, or the errno of either; -ENODEV if @file has neither hook, or, with
 * a warning, both.
 */
int vfs_mmap(struct file *file, struct vm_area_struct *vma)
{
	const struct file_operations *fop = READ_ONCE(file->f_op);

	if (!has_one_mmap_hook(fop))
		return -ENODEV;
	if (fop->mmap)
		return fop->mmap(file, vma);
	return compat_run_hook(fop->mmap_prepare, file, vma);
}
EXPORT_SYMBOL(vfs_mmap);
