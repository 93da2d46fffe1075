/* SPDX-License-Identifier: GPL-2.0-only */
/* Empty: vma_internal.h has what is needed of it. */
