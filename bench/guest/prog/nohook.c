// SPDX-License-Identifier: GPL-2.0-only
/* Files that have neither hook: -ENODEV, and the kernel says nothing. */
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include "guest.h"
#include "kselftest_harness.h"

#define BOTH(fd, want)							\
do {									\
	int _fd = (fd), _log = kmsg_mark();				\
	void *_p;							\
									\
	ASSERT_LE(0, _fd);						\
	EXPECT_EQ(want, try_mmap(&_p, NULL, PG, PROT_READ, MAP_PRIVATE,	\
				 _fd, 0));				\
	EXPECT_EQ(want, try_mmap(&_p, NULL, PG, PROT_READ, MAP_SHARED,	\
				 _fd, 0));				\
	EXPECT_FALSE(kmsg_find(_log, "WARNING"));			\
	close(_fd);							\
} while (0)

TEST(of_pipe)
{
	int fd[2];

	ASSERT_EQ(0, pipe(fd));
	BOTH(fd[0], ENODEV);
}

TEST(of_eventfd)
{
	BOTH(eventfd(0, 0), ENODEV);
}

TEST(of_epoll)
{
	BOTH(epoll_create1(0), ENODEV);
}

TEST(of_timerfd)
{
	BOTH(timerfd_create(CLOCK_MONOTONIC, 0), ENODEV);
}

TEST(of_directory)
{
	BOTH(open("/tmp", O_RDONLY | O_DIRECTORY), ENODEV);
}

TEST(proc_self_status)
{
	BOTH(open("/proc/self/status", O_RDONLY), ENODEV);
}

TEST(dev_null)
{
	BOTH(open("/dev/null", O_RDWR), ENODEV);
}

TEST(dev_kmsg)
{
	BOTH(open("/dev/kmsg", O_RDONLY), ENODEV);
}

TEST(sysfs_text)
{
	BOTH(open("/sys/kernel/mm/ksm/run", O_RDONLY), ENODEV);
}

/* Regular files of /proc have a hook that finds no other behind it. */
TEST(proc_meminfo)
{
	BOTH(open("/proc/meminfo", O_RDONLY), EIO);
}

TEST(path_only)
{
	BOTH(open("/dev/zero", O_PATH), EBADF);
}

/* Access is judged before the hook is looked for. */
TEST(access_comes_first)
{
	int fd = open("/dev/null", O_WRONLY);
	void *p;

	EXPECT_EQ(EACCES, try_mmap(&p, NULL, PG, PROT_READ, MAP_PRIVATE, fd, 0));
	fd = open("/dev/null", O_RDONLY);
	EXPECT_EQ(EACCES, try_mmap(&p, NULL, PG, PROT_READ | PROT_WRITE,
				   MAP_SHARED, fd, 0));
}

TEST_HARNESS_MAIN
