/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * What /dev/mmap_prepare_sample offers to programs.
 *
 * Each open file is a buffer of its own, which can be mapped in two parts: its
 * status, one page, read only; and its data, shared only.
 */
#ifndef _MMAP_PREPARE_SAMPLE_H
#define _MMAP_PREPARE_SAMPLE_H

#include <linux/ioctl.h>
#include <linux/types.h>

/* Offsets for mmap(), multiples of every page size */
#define MPS_OFF_STATUS	0x0
#define MPS_OFF_DATA	0x100000

/* Of one buffer: pages, and how many mmap()s of its data there may be */
#define MPS_DATA_PAGES	16
#define MPS_MAX_MMAPS	4

/* A page of data begins with this plus its number. The rest of it is zero. */
#define MPS_STAMP	0x4d505300

/**
 * struct mps_status - what the driver knows of a buffer
 * @mmaps: mmap()s of the data that are not wholly unmapped yet
 * @vmas: pieces that these are in, in all processes
 * @pages: pages of data that were touched, and so exist
 * @faults: how often the driver was asked for a page
 *
 * read() gives it as well.
 */
struct mps_status {
	__u32 mmaps;
	__u32 vmas;
	__u32 pages;
	__u32 faults;
};

/* Forget the data. -EBUSY while it is mapped */
#define MPS_IOC_CLEAR	_IO(0xB9, 0x40)

#endif /* _MMAP_PREPARE_SAMPLE_H */
