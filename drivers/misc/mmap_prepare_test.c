// SPDX-License-Identifier: GPL-2.0-only
/*
 * Test driver for f_op->mmap_prepare, mmap actions and vm_ops->mapped().
 *
 * It does to a mapping what an ioctl tells it, in three ways that a program can
 * compare: as a driver that has only .mmap (doing by hand what the actions
 * do), as one with .mmap_prepare, and as a stacked one whose .mmap calls
 * vfs_mmap() on an inner file that has .mmap_prepare. It counts what mm calls.
 *
 * Locking: everything that changes in struct mpt_state is under its mutex. The
 * mutex nests inside mmap_lock, so it is not held over accesses to user
 * memory, nor over calls into mm or other files: the hooks work on a copy of the
 * set-up, taken under the mutex.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/anon_inodes.h>
#include <linux/capability.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/io.h>
#include <linux/kref.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/page_ref.h>
#include <linux/security.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "mmap_prepare_test_uapi.h"

#define MPT_ORDER	const_ilog2(MPT_PAGES)

enum mpt_kind {
	MPT_KIND_MMAP,
	MPT_KIND_PREPARE,
	MPT_KIND_NESTED,
};

struct mpt_state;

/* What vm_private_data points to. */
struct mpt_token {
	struct mpt_state *state;
};

/* Of one open file. */
struct mpt_state {
	/* One for the file, one for each mapping with MPT_OPS_FULL */
	struct kref ref;
	enum mpt_kind kind;
	struct file *file;
	/* Nested only: the file that has .mmap_prepare */
	struct file *inner;
	struct mpt_token token[MPT_TOKEN_OUTER];
	/* The buffer. Each page has its own reference */
	struct page *pages[MPT_PAGES];
	/* The same, but for one page without a reference */
	struct page *bad_pages[MPT_PAGES];
	struct page *frozen;

	/* Guards what follows, and which page of bad_pages is the bad one */
	struct mutex lock;
	struct mpt_setup setup;
	struct file *donate;
	struct mpt_status status;
};

/* A copy of the set-up, with a reference to the file that it donates. */
struct mpt_job {
	struct mpt_setup setup;
	struct file *donate;
};

static int mpt_open(struct inode *inode, struct file *file);

/* ---- the buffer ---- */

static void mpt_fill_page(struct page *page, unsigned int nr)
{
	u64 *word = page_address(page);
	unsigned int i;

	for (i = 0; i < PAGE_SIZE / sizeof(*word); i++)
		word[i] = MPT_WORD(nr, i);
}

static void mpt_fill(struct mpt_state *st)
{
	unsigned int i;

	for (i = 0; i < MPT_PAGES; i++)
		mpt_fill_page(st->pages[i], i);
}

static int mpt_alloc_pages(struct mpt_state *st)
{
	struct page *page = alloc_pages(GFP_KERNEL, MPT_ORDER);
	unsigned int i;

	if (!page)
		return -ENOMEM;
	st->frozen = alloc_page(GFP_KERNEL);
	if (!st->frozen) {
		__free_pages(page, MPT_ORDER);
		return -ENOMEM;
	}
	page_ref_freeze(st->frozen, 1);

	/* Only pages of their own can be inserted into a mapping. */
	split_page(page, MPT_ORDER);
	for (i = 0; i < MPT_PAGES; i++)
		st->pages[i] = page + i;
	memcpy(st->bad_pages, st->pages, sizeof(st->pages));
	mpt_fill(st);
	return 0;
}

static void mpt_free_pages(struct mpt_state *st)
{
	unsigned int i;

	for (i = 0; i < MPT_PAGES; i++)
		__free_page(st->pages[i]);
	page_ref_unfreeze(st->frozen, 1);
	__free_page(st->frozen);
}

static unsigned long mpt_pfn(const struct mpt_state *st)
{
	return page_to_pfn(st->pages[0]);
}

/* ---- state and counters ---- */

static struct mpt_state *mpt_alloc_state(enum mpt_kind kind)
{
	struct mpt_state *st = kzalloc(sizeof(*st), GFP_KERNEL);
	unsigned int i;

	if (!st)
		return NULL;
	if (mpt_alloc_pages(st)) {
		kfree(st);
		return NULL;
	}
	for (i = 0; i < ARRAY_SIZE(st->token); i++)
		st->token[i].state = st;
	kref_init(&st->ref);
	mutex_init(&st->lock);
	st->kind = kind;
	return st;
}

static void mpt_free_state(struct kref *ref)
{
	struct mpt_state *st = container_of(ref, struct mpt_state, ref);

	mpt_free_pages(st);
	mutex_destroy(&st->lock);
	kfree(st);
}

static void mpt_count(struct mpt_state *st, u64 *counter)
{
	mutex_lock(&st->lock);
	(*counter)++;
	mutex_unlock(&st->lock);
}

static void mpt_note_bad(struct mpt_state *st, u32 bad)
{
	mutex_lock(&st->lock);
	st->status.bad |= bad;
	mutex_unlock(&st->lock);
}

/* The number of a value of vm_private_data, from 1; 0: NULL; ~0: not ours. */
static u32 mpt_token_nr(const struct mpt_state *st, const void *private_data)
{
	unsigned int i;

	if (!private_data)
		return 0;
	for (i = 0; i < ARRAY_SIZE(st->token); i++)
		if (private_data == &st->token[i])
			return i + 1;
	return ~0;
}

static void *mpt_token(struct mpt_state *st, u32 nr)
{
	return nr ? &st->token[nr - 1] : NULL;
}

static u32 mpt_which_file(const struct mpt_state *st, const struct file *file)
{
	if (file == st->file)
		return MPT_FILE_OWN;
	if (file && file == st->inner)
		return MPT_FILE_INNER;
	return MPT_FILE_OTHER;
}

static struct mpt_state *mpt_vma_state(const struct vm_area_struct *vma)
{
	const struct mpt_token *token = vma->vm_private_data;

	return token ? token->state : vma->vm_file->private_data;
}

/* Take the set-up for one mmap(). */
static void mpt_get_job(struct mpt_state *st, struct mpt_job *job)
{
	mutex_lock(&st->lock);
	job->setup = st->setup;
	job->donate = st->donate ? get_file(st->donate) : NULL;
	mutex_unlock(&st->lock);
}

static void mpt_put_job(struct mpt_job *job)
{
	if (job->donate)
		fput(job->donate);
}

/* ---- vm_ops ---- */

static void mpt_full_open(struct vm_area_struct *vma)
{
	struct mpt_state *st = mpt_vma_state(vma);

	kref_get(&st->ref);
	mpt_count(st, &st->status.open);
}

static void mpt_full_close(struct vm_area_struct *vma)
{
	struct mpt_state *st = mpt_vma_state(vma);

	mpt_count(st, &st->status.close);
	kref_put(&st->ref, mpt_free_state);
}

static void mpt_plain_open(struct vm_area_struct *vma)
{
	struct mpt_state *st = mpt_vma_state(vma);

	mpt_count(st, &st->status.open);
}

static void mpt_plain_close(struct vm_area_struct *vma)
{
	struct mpt_state *st = mpt_vma_state(vma);

	mpt_count(st, &st->status.close);
}

static vm_fault_t mpt_fault(struct vm_fault *vmf)
{
	struct mpt_state *st = mpt_vma_state(vmf->vma);

	mpt_count(st, &st->status.fault);
	/* What an action left out of a mapping of PFNs has no page. */
	if (vmf->pgoff >= MPT_PAGES || vmf->vma->vm_flags & VM_PFNMAP)
		return VM_FAULT_SIGBUS;

	vmf->page = st->pages[vmf->pgoff];
	get_page(vmf->page);
	return 0;
}

/*
 * A mapping is there: take its state, or fail as the set-up says. A mapping of
 * the mmap device ends here too, called by the driver's own .mmap.
 */
static int mpt_established(struct mpt_state *st, unsigned long start,
			   unsigned long end, pgoff_t pgoff,
			   const struct file *file, void **vm_private_data)
{
	struct mpt_status *status = &st->status;
	u32 token;
	int ret;

	mutex_lock(&st->lock);
	ret = st->setup.mapped_ret;
	token = st->setup.mapped_private;
	status->start = start;
	status->end = end;
	status->pgoff = pgoff;
	status->mapped_file = mpt_which_file(st, file);
	status->private_data = mpt_token_nr(st, *vm_private_data);
	if (ret)
		status->mapped_failed++;
	else
		status->mapped++;
	mutex_unlock(&st->lock);

	if (token)
		*vm_private_data = mpt_token(st, token);
	if (!ret)
		kref_get(&st->ref);
	return ret;
}

static int mpt_mapped(unsigned long start, unsigned long end, pgoff_t pgoff,
		      const struct file *file, void **vm_private_data)
{
	return mpt_established(file->private_data, start, end, pgoff, file,
			       vm_private_data);
}

static const struct vm_operations_struct mpt_full_ops = {
	.open	= mpt_full_open,
	.close	= mpt_full_close,
	.fault	= mpt_fault,
	.mapped	= mpt_mapped,
};

static const struct vm_operations_struct mpt_plain_ops = {
	.open	= mpt_plain_open,
	.close	= mpt_plain_close,
	.fault	= mpt_fault,
};

static const struct vm_operations_struct *
mpt_ops(u32 ops, const struct vm_operations_struct *old)
{
	switch (ops) {
	case MPT_OPS_FULL:
		return &mpt_full_ops;
	case MPT_OPS_PLAIN:
		return &mpt_plain_ops;
	case MPT_OPS_NULL:
		return NULL;
	default:
		return old;
	}
}

static pgprot_t mpt_prot(u32 prot, pgprot_t old)
{
	switch (prot) {
	case MPT_PROT_NONCACHED:
		return pgprot_noncached(old);
	case MPT_PROT_WRITECOMBINE:
		return pgprot_writecombine(old);
	default:
		return old;
	}
}

/* ---- what an action is given ---- */

/* An action's arguments as mm wants them. */
struct mpt_args {
	unsigned long start;
	unsigned long pfn;
	phys_addr_t phys;
	unsigned long size;
	struct page **pages;
};

static void mpt_args(struct mpt_state *st, const struct mpt_setup *setup,
		     const struct mpt_action *a, unsigned long vm_start,
		     struct mpt_args *args)
{
	bool bad = setup->flags & MPT_F_BAD_PAGE;

	args->start = a->start;
	if (!(a->flags & MPT_A_ABS_START))
		args->start += vm_start;
	args->pfn = a->pfn;
	args->phys = a->pfn;
	if (!(a->flags & MPT_A_ABS_PFN)) {
		args->pfn += mpt_pfn(st);
		args->phys += PFN_PHYS(mpt_pfn(st));
	}
	args->size = a->size;
	args->pages = bad ? st->bad_pages : st->pages;
	if (a->type == MPT_KERNEL_PAGES)
		args->pages += a->pfn;
}

/*
 * mm may look at as many pages as the mapping has and as the action says; the
 * array must have them. Anything above is for mm to refuse.
 */
static bool mpt_has_pages(const struct mpt_action *a, unsigned long vm_pages)
{
	u64 nr = a->flags & MPT_A_FULL ? vm_pages : min_t(u64, a->size, vm_pages);

	return a->type != MPT_KERNEL_PAGES || nr <= MPT_PAGES - a->pfn;
}

/* ---- .mmap_prepare ---- */

static void mpt_desc_full_action(struct vm_area_desc *desc,
				 const struct mpt_action *a,
				 const struct mpt_args *args)
{
	switch (a->type) {
	case MPT_REMAP:
		mmap_action_remap_full(desc, args->pfn);
		break;
	case MPT_IOREMAP:
		mmap_action_ioremap_full(desc, args->pfn);
		break;
	case MPT_KERNEL_PAGES:
		mmap_action_map_kernel_pages_full(desc, args->pages);
		break;
	}
}

static void mpt_desc_part_action(struct vm_area_desc *desc,
				 const struct mpt_action *a,
				 const struct mpt_args *args)
{
	switch (a->type) {
	case MPT_REMAP:
		mmap_action_remap(desc, args->start, args->pfn, args->size);
		break;
	case MPT_IOREMAP:
		mmap_action_ioremap(desc, args->start, args->pfn, args->size);
		break;
	case MPT_SIMPLE_IOREMAP:
		mmap_action_simple_ioremap(desc, args->phys, args->size);
		break;
	case MPT_KERNEL_PAGES:
		mmap_action_map_kernel_pages(desc, args->start, args->pages,
					     args->size);
		break;
	}
}

static int mpt_desc_action(struct mpt_state *st, const struct mpt_setup *setup,
			   const struct mpt_action *a,
			   struct vm_area_desc *desc)
{
	struct mpt_args args;

	if (!mpt_has_pages(a, vma_desc_pages(desc)))
		return -E2BIG;
	mpt_args(st, setup, a, desc->start, &args);
	if (a->flags & MPT_A_FULL)
		mpt_desc_full_action(desc, a, &args);
	else
		mpt_desc_part_action(desc, a, &args);
	return 0;
}

static int mpt_desc_actions(struct mpt_state *st, const struct mpt_setup *setup,
			    struct vm_area_desc *desc)
{
	int err = 0;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(setup->action) && !err; i++)
		err = mpt_desc_action(st, setup, &setup->action[i], desc);
	if (!err && setup->flags & MPT_F_EARLY_PREPARE)
		err = mmap_action_prepare(desc);

	desc->action.error_filter = setup->error_filter;
	if (setup->flags & MPT_F_HIDE)
		desc->action.hide_from_rmap_until_complete = true;
	return err;
}

/* Donate a file, and have it say what its mapping looks like. */
static int mpt_desc_donate(const struct mpt_job *job, struct vm_area_desc *desc)
{
	if (!job->donate)
		return 0;
	desc->vm_file = get_file(job->donate);
	if (job->setup.flags & MPT_F_DONATE_CALL)
		return vfs_mmap_prepare(job->donate, desc);
	return 0;
}

static void mpt_desc_fields(struct mpt_state *st, const struct mpt_setup *setup,
			    struct vm_area_desc *desc)
{
	if (setup->flags & MPT_F_PGOFF)
		desc->pgoff = setup->pgoff;
	desc->vm_ops = mpt_ops(setup->ops, desc->vm_ops);
	if (setup->private_data)
		desc->private_data = mpt_token(st, setup->private_data);
	desc->page_prot = mpt_prot(setup->prot, desc->page_prot);
	vma_desc_set_flags_mask(desc, legacy_to_vma_flags(setup->set_flags));
	vma_desc_clear_flags_mask(desc,
				  legacy_to_vma_flags(setup->clear_flags));
}

/* Do what a hook must not do. */
static void mpt_desc_spoil(u32 flags, struct vm_area_desc *desc)
{
	if (flags & MPT_F_SPOIL_MM)
		desc->mm = NULL;
	if (flags & MPT_F_SPOIL_FILE)
		desc->file = NULL;
	if (flags & MPT_F_SPOIL_START)
		desc->start += PAGE_SIZE;
	if (flags & MPT_F_SPOIL_END)
		desc->end -= PAGE_SIZE;
	if (flags & MPT_F_SPOIL_VM_FILE)
		desc->vm_file = NULL;
}

/* Is the descriptor what a hook is promised? MPT_BAD_* if it is not. */
static u32 mpt_desc_check(const struct mpt_state *st,
			  const struct vm_area_desc *desc)
{
	bool nested = st->kind == MPT_KIND_NESTED;
	u32 bad = 0;

	if (memchr_inv(&desc->action, 0, sizeof(desc->action)))
		bad |= MPT_BAD_ACTION;
	if (!desc->vm_ops)
		bad |= MPT_BAD_OPS;
	if (mpt_token_nr(st, desc->private_data) !=
	    (nested ? MPT_TOKEN_OUTER : 0))
		bad |= MPT_BAD_PRIVATE;
	if (desc->file != (nested ? st->inner : st->file) ||
	    desc->vm_file != st->file)
		bad |= MPT_BAD_FILE;
	if (desc->start >= desc->end || desc->mm != current->mm ||
	    !PAGE_ALIGNED(desc->start) || !PAGE_ALIGNED(desc->end))
		bad |= MPT_BAD_RANGE;
	return bad;
}

static void mpt_note_hook(struct mpt_state *st, const struct file *file,
			  unsigned long vm_flags, u32 bad)
{
	struct mpt_status *status = &st->status;

	mutex_lock(&st->lock);
	status->hook++;
	status->hook_file = mpt_which_file(st, file);
	status->hook_flags = vm_flags;
	status->bad |= bad;
	mutex_unlock(&st->lock);
}

static int mpt_mmap_prepare(struct vm_area_desc *desc)
{
	struct mpt_state *st = desc->file->private_data;
	struct mpt_job job;
	int err;

	mpt_note_hook(st, desc->file, vma_flags_to_legacy(desc->vma_flags),
		      mpt_desc_check(st, desc));
	mpt_get_job(st, &job);

	err = mpt_desc_donate(&job, desc);
	if (!err)
		err = mpt_desc_actions(st, &job.setup, desc);
	if (!err) {
		mpt_desc_fields(st, &job.setup, desc);
		mpt_desc_spoil(job.setup.flags, desc);
		err = job.setup.hook_ret;
	}

	mpt_put_job(&job);
	return err;
}

/* ---- .mmap, the same by hand ---- */

static int mpt_vma_check_range(const struct vm_area_struct *vma,
			       unsigned long start, unsigned long size)
{
	if (!size || !PAGE_ALIGNED(start))
		return -EINVAL;
	if (start < vma->vm_start || start >= vma->vm_end ||
	    size > vma->vm_end - start)
		return -EFAULT;
	return 0;
}

static int mpt_vma_action(struct mpt_state *st, const struct mpt_setup *setup,
			  const struct mpt_action *a,
			  struct vm_area_struct *vma)
{
	unsigned long nr = a->flags & MPT_A_FULL ? vma_pages(vma) : a->size;
	struct mpt_args args;
	int err;

	if (!mpt_has_pages(a, vma_pages(vma)))
		return -E2BIG;
	mpt_args(st, setup, a, vma->vm_start, &args);
	if (a->flags & MPT_A_FULL)
		args.size = vma->vm_end - vma->vm_start;
	else if (a->type == MPT_KERNEL_PAGES)
		args.size = nr << PAGE_SHIFT;
	if (a->type != MPT_SIMPLE_IOREMAP) {
		err = mpt_vma_check_range(vma, args.start, args.size);
		if (err)
			return err;
	}

	switch (a->type) {
	case MPT_REMAP:
		return remap_pfn_range(vma, args.start, args.pfn, args.size,
				       vma->vm_page_prot);
	case MPT_IOREMAP:
		return io_remap_pfn_range(vma, args.start, args.pfn, args.size,
					  vma->vm_page_prot);
	case MPT_SIMPLE_IOREMAP:
		return vm_iomap_memory(vma, args.phys, args.size);
	default:
		return vm_insert_pages(vma, args.start, args.pages, &nr);
	}
}

/* One action per mapping, the last one, as with .mmap_prepare. */
static int mpt_vma_actions(struct mpt_state *st, const struct mpt_setup *setup,
			   struct vm_area_struct *vma)
{
	const struct mpt_action *a = &setup->action[0];

	if (setup->action[1].type != MPT_NONE)
		a = &setup->action[1];
	if (a->type == MPT_NONE)
		return 0;
	return mpt_vma_action(st, setup, a, vma);
}

static int mpt_vma_donate(const struct mpt_job *job, struct vm_area_struct *vma)
{
	if (!job->donate)
		return 0;
	vma_set_file(vma, job->donate);
	if (job->setup.flags & MPT_F_DONATE_CALL)
		return vfs_mmap(job->donate, vma);
	return 0;
}

static void mpt_vma_fields(struct mpt_state *st, const struct mpt_setup *setup,
			   struct vm_area_struct *vma)
{
	if (setup->flags & MPT_F_PGOFF)
		vma->vm_pgoff = setup->pgoff;
	vma->vm_ops = mpt_ops(setup->ops, vma->vm_ops);
	if (setup->private_data)
		vma->vm_private_data = mpt_token(st, setup->private_data);
	vma->vm_page_prot = mpt_prot(setup->prot, vma->vm_page_prot);
	vm_flags_mod(vma, setup->set_flags, setup->clear_flags);
}

static int mpt_insert_present(struct mpt_state *st,
			      const struct mpt_setup *setup,
			      struct vm_area_struct *vma)
{
	unsigned long nr = setup->bad_page;

	if (!(setup->flags & MPT_F_PRESENT))
		return 0;
	if (nr >= vma_pages(vma))
		return -E2BIG;
	return vm_insert_page(vma, vma->vm_start + nr * PAGE_SIZE,
			      st->pages[nr]);
}

/* Populate, then take the mapping's state: what mm does with .mmap_prepare. */
static int mpt_vma_complete(struct mpt_state *st, const struct mpt_setup *setup,
			    struct vm_area_struct *vma)
{
	int err = mpt_vma_actions(st, setup, vma);

	if (!err && setup->ops == MPT_OPS_FULL)
		err = mpt_established(st, vma->vm_start, vma->vm_end,
				      vma->vm_pgoff, st->file,
				      &vma->vm_private_data);
	return err && setup->error_filter ? setup->error_filter : err;
}

static int mpt_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct mpt_state *st = file->private_data;
	struct mpt_job job;
	int err;

	mpt_note_hook(st, file, vma->vm_flags, 0);
	mpt_get_job(st, &job);

	err = mpt_vma_donate(&job, vma);
	if (!err)
		err = mpt_insert_present(st, &job.setup, vma);
	if (!err) {
		mpt_vma_fields(st, &job.setup, vma);
		err = job.setup.hook_ret;
	}
	if (!err)
		err = mpt_vma_complete(st, &job.setup, vma);

	mpt_put_job(&job);
	return err;
}

/* ---- .mmap on top of .mmap_prepare ---- */

/* A failed inner mmap() leaves the outer file's mapping as it was. */
static u32 mpt_outer_check(struct mpt_state *st,
			   const struct vm_area_struct *vma)
{
	u32 bad = 0;

	if (mpt_token_nr(st, vma->vm_private_data) != MPT_TOKEN_OUTER)
		bad |= MPT_BAD_OUTER_PRIVATE;
	if (vma->vm_file != st->file)
		bad |= MPT_BAD_OUTER_FILE;
	return bad;
}

static int mpt_nested_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct mpt_state *st = file->private_data;
	struct mpt_job job;
	int err;

	mpt_count(st, &st->status.outer);
	mpt_get_job(st, &job);
	vma->vm_private_data = mpt_token(st, MPT_TOKEN_OUTER);

	err = mpt_insert_present(st, &job.setup, vma);
	if (!err) {
		err = vfs_mmap(st->inner, vma);
		if (err)
			mpt_note_bad(st, mpt_outer_check(st, vma));
	}

	mpt_put_job(&job);
	return err;
}

/* ---- ioctl ---- */

static bool mpt_action_valid(const struct mpt_action *a, enum mpt_kind kind)
{
	bool no_range = a->flags & MPT_A_FULL || a->type == MPT_SIMPLE_IOREMAP;

	if (a->type >= MPT_NR_ACTIONS || a->flags & ~MPT_A_ALL)
		return false;
	if (a->type == MPT_NONE)
		return !a->flags && !a->start && !a->pfn && !a->size;
	if (a->start > ULONG_MAX || a->pfn > ULONG_MAX || a->size > ULONG_MAX)
		return false;
	if (no_range && (a->start || a->flags & MPT_A_ABS_START))
		return false;
	if (a->flags & MPT_A_FULL &&
	    (a->size || a->type == MPT_SIMPLE_IOREMAP))
		return false;
	if (a->type != MPT_KERNEL_PAGES)
		return true;
	if (a->flags & MPT_A_ABS_PFN || a->pfn >= MPT_PAGES)
		return false;
	/* vm_insert_pages() trusts its caller with the number. */
	return kind != MPT_KIND_MMAP || a->size <= MPT_PAGES;
}

static bool mpt_actions_valid(const struct mpt_setup *s, enum mpt_kind kind)
{
	if (s->action[0].type == MPT_NONE && s->action[1].type != MPT_NONE)
		return false;
	return mpt_action_valid(&s->action[0], kind) &&
	       mpt_action_valid(&s->action[1], kind);
}

/* Is a member set only together with the flag that uses it? */
static bool mpt_members_valid(const struct mpt_setup *s)
{
	const struct {
		u32 flags;
		bool used;
	} members[] = {
		{ MPT_F_PGOFF, s->pgoff },
		{ MPT_F_DONATE, s->donate_fd },
		{ MPT_F_DONATE, s->flags & MPT_F_DONATE_CALL },
		{ MPT_F_BAD_PAGE | MPT_F_PRESENT, s->bad_page },
		{ 0, s->reserved[0] || s->reserved[1] || s->reserved[2] },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(members); i++)
		if (members[i].used && !(s->flags & members[i].flags))
			return false;
	return true;
}

/* Is every member in the range of its type? */
static bool mpt_ranges_valid(const struct mpt_setup *s)
{
	return s->size == sizeof(*s) && !(s->flags & ~MPT_F_ALL) &&
	       s->ops < MPT_NR_OPS && s->prot < MPT_NR_PROTS &&
	       s->private_data <= MPT_TOKENS &&
	       s->mapped_private <= MPT_TOKENS && s->bad_page < MPT_PAGES &&
	       s->set_flags <= ULONG_MAX && s->clear_flags <= ULONG_MAX &&
	       s->pgoff <= ULONG_MAX && s->donate_fd >= 0;
}

/* Only .mmap_prepare promises to see through a driver that returns nonsense. */
static bool mpt_errnos_valid(const struct mpt_setup *s)
{
	return s->hook_ret <= 0 && s->hook_ret >= -MAX_ERRNO &&
	       s->mapped_ret <= 0 && s->mapped_ret >= -MAX_ERRNO &&
	       s->error_filter <= 0 && s->error_filter >= -MAX_ERRNO;
}

static bool mpt_setup_valid(const struct mpt_setup *s, enum mpt_kind kind)
{
	const u32 prepare_only = MPT_F_HIDE | MPT_F_SPOIL | MPT_F_EARLY_PREPARE;

	if (!mpt_ranges_valid(s) || !mpt_members_valid(s) ||
	    !mpt_actions_valid(s, kind))
		return false;
	if (kind == MPT_KIND_MMAP &&
	    (s->flags & prepare_only || !mpt_errnos_valid(s)))
		return false;
	if (kind == MPT_KIND_PREPARE && s->flags & MPT_F_PRESENT)
		return false;
	/*
	 * The mapping of a donated file may outlive our file: it has to hold
	 * the state, and to find it.
	 */
	if (s->flags & MPT_F_DONATE && s->ops == MPT_OPS_FULL)
		return s->private_data;
	return !(s->flags & MPT_F_DONATE && s->ops == MPT_OPS_PLAIN);
}

/* Any PFN is what the lockdown of /dev/mem is about. */
static int mpt_setup_allowed(const struct mpt_setup *s)
{
	if (!capable(CAP_SYS_RAWIO))
		return -EPERM;
	if ((s->action[0].flags | s->action[1].flags) & MPT_A_ABS_PFN)
		return security_locked_down(LOCKDOWN_DEV_MEM);
	return 0;
}

/* The file to donate. Ours would have to be set up by itself, without end. */
static struct file *mpt_get_donated(const struct mpt_setup *s)
{
	struct file *file;

	if (!(s->flags & MPT_F_DONATE))
		return NULL;
	file = fget(s->donate_fd);
	if (!file)
		return ERR_PTR(-EBADF);
	if (file->f_op->open == mpt_open) {
		fput(file);
		return ERR_PTR(-EINVAL);
	}
	return file;
}

/*
 * A mapping of a donated file does not hold the module: it stays from now on,
 * because such mappings may outlive every file of the driver.
 */
static void mpt_pin_module(void)
{
	static bool pinned;

	if (!xchg(&pinned, true))
		__module_get(THIS_MODULE);
}

static void mpt_apply_setup(struct mpt_state *st, const struct mpt_setup *s,
			    struct file *donate)
{
	mutex_lock(&st->lock);
	st->setup = *s;
	swap(st->donate, donate);
	memcpy(st->bad_pages, st->pages, sizeof(st->pages));
	if (s->flags & MPT_F_BAD_PAGE)
		st->bad_pages[s->bad_page] = st->frozen;
	mutex_unlock(&st->lock);

	if (donate)
		fput(donate);
}

static int mpt_ioc_setup(struct mpt_state *st, const void __user *arg)
{
	struct file *donate;
	struct mpt_setup s;
	int err;

	if (copy_from_user(&s, arg, sizeof(s)))
		return -EFAULT;
	err = mpt_setup_allowed(&s);
	if (err)
		return err;
	if (!mpt_setup_valid(&s, st->kind))
		return -EINVAL;
	donate = mpt_get_donated(&s);
	if (IS_ERR(donate))
		return PTR_ERR(donate);
	if (donate)
		mpt_pin_module();
	mpt_apply_setup(st, &s, donate);
	return 0;
}

static void mpt_count_pages(struct mpt_state *st, struct mpt_status *status)
{
	unsigned int i;

	for (i = 0; i < MPT_PAGES; i++) {
		status->pages_refs += page_ref_count(st->pages[i]) - 1;
		status->pages_mapped += folio_mapcount(page_folio(st->pages[i]));
	}
}

static int mpt_ioc_status(struct mpt_state *st, void __user *arg)
{
	struct mpt_status status;

	if (copy_from_user(&status, arg, sizeof(status)))
		return -EFAULT;
	if (status.size != sizeof(status))
		return -EINVAL;

	mutex_lock(&st->lock);
	status = st->status;
	mutex_unlock(&st->lock);
	status.size = sizeof(status);
	/* Physical addresses are not for everybody. */
	if (capable(CAP_SYS_RAWIO))
		status.pfn = mpt_pfn(st);
	mpt_count_pages(st, &status);
	return copy_to_user(arg, &status, sizeof(status)) ? -EFAULT : 0;
}

static int mpt_ioc_reset(struct mpt_state *st)
{
	mutex_lock(&st->lock);
	memset(&st->status, 0, sizeof(st->status));
	mpt_fill(st);
	mutex_unlock(&st->lock);
	return 0;
}

static long mpt_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct mpt_state *st = file->private_data;
	void __user *argp = (void __user *)arg;

	switch (cmd) {
	case MPT_IOC_SETUP:
		return mpt_ioc_setup(st, argp);
	case MPT_IOC_STATUS:
		return mpt_ioc_status(st, argp);
	case MPT_IOC_RESET:
		return mpt_ioc_reset(st);
	default:
		return -ENOTTY;
	}
}

/* ---- files and devices ---- */

static const struct file_operations mpt_inner_fops = {
	.owner		= THIS_MODULE,
	.mmap_prepare	= mpt_mmap_prepare,
};

/* The file below the nested device. Its state is that of the device's file. */
static int mpt_open_inner(struct mpt_state *st)
{
	if (st->kind != MPT_KIND_NESTED)
		return 0;
	st->inner = anon_inode_getfile("[mmap_prepare_test]", &mpt_inner_fops,
				       st, O_RDWR);
	return PTR_ERR_OR_ZERO(st->inner);
}

static enum mpt_kind mpt_kind(const struct file *file);

static int mpt_open(struct inode *inode, struct file *file)
{
	struct mpt_state *st = mpt_alloc_state(mpt_kind(file));
	int err;

	if (!st)
		return -ENOMEM;
	err = mpt_open_inner(st);
	if (err) {
		kref_put(&st->ref, mpt_free_state);
		return err;
	}
	st->file = file;
	file->private_data = st;
	return 0;
}

static int mpt_release(struct inode *inode, struct file *file)
{
	struct mpt_state *st = file->private_data;

	if (st->inner)
		fput(st->inner);
	if (st->donate)
		fput(st->donate);
	kref_put(&st->ref, mpt_free_state);
	return 0;
}

#define MPT_FOPS						\
	.owner		= THIS_MODULE,				\
	.open		= mpt_open,				\
	.release	= mpt_release,				\
	.unlocked_ioctl	= mpt_ioctl,				\
	.compat_ioctl	= compat_ptr_ioctl

static const struct file_operations mpt_mmap_fops = {
	MPT_FOPS,
	.mmap		= mpt_mmap,
};

static const struct file_operations mpt_prepare_fops = {
	MPT_FOPS,
	.mmap_prepare	= mpt_mmap_prepare,
};

static const struct file_operations mpt_nested_fops = {
	MPT_FOPS,
	.mmap		= mpt_nested_mmap,
};

static enum mpt_kind mpt_kind(const struct file *file)
{
	if (file->f_op == &mpt_nested_fops)
		return MPT_KIND_NESTED;
	if (file->f_op == &mpt_prepare_fops)
		return MPT_KIND_PREPARE;
	return MPT_KIND_MMAP;
}

static struct miscdevice mpt_devices[] = {
	{ MISC_DYNAMIC_MINOR, MPT_DEV_MMAP, &mpt_mmap_fops },
	{ MISC_DYNAMIC_MINOR, MPT_DEV_PREPARE, &mpt_prepare_fops },
	{ MISC_DYNAMIC_MINOR, MPT_DEV_NESTED, &mpt_nested_fops },
};

static void mpt_deregister(unsigned int nr)
{
	while (nr--)
		misc_deregister(&mpt_devices[nr]);
}

static int __init mpt_init(void)
{
	unsigned int i;
	int err;

	for (i = 0; i < ARRAY_SIZE(mpt_devices); i++) {
		err = misc_register(&mpt_devices[i]);
		if (err) {
			pr_err("cannot register %s: %d\n", mpt_devices[i].name,
			       err);
			mpt_deregister(i);
			return err;
		}
	}
	return 0;
}

static void __exit mpt_exit(void)
{
	mpt_deregister(ARRAY_SIZE(mpt_devices));
}

module_init(mpt_init);
module_exit(mpt_exit);

MODULE_DESCRIPTION("Test driver for the mmap_prepare file operation");
MODULE_LICENSE("GPL");
