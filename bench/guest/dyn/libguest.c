// SPDX-License-Identifier: GPL-2.0-only
/* A shared library whose text and data are mapped from a file under test. */

int guest_counter = 41;

int guest_count(void);

int guest_count(void)
{
	return ++guest_counter;
}
