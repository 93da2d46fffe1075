/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * What drivers/misc/mmap_prepare_test.c and its program say to each other.
 *
 * Private to these two and free to change with them, therefore not in
 * include/uapi. The program is tools/testing/selftests/mm/mmap_prepare*.c.
 */
#ifndef _MMAP_PREPARE_TEST_UAPI_H
#define _MMAP_PREPARE_TEST_UAPI_H

#include <linux/ioctl.h>
#include <linux/types.h>

/**
 * define MPT_DEV_MMAP - name of the device that has an mmap hook
 */
#define MPT_DEV_MMAP		"mmap_prepare_test-mmap"

/**
 * define MPT_DEV_PREPARE - name of the device that has an mmap_prepare hook
 */
#define MPT_DEV_PREPARE		"mmap_prepare_test-prepare"

/**
 * define MPT_DEV_NESTED - name of the device whose mmap hook has the mapping
 *	served by another file, which has an mmap_prepare hook
 */
#define MPT_DEV_NESTED		"mmap_prepare_test-nested"

/**
 * define MPT_PAGES - pages in the buffer that every open file has, contiguous
 *	in memory
 */
#define MPT_PAGES		32

/**
 * MPT_WORD() - how the buffer is filled
 * @page: index of a page
 * @word: index of a 64-bit word in it
 *
 * Return: that word.
 */
#define MPT_WORD(page, word)						\
	(0x6d6d617000000000ULL + ((__u64)(page) << 16) + (word))

/**
 * enum mpt_action_type - what the mapping is populated with
 * @MPT_NONE: nothing, the fault handler does it
 * @MPT_REMAP: PFNs
 * @MPT_IOREMAP: PFNs, as device memory
 * @MPT_SIMPLE_IOREMAP: a region of physical memory
 * @MPT_KERNEL_PAGES: pages of the buffer
 * @MPT_NR_ACTIONS: how many there are
 */
enum mpt_action_type {
	MPT_NONE,
	MPT_REMAP,
	MPT_IOREMAP,
	MPT_SIMPLE_IOREMAP,
	MPT_KERNEL_PAGES,
	MPT_NR_ACTIONS,
};

/**
 * enum mpt_action_flags - how a struct mpt_action is meant
 * @MPT_A_FULL: over the whole mapping. No start and no size, then
 * @MPT_A_ABS_START: the start is an address, else an offset into the mapping,
 *	in bytes
 * @MPT_A_ABS_PFN: physical memory is meant by itself, else as an offset into
 *	the buffer
 * @MPT_A_ALL: all of them
 */
enum mpt_action_flags {
	MPT_A_FULL = 0x1,
	MPT_A_ABS_START = 0x2,
	MPT_A_ABS_PFN = 0x4,
	MPT_A_ALL = MPT_A_FULL | MPT_A_ABS_START | MPT_A_ABS_PFN,
};

/**
 * struct mpt_action - one action
 * @type: enum mpt_action_type
 * @flags: MPT_A_*
 * @start: where in the mapping, in bytes. 0 for MPT_SIMPLE_IOREMAP
 * @pfn: what appears there: a PFN; for MPT_SIMPLE_IOREMAP the first byte of the
 *	region; for MPT_KERNEL_PAGES the number of the buffer's first page
 * @size: bytes; for MPT_KERNEL_PAGES pages
 */
struct mpt_action {
	__u32 type;
	__u32 flags;
	__u64 start;
	__u64 pfn;
	__u64 size;
};

/**
 * enum mpt_ops - the vm_ops of the mapping
 * @MPT_OPS_FULL: open, close, fault, mapped
 * @MPT_OPS_PLAIN: open, close, fault
 * @MPT_OPS_LEAVE: those that are there when the hook is called
 * @MPT_OPS_NULL: none, an anonymous mapping
 * @MPT_NR_OPS: how many there are
 */
enum mpt_ops {
	MPT_OPS_FULL,
	MPT_OPS_PLAIN,
	MPT_OPS_LEAVE,
	MPT_OPS_NULL,
	MPT_NR_OPS,
};

/**
 * enum mpt_prot - what the hook does to the page protection
 * @MPT_PROT_LEAVE: nothing
 * @MPT_PROT_NONCACHED: pgprot_noncached()
 * @MPT_PROT_WRITECOMBINE: pgprot_writecombine()
 * @MPT_NR_PROTS: how many there are
 */
enum mpt_prot {
	MPT_PROT_LEAVE,
	MPT_PROT_NONCACHED,
	MPT_PROT_WRITECOMBINE,
	MPT_NR_PROTS,
};

/**
 * define MPT_TOKENS - values of vm_private_data that can be told apart, from 1
 */
#define MPT_TOKENS		4

/**
 * define MPT_TOKEN_OUTER - the one that the nested device's .mmap sets
 *
 * In struct mpt_status only.
 */
#define MPT_TOKEN_OUTER		(MPT_TOKENS + 1)

/**
 * enum mpt_flags - what else the hook does
 * @MPT_F_HIDE: hide_from_rmap_until_complete. Not of the mmap device
 * @MPT_F_SPOIL_MM: the hook writes to a field that it may only read, here mm.
 *	Not of the mmap device, as all of these
 * @MPT_F_SPOIL_FILE: the same with file
 * @MPT_F_SPOIL_START: with start
 * @MPT_F_SPOIL_END: with end
 * @MPT_F_SPOIL_VM_FILE: with vm_file
 * @MPT_F_EARLY_PREPARE: the hook calls mmap_action_prepare() before it changes
 *	the flags. Not of the mmap device
 * @MPT_F_PGOFF: use the member pgoff
 * @MPT_F_DONATE: use the member donate_fd
 * @MPT_F_DONATE_CALL: have the donated file set up the mapping, as for a stack
 *	of files
 * @MPT_F_BAD_PAGE: page bad_page of the buffer has no reference (kernel pages
 *	only)
 * @MPT_F_PRESENT: page bad_page of the mapping is populated before the action
 *	runs. Not of the prepare device, which has nothing to populate
 * @MPT_F_SPOIL: all that spoil a field
 * @MPT_F_ALL: all of them
 */
enum mpt_flags {
	MPT_F_HIDE = 0x1,
	MPT_F_SPOIL_MM = 0x2,
	MPT_F_SPOIL_FILE = 0x4,
	MPT_F_SPOIL_START = 0x8,
	MPT_F_SPOIL_END = 0x10,
	MPT_F_SPOIL_VM_FILE = 0x20,
	MPT_F_EARLY_PREPARE = 0x40,
	MPT_F_PGOFF = 0x80,
	MPT_F_DONATE = 0x100,
	MPT_F_DONATE_CALL = 0x200,
	MPT_F_BAD_PAGE = 0x400,
	MPT_F_PRESENT = 0x800,
	MPT_F_SPOIL = MPT_F_SPOIL_MM | MPT_F_SPOIL_FILE | MPT_F_SPOIL_START |
		      MPT_F_SPOIL_END | MPT_F_SPOIL_VM_FILE,
	MPT_F_ALL = 0x1000 - 1,
};

/**
 * struct mpt_setup - how the mmap()s that follow are set up
 * @size: sizeof(struct mpt_setup)
 * @flags: MPT_F_*
 * @action: actions that the hook sets, one after the other. The second only
 *	with a first
 * @set_flags: VM_* flags to add
 * @clear_flags: VM_* flags to drop
 * @pgoff: offset into the file, in pages, for MPT_F_PGOFF
 * @ops: enum mpt_ops
 * @prot: enum mpt_prot
 * @private_data: 0 or a value of vm_private_data that the hook sets
 * @mapped_private: 0 or a value of vm_private_data that vm_ops->mapped() sets
 * @donate_fd: file that the mapping is to hold, for MPT_F_DONATE. Together with
 *	MPT_OPS_FULL only if @private_data is set, and never with MPT_OPS_PLAIN:
 *	the driver's state must outlive the driver's file then
 * @hook_ret: what the hook returns, when all the rest is done
 * @mapped_ret: what vm_ops->mapped() returns
 * @error_filter: error_filter of the action
 * @bad_page: for MPT_F_BAD_PAGE and MPT_F_PRESENT
 * @reserved: 0
 *
 * A member whose flag is not set is 0. All zero but @size is how an open file
 * starts.
 */
struct mpt_setup {
	__u32 size;
	__u32 flags;
	struct mpt_action action[2];
	__u64 set_flags;
	__u64 clear_flags;
	__u64 pgoff;
	__u32 ops;
	__u32 prot;
	__u32 private_data;
	__u32 mapped_private;
	__s32 donate_fd;
	__s32 hook_ret;
	__s32 mapped_ret;
	__s32 error_filter;
	__u32 bad_page;
	__u32 reserved[3];
};

/**
 * enum mpt_file - which file was it?
 * @MPT_FILE_NONE: there was no call
 * @MPT_FILE_OWN: the one that the program has open
 * @MPT_FILE_INNER: the one below the nested device
 * @MPT_FILE_OTHER: another
 */
enum mpt_file {
	MPT_FILE_NONE,
	MPT_FILE_OWN,
	MPT_FILE_INNER,
	MPT_FILE_OTHER,
};

/**
 * enum mpt_bad - what was found wrong
 * @MPT_BAD_ACTION: the descriptor's action was not zeroed on entry to the hook
 * @MPT_BAD_OPS: its vm_ops was NULL
 * @MPT_BAD_PRIVATE: its private_data was not as promised
 * @MPT_BAD_FILE: its file or vm_file was not
 * @MPT_BAD_RANGE: its start, end or mm was not
 * @MPT_BAD_OUTER_PRIVATE: vm_private_data had changed when the nested device's
 *	.mmap failed
 * @MPT_BAD_OUTER_FILE: vm_file had changed then
 */
enum mpt_bad {
	MPT_BAD_ACTION = 0x1,
	MPT_BAD_OPS = 0x2,
	MPT_BAD_PRIVATE = 0x4,
	MPT_BAD_FILE = 0x8,
	MPT_BAD_RANGE = 0x10,
	MPT_BAD_OUTER_PRIVATE = 0x20,
	MPT_BAD_OUTER_FILE = 0x40,
};

/**
 * struct mpt_status - what has happened to an open file
 * @size: sizeof(struct mpt_status), set by the caller
 * @bad: MPT_BAD_*, all that were seen
 * @outer: calls of the nested device's .mmap
 * @hook: calls of the hook
 * @mapped: calls of vm_ops->mapped() that succeeded. The mmap device counts a
 *	mapping that it has set up
 * @mapped_failed: those that did not
 * @open: calls of vm_ops->open()
 * @close: calls of vm_ops->close()
 * @fault: calls of vm_ops->fault()
 * @hook_file: enum mpt_file, the hook's last @file
 * @mapped_file: the same of vm_ops->mapped()
 * @hook_flags: VM_* flags that the hook saw last
 * @start: last arguments of vm_ops->mapped(): first address
 * @end: end address
 * @pgoff: offset, in pages
 * @private_data: and the value of vm_private_data, 0 for NULL, ~0 for none of
 *	the driver's
 * @reserved: 0
 * @pages_refs: references to the pages of the buffer, the driver's own left out
 * @pages_mapped: how often they are mapped
 * @pfn: PFN of the buffer
 */
struct mpt_status {
	__u32 size;
	__u32 bad;
	__u64 outer;
	__u64 hook;
	__u64 mapped;
	__u64 mapped_failed;
	__u64 open;
	__u64 close;
	__u64 fault;
	__u32 hook_file;
	__u32 mapped_file;
	__u64 hook_flags;
	__u64 start;
	__u64 end;
	__u64 pgoff;
	__u32 private_data;
	__u32 reserved;
	__s64 pages_refs;
	__s64 pages_mapped;
	__u64 pfn;
};

/**
 * define MPT_IOC_SETUP - set up the mmap()s that follow
 *
 * Needs CAP_SYS_RAWIO: any physical memory can be mapped.
 */
#define MPT_IOC_SETUP		_IOW(0xB9, 0x00, struct mpt_setup)

/**
 * define MPT_IOC_STATUS - get what has happened
 */
#define MPT_IOC_STATUS		_IOWR(0xB9, 0x01, struct mpt_status)

/**
 * define MPT_IOC_RESET - set the counters to 0 and fill the buffer anew
 */
#define MPT_IOC_RESET		_IO(0xB9, 0x02)

#endif /* _MMAP_PREPARE_TEST_UAPI_H */
