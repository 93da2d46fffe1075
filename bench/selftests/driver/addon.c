// SPDX-License-Identifier: GPL-2.0-only
/* A module that uses another one. */
#include <linux/module.h>

#include "fixture.h"

static int __init addon_init(void)
{
#ifdef UNRESOLVED
	return nowhere();
#endif
	pr_info("addon: fixture counts %d\n", fixture_count());
	return 0;
}
module_init(addon_init);

static void __exit addon_exit(void)
{
}
module_exit(addon_exit);

MODULE_DESCRIPTION("Fixture for the tests of make module");
MODULE_LICENSE("GPL");
