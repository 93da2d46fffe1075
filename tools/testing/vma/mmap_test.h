/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Assertions, and a loop that runs tests and prints KTAP.
 *
 * A program provides fresh_start() and tear_down(), lists its tests in a table
 * and calls RUN_TESTS() with it.
 */
#ifndef _VMA_MMAP_TEST_H
#define _VMA_MMAP_TEST_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Assertions. They end the test that they are in. */
#define ASSERT_TRUE(expr)						\
	do {								\
		if (!(expr)) {						\
			printf("# %s:%d: %s(): not true: %s\n",		\
			       __FILE__, __LINE__, __func__, #expr);	\
			return false;					\
		}							\
	} while (0)
#define ASSERT_FALSE(expr)	ASSERT_TRUE(!(expr))
#define __ASSERT_OP(a, op, b)						\
	do {								\
		unsigned long __a = (unsigned long)(a);			\
		unsigned long __b = (unsigned long)(b);			\
									\
		if (!(__a op __b)) {					\
			printf("# %s:%d: %s(): %s %s %s: %ld (%#lx), %ld (%#lx)\n", \
			       __FILE__, __LINE__, __func__, #a, #op,	\
			       #b, (long)__a, __a, (long)__b, __b);	\
			return false;					\
		}							\
	} while (0)
#define ASSERT_EQ(a, b)	__ASSERT_OP(a, ==, b)
#define ASSERT_NE(a, b)	__ASSERT_OP(a, !=, b)

struct test {
	const char *name;
	bool (*fn)(void);
};

#define TEST(name)	{ #name, test_##name }

/* Before and after each test. What tear_down() finds left over fails it. */
static void fresh_start(void);
static bool tear_down(void);

static bool run_test(const struct test *test)
{
	bool ok;

	fresh_start();
	ok = test->fn();
	if (ok)
		ok = tear_down();
	fflush(stdout);
	fflush(stderr);

	return ok;
}

/*
 * Run all tests, or those named on the command line. Prints KTAP; returns what
 * main() is to return.
 */
static int run_tests(const struct test *tests, unsigned int nr, int argc,
		     char **argv)
{
	unsigned int i, ran = 0, failed = 0;
	int arg;

	maple_tree_init();
	if (argc > 1 && argv[1][0] == '-') {
		fprintf(stderr, "usage: %s [test...]\n", argv[0]);
		return EXIT_FAILURE;
	}

	printf("KTAP version 1\n");
	printf("1..%u\n", argc > 1 ? argc - 1 : nr);
	for (i = 0; i < nr; i++) {
		bool ok, wanted = argc < 2;

		for (arg = 1; arg < argc; arg++)
			wanted |= !strcmp(argv[arg], tests[i].name);
		if (!wanted)
			continue;
		ok = run_test(&tests[i]);
		failed += !ok;
		printf("%s %u %s\n", ok ? "ok" : "not ok", ++ran,
		       tests[i].name);
	}
	printf("# Totals: pass:%u fail:%u\n", ran - failed, failed);
	if (argc > 1 && ran != argc - 1) {
		fprintf(stderr, "%s: no such test\n", argv[0]);
		return EXIT_FAILURE;
	}

	return failed || !ran ? EXIT_FAILURE : EXIT_SUCCESS;
}

#define RUN_TESTS(tests, argc, argv)					\
	run_tests(tests, ARRAY_SIZE(tests), argc, argv)

#endif /* _VMA_MMAP_TEST_H */
