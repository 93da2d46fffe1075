// SPDX-License-Identifier: GPL-2.0-only
/*
 * What mm lets a hook say. These tests call the hook as mm does, and look at
 * the descriptor; that a refused mmap() leaves the address space as it was is
 * for mmap_prepare_kunit_map.c.
 */
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mman.h>
#include <linux/panic.h>

#include "../vma_internal.h"
#include "../vma.h"
#include "mmap_prepare_kunit.h"

#define SHARED_RW	(VM_READ | VM_WRITE | VM_SHARED | VM_MAYREAD |	\
			 VM_MAYWRITE | VM_MAYSHARE)

static struct vm_area_desc make_desc(struct fake *fake, vm_flags_t vm_flags)
{
	return (struct vm_area_desc) {
		.mm = current->mm,
		.file = fake->file,
		.start = fake_addr(0),
		.end = fake_addr(FAKE_PAGES),
		.vm_file = fake->file,
		.vma_flags = legacy_to_vma_flags(vm_flags),
		.page_prot = vm_get_page_prot(vm_flags),
		.vm_ops = &vma_dummy_vm_ops,
	};
}

static int call_hook(struct vm_area_desc *desc)
{
	int err;

	mmap_write_lock(current->mm);
	err = call_mmap_prepare(desc->file->f_op->mmap_prepare, desc->file,
				desc);
	mmap_write_unlock(current->mm);
	return err;
}

/*
 * A hook that is not content donates a file as well: it must be dropped again
 * with every refusal.
 */
static void expect_hook(struct kunit *test, vm_flags_t vm_flags,
			struct fake *fake, int want)
{
	struct fake *gift = fake_open(test, FAKE_GIFT, &fake_no_fops);
	struct vm_area_desc desc = make_desc(fake, vm_flags);
	struct fake_mark mark = fake_mark();

	fake->donate = gift->file;
	KUNIT_EXPECT_EQ(test, call_hook(&desc), want);
	KUNIT_EXPECT_EQ(test, fake->nr_prepare, 1);
	if (!want) {
		KUNIT_EXPECT_PTR_EQ(test, desc.vm_file, gift->file);
		if (desc.vm_file == gift->file)
			fput(desc.vm_file);
	} else {
		KUNIT_EXPECT_PTR_EQ(test, desc.vm_file, fake->file);
	}
	fake_expect_same(test, &mark);
}

/* Flags that may be added and taken away. */
struct flag_case {
	const char *name;
	vm_flags_t before;
	vm_flags_t add;
	vm_flags_t drop;
};

static int change_flags(struct fake *fake, struct vm_area_desc *desc)
{
	const struct flag_case *flags = (const struct flag_case *)fake->arg;

	vma_desc_set_flags_mask(desc, legacy_to_vma_flags(flags->add));
	vma_desc_clear_flags_mask(desc, legacy_to_vma_flags(flags->drop));
	return 0;
}

static const struct flag_case flags_allowed[] = {
	{ "nothing", SHARED_RW, 0, 0 },
	{ "add DONTCOPY", SHARED_RW, VM_DONTCOPY, 0 },
	{ "add DONTEXPAND DONTDUMP", SHARED_RW, VM_DONTEXPAND | VM_DONTDUMP, 0 },
	{ "add IO PFNMAP", SHARED_RW, VM_IO | VM_PFNMAP, 0 },
	{ "add MIXEDMAP", SHARED_RW, VM_MIXEDMAP, 0 },
	{ "add HUGEPAGE", SHARED_RW, VM_HUGEPAGE, 0 },
	{ "add NORESERVE", SHARED_RW, VM_NORESERVE, 0 },
	{ "drop MAYWRITE", SHARED_RW & ~VM_WRITE, 0, VM_MAYWRITE },
	{ "drop MAYEXEC", SHARED_RW | VM_MAYEXEC, 0, VM_MAYEXEC },
	{ "drop WRITE", SHARED_RW, 0, VM_WRITE | VM_MAYWRITE },
	{ "drop LOCKED", SHARED_RW | VM_LOCKED, 0, VM_LOCKED },
	{ "drop NORESERVE", SHARED_RW | VM_NORESERVE, 0, VM_NORESERVE },
	{ "set again WRITE", SHARED_RW, VM_WRITE | VM_MAYWRITE, 0 },
	{ "add READ", VM_MAYREAD | VM_MAYWRITE, VM_READ, 0 },
	{ "set again ACCOUNT", SHARED_RW | VM_ACCOUNT, VM_ACCOUNT, 0 },
};

KUNIT_ARRAY_PARAM_DESC(flags_allowed, flags_allowed, name);

static void check_flags_allowed(struct kunit *test)
{
	const struct flag_case *flags = test->param_value;
	struct fake *fake = fake_open(test, FAKE_OUTER, &fake_prepare_fops);
	struct vm_area_desc desc = make_desc(fake, flags->before);

	fake->prepare = change_flags;
	fake->arg = (unsigned long)flags;
	KUNIT_EXPECT_EQ(test, call_hook(&desc), 0);
	KUNIT_EXPECT_EQ(test, vma_flags_to_legacy(desc.vma_flags),
			(flags->before | flags->add) & ~flags->drop);
}

static const struct flag_case flags_forbidden[] = {
	{ "add WRITE", SHARED_RW & ~VM_WRITE, VM_WRITE, 0 },
	{ "add EXEC", SHARED_RW, VM_EXEC, 0 },
	{ "add SHARED", VM_READ | VM_MAYREAD | VM_MAYWRITE, VM_SHARED, 0 },
	{ "add MAYREAD", VM_SHARED | VM_MAYSHARE, VM_MAYREAD, 0 },
	{ "add MAYWRITE", VM_READ | VM_MAYREAD | VM_MAYSHARE, VM_MAYWRITE, 0 },
	{ "add MAYEXEC", SHARED_RW, VM_MAYEXEC, 0 },
	{ "add MAYSHARE", VM_READ | VM_MAYREAD, VM_MAYSHARE, 0 },
	{ "add ACCOUNT", SHARED_RW, VM_ACCOUNT, 0 },
	{ "drop ACCOUNT", SHARED_RW | VM_ACCOUNT, 0, VM_ACCOUNT },
	{ "trade DONTCOPY for EXEC", SHARED_RW | VM_DONTCOPY, VM_EXEC,
	  VM_DONTCOPY },
};

KUNIT_ARRAY_PARAM_DESC(flags_forbidden, flags_forbidden, name);

static void warn_flags_forbidden(struct kunit *test)
{
	const struct flag_case *flags = test->param_value;
	struct fake *fake = fake_open(test, FAKE_OUTER, &fake_prepare_fops);

	fake->prepare = change_flags;
	fake->arg = (unsigned long)flags;
	expect_hook(test, flags->before, fake, -EINVAL);
	KUNIT_EXPECT_TRUE(test, test_taint(TAINT_WARN));
}

struct return_case {
	const char *name;
	int ret;
	int want;
};

static const struct return_case returns[] = {
	{ "0", 0, 0 },
	{ "-1", -1, -1 },
	{ "-EIO", -EIO, -EIO },
	{ "-ENODEV", -ENODEV, -ENODEV },
	{ "-MAX_ERRNO", -MAX_ERRNO, -MAX_ERRNO },
};

KUNIT_ARRAY_PARAM_DESC(returns, returns, name);

static void check_return(struct kunit *test)
{
	const struct return_case *param = test->param_value;
	struct fake *fake = fake_open(test, FAKE_OUTER, &fake_prepare_fops);

	fake->prepare_ret = param->ret;
	expect_hook(test, SHARED_RW, fake, param->want);
}

static const struct return_case bad_returns[] = {
	{ "1", 1, -EINVAL },
	{ "4096", 4096, -EINVAL },
	{ "INT_MAX", INT_MAX, -EINVAL },
	{ "-4096", -4096, -EINVAL },
	{ "-5000", -5000, -EINVAL },
	{ "INT_MIN", INT_MIN, -EINVAL },
};

KUNIT_ARRAY_PARAM_DESC(bad_returns, bad_returns, name);

static void warn_return(struct kunit *test)
{
	check_return(test);
	KUNIT_EXPECT_TRUE(test, test_taint(TAINT_WARN));
}

static const struct return_case filters[] = {
	{ "0", 0, 0 },
	{ "-1", -1, 0 },
	{ "-EAGAIN", -EAGAIN, 0 },
	{ "-4095", -4095, 0 },
};

KUNIT_ARRAY_PARAM_DESC(filters, filters, name);

static void check_filter(struct kunit *test)
{
	const struct return_case *param = test->param_value;
	struct fake *fake = fake_open(test, FAKE_OUTER, &fake_prepare_fops);

	fake->error_filter = param->ret;
	expect_hook(test, SHARED_RW, fake, param->want);
}

static const struct return_case bad_filters[] = {
	{ "1", 1, -EINVAL },
	{ "+EAGAIN", 11, -EINVAL },
	{ "-4096", -4096, -EINVAL },
	{ "INT_MAX", INT_MAX, -EINVAL },
	{ "INT_MIN", INT_MIN, -EINVAL },
};

KUNIT_ARRAY_PARAM_DESC(bad_filters, bad_filters, name);

static void warn_filter(struct kunit *test)
{
	check_filter(test);
	KUNIT_EXPECT_TRUE(test, test_taint(TAINT_WARN));
}

/* The errno of the hook itself is told as it is, and so is a refusal of mm. */
static void check_filter_spares_the_hook(struct kunit *test)
{
	struct fake *fake = fake_open(test, FAKE_OUTER, &fake_prepare_fops);

	fake->error_filter = -EAGAIN;
	fake->prepare_ret = -EIO;
	expect_hook(test, SHARED_RW, fake, -EIO);
}

static void check_filter_spares_prepare(struct kunit *test)
{
	struct fake *fake = fake_open(test, FAKE_OUTER, &fake_prepare_fops);

	fake->error_filter = -EAGAIN;
	fake->prepare = fake_prepare_fails;
	expect_hook(test, SHARED_RW, fake, -EFAULT);
}

/* Fields that a hook may not write. */
static int write_mm(struct fake *fake, struct vm_area_desc *desc)
{
	desc->mm = &init_mm;
	return 0;
}

static int write_file(struct fake *fake, struct vm_area_desc *desc)
{
	desc->file = fake->donate;
	return 0;
}

static int write_start(struct fake *fake, struct vm_area_desc *desc)
{
	desc->start += PAGE_SIZE;
	return 0;
}

static int write_start_byte(struct fake *fake, struct vm_area_desc *desc)
{
	desc->start += 1;
	return 0;
}

static int write_end(struct fake *fake, struct vm_area_desc *desc)
{
	desc->end -= PAGE_SIZE;
	return 0;
}

static int write_range(struct fake *fake, struct vm_area_desc *desc)
{
	desc->start += PAGE_SIZE;
	desc->end += PAGE_SIZE;
	return 0;
}

static int write_vm_file_null(struct fake *fake, struct vm_area_desc *desc)
{
	/* What fake_mmap_prepare() donated would be lost. */
	fput(desc->vm_file);
	desc->vm_file = NULL;
	return 0;
}

struct field_case {
	const char *name;
	int (*prepare)(struct fake *fake, struct vm_area_desc *desc);
};

static const struct field_case fields[] = {
	{ "mm", write_mm },
	{ "file", write_file },
	{ "start", write_start },
	{ "start, a byte", write_start_byte },
	{ "end", write_end },
	{ "start and end", write_range },
	{ "vm_file NULL", write_vm_file_null },
};

KUNIT_ARRAY_PARAM_DESC(fields, fields, name);

static void warn_field(struct kunit *test)
{
	const struct field_case *field = test->param_value;
	struct fake *fake = fake_open(test, FAKE_OUTER, &fake_prepare_fops);

	fake->prepare = field->prepare;
	expect_hook(test, SHARED_RW, fake, -EINVAL);
	KUNIT_EXPECT_TRUE(test, test_taint(TAINT_WARN));
}

/* The same without a file to put. */
static void warn_field_alone(struct kunit *test)
{
	struct fake *fake = fake_open(test, FAKE_OUTER, &fake_prepare_fops);
	struct vm_area_desc desc = make_desc(fake, SHARED_RW);

	fake->prepare = write_range;
	KUNIT_EXPECT_EQ(test, call_hook(&desc), -EINVAL);
}

/* Fields that it may. */
static int write_others(struct fake *fake, struct vm_area_desc *desc)
{
	desc->pgoff = 77;
	desc->page_prot = PAGE_NONE;
	desc->private_data = fake;
	desc->vm_ops = &fake_other_vm_ops;
	return 0;
}

static void check_other_fields(struct kunit *test)
{
	struct fake *fake = fake_open(test, FAKE_OUTER, &fake_prepare_fops);
	struct vm_area_desc desc = make_desc(fake, SHARED_RW);

	fake->prepare = write_others;
	KUNIT_EXPECT_EQ(test, call_hook(&desc), 0);
	KUNIT_EXPECT_EQ(test, desc.pgoff, 77);
	KUNIT_EXPECT_EQ(test, pgprot_val(desc.page_prot),
			pgprot_val(PAGE_NONE));
	KUNIT_EXPECT_PTR_EQ(test, desc.private_data, (void *)fake);
	KUNIT_EXPECT_PTR_EQ(test, desc.vm_ops, &fake_other_vm_ops);
	KUNIT_EXPECT_PTR_EQ(test, desc.vm_file, fake->file);
	KUNIT_EXPECT_EQ(test, desc.action.type, MMAP_NOTHING);
}

static int make_anonymous(struct fake *fake, struct vm_area_desc *desc)
{
	vma_desc_set_anonymous(desc);
	return 0;
}

static void check_anonymous(struct kunit *test)
{
	struct fake *fake = fake_open(test, FAKE_OUTER, &fake_prepare_fops);
	struct vm_area_desc desc = make_desc(fake, VM_READ | VM_MAYREAD |
					     VM_MAYWRITE);

	fake->prepare = make_anonymous;
	KUNIT_EXPECT_EQ(test, call_hook(&desc), 0);
	KUNIT_EXPECT_NULL(test, desc.vm_ops);
	KUNIT_EXPECT_PTR_EQ(test, desc.vm_file, fake->file);
}

static int set_pgoff(struct fake *fake, struct vm_area_desc *desc)
{
	desc->pgoff = fake->arg;
	return 0;
}

struct pgoff_case {
	const char *name;
	pgoff_t pgoff;
	int want;
};

static const struct pgoff_case pgoffs[] = {
	{ "last that fits", ULONG_MAX - FAKE_PAGES, 0 },
	{ "ends at 0", ULONG_MAX - FAKE_PAGES + 1, -EOVERFLOW },
	{ "wraps", ULONG_MAX - 1, -EOVERFLOW },
	{ "largest", ULONG_MAX, -EOVERFLOW },
};

KUNIT_ARRAY_PARAM_DESC(pgoffs, pgoffs, name);

static void check_pgoff(struct kunit *test)
{
	const struct pgoff_case *param = test->param_value;
	struct fake *fake = fake_open(test, FAKE_OUTER, &fake_prepare_fops);

	fake->prepare = set_pgoff;
	fake->arg = param->pgoff;
	expect_hook(test, SHARED_RW, fake, param->want);
}

/* The action's flags are in the descriptor when mm goes on. */
static void check_action_is_prepared(struct kunit *test)
{
	const struct fake_action *action = test->param_value;
	struct fake *fake = fake_open(test, FAKE_OUTER, &fake_prepare_fops);
	vm_flags_t vm_flags = SHARED_RW;
	struct vm_area_desc desc;

	if (action->map_flags == MAP_PRIVATE)
		vm_flags &= ~(VM_SHARED | VM_MAYSHARE);
	desc = make_desc(fake, vm_flags);
	desc.pgoff = action->pgoff;
	fake->prepare = action->prepare;
	KUNIT_EXPECT_EQ(test, call_hook(&desc), 0);
	KUNIT_EXPECT_EQ(test, vma_flags_to_legacy(desc.vma_flags),
			vm_flags | action->vm_flags);
	KUNIT_EXPECT_NE(test, desc.action.type, MMAP_NOTHING);
	KUNIT_EXPECT_NE(test, desc.action.type, MMAP_SIMPLE_IO_REMAP);
}

/* A hook cannot hide from mm what its action needs. */
static int remap_and_clear(struct fake *fake, struct vm_area_desc *desc)
{
	mmap_action_remap_full(desc, page_to_pfn(fake_world.page[0]));
	vma_desc_set_flags_mask(desc, legacy_to_vma_flags(FAKE_PFN_FLAGS));
	vma_desc_clear_flags_mask(desc, legacy_to_vma_flags(FAKE_PFN_FLAGS));
	return 0;
}

static void check_action_flags_stay(struct kunit *test)
{
	struct fake *fake = fake_open(test, FAKE_OUTER, &fake_prepare_fops);
	struct vm_area_desc desc = make_desc(fake, SHARED_RW);

	fake->prepare = remap_and_clear;
	KUNIT_EXPECT_EQ(test, call_hook(&desc), 0);
	KUNIT_EXPECT_EQ(test, vma_flags_to_legacy(desc.vma_flags),
			SHARED_RW | FAKE_PFN_FLAGS);
}

/* PR_MDWE_REFUSE_EXEC_GAIN looks at the flags that the hook leaves, too. */
static void check_write_exec_denied(struct kunit *test)
{
	static const struct flag_case dontcopy = {
		"DONTCOPY", 0, VM_DONTCOPY, 0
	};
	struct fake *fake = fake_open(test, FAKE_OUTER, &fake_prepare_fops);

	fake->prepare = change_flags;
	fake->arg = (unsigned long)&dontcopy;
	expect_hook(test, SHARED_RW | VM_EXEC, fake, 0);
	set_bit(MMF_HAS_MDWE, &current->mm->flags);
	fake->nr_prepare = 0;
	expect_hook(test, SHARED_RW | VM_EXEC, fake, -EACCES);
	clear_bit(MMF_HAS_MDWE, &current->mm->flags);
}

/* Both hooks: nobody knows which is meant. */
static void warn_both_hooks(struct kunit *test)
{
	struct fake *fake = fake_open(test, FAKE_OUTER, &fake_both_fops);
	struct fake_mark mark = fake_mark();

	KUNIT_EXPECT_FALSE(test, can_mmap_file(fake->file));
	KUNIT_EXPECT_TRUE(test, test_taint(TAINT_WARN));
	KUNIT_EXPECT_EQ(test, fake_map(fake, 0, 1, PROT_READ, MAP_SHARED, 0),
			(unsigned long)-ENODEV);
	KUNIT_EXPECT_EQ(test, fake->nr_prepare + fake->nr_mmap, 0);
	fake_expect_same(test, &mark);
}

/* What a real mmap() makes of what it warns of. */
static void warn_mmap_refused(struct kunit *test)
{
	const struct field_case *field = test->param_value;
	struct fake *gift = fake_open(test, FAKE_GIFT, &fake_no_fops);
	struct fake *fake = fake_open(test, FAKE_OUTER, &fake_prepare_fops);
	struct fake_mark before = fake_mark(), mark;

	fake->vm_ops = &fake_fault_vm_ops;
	fake_map(fake, 0, FAKE_PAGES, FAKE_RW, MAP_PRIVATE, 0);
	KUNIT_EXPECT_EQ(test, fake_peek(fake_addr(3)), fake_word(3));
	mark = fake_mark();
	fake->prepare = field->prepare;
	fake->donate = gift->file;
	KUNIT_EXPECT_EQ(test, fake_map(fake, 0, FAKE_PAGES, FAKE_RW,
				       MAP_PRIVATE, 0),
			(unsigned long)-EINVAL);
	fake_expect_same(test, &mark);
	KUNIT_EXPECT_EQ(test, fake_world.nr_mapped, 1);
	KUNIT_EXPECT_EQ(test, fake_world.nr_close, 0);
	KUNIT_EXPECT_EQ(test, fake_peek(fake_addr(3)), fake_word(3));
	fake_unmap(test, 0, FAKE_PAGES);
	fake_expect_same(test, &before);
}

static void warn_mapped_positive(struct kunit *test)
{
	struct fake *fake = fake_open(test, FAKE_OUTER, &fake_prepare_fops);
	struct fake_mark mark = fake_mark();

	fake_world.mapped_ret = 1;
	KUNIT_EXPECT_EQ(test, fake_map(fake, 0, 1, PROT_READ, MAP_SHARED, 0),
			(unsigned long)-EINVAL);
	KUNIT_EXPECT_TRUE(test, test_taint(TAINT_WARN));
	KUNIT_EXPECT_EQ(test, fake_world.nr_mapped, 1);
	KUNIT_EXPECT_EQ(test, fake_world.nr_close, 0);
	fake_expect_same(test, &mark);
}

static int wrap_inner(struct fake *fake, struct vm_area_struct *vma)
{
	return vfs_mmap(fake_world.files[FAKE_INNER].file, vma);
}

/* And of what a hook does that is called for a VMA. */
static void warn_compat_refused(struct kunit *test)
{
	const struct field_case *field = test->param_value;
	struct fake *gift = fake_open(test, FAKE_GIFT, &fake_no_fops);
	struct fake *outer = fake_open(test, FAKE_OUTER, &fake_mmap_fops);
	struct fake *inner = fake_open(test, FAKE_INNER, &fake_prepare_fops);
	struct fake_mark mark = fake_mark();

	outer->mmap = wrap_inner;
	inner->prepare = field->prepare;
	inner->donate = gift->file;
	KUNIT_EXPECT_EQ(test, fake_map(outer, 0, 1, FAKE_RW, MAP_PRIVATE, 0),
			(unsigned long)-EINVAL);
	KUNIT_EXPECT_EQ(test, fake_world.nr_mapped, 0);

	inner->prepare = NULL;
	fake_world.mapped_ret = 1;
	KUNIT_EXPECT_EQ(test, fake_map(outer, 0, 1, FAKE_RW, MAP_PRIVATE, 0),
			(unsigned long)-EINVAL);
	KUNIT_EXPECT_EQ(test, fake_world.nr_mapped, 1);
	KUNIT_EXPECT_EQ(test, fake_world.nr_close, 0);
	fake_expect_same(test, &mark);
}

static struct kunit_case check_cases[] = {
	KUNIT_CASE_PARAM(check_flags_allowed, flags_allowed_gen_params),
	KUNIT_CASE_PARAM(check_return, returns_gen_params),
	KUNIT_CASE_PARAM(check_filter, filters_gen_params),
	KUNIT_CASE(check_filter_spares_the_hook),
	KUNIT_CASE(check_filter_spares_prepare),
	KUNIT_CASE(check_other_fields),
	KUNIT_CASE(check_anonymous),
	KUNIT_CASE_PARAM(check_pgoff, pgoffs_gen_params),
	KUNIT_CASE_PARAM(check_action_is_prepared, fake_action_gen_params),
	KUNIT_CASE(check_action_flags_stay),
	KUNIT_CASE(check_write_exec_denied),
	{}
};

static struct kunit_suite check_suite = {
	.name = "mmap_prepare_check",
	.init = fake_init,
	.test_cases = check_cases,
};

/* These make the kernel warn, once for each reason, and nothing mutes it. */
static int warn_init(struct kunit *test)
{
	if (panic_on_warn)
		kunit_skip(test, "makes the kernel warn, and panic_on_warn is set");
	return fake_init(test);
}

static struct kunit_case warn_cases[] = {
	KUNIT_CASE_PARAM(warn_return, bad_returns_gen_params),
	KUNIT_CASE_PARAM(warn_filter, bad_filters_gen_params),
	KUNIT_CASE_PARAM(warn_flags_forbidden, flags_forbidden_gen_params),
	KUNIT_CASE_PARAM(warn_field, fields_gen_params),
	KUNIT_CASE(warn_field_alone),
	KUNIT_CASE_PARAM(warn_mmap_refused, fields_gen_params),
	KUNIT_CASE_PARAM(warn_compat_refused, fields_gen_params),
	KUNIT_CASE(warn_both_hooks),
	KUNIT_CASE(warn_mapped_positive),
	{}
};

static struct kunit_suite warn_suite = {
	.name = "mmap_prepare_warn",
	.init = warn_init,
	.test_cases = warn_cases,
};

kunit_test_suites(&check_suite, &warn_suite);
