// SPDX-License-Identifier: GPL-2.0-only
/* Does the guest come up with what the tests need? Nothing more. */
#include "guest.h"
#include "kselftest_harness.h"

TEST(anonymous)
{
	char *p = page_or_die(2 * PG, PROT_READ | PROT_WRITE);

	p[PG] = 1;
	ASSERT_EQ(0, p[0]);
	ASSERT_EQ(1, p[PG]);
	ASSERT_EQ(0, munmap(p, 2 * PG));
}

TEST(devices)
{
	ASSERT_EQ(0, access("/dev/zero", R_OK | W_OK));
	ASSERT_EQ(0, access("/dev/mem", R_OK | W_OK));
	ASSERT_EQ(0, access("/dev/kmsg", R_OK | W_OK));
}

TEST(fault_injection)
{
	ASSERT_EQ(0, access("/sys/kernel/debug/failslab/verbose", R_OK));
	ASSERT_EQ(0, access("/sys/kernel/debug/fail_page_alloc/verbose", R_OK));
	fail_nth(0);
}

TEST(tracing)
{
	ASSERT_EQ(0, access(TRACEFS "kprobe_events", W_OK));
	ASSERT_EQ(0, access(TRACEFS "uprobe_events", W_OK));
}

TEST_HARNESS_MAIN
