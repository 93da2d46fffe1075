// SPDX-License-Identifier: GPL-2.0-only
/*
 * Real mappings of files with f_op->mmap_prepare.
 */
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mman.h>
#include <linux/shmem_fs.h>

#include "mmap_prepare_kunit.h"

/* Values of private_data that are told apart, and never looked into. */
static char data[2];

static struct fake *open_outer(struct kunit *test)
{
	return fake_open(test, FAKE_OUTER, &fake_prepare_fops);
}

/* Map pages of the arena, and have no doubt that it worked. */
static void map(struct kunit *test, struct fake *fake, unsigned int page,
		unsigned long nr_pages, unsigned long prot,
		unsigned long flags, unsigned long pgoff)
{
	KUNIT_ASSERT_EQ(test, fake_map(fake, page, nr_pages, prot, flags,
				       pgoff), fake_addr(page));
}

static void map_hook_sees(struct kunit *test)
{
	struct fake *fake = open_outer(test);
	struct vm_area_desc *seen = &fake->seen;
	vm_flags_t want = VM_READ | VM_WRITE | VM_SHARED | VM_MAYREAD |
			  VM_MAYWRITE | VM_MAYSHARE;

	map(test, fake, 2, 3, FAKE_RW, MAP_SHARED, 7);
	KUNIT_EXPECT_EQ(test, fake->nr_prepare, 1);
	KUNIT_EXPECT_PTR_EQ(test, seen->mm, current->mm);
	KUNIT_EXPECT_PTR_EQ(test, seen->file, fake->file);
	KUNIT_EXPECT_PTR_EQ(test, seen->vm_file, fake->file);
	KUNIT_EXPECT_EQ(test, seen->start, fake_addr(2));
	KUNIT_EXPECT_EQ(test, seen->end, fake_addr(5));
	KUNIT_EXPECT_EQ(test, seen->pgoff, 7);
	KUNIT_EXPECT_EQ(test, vma_flags_to_legacy(seen->vma_flags) & ~VM_MAYEXEC,
			want);
	KUNIT_EXPECT_EQ(test, pgprot_val(seen->page_prot),
			pgprot_val(vm_get_page_prot(want)));
	KUNIT_EXPECT_PTR_EQ(test, seen->vm_ops, &vma_dummy_vm_ops);
	KUNIT_EXPECT_NULL(test, seen->private_data);
	KUNIT_EXPECT_EQ(test, seen->action.type, MMAP_NOTHING);
	KUNIT_EXPECT_EQ(test, seen->action.error_filter, 0);
	KUNIT_EXPECT_FALSE(test, seen->action.hide_from_rmap_until_complete);
	fake_unmap(test, 2, 3);
}

static int say_everything(struct fake *fake, struct vm_area_desc *desc)
{
	desc->pgoff = 40;
	vma_desc_set_flags(desc, VMA_DONTCOPY_BIT, VMA_DONTEXPAND_BIT);
	vma_desc_clear_flags(desc, VMA_MAYWRITE_BIT);
	return 0;
}

static void expect_everything(struct kunit *test, struct fake *fake,
			      const struct vma_look *vma)
{
	vm_flags_t flags = VM_DONTCOPY | VM_DONTEXPAND;

	KUNIT_ASSERT_TRUE(test, vma->found);
	KUNIT_EXPECT_EQ(test, vma->start, fake_addr(1));
	KUNIT_EXPECT_EQ(test, vma->end, fake_addr(4));
	KUNIT_EXPECT_EQ(test, vma->pgoff, 40);
	KUNIT_EXPECT_EQ(test, vma->flags & (flags | VM_MAYWRITE), flags);
	KUNIT_EXPECT_PTR_EQ(test, vma->file, fake->file);
	KUNIT_EXPECT_PTR_EQ(test, vma->ops, &fake_vm_ops);
}

/* The VMA is all that the hook said, before mapped() and after. */
static void map_vma_is_what_the_hook_said(struct kunit *test)
{
	struct fake *fake = open_outer(test);
	struct fake_mark mark = fake_mark();
	struct mapped_call *call = &fake_world.mapped;
	struct vma_look vma;

	fake->prepare = say_everything;
	fake->private_data = &data[0];
	map(test, fake, 1, 3, PROT_READ, MAP_SHARED, 0);
	KUNIT_EXPECT_EQ(test, fake_world.nr_mapped, 1);
	expect_everything(test, fake, &call->vma);
	KUNIT_EXPECT_PTR_EQ(test, call->vma.private_data, (void *)&data[0]);
	KUNIT_EXPECT_EQ(test, call->start, fake_addr(1));
	KUNIT_EXPECT_EQ(test, call->end, fake_addr(4));
	KUNIT_EXPECT_EQ(test, call->pgoff, 40);
	KUNIT_EXPECT_PTR_EQ(test, call->file, (const struct file *)fake->file);
	KUNIT_EXPECT_PTR_EQ(test, call->private_data, (void *)&data[0]);

	vma = fake_look(fake_addr(1));
	expect_everything(test, fake, &vma);
	KUNIT_EXPECT_PTR_EQ(test, vma.private_data, (void *)&data[0]);
	fake_unmap(test, 1, 3);
	fake_expect_same(test, &mark);
}

static void map_mapped_sets_private_data(struct kunit *test)
{
	struct fake *fake = open_outer(test);

	fake->private_data = &data[0];
	fake_world.mapped_data = &data[1];
	map(test, fake, 0, 1, PROT_READ, MAP_SHARED, 0);
	KUNIT_EXPECT_PTR_EQ(test, fake_world.mapped.private_data,
			    (void *)&data[0]);
	KUNIT_EXPECT_PTR_EQ(test, fake_look(fake_addr(0)).private_data,
			    (void *)&data[1]);
	fake_unmap(test, 0, 1);
}

/* Every open() and every mapping have their close(). */
static void map_close_pairs(struct kunit *test)
{
	struct fake *fake = open_outer(test);
	struct fake_mark mark = fake_mark();

	map(test, fake, 0, 3, PROT_READ, MAP_SHARED, 0);
	KUNIT_EXPECT_EQ(test, fake_world.nr_open, 0);
	fake_unmap(test, 1, 1);
	KUNIT_EXPECT_NE(test, fake_world.nr_open, 0);
	KUNIT_EXPECT_EQ(test, fake_world.nr_close, fake_world.nr_open - 1);
	fake_unmap(test, 0, 3);
	KUNIT_EXPECT_EQ(test, fake_world.nr_mapped, 1);
	KUNIT_EXPECT_EQ(test, fake_world.nr_close, fake_world.nr_open + 1);
	fake_expect_same(test, &mark);
}

static void map_without_mapped(struct kunit *test)
{
	struct fake *fake = open_outer(test);

	fake->vm_ops = &fake_plain_vm_ops;
	map(test, fake, 0, 1, PROT_READ, MAP_SHARED, 0);
	KUNIT_EXPECT_EQ(test, fake_world.nr_mapped, 0);
	KUNIT_EXPECT_PTR_EQ(test, fake_look(fake_addr(0)).ops,
			    &fake_plain_vm_ops);
	fake_unmap(test, 0, 1);
	KUNIT_EXPECT_EQ(test, fake_world.nr_close, 1);
}

/* A driver that needs no vm_ops gets a mapping of its file all the same. */
static void map_without_vm_ops(struct kunit *test)
{
	struct fake *fake = open_outer(test);
	struct vma_look vma;

	fake->vm_ops = NULL;
	map(test, fake, 0, 1, FAKE_RW, MAP_PRIVATE, 0);
	vma = fake_look(fake_addr(0));
	KUNIT_EXPECT_PTR_EQ(test, vma.ops, &vma_dummy_vm_ops);
	KUNIT_EXPECT_PTR_EQ(test, vma.file, fake->file);
	KUNIT_EXPECT_EQ(test, fake_peek(fake_addr(0)), FAKE_FAULT);
	fake_unmap(test, 0, 1);
}

static int make_anonymous(struct fake *fake, struct vm_area_desc *desc)
{
	vma_desc_set_anonymous(desc);
	return 0;
}

static void map_anonymous(struct kunit *test)
{
	struct fake *fake = open_outer(test);
	struct fake_mark mark = fake_mark();

	fake->prepare = make_anonymous;
	map(test, fake, 0, 2, FAKE_RW, MAP_PRIVATE, 0);
	KUNIT_EXPECT_NULL(test, fake_look(fake_addr(0)).ops);
	KUNIT_EXPECT_EQ(test, fake_peek(fake_addr(0)), 0);
	KUNIT_EXPECT_EQ(test, fake_poke(fake_addr(1), 77), 0);
	KUNIT_EXPECT_EQ(test, fake_peek(fake_addr(1)), 77);
	KUNIT_EXPECT_EQ(test, fake_peek(fake_addr(0)), 0);
	fake_unmap(test, 0, 2);
	fake_expect_same(test, &mark);
}

static int shift_pgoff(struct fake *fake, struct vm_area_desc *desc)
{
	desc->pgoff -= fake->arg;
	return 0;
}

/* Faults are those of the offset that the hook chose. */
static void map_pgoff(struct kunit *test)
{
	struct fake *fake = open_outer(test);
	struct fake_mark mark = fake_mark();

	fake->vm_ops = &fake_fault_vm_ops;
	fake->prepare = shift_pgoff;
	fake->arg = 10;
	map(test, fake, 0, 2, PROT_READ, MAP_SHARED, 12);
	KUNIT_EXPECT_EQ(test, fake_peek(fake_addr(0)), fake_word(2));
	KUNIT_EXPECT_EQ(test, fake_peek(fake_addr(1)), fake_word(3));
	fake_unmap(test, 0, 2);
	fake_expect_same(test, &mark);
}

static void map_action(struct kunit *test)
{
	const struct fake_action *action = test->param_value;
	struct fake *fake = open_outer(test);

	fake->prepare = action->prepare;
	fake_expect_action(test, fake, action);
	fake->hide = true;
	fake_expect_action(test, fake, action);
	KUNIT_EXPECT_TRUE(test, fake_world.mapped.rmap_locked);
}

/* No action is lost in a merge. */
static void map_action_twice(struct kunit *test)
{
	const struct fake_action *action = test->param_value;
	struct fake *fake = open_outer(test);
	struct fake_mark mark = fake_mark();
	unsigned int i;

	fake->prepare = action->prepare;
	for (i = 0; i < 2; i++)
		map(test, fake, i * FAKE_PAGES, FAKE_PAGES, PROT_READ,
		    action->map_flags, action->pgoff + i * FAKE_PAGES);
	KUNIT_EXPECT_EQ(test, current->mm->map_count, mark.map_count + 2);
	KUNIT_EXPECT_EQ(test, fake_world.nr_mapped, 2);
	for (i = 0; i < 2; i++)
		KUNIT_EXPECT_EQ(test, fake_peek(fake_addr(i * FAKE_PAGES +
							  action->first)),
				fake_word(action->shows));
	fake_unmap(test, 0, 2 * FAKE_PAGES);
	KUNIT_EXPECT_EQ(test, fake_world.nr_close, 2);
	fake_expect_same(test, &mark);
}

static bool pfn_is_writable(struct kunit *test, unsigned long addr)
{
	struct follow_pfnmap_args args = { .address = addr };
	bool writable = false;

	mmap_read_lock(current->mm);
	args.vma = vma_lookup(current->mm, addr);
	if (args.vma && !follow_pfnmap_start(&args)) {
		writable = args.writable;
		KUNIT_EXPECT_EQ(test, args.pfn, fake_pfn(0));
		follow_pfnmap_end(&args);
	} else {
		KUNIT_FAIL(test, "no PFN is mapped");
	}
	mmap_read_unlock(current->mm);
	return writable;
}

static int remap_and_protect(struct fake *fake, struct vm_area_desc *desc)
{
	mmap_action_remap_full(desc, fake_pfn(0));
	if (fake->arg)
		desc->page_prot = vm_get_page_prot(VM_READ | VM_SHARED);
	return 0;
}

/* PFNs are mapped with the protection that the hook left. */
static void map_page_prot(struct kunit *test)
{
	struct fake *fake = open_outer(test);

	fake->prepare = remap_and_protect;
	map(test, fake, 0, 1, FAKE_RW, MAP_SHARED, 0);
	KUNIT_EXPECT_TRUE(test, pfn_is_writable(test, fake_addr(0)));
	fake->arg = true;
	map(test, fake, 0, 1, FAKE_RW, MAP_SHARED, 0);
	KUNIT_EXPECT_FALSE(test, pfn_is_writable(test, fake_addr(0)));
	fake_unmap(test, 0, 1);
}

static void map_hides_from_rmap(struct kunit *test)
{
	struct fake *fake = open_outer(test);
	struct rw_semaphore *sem = &fake->file->f_mapping->i_mmap_rwsem;
	unsigned int hide;

	for (hide = 0; hide < 2; hide++) {
		fake->hide = hide;
		map(test, fake, 0, 1, PROT_READ, MAP_SHARED, 0);
		KUNIT_EXPECT_EQ(test, fake_world.mapped.rmap_locked, hide);
		KUNIT_EXPECT_FALSE(test, rwsem_is_locked(sem));
		fake_unmap(test, 0, 1);
	}
}

/* Whatever fails, however it was asked for, nothing is left. */
static void map_fails(struct kunit *test)
{
	const struct fake_fail *fail = test->param_value;
	struct fake *gift = fake_open(test, FAKE_GIFT, &fake_mmap_fops);
	struct fake *fake = open_outer(test);
	unsigned int i;

	for (i = 0; i < 8; i++) {
		fake->hide = i & 1;
		fake->donate = i & 2 ? gift->file : NULL;
		fake_expect_fail(test, fake, fake, fail,
				 i & 4 ? MAP_SHARED : MAP_PRIVATE);
	}
	KUNIT_EXPECT_EQ(test, fake->nr_prepare, 8);
	KUNIT_EXPECT_EQ(test, gift->nr_mmap, 0);
}

static void map_fails_locked(struct kunit *test)
{
	const struct fake_fail *fail = test->param_value;
	struct fake *fake = open_outer(test);

	fake_expect_fail(test, fake, fake, fail, MAP_SHARED | MAP_LOCKED);
	fake_expect_fail(test, fake, fake, fail, MAP_PRIVATE | MAP_LOCKED);
}

static void map_over(struct kunit *test, struct fake *fake,
		     const struct fake_fail *fail)
{
	fake_set_fail(fake, fail);
	KUNIT_EXPECT_EQ(test, fake_map(fake, 0, FAKE_PAGES, FAKE_RW,
				       MAP_PRIVATE, 0),
			(unsigned long)fail->want);
	KUNIT_EXPECT_EQ(test, fake_world.nr_mapped, !!fail->mapped_ret);
}

/* Anonymous memory under MAP_FIXED, with its commit charge. */
static void map_fixed_over_memory(struct kunit *test)
{
	const struct fake_fail *fail = test->param_value;
	struct fake *fake = open_outer(test);
	struct fake_mark before = fake_mark(), mark;
	unsigned long addr = fake_addr(0);

	KUNIT_ASSERT_EQ(test, addr,
			vm_mmap(NULL, addr, FAKE_PAGES * PAGE_SIZE, FAKE_RW,
				MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, 0));
	KUNIT_EXPECT_EQ(test, fake_poke(addr, 77), 0);
	mark = fake_mark();
	KUNIT_EXPECT_EQ(test, mark.committed, before.committed + FAKE_PAGES);

	map_over(test, fake, fail);
	if (!fail->late) {
		fake_expect_same(test, &mark);
		KUNIT_EXPECT_EQ(test, fake_peek(addr), 77);
		fake_unmap(test, 0, FAKE_PAGES);
	}
	KUNIT_EXPECT_EQ(test, fake_peek(addr), FAKE_FAULT);
	fake_expect_same(test, &before);
}

/* A mapping of a file under MAP_FIXED: closed if it is gone, only then. */
static void map_fixed_over_file(struct kunit *test)
{
	const struct fake_fail *fail = test->param_value;
	struct fake *old = fake_open(test, FAKE_INNER, &fake_prepare_fops);
	struct fake *fake = open_outer(test);
	struct fake_mark before = fake_mark(), mark;

	old->vm_ops = &fake_fault_vm_ops;
	map(test, old, 0, FAKE_PAGES, FAKE_RW, MAP_SHARED, 0);
	KUNIT_EXPECT_EQ(test, fake_poke(fake_addr(2), 77), 0);
	mark = fake_mark();
	fake_forget();

	map_over(test, fake, fail);
	KUNIT_EXPECT_EQ(test, fake_world.nr_close, fail->late);
	if (!fail->late) {
		fake_expect_same(test, &mark);
		KUNIT_EXPECT_EQ(test, fake_peek(fake_addr(2)), 77);
		KUNIT_EXPECT_EQ(test, fake_peek(fake_addr(3)), fake_word(3));
		fake_unmap(test, 0, FAKE_PAGES);
	}
	KUNIT_EXPECT_EQ(test, fake_peek(fake_addr(2)), FAKE_FAULT);
	fake_expect_same(test, &before);
}

/* Part of a mapping: it may have been split, but is all there. */
static void map_fixed_over_part(struct kunit *test)
{
	struct fake *old = fake_open(test, FAKE_INNER, &fake_prepare_fops);
	struct fake *fake = open_outer(test);
	struct fake_mark before = fake_mark();
	unsigned int i;

	old->vm_ops = &fake_fault_vm_ops;
	map(test, old, 0, FAKE_PAGES, PROT_READ, MAP_SHARED, 0);
	fake->prepare_ret = -EIO;
	KUNIT_EXPECT_EQ(test, fake_map(fake, 1, 2, PROT_READ, MAP_SHARED, 0),
			(unsigned long)-EIO);
	for (i = 0; i < FAKE_PAGES; i++) {
		struct vma_look vma = fake_look(fake_addr(i));

		KUNIT_EXPECT_PTR_EQ(test, vma.file, old->file);
		KUNIT_EXPECT_PTR_EQ(test, vma.ops, &fake_fault_vm_ops);
		KUNIT_EXPECT_EQ(test, fake_peek(fake_addr(i)), fake_word(i));
	}
	fake_unmap(test, 0, FAKE_PAGES);
	KUNIT_EXPECT_EQ(test, fake_world.nr_close, fake_world.nr_open + 1);
	fake_expect_same(test, &before);
}

/* What is mapped over goes, and its close() is called, when all is well. */
static void map_fixed_replaces(struct kunit *test)
{
	struct fake *fake = open_outer(test);
	struct fake_mark before = fake_mark();

	map(test, fake, 0, FAKE_PAGES, FAKE_RW, MAP_PRIVATE, 0);
	fake->vm_ops = &fake_fault_vm_ops;
	map(test, fake, 0, FAKE_PAGES, FAKE_RW, MAP_PRIVATE, 0);
	KUNIT_EXPECT_EQ(test, fake_world.nr_mapped, 2);
	KUNIT_EXPECT_EQ(test, fake_world.nr_close, 1);
	KUNIT_EXPECT_EQ(test, fake_peek(fake_addr(1)), fake_word(1));
	fake_unmap(test, 0, FAKE_PAGES);
	KUNIT_EXPECT_EQ(test, fake_world.nr_close, 2);
	fake_expect_same(test, &before);
}

/* How two neighbours differ, and whether they become one VMA. */
struct merge_case {
	const char *name;
	bool merged;
	const struct vm_operations_struct *vm_ops[2];
	void *private_data[2];
	void *mapped_data;
	vm_flags_t flags[2];
	enum fake_nr gift[2];
	bool downwards;
	unsigned long pgoff_off;
};

static int add_flags(struct fake *fake, struct vm_area_desc *desc)
{
	vma_desc_set_flags_mask(desc, legacy_to_vma_flags(fake->arg));
	return 0;
}

#define BOTH(x)		{ [0 ... 1] = (x) }

static const struct merge_case merges[] = {
	{ "same", true },
	{ "same, downwards", true, .downwards = true },
	{ "same private_data", true, .private_data = BOTH(&data[0]) },
	{ "same flags", true, .flags = BOTH(VM_DONTCOPY) },
	{ "same donated file", true, .gift = BOTH(FAKE_GIFT) },
	{ "same donated file, downwards", true, .gift = BOTH(FAKE_GIFT),
	  .downwards = true },
	{ "vm_ops without mapped", true, .vm_ops = BOTH(&fake_plain_vm_ops) },
	{ "other offset", false, .pgoff_off = 1 },
	{ "other vm_ops", false,
	  .vm_ops = { &fake_vm_ops, &fake_other_vm_ops } },
	{ "other vm_ops, downwards", false, .downwards = true,
	  .vm_ops = { &fake_vm_ops, &fake_other_vm_ops } },
	{ "other private_data", false, .private_data = { &data[0], &data[1] } },
	{ "other private_data, downwards", false, .downwards = true,
	  .private_data = { &data[0], &data[1] } },
	{ "private_data and none", false, .private_data = { &data[0], NULL } },
	{ "private_data set by mapped", false, .mapped_data = &data[1] },
	{ "other flags", false, .flags = { VM_DONTCOPY, 0 } },
	{ "flag that forbids it", false, .flags = BOTH(VM_DONTEXPAND) },
	{ "other donated file", false, .gift = { FAKE_GIFT, FAKE_INNER } },
	{ "donated file and none", false, .gift = { FAKE_GIFT, FAKE_OUTER } },
};

KUNIT_ARRAY_PARAM_DESC(merges, merges, name);

/* Map half @i of four pages. */
static unsigned long map_half(const struct merge_case *merge,
			      struct fake *fake, unsigned int i)
{
	unsigned int page = (merge->downwards ? !i : i) * 2;
	enum fake_nr gift = merge->gift[i];

	fake->vm_ops = merge->vm_ops[i] ?: &fake_vm_ops;
	fake->private_data = merge->private_data[i];
	fake->arg = merge->flags[i];
	fake->donate = gift ? fake_world.files[gift].file : NULL;
	return fake_map(fake, page, 2, PROT_READ, MAP_SHARED,
			page + (i ? merge->pgoff_off : 0)) - fake_addr(page);
}

static void expect_half(struct kunit *test, const struct merge_case *merge,
			unsigned int i)
{
	unsigned int page = (merge->downwards ? !i : i) * 2;
	struct vma_look vma = fake_look(fake_addr(page));

	KUNIT_EXPECT_EQ(test, vma.start, fake_addr(merge->merged ? 0 : page));
	KUNIT_EXPECT_EQ(test, vma.end,
			fake_addr(merge->merged ? 4 : page + 2));
	KUNIT_EXPECT_EQ(test, vma.pgoff, merge->merged ? 0 : page +
			(i ? merge->pgoff_off : 0));
	KUNIT_EXPECT_PTR_EQ(test, vma.ops, merge->vm_ops[i] ?: &fake_vm_ops);
	KUNIT_EXPECT_PTR_EQ(test, vma.private_data,
			    merge->mapped_data ?: merge->private_data[i]);
	KUNIT_EXPECT_PTR_EQ(test, vma.file,
			    fake_world.files[merge->gift[i]].file);
}

static void map_merges(struct kunit *test)
{
	const struct merge_case *merge = test->param_value;
	struct fake *fake = open_outer(test);
	struct fake_mark mark;
	unsigned int vmas = merge->merged ? 1 : 2, i;

	fake_open(test, FAKE_INNER, &fake_no_fops);
	fake_open(test, FAKE_GIFT, &fake_no_fops);
	fake->prepare = add_flags;
	fake_world.mapped_data = merge->mapped_data;
	mark = fake_mark();
	for (i = 0; i < 2; i++)
		KUNIT_ASSERT_EQ(test, 0, map_half(merge, fake, i));

	KUNIT_EXPECT_EQ(test, fake->nr_prepare, 2);
	if (merge->vm_ops[0] != &fake_plain_vm_ops)
		KUNIT_EXPECT_EQ(test, fake_world.nr_mapped, vmas);
	KUNIT_EXPECT_EQ(test, current->mm->map_count, mark.map_count + vmas);
	for (i = 0; i < 2; i++)
		expect_half(test, merge, i);

	fake_unmap(test, 0, 4);
	KUNIT_EXPECT_EQ(test, fake_world.nr_close, vmas);
	fake_expect_same(test, &mark);
}

/* A VMA that holds a donated file has the one reference to it. */
static void map_gift_is_counted(struct kunit *test)
{
	struct fake *gift = fake_open(test, FAKE_GIFT, &fake_no_fops);
	struct fake *fake = open_outer(test);
	long refs = file_count(gift->file);

	fake->donate = gift->file;
	map(test, fake, 0, 2, PROT_READ, MAP_SHARED, 0);
	KUNIT_EXPECT_EQ(test, file_count(gift->file), refs + 1);
	map(test, fake, 2, 2, PROT_READ, MAP_SHARED, 2);
	KUNIT_EXPECT_EQ(test, file_count(gift->file), refs + 1);
	KUNIT_EXPECT_EQ(test, file_count(fake->file), 1);
	map(test, fake, 6, 2, PROT_READ, MAP_SHARED, 2);
	KUNIT_EXPECT_EQ(test, file_count(gift->file), refs + 2);
	fake_unmap(test, 0, 8);
	KUNIT_EXPECT_EQ(test, file_count(gift->file), refs);
}

/* mapped() is the business of the file whose hook set the vm_ops. */
static void map_gift_mapped_gets_the_hooks_file(struct kunit *test)
{
	struct fake *gift = fake_open(test, FAKE_GIFT, &fake_no_fops);
	struct fake *fake = open_outer(test);

	fake->donate = gift->file;
	map(test, fake, 0, 2, PROT_READ, MAP_SHARED, 0);
	KUNIT_EXPECT_PTR_EQ(test, fake_world.mapped.file,
			    (const struct file *)fake->file);
	KUNIT_EXPECT_PTR_EQ(test, fake_world.mapped.vma.file, gift->file);
	fake_unmap(test, 0, 2);
}

/* A donated file is mapped as it is: its own hooks are not asked. */
static void map_gift_with_hooks(struct kunit *test)
{
	struct fake *gift = fake_open(test, FAKE_GIFT, &fake_mmap_fops);
	struct fake *fake = open_outer(test);
	struct fake_mark mark = fake_mark();

	fake->donate = gift->file;
	map(test, fake, 0, 2, PROT_READ, MAP_SHARED, 0);
	KUNIT_EXPECT_EQ(test, gift->nr_mmap, 0);
	fake_unmap(test, 0, 2);

	gift = fake_open(test, FAKE_GIFT, &fake_prepare_fops);
	mark = fake_mark();
	fake->donate = gift->file;
	map(test, fake, 0, 2, PROT_READ, MAP_SHARED, 0);
	KUNIT_EXPECT_EQ(test, gift->nr_prepare, 0);
	fake_unmap(test, 0, 2);
	fake_expect_same(test, &mark);
}

/* Without a charge: it would be returned whenever the file is released. */
static struct file *open_shmem(struct kunit *test)
{
	struct file *file;

	file = shmem_file_setup("mmap_prepare", PAGE_SIZE, VM_NORESERVE);
	fake_put_later(test, file);
	return file;
}

/* A file that is sealed against writing is so for a hook, too. */
static void map_gift_sealed(struct kunit *test)
{
	struct file *file = open_shmem(test);
	struct fake *fake = open_outer(test);
	struct fake_mark mark = fake_mark();

	fake->donate = file;
	KUNIT_ASSERT_EQ(test, 0, mapping_deny_writable(file->f_mapping));
	KUNIT_EXPECT_EQ(test, fake_map(fake, 0, 1, FAKE_RW, MAP_SHARED, 0),
			(unsigned long)-EPERM);
	KUNIT_EXPECT_EQ(test, fake_world.nr_mapped, 0);
	KUNIT_EXPECT_EQ(test, file_count(file), 1);
	fake_expect_same(test, &mark);
	KUNIT_EXPECT_EQ(test, atomic_read(&file->f_mapping->i_mmap_writable),
			-1);

	/* It can be copied, though. */
	map(test, fake, 0, 1, FAKE_RW, MAP_PRIVATE, 0);
	fake_unmap(test, 0, 1);
	mapping_allow_writable(file->f_mapping);
	fake_expect_same(test, &mark);
}

/* While it is mapped it cannot be sealed, afterwards it can. */
static void map_gift_writable(struct kunit *test)
{
	struct file *file = open_shmem(test);
	struct fake *fake = open_outer(test);
	struct fake_mark mark = fake_mark();

	fake->donate = file;
	map(test, fake, 0, 1, FAKE_RW, MAP_SHARED, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&file->f_mapping->i_mmap_writable),
			1);
	fake_unmap(test, 0, 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&file->f_mapping->i_mmap_writable),
			0);
	fake_world.mapped_ret = -EIO;
	fake_map(fake, 0, 1, FAKE_RW, MAP_SHARED, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&file->f_mapping->i_mmap_writable),
			0);
	fake_expect_same(test, &mark);
}

struct charge_case {
	const char *name;
	unsigned long prot;
	unsigned long map_flags;
	vm_flags_t add;
	vm_flags_t drop;
	unsigned long charged;
	unsigned long locked;
};

static const struct charge_case charges[] = {
	{ "private writable", FAKE_RW, MAP_PRIVATE, 0, 0, FAKE_PAGES, 0 },
	{ "private read-only", PROT_READ, MAP_PRIVATE, 0, 0, 0, 0 },
	{ "shared", FAKE_RW, MAP_SHARED, 0, 0, 0, 0 },
	{ "hook adds NORESERVE", FAKE_RW, MAP_PRIVATE, VM_NORESERVE, 0, 0, 0 },
	{ "hook drops WRITE", FAKE_RW, MAP_PRIVATE, 0, VM_WRITE, 0, 0 },
	{ "locked", PROT_READ, MAP_SHARED | MAP_LOCKED, 0, 0, 0, FAKE_PAGES },
	{ "hook drops LOCKED", PROT_READ, MAP_SHARED | MAP_LOCKED, 0, VM_LOCKED,
	  0, 0 },
	{ "hook adds LOCKED", PROT_READ, MAP_SHARED, VM_LOCKED, 0, 0,
	  FAKE_PAGES },
	{ "locked, but not memory", PROT_READ, MAP_SHARED | MAP_LOCKED,
	  VM_DONTEXPAND, 0, 0, 0 },
};

KUNIT_ARRAY_PARAM_DESC(charges, charges, name);

static int change_flags(struct fake *fake, struct vm_area_desc *desc)
{
	const struct charge_case *charge = (const struct charge_case *)fake->arg;

	vma_desc_set_flags_mask(desc, legacy_to_vma_flags(charge->add));
	vma_desc_clear_flags_mask(desc, legacy_to_vma_flags(charge->drop));
	return 0;
}

/* The flags that count are those that the hook left. */
static void map_is_charged(struct kunit *test)
{
	const struct charge_case *charge = test->param_value;
	struct fake *fake = open_outer(test);
	struct fake_mark mark = fake_mark(), now;

	fake->vm_ops = &fake_fault_vm_ops;
	fake->prepare = change_flags;
	fake->arg = (unsigned long)charge;
	map(test, fake, 0, FAKE_PAGES, charge->prot, charge->map_flags, 0);
	now = fake_mark();
	KUNIT_EXPECT_EQ(test, now.committed, mark.committed + charge->charged);
	KUNIT_EXPECT_EQ(test, now.locked_vm, mark.locked_vm + charge->locked);
	KUNIT_EXPECT_EQ(test, !!(fake_look(fake_addr(0)).flags & VM_LOCKED),
			!!charge->locked);
	KUNIT_EXPECT_EQ(test, now.total_vm, mark.total_vm + FAKE_PAGES);
	fake_unmap(test, 0, FAKE_PAGES);
	fake_expect_same(test, &mark);
}

static vm_flags_t map_mergeable(struct kunit *test, struct fake *fake)
{
	vm_flags_t flags;

	map(test, fake, 0, FAKE_PAGES, FAKE_RW, MAP_PRIVATE, 0);
	flags = fake_look(fake_addr(0)).flags & VM_MERGEABLE;
	fake_unmap(test, 0, FAKE_PAGES);
	return flags;
}

static int remap_full(struct fake *fake, struct vm_area_desc *desc)
{
	mmap_action_remap_full(desc, fake_pfn(0));
	return 0;
}

static int kernel_pages(struct fake *fake, struct vm_area_desc *desc)
{
	mmap_action_map_kernel_pages_full(desc, fake_world.page);
	return 0;
}

/* As after PR_SET_MEMORY_MERGE: KSM gets memory, not PFNs, nor kernel pages. */
static void map_for_ksm(struct kunit *test)
{
	struct fake *fake = open_outer(test);

	if (!IS_ENABLED(CONFIG_KSM))
		kunit_skip(test, "needs CONFIG_KSM");
	KUNIT_EXPECT_EQ(test, map_mergeable(test, fake), 0);
	set_bit(MMF_VM_MERGE_ANY, &current->mm->flags);
	KUNIT_EXPECT_EQ(test, map_mergeable(test, fake), VM_MERGEABLE);
	fake->prepare = remap_full;
	KUNIT_EXPECT_EQ(test, map_mergeable(test, fake), 0);
	fake->prepare = kernel_pages;
	KUNIT_EXPECT_EQ(test, map_mergeable(test, fake), 0);
	clear_bit(MMF_VM_MERGE_ANY, &current->mm->flags);
}

/* KSM's flag does not come between neighbours. */
static void map_for_ksm_merges(struct kunit *test)
{
	struct fake *fake = open_outer(test);
	struct fake_mark mark = fake_mark();

	if (!IS_ENABLED(CONFIG_KSM))
		kunit_skip(test, "needs CONFIG_KSM");
	set_bit(MMF_VM_MERGE_ANY, &current->mm->flags);
	map(test, fake, 0, 2, FAKE_RW, MAP_PRIVATE, 0);
	map(test, fake, 2, 2, FAKE_RW, MAP_PRIVATE, 2);
	clear_bit(MMF_VM_MERGE_ANY, &current->mm->flags);
	KUNIT_EXPECT_EQ(test, current->mm->map_count, mark.map_count + 1);
	KUNIT_EXPECT_EQ(test, fake_world.nr_mapped, 1);
	fake_unmap(test, 0, 4);
	fake_expect_same(test, &mark);
}

/* One or none: neither is worth a warning. */
static void map_needs_a_hook(struct kunit *test)
{
	struct fake *fake = fake_open(test, FAKE_OUTER, &fake_no_fops);

	KUNIT_EXPECT_FALSE(test, can_mmap_file(fake->file));
	KUNIT_EXPECT_EQ(test, fake_map(fake, 0, 1, PROT_READ, MAP_SHARED, 0),
			(unsigned long)-ENODEV);
	KUNIT_EXPECT_EQ(test, fake_map(fake, 0, 1, PROT_READ, MAP_PRIVATE, 0),
			(unsigned long)-ENODEV);
	fake = fake_open(test, FAKE_OUTER, &fake_mmap_fops);
	KUNIT_EXPECT_TRUE(test, can_mmap_file(fake->file));
	fake = fake_open(test, FAKE_OUTER, &fake_prepare_fops);
	KUNIT_EXPECT_TRUE(test, can_mmap_file(fake->file));
}

static int mmap_fails(struct fake *fake, struct vm_area_struct *vma)
{
	vma->vm_ops = &fake_vm_ops;
	return fake->arg ? -EIO : 0;
}

/* A file that still has f_op->mmap knows nothing of mapped(). */
static void map_old_hook(struct kunit *test)
{
	struct fake *fake = fake_open(test, FAKE_OUTER, &fake_mmap_fops);
	struct fake_mark mark = fake_mark();

	fake->mmap = mmap_fails;
	map(test, fake, 0, 2, FAKE_RW, MAP_PRIVATE, 0);
	fake_unmap(test, 0, 2);
	KUNIT_EXPECT_EQ(test, fake->nr_mmap, 1);
	KUNIT_EXPECT_EQ(test, fake_world.nr_mapped, 0);
	KUNIT_EXPECT_EQ(test, fake_world.nr_close, 1);

	fake->arg = true;
	KUNIT_EXPECT_EQ(test, fake_map(fake, 0, 2, FAKE_RW, MAP_PRIVATE, 0),
			(unsigned long)-EIO);
	KUNIT_EXPECT_EQ(test, fake_world.nr_close, 1);
	fake_expect_same(test, &mark);
}

/* The charge of what such a file was mapped over is returned as well. */
static void map_old_hook_fixed(struct kunit *test)
{
	struct fake *fake = fake_open(test, FAKE_OUTER, &fake_mmap_fops);
	struct fake_mark mark = fake_mark();
	unsigned long addr = fake_addr(0);

	KUNIT_ASSERT_EQ(test, addr,
			vm_mmap(NULL, addr, FAKE_PAGES * PAGE_SIZE, FAKE_RW,
				MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, 0));
	fake->mmap = mmap_fails;
	fake->arg = true;
	KUNIT_EXPECT_EQ(test, fake_map(fake, 0, FAKE_PAGES, FAKE_RW,
				       MAP_PRIVATE, 0),
			(unsigned long)-EIO);
	KUNIT_EXPECT_EQ(test, fake_peek(addr), FAKE_FAULT);
	fake_expect_same(test, &mark);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(map_hook_sees),
	KUNIT_CASE(map_vma_is_what_the_hook_said),
	KUNIT_CASE(map_mapped_sets_private_data),
	KUNIT_CASE(map_close_pairs),
	KUNIT_CASE(map_without_mapped),
	KUNIT_CASE(map_without_vm_ops),
	KUNIT_CASE(map_anonymous),
	KUNIT_CASE(map_pgoff),
	KUNIT_CASE_PARAM(map_action, fake_action_gen_params),
	KUNIT_CASE_PARAM(map_action_twice, fake_action_gen_params),
	KUNIT_CASE(map_page_prot),
	KUNIT_CASE(map_hides_from_rmap),
	KUNIT_CASE_PARAM(map_fails, fake_fail_gen_params),
	KUNIT_CASE_PARAM(map_fails_locked, fake_fail_gen_params),
	KUNIT_CASE_PARAM(map_fixed_over_memory, fake_fail_gen_params),
	KUNIT_CASE_PARAM(map_fixed_over_file, fake_fail_gen_params),
	KUNIT_CASE(map_fixed_over_part),
	KUNIT_CASE(map_fixed_replaces),
	KUNIT_CASE_PARAM(map_merges, merges_gen_params),
	KUNIT_CASE(map_gift_is_counted),
	KUNIT_CASE(map_gift_mapped_gets_the_hooks_file),
	KUNIT_CASE(map_gift_with_hooks),
	KUNIT_CASE(map_gift_sealed),
	KUNIT_CASE(map_gift_writable),
	KUNIT_CASE_PARAM(map_is_charged, charges_gen_params),
	KUNIT_CASE(map_for_ksm),
	KUNIT_CASE(map_for_ksm_merges),
	KUNIT_CASE(map_needs_a_hook),
	KUNIT_CASE(map_old_hook),
	KUNIT_CASE(map_old_hook_fixed),
	{}
};

static struct kunit_suite suite = {
	.name = "mmap_prepare_map",
	.init = fake_init,
	.test_cases = cases,
};

kunit_test_suites(&suite);
