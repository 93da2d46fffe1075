/* SPDX-License-Identifier: GPL-2.0-only */
/* What one module offers the other; nobody offers nowhere(). */
int fixture_count(void);
int nowhere(void);
