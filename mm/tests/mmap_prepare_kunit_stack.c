// SPDX-License-Identifier: GPL-2.0-only
/*
 * Files that stand for others: what they map is described by the mmap_prepare
 * hook of another file, which vfs_mmap() or vfs_mmap_prepare() calls for them.
 */
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mman.h>
#include <linux/slab.h>
#include <linux/shmem_fs.h>

#include "mmap_prepare_kunit.h"

/* What the wrapper has in its VMA before the other hook runs. */
static char wrapper_data;
static char inner_data;
static const struct vm_operations_struct wrapper_vm_ops;

/* The VMA of the wrapper, before and after the other hook has run. */
static struct vma_look vma_before, vma_after;

/* The file in the descriptor once the other hook has run. */
static struct file *desc_file;

static struct fake *const outer = &fake_world.files[FAKE_OUTER];
static struct fake *const inner = &fake_world.files[FAKE_INNER];
static struct fake *const gift = &fake_world.files[FAKE_GIFT];

static void begin_wrapper(struct vm_area_struct *vma)
{
	vma->vm_private_data = &wrapper_data;
	vma->vm_ops = &wrapper_vm_ops;
	vma_before = fake_look_at(vma);
}

/* As ipc/shm.c: the file of the VMA is the wrapper. */
static int wrap_vfs_mmap(struct fake *fake, struct vm_area_struct *vma)
{
	int err;

	begin_wrapper(vma);
	err = vfs_mmap(inner->file, vma);
	vma_after = fake_look_at(vma);
	return err;
}

/* As fs/backing-file.c: the file of the VMA is the one below. */
static int wrap_vma_set_file(struct fake *fake, struct vm_area_struct *vma)
{
	int err;

	vma_set_file(vma, inner->file);
	begin_wrapper(vma);
	err = vfs_mmap(vma->vm_file, vma);
	vma_after = fake_look_at(vma);
	return err;
}

/* A wrapper that wants to see the descriptor. */
static int wrap_by_hand(struct fake *fake, struct vm_area_struct *vma)
{
	struct vm_area_desc desc;
	int err;

	memset(&desc, 0xff, sizeof(desc));
	begin_wrapper(vma);
	compat_set_desc_from_vma(&desc, inner->file, vma);
	err = vfs_mmap_prepare(inner->file, &desc);
	if (!err)
		err = __compat_vma_mmap(&desc, vma);
	vma_after = fake_look_at(vma);
	return err;
}

/* A wrapper that has mmap_prepare itself. */
static int wrap_hook(struct fake *fake, struct vm_area_desc *desc)
{
	int err;

	err = vfs_mmap_prepare(inner->file, desc);
	desc_file = desc->file;
	return err;
}

struct wrapper {
	const char *name;
	int (*mmap)(struct fake *fake, struct vm_area_struct *vma);
	int (*prepare)(struct fake *fake, struct vm_area_desc *desc);
};

static const struct wrapper wrappers[] = {
	{ "vfs_mmap", wrap_vfs_mmap },
	{ "vma_set_file", wrap_vma_set_file },
	{ "by hand", wrap_by_hand },
	{ "mmap_prepare", NULL, wrap_hook },
};

KUNIT_ARRAY_PARAM_DESC(wrappers, wrappers, name);

/* FAKE_OUTER stands for FAKE_INNER. */
static void wrap(struct kunit *test, const struct wrapper *wrapper)
{
	fake_open(test, FAKE_OUTER, wrapper->mmap ? &fake_mmap_fops :
						    &fake_prepare_fops);
	fake_open(test, FAKE_INNER, &fake_prepare_fops);
	fake_open(test, FAKE_GIFT, &fake_no_fops);
	outer->vm_ops = NULL;
	outer->mmap = wrapper->mmap;
	outer->prepare = wrapper->prepare;
}

static void map_outer(struct kunit *test, unsigned long map_flags,
		      unsigned long pgoff)
{
	KUNIT_ASSERT_EQ(test, fake_map(outer, 0, 2, PROT_READ, map_flags,
				       pgoff), fake_addr(0));
}

static void stack_hook_sees(struct kunit *test)
{
	const struct wrapper *wrapper = test->param_value;
	struct vm_area_desc *seen = &inner->seen;

	wrap(test, wrapper);
	map_outer(test, MAP_SHARED, 7);
	KUNIT_EXPECT_EQ(test, inner->nr_prepare, 1);
	KUNIT_EXPECT_PTR_EQ(test, seen->mm, current->mm);
	KUNIT_EXPECT_PTR_EQ(test, seen->file, inner->file);
	KUNIT_EXPECT_EQ(test, seen->start, fake_addr(0));
	KUNIT_EXPECT_EQ(test, seen->end, fake_addr(2));
	KUNIT_EXPECT_EQ(test, seen->pgoff, 7);
	KUNIT_EXPECT_PTR_EQ(test, seen->vm_ops, &vma_dummy_vm_ops);
	KUNIT_EXPECT_EQ(test, seen->action.type, MMAP_NOTHING);
	KUNIT_EXPECT_EQ(test, seen->action.error_filter, 0);
	KUNIT_EXPECT_FALSE(test, seen->action.hide_from_rmap_until_complete);
	KUNIT_EXPECT_PTR_EQ(test, seen->private_data,
			    wrapper->mmap ? (void *)&wrapper_data : NULL);
	KUNIT_EXPECT_PTR_EQ(test, seen->vm_file,
			    wrapper->mmap ? vma_before.file : outer->file);
	fake_unmap(test, 0, 2);
}

/* The wrapper is asked for its file again once the other hook has run. */
static void stack_file_is_put_back(struct kunit *test)
{
	wrap(test, &wrappers[3]);
	map_outer(test, MAP_SHARED, 0);
	KUNIT_EXPECT_PTR_EQ(test, desc_file, outer->file);
	inner->prepare_ret = -EIO;
	desc_file = NULL;
	fake_map(outer, 0, 2, PROT_READ, MAP_SHARED, 0);
	KUNIT_EXPECT_PTR_EQ(test, desc_file, outer->file);
	fake_unmap(test, 0, 2);
}

static int say_something(struct fake *fake, struct vm_area_desc *desc)
{
	desc->pgoff = 40;
	vma_desc_set_flags(desc, VMA_DONTCOPY_BIT);
	return 0;
}

static void stack_vma_is_what_the_hook_said(struct kunit *test)
{
	const struct wrapper *wrapper = test->param_value;
	struct mapped_call *call = &fake_world.mapped;
	struct fake_mark mark;
	struct vma_look vma;

	wrap(test, wrapper);
	mark = fake_mark();
	inner->prepare = say_something;
	inner->private_data = &inner_data;
	map_outer(test, MAP_SHARED, 0);

	vma = fake_look(fake_addr(0));
	KUNIT_EXPECT_EQ(test, vma.pgoff, 40);
	KUNIT_EXPECT_EQ(test, vma.flags & VM_DONTCOPY, VM_DONTCOPY);
	KUNIT_EXPECT_PTR_EQ(test, vma.ops, &fake_vm_ops);
	KUNIT_EXPECT_PTR_EQ(test, vma.private_data, (void *)&inner_data);
	KUNIT_EXPECT_PTR_EQ(test, vma.file,
			    wrapper->mmap ? vma_before.file : outer->file);

	KUNIT_EXPECT_EQ(test, fake_world.nr_mapped, 1);
	KUNIT_EXPECT_EQ(test, call->start, fake_addr(0));
	KUNIT_EXPECT_EQ(test, call->end, fake_addr(2));
	KUNIT_EXPECT_EQ(test, call->pgoff, 40);
	KUNIT_EXPECT_PTR_EQ(test, call->private_data, (void *)&inner_data);
	fake_unmap(test, 0, 2);
	KUNIT_EXPECT_EQ(test, fake_world.nr_close, 1);
	fake_expect_same(test, &mark);
}

/* mapped() belongs to the hook that set it, whatever file is mapped. */
static void stack_mapped_gets_inner_file(struct kunit *test)
{
	wrap(test, test->param_value);
	map_outer(test, MAP_SHARED, 0);
	KUNIT_EXPECT_PTR_EQ(test, fake_world.mapped.file,
			    (const struct file *)inner->file);
	fake_unmap(test, 0, 2);

	inner->donate = gift->file;
	map_outer(test, MAP_SHARED, 0);
	KUNIT_EXPECT_PTR_EQ(test, fake_world.mapped.file,
			    (const struct file *)inner->file);
	fake_unmap(test, 0, 2);
}

static void stack_mapped_sets_private_data(struct kunit *test)
{
	wrap(test, test->param_value);
	fake_world.mapped_data = &inner_data;
	map_outer(test, MAP_SHARED, 0);
	KUNIT_EXPECT_PTR_EQ(test, fake_look(fake_addr(0)).private_data,
			    (void *)&inner_data);
	fake_unmap(test, 0, 2);
}

/* What the other hook does not set is the wrapper's. */
static void stack_hook_says_nothing(struct kunit *test)
{
	const struct wrapper *wrapper = test->param_value;
	struct vma_look vma;

	wrap(test, wrapper);
	inner->vm_ops = NULL;
	map_outer(test, MAP_SHARED, 0);
	vma = fake_look(fake_addr(0));
	KUNIT_EXPECT_EQ(test, fake_world.nr_mapped, 0);
	KUNIT_EXPECT_PTR_EQ(test, vma.private_data,
			    wrapper->mmap ? (void *)&wrapper_data : NULL);
	KUNIT_EXPECT_PTR_EQ(test, vma.ops, wrapper->mmap ? &wrapper_vm_ops :
							   &vma_dummy_vm_ops);
	fake_unmap(test, 0, 2);
}

static void stack_action(struct kunit *test)
{
	const struct fake_action *action = test->param_value;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(wrappers); i++) {
		kunit_info(test, "through %s", wrappers[i].name);
		wrap(test, &wrappers[i]);
		inner->prepare = action->prepare;
		fake_expect_action(test, outer, action);
	}
}

static void expect_vma_untouched(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, vma_after.start, vma_before.start);
	KUNIT_EXPECT_EQ(test, vma_after.end, vma_before.end);
	KUNIT_EXPECT_EQ(test, vma_after.flags, vma_before.flags);
	KUNIT_EXPECT_EQ(test, vma_after.pgoff, vma_before.pgoff);
	KUNIT_EXPECT_PTR_EQ(test, vma_after.file, vma_before.file);
	KUNIT_EXPECT_PTR_EQ(test, vma_after.ops, vma_before.ops);
	KUNIT_EXPECT_PTR_EQ(test, vma_after.private_data,
			    (void *)&wrapper_data);
}

/* The errno is that of the other hook; nothing is half written, or leaked. */
static void stack_fails(struct kunit *test)
{
	const struct fake_fail *fail = test->param_value;
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(wrappers); i++) {
		kunit_info(test, "through %s", wrappers[i].name);
		wrap(test, &wrappers[i]);
		inner->private_data = &inner_data;
		for (j = 0; j < 8; j++) {
			inner->hide = j & 1;
			inner->donate = j & 2 ? gift->file : NULL;
			fake_expect_fail(test, outer, inner, fail,
					 j & 4 ? MAP_SHARED : MAP_PRIVATE);
			if (wrappers[i].mmap)
				expect_vma_untouched(test);
		}
		KUNIT_EXPECT_EQ(test, inner->nr_prepare, 8);
	}
}

/* The VMA holds the one reference to a donated file, and none to others. */
static void stack_gift_is_counted(struct kunit *test)
{
	struct fake_mark mark;

	wrap(test, test->param_value);
	inner->donate = gift->file;
	mark = fake_mark();
	map_outer(test, MAP_SHARED, 0);
	KUNIT_EXPECT_PTR_EQ(test, fake_look(fake_addr(0)).file, gift->file);
	KUNIT_EXPECT_EQ(test, file_count(gift->file),
			mark.files[FAKE_GIFT] + 1);
	KUNIT_EXPECT_EQ(test, file_count(outer->file), mark.files[FAKE_OUTER]);
	KUNIT_EXPECT_EQ(test, file_count(inner->file), mark.files[FAKE_INNER]);
	fake_unmap(test, 0, 2);
	fake_expect_same(test, &mark);
}

/* The seal of a donated file holds on every way. */
static void stack_gift_sealed(struct kunit *test)
{
	struct address_space *mapping;
	struct fake_mark mark;
	struct file *file;

	wrap(test, test->param_value);
	file = shmem_file_setup("mmap_prepare", PAGE_SIZE, VM_NORESERVE);
	fake_put_later(test, file);
	mapping = file->f_mapping;
	mark = fake_mark();
	inner->donate = file;
	KUNIT_ASSERT_EQ(test, 0, mapping_deny_writable(mapping));
	KUNIT_EXPECT_EQ(test, fake_map(outer, 0, 1, FAKE_RW, MAP_SHARED, 0),
			(unsigned long)-EPERM);
	KUNIT_EXPECT_EQ(test, atomic_read(&mapping->i_mmap_writable), -1);
	mapping_allow_writable(mapping);
	KUNIT_EXPECT_EQ(test, file_count(file), 1);
	KUNIT_EXPECT_EQ(test, fake_world.nr_mapped, 0);
	fake_expect_same(test, &mark);
}

/* A wrapper's hook may replace what the other hook said. */
static int wrap_and_replace(struct fake *fake, struct vm_area_desc *desc)
{
	int err = wrap_hook(fake, desc);

	desc->vm_ops = &fake_other_vm_ops;
	return err;
}

static void nested_outer_replaces_vm_ops(struct kunit *test)
{
	wrap(test, &wrappers[3]);
	outer->prepare = wrap_and_replace;
	map_outer(test, MAP_SHARED, 0);
	KUNIT_EXPECT_PTR_EQ(test, fake_look(fake_addr(0)).ops,
			    &fake_other_vm_ops);
	KUNIT_EXPECT_EQ(test, fake_world.nr_mapped, 1);
	KUNIT_EXPECT_PTR_EQ(test, fake_world.mapped.file,
			    (const struct file *)outer->file);
	fake_unmap(test, 0, 2);
}

/* The other way round: the other hook sets none, the wrapper's stay. */
static void nested_inner_sets_no_vm_ops(struct kunit *test)
{
	wrap(test, &wrappers[3]);
	outer->vm_ops = &fake_other_vm_ops;
	inner->vm_ops = NULL;
	map_outer(test, MAP_SHARED, 0);
	KUNIT_EXPECT_PTR_EQ(test, fake_look(fake_addr(0)).ops,
			    &fake_other_vm_ops);
	KUNIT_EXPECT_PTR_EQ(test, fake_world.mapped.file,
			    (const struct file *)outer->file);
	fake_unmap(test, 0, 2);
}

static int wrap_gift(struct fake *fake, struct vm_area_desc *desc)
{
	return vfs_mmap_prepare(gift->file, desc);
}

/* A stack of three. */
static void nested_twice(struct kunit *test)
{
	wrap(test, &wrappers[3]);
	fake_open(test, FAKE_GIFT, &fake_prepare_fops);
	inner->vm_ops = NULL;
	inner->prepare = wrap_gift;
	map_outer(test, MAP_SHARED, 0);
	KUNIT_EXPECT_PTR_EQ(test, outer->seen.file, outer->file);
	KUNIT_EXPECT_PTR_EQ(test, inner->seen.file, inner->file);
	KUNIT_EXPECT_PTR_EQ(test, gift->seen.file, gift->file);
	KUNIT_EXPECT_PTR_EQ(test, fake_world.mapped.file,
			    (const struct file *)gift->file);
	KUNIT_EXPECT_PTR_EQ(test, fake_look(fake_addr(0)).file, outer->file);
	fake_unmap(test, 0, 2);
}

/* A hook of a stack below a wrapper that has f_op->mmap. */
static void nested_below_mmap(struct kunit *test)
{
	wrap(test, &wrappers[0]);
	fake_open(test, FAKE_GIFT, &fake_prepare_fops);
	inner->vm_ops = NULL;
	inner->prepare = wrap_gift;
	map_outer(test, MAP_SHARED, 0);
	KUNIT_EXPECT_PTR_EQ(test, fake_world.mapped.file,
			    (const struct file *)gift->file);
	KUNIT_EXPECT_EQ(test, fake_world.nr_mapped, 1);
	fake_unmap(test, 0, 2);
	KUNIT_EXPECT_EQ(test, fake_world.nr_close, 1);
}

/* A driver that wants an action, but not yet a hook. */
static int act_by_hand(struct fake *fake, struct vm_area_struct *vma)
{
	struct vm_area_desc desc;
	int err;

	compat_set_desc_from_vma(&desc, fake->file, vma);
	fake->prepare(fake, &desc);
	err = mmap_action_prepare(&desc);
	if (err)
		return err;
	vm_flags_set(vma, vma_flags_to_legacy(desc.vma_flags));
	err = mmap_action_complete(vma, &desc.action);
	/* What has failed half way has left nothing in the VMA. */
	fake->arg = page_count(fake_world.page[0]);
	return err;
}

static void action_by_hand(struct kunit *test)
{
	struct fake_mark mark;

	fake_open(test, FAKE_OUTER, &fake_mmap_fops);
	mark = fake_mark();
	outer->mmap = act_by_hand;
	outer->prepare = fake_action_fails;
	KUNIT_EXPECT_EQ(test, fake_map(outer, 0, FAKE_PAGES, PROT_READ,
				       MAP_SHARED, 0), (unsigned long)-EINVAL);
	KUNIT_EXPECT_EQ(test, outer->arg, 1);
	fake_expect_same(test, &mark);

	outer->prepare = fake_prepare_fails;
	KUNIT_EXPECT_EQ(test, fake_map(outer, 0, FAKE_PAGES, PROT_READ,
				       MAP_SHARED, 0), (unsigned long)-EFAULT);
	fake_expect_same(test, &mark);
}

static void vfs_mmap_needs_a_hook(struct kunit *test)
{
	struct vm_area_struct *vma = kunit_kzalloc(test, sizeof(*vma),
						   GFP_KERNEL);
	struct vm_area_desc desc = { };

	KUNIT_ASSERT_NOT_NULL(test, vma);
	fake_open(test, FAKE_OUTER, &fake_no_fops);
	KUNIT_EXPECT_EQ(test, vfs_mmap(outer->file, vma), -ENODEV);
	KUNIT_EXPECT_EQ(test, vfs_mmap_prepare(outer->file, &desc), -ENODEV);

	fake_open(test, FAKE_OUTER, &fake_mmap_fops);
	KUNIT_EXPECT_EQ(test, vfs_mmap(outer->file, vma), 0);
	KUNIT_EXPECT_EQ(test, outer->nr_mmap, 1);
	KUNIT_EXPECT_EQ(test, vfs_mmap_prepare(outer->file, &desc), -ENODEV);
	KUNIT_EXPECT_EQ(test, outer->nr_mmap, 1);
}

static struct kunit_case cases[] = {
	KUNIT_CASE_PARAM(stack_hook_sees, wrappers_gen_params),
	KUNIT_CASE(stack_file_is_put_back),
	KUNIT_CASE_PARAM(stack_vma_is_what_the_hook_said, wrappers_gen_params),
	KUNIT_CASE_PARAM(stack_mapped_gets_inner_file, wrappers_gen_params),
	KUNIT_CASE_PARAM(stack_mapped_sets_private_data, wrappers_gen_params),
	KUNIT_CASE_PARAM(stack_hook_says_nothing, wrappers_gen_params),
	KUNIT_CASE_PARAM(stack_action, fake_action_gen_params),
	KUNIT_CASE_PARAM(stack_fails, fake_fail_gen_params),
	KUNIT_CASE_PARAM(stack_gift_is_counted, wrappers_gen_params),
	KUNIT_CASE_PARAM(stack_gift_sealed, wrappers_gen_params),
	KUNIT_CASE(nested_outer_replaces_vm_ops),
	KUNIT_CASE(nested_inner_sets_no_vm_ops),
	KUNIT_CASE(nested_twice),
	KUNIT_CASE(nested_below_mmap),
	KUNIT_CASE(action_by_hand),
	KUNIT_CASE(vfs_mmap_needs_a_hook),
	{}
};

static struct kunit_suite suite = {
	.name = "mmap_prepare_stack",
	.init = fake_init,
	.test_cases = cases,
};

kunit_test_suites(&suite);
