/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * VMA flags as a bitmap.
 *
 * A VMA flag has a number, VMA_*_BIT of type vma_flag_t, at the position of
 * the VM_* mask of the same name. A set of flags is a vma_flags_t, which is
 * opaque: only the helpers below look inside, so that drivers written against
 * them do not depend on how many flags there are or how they are stored.
 *
 * struct vm_area_struct keeps its vm_flags. Only struct vm_area_desc speaks
 * vma_flags_t; legacy_to_vma_flags() and vma_flags_to_legacy() convert.
 */
#ifndef _LINUX_VMA_FLAGS_H
#define _LINUX_VMA_FLAGS_H

#ifndef _LINUX_MM_H
#error "include linux/mm.h, which has the VM_* masks and includes this file"
#endif

#include <linux/args.h>
#include <linux/bits.h>
#include <linux/build_bug.h>
#include <linux/mm_types.h>
#include <linux/types.h>

/**
 * typedef vma_flag_t - the number of one VMA flag, from 0 to BITS_PER_LONG - 1
 */
typedef int __bitwise vma_flag_t;

/**
 * typedef vma_flags_t - a set of VMA flags
 *
 * Opaque: build one with mk_vma_flags(), EMPTY_VMA_FLAGS or
 * legacy_to_vma_flags(), and look at it with the vma_flags_*() helpers.
 */
typedef struct {
	/* private: */
	DECLARE_BITMAP(__vma_flags, BITS_PER_LONG);
} vma_flags_t;

#define __VMA_BIT(name, nr)	VMA_ ## name ## _BIT = (__force vma_flag_t)(nr)

enum {
	__VMA_BIT(READ, 0),
	__VMA_BIT(WRITE, 1),
	__VMA_BIT(EXEC, 2),
	__VMA_BIT(SHARED, 3),
	__VMA_BIT(MAYREAD, 4),
	__VMA_BIT(MAYWRITE, 5),
	__VMA_BIT(MAYEXEC, 6),
	__VMA_BIT(MAYSHARE, 7),
	__VMA_BIT(GROWSDOWN, 8),
#ifdef CONFIG_MMU
	__VMA_BIT(UFFD_MISSING, 9),
#else
	__VMA_BIT(MAYOVERLAY, 9),
#endif
	__VMA_BIT(PFNMAP, 10),
	__VMA_BIT(UFFD_WP, 12),
	__VMA_BIT(LOCKED, 13),
	__VMA_BIT(IO, 14),
	__VMA_BIT(SEQ_READ, 15),
	__VMA_BIT(RAND_READ, 16),
	__VMA_BIT(DONTCOPY, 17),
	__VMA_BIT(DONTEXPAND, 18),
	__VMA_BIT(LOCKONFAULT, 19),
	__VMA_BIT(ACCOUNT, 20),
	__VMA_BIT(NORESERVE, 21),
	__VMA_BIT(HUGETLB, 22),
	__VMA_BIT(SYNC, 23),
	__VMA_BIT(ARCH_1, 24),
	__VMA_BIT(WIPEONFORK, 25),
	__VMA_BIT(DONTDUMP, 26),
	__VMA_BIT(SOFTDIRTY, 27),
	__VMA_BIT(MIXEDMAP, 28),
	__VMA_BIT(HUGEPAGE, 29),
	__VMA_BIT(NOHUGEPAGE, 30),
	__VMA_BIT(MERGEABLE, 31),

	/* What one architecture calls the bit that it may use as it likes. */
#if defined(CONFIG_X86)
	__VMA_BIT(PAT, 24),
#elif defined(CONFIG_PPC64)
	__VMA_BIT(SAO, 24),
#elif defined(CONFIG_PARISC)
	__VMA_BIT(GROWSUP, 24),
#elif defined(CONFIG_SPARC64)
	__VMA_BIT(SPARC_ADI, 24),
#elif defined(CONFIG_ARM64)
	__VMA_BIT(ARM64_BTI, 24),
#elif !defined(CONFIG_MMU)
	__VMA_BIT(MAPPED_COPY, 24),
#endif

#ifdef CONFIG_64BIT
#ifdef CONFIG_ARCH_HAS_PKEYS
	__VMA_BIT(PKEY_BIT0, 32),
	__VMA_BIT(PKEY_BIT1, 33),
	__VMA_BIT(PKEY_BIT2, 34),
#if CONFIG_ARCH_PKEY_BITS > 3
	__VMA_BIT(PKEY_BIT3, 35),
#endif
#if CONFIG_ARCH_PKEY_BITS > 4
	__VMA_BIT(PKEY_BIT4, 36),
#endif
#endif /* CONFIG_ARCH_HAS_PKEYS */
#ifdef CONFIG_X86_USER_SHADOW_STACK
	__VMA_BIT(SHADOW_STACK, 37),
#endif
#ifdef CONFIG_ARM64_MTE
	__VMA_BIT(MTE, 36),
	__VMA_BIT(MTE_ALLOWED, 37),
#endif
	__VMA_BIT(UFFD_MINOR, 38),
	__VMA_BIT(ALLOW_ANY_UNCACHED, 39),
	__VMA_BIT(DROPPABLE, 40),
	__VMA_BIT(SEALED, 63),
#elif defined(CONFIG_PPC32)
	__VMA_BIT(DROPPABLE, 24),
#endif /* CONFIG_64BIT */
};

#undef __VMA_BIT

#define __vma_flag_mask(bit)	BIT((__force int)(bit))

/*
 * The numbers and the masks are two spellings of one thing. A mask may be 0
 * where a configuration does not have the flag.
 */
#define __VMA_FLAG_IS(name)						\
	static_assert(!VM_ ## name ||					\
		      VM_ ## name == __vma_flag_mask(VMA_ ## name ## _BIT))

__VMA_FLAG_IS(READ);
__VMA_FLAG_IS(WRITE);
__VMA_FLAG_IS(EXEC);
__VMA_FLAG_IS(SHARED);
__VMA_FLAG_IS(MAYREAD);
__VMA_FLAG_IS(MAYWRITE);
__VMA_FLAG_IS(MAYEXEC);
__VMA_FLAG_IS(MAYSHARE);
__VMA_FLAG_IS(GROWSDOWN);
#ifdef CONFIG_MMU
__VMA_FLAG_IS(UFFD_MISSING);
#else
__VMA_FLAG_IS(MAYOVERLAY);
#endif
__VMA_FLAG_IS(PFNMAP);
__VMA_FLAG_IS(UFFD_WP);
__VMA_FLAG_IS(LOCKED);
__VMA_FLAG_IS(IO);
__VMA_FLAG_IS(SEQ_READ);
__VMA_FLAG_IS(RAND_READ);
__VMA_FLAG_IS(DONTCOPY);
__VMA_FLAG_IS(DONTEXPAND);
__VMA_FLAG_IS(LOCKONFAULT);
__VMA_FLAG_IS(ACCOUNT);
__VMA_FLAG_IS(NORESERVE);
__VMA_FLAG_IS(HUGETLB);
__VMA_FLAG_IS(SYNC);
__VMA_FLAG_IS(ARCH_1);
__VMA_FLAG_IS(WIPEONFORK);
__VMA_FLAG_IS(DONTDUMP);
__VMA_FLAG_IS(SOFTDIRTY);
__VMA_FLAG_IS(MIXEDMAP);
__VMA_FLAG_IS(HUGEPAGE);
__VMA_FLAG_IS(NOHUGEPAGE);
__VMA_FLAG_IS(MERGEABLE);
#if defined(CONFIG_X86)
__VMA_FLAG_IS(PAT);
#elif defined(CONFIG_PPC64)
__VMA_FLAG_IS(SAO);
#elif defined(CONFIG_PARISC)
__VMA_FLAG_IS(GROWSUP);
#elif defined(CONFIG_SPARC64)
__VMA_FLAG_IS(SPARC_ADI);
#elif defined(CONFIG_ARM64)
__VMA_FLAG_IS(ARM64_BTI);
#elif !defined(CONFIG_MMU)
__VMA_FLAG_IS(MAPPED_COPY);
#endif
#ifdef CONFIG_64BIT
#ifdef CONFIG_ARCH_HAS_PKEYS
__VMA_FLAG_IS(PKEY_BIT0);
__VMA_FLAG_IS(PKEY_BIT1);
__VMA_FLAG_IS(PKEY_BIT2);
#if CONFIG_ARCH_PKEY_BITS > 3
__VMA_FLAG_IS(PKEY_BIT3);
#endif
#if CONFIG_ARCH_PKEY_BITS > 4
__VMA_FLAG_IS(PKEY_BIT4);
#endif
#endif /* CONFIG_ARCH_HAS_PKEYS */
#ifdef CONFIG_X86_USER_SHADOW_STACK
__VMA_FLAG_IS(SHADOW_STACK);
#endif
#ifdef CONFIG_ARM64_MTE
__VMA_FLAG_IS(MTE);
__VMA_FLAG_IS(MTE_ALLOWED);
#endif
__VMA_FLAG_IS(UFFD_MINOR);
__VMA_FLAG_IS(ALLOW_ANY_UNCACHED);
__VMA_FLAG_IS(DROPPABLE);
__VMA_FLAG_IS(SEALED);
#elif defined(CONFIG_PPC32)
__VMA_FLAG_IS(DROPPABLE);
#endif /* CONFIG_64BIT */

#undef __VMA_FLAG_IS

/**
 * EMPTY_VMA_FLAGS - a vma_flags_t without any flag
 */
#define EMPTY_VMA_FLAGS		((vma_flags_t){ })

/*
 * The masks are or-ed by the preprocessor, not by a loop, so that constant
 * flags are one constant at any level of optimisation.
 */
#define __VMA_FLAGS_1(b)	__vma_flag_mask(b)
#define __VMA_FLAGS_2(b, ...)	(__vma_flag_mask(b) | __VMA_FLAGS_1(__VA_ARGS__))
#define __VMA_FLAGS_3(b, ...)	(__vma_flag_mask(b) | __VMA_FLAGS_2(__VA_ARGS__))
#define __VMA_FLAGS_4(b, ...)	(__vma_flag_mask(b) | __VMA_FLAGS_3(__VA_ARGS__))
#define __VMA_FLAGS_5(b, ...)	(__vma_flag_mask(b) | __VMA_FLAGS_4(__VA_ARGS__))
#define __VMA_FLAGS_6(b, ...)	(__vma_flag_mask(b) | __VMA_FLAGS_5(__VA_ARGS__))
#define __VMA_FLAGS_7(b, ...)	(__vma_flag_mask(b) | __VMA_FLAGS_6(__VA_ARGS__))
#define __VMA_FLAGS_8(b, ...)	(__vma_flag_mask(b) | __VMA_FLAGS_7(__VA_ARGS__))
#define __VMA_FLAGS_9(b, ...)	(__vma_flag_mask(b) | __VMA_FLAGS_8(__VA_ARGS__))
#define __VMA_FLAGS_10(b, ...)	(__vma_flag_mask(b) | __VMA_FLAGS_9(__VA_ARGS__))
#define __VMA_FLAGS_11(b, ...)	(__vma_flag_mask(b) | __VMA_FLAGS_10(__VA_ARGS__))
#define __VMA_FLAGS_12(b, ...)	(__vma_flag_mask(b) | __VMA_FLAGS_11(__VA_ARGS__))
#define __VMA_FLAGS(...)						\
	CONCATENATE(__VMA_FLAGS_, COUNT_ARGS(__VA_ARGS__))(__VA_ARGS__)

/**
 * mk_vma_flags() - make a set of flags
 * @...: one to twelve flags, each a vma_flag_t
 *
 * Return: a vma_flags_t with these flags and no other.
 */
#define mk_vma_flags(...)						\
	((vma_flags_t){ .__vma_flags = { __VMA_FLAGS(__VA_ARGS__) } })

/**
 * legacy_to_vma_flags() - convert VM_* masks
 * @vm_flags: VM_* masks or-ed together
 *
 * Context: Any.
 * Return: the same flags as a set.
 */
static __always_inline vma_flags_t legacy_to_vma_flags(vm_flags_t vm_flags)
{
	return (vma_flags_t){ .__vma_flags = { vm_flags } };
}

/**
 * vma_flags_to_legacy() - convert a set of flags
 * @flags: the set
 *
 * Context: Any.
 * Return: the same flags as VM_* masks or-ed together.
 */
static __always_inline vm_flags_t vma_flags_to_legacy(vma_flags_t flags)
{
	return flags.__vma_flags[0];
}

/**
 * vma_flags_test() - is one flag set?
 * @flags: the set to look at
 * @bit: the flag
 *
 * Context: Any.
 * Return: true if it is.
 */
static __always_inline bool vma_flags_test(const vma_flags_t *flags,
					   vma_flag_t bit)
{
	return flags->__vma_flags[0] & __vma_flag_mask(bit);
}

/**
 * vma_flags_test_any_mask() - is any of these flags set?
 * @flags: the set to look at
 * @mask: the flags looked for
 *
 * Context: Any.
 * Return: true if @flags has at least one flag of @mask. False if @mask is
 * empty.
 */
static __always_inline bool vma_flags_test_any_mask(const vma_flags_t *flags,
						    vma_flags_t mask)
{
	return flags->__vma_flags[0] & mask.__vma_flags[0];
}

/**
 * vma_flags_test_all_mask() - are all of these flags set?
 * @flags: the set to look at
 * @mask: the flags looked for
 *
 * Context: Any.
 * Return: true if @flags has every flag of @mask. True if @mask is empty.
 */
static __always_inline bool vma_flags_test_all_mask(const vma_flags_t *flags,
						    vma_flags_t mask)
{
	return !(mask.__vma_flags[0] & ~flags->__vma_flags[0]);
}

/**
 * vma_flags_same_mask() - are two sets the same?
 * @flags: one set
 * @mask: the other
 *
 * Context: Any.
 * Return: true if they have the same flags.
 */
static __always_inline bool vma_flags_same_mask(const vma_flags_t *flags,
						vma_flags_t mask)
{
	return flags->__vma_flags[0] == mask.__vma_flags[0];
}

/**
 * vma_flags_empty() - is no flag set?
 * @flags: the set to look at
 *
 * Context: Any.
 * Return: true if @flags has no flag.
 */
static __always_inline bool vma_flags_empty(const vma_flags_t *flags)
{
	return !flags->__vma_flags[0];
}

/**
 * vma_flags_set_mask() - add flags
 * @flags: the set to change
 * @mask: the flags to add
 *
 * Context: Any.
 */
static __always_inline void vma_flags_set_mask(vma_flags_t *flags,
					       vma_flags_t mask)
{
	flags->__vma_flags[0] |= mask.__vma_flags[0];
}

/**
 * vma_flags_clear_mask() - take flags away
 * @flags: the set to change
 * @mask: the flags to take away
 *
 * Context: Any.
 */
static __always_inline void vma_flags_clear_mask(vma_flags_t *flags,
						 vma_flags_t mask)
{
	flags->__vma_flags[0] &= ~mask.__vma_flags[0];
}

/**
 * vma_flags_test_any() - is any of these flags set?
 * @flags: pointer to the vma_flags_t to look at
 * @...: one to twelve flags, each a vma_flag_t
 *
 * Return: true if at least one is.
 */
#define vma_flags_test_any(flags, ...)					\
	vma_flags_test_any_mask(flags, mk_vma_flags(__VA_ARGS__))

/**
 * vma_flags_test_all() - are all of these flags set?
 * @flags: pointer to the vma_flags_t to look at
 * @...: one to twelve flags, each a vma_flag_t
 *
 * Return: true if every one is.
 */
#define vma_flags_test_all(flags, ...)					\
	vma_flags_test_all_mask(flags, mk_vma_flags(__VA_ARGS__))

/**
 * vma_flags_same() - are these the flags, and no other?
 * @flags: pointer to the vma_flags_t to look at
 * @...: one to twelve flags, each a vma_flag_t
 *
 * Return: true if @flags has exactly these.
 */
#define vma_flags_same(flags, ...)					\
	vma_flags_same_mask(flags, mk_vma_flags(__VA_ARGS__))

/**
 * vma_flags_set() - add flags
 * @flags: pointer to the vma_flags_t to change
 * @...: one to twelve flags, each a vma_flag_t
 */
#define vma_flags_set(flags, ...)					\
	vma_flags_set_mask(flags, mk_vma_flags(__VA_ARGS__))

/**
 * vma_flags_clear() - take flags away
 * @flags: pointer to the vma_flags_t to change
 * @...: one to twelve flags, each a vma_flag_t
 */
#define vma_flags_clear(flags, ...)					\
	vma_flags_clear_mask(flags, mk_vma_flags(__VA_ARGS__))

#endif /* _LINUX_VMA_FLAGS_H */
