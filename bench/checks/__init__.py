# SPDX-License-Identifier: GPL-2.0-only
"""What bench/check is made of: one module per kind of check."""
