// SPDX-License-Identifier: GPL-2.0-only
/* userfaultfd on shmem and on private /dev/zero: it looks at vm_ops. */
#include <poll.h>
#include <pthread.h>
#include <linux/userfaultfd.h>
#include "guest.h"
#include "kselftest_harness.h"

#define RW (PROT_READ | PROT_WRITE)

struct server {
	int uffd;
	int faults;
	bool minor;
};

static int uffd_open(unsigned long features)
{
	struct uffdio_api api = { .api = UFFD_API, .features = features };
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);

	if (fd < 0 || ioctl(fd, UFFDIO_API, &api))
		die("userfaultfd");
	return fd;
}

static int uffd_register(int fd, void *p, size_t len, unsigned long mode)
{
	struct uffdio_register reg = {
		.range = { (unsigned long)p, len }, .mode = mode,
	};

	return ioctl(fd, UFFDIO_REGISTER, &reg) ? errno : 0;
}

/* Answers faults: fills a page with 'u', or maps the one that is there. */
static void *serve(void *arg)
{
	static char page[PG] __attribute__((aligned(4096)));
	struct server *s = arg;
	struct pollfd pfd = { .fd = s->uffd, .events = POLLIN };
	struct uffd_msg msg;

	memset(page, 'u', PG);
	while (poll(&pfd, 1, 10000) == 1 &&
	       read(s->uffd, &msg, sizeof(msg)) == sizeof(msg)) {
		unsigned long at = msg.arg.pagefault.address & ~(PG - 1);
		struct uffdio_copy copy = { at, (unsigned long)page, PG };
		struct uffdio_continue cont = { .range = { at, PG } };

		s->faults++;
		if (s->minor)
			ioctl(s->uffd, UFFDIO_CONTINUE, &cont);
		else
			ioctl(s->uffd, UFFDIO_COPY, &copy);
	}
	return NULL;
}

FIXTURE(uffd) {
	int fd;
	char *p;
};

FIXTURE_VARIANT(uffd) {
	int kind;
	int flags;
	bool minor;	/* can it fault on a page that the file has? */
};

enum { ZERO, TMPFS, MEMFD };

FIXTURE_VARIANT_ADD(uffd, zero_private) { ZERO, MAP_PRIVATE, false };
FIXTURE_VARIANT_ADD(uffd, zero_shared) { ZERO, MAP_SHARED, true };
FIXTURE_VARIANT_ADD(uffd, tmpfs_shared) { TMPFS, MAP_SHARED, true };
FIXTURE_VARIANT_ADD(uffd, memfd_private) { MEMFD, MAP_PRIVATE, true };

FIXTURE_SETUP(uffd)
{
	self->fd = variant->kind == ZERO ? open("/dev/zero", O_RDWR) :
		variant->kind == TMPFS ? tmpfs_file("uffd", 4 * PG, true) :
		memfd_sized("uffd", 4 * PG);
	self->p = mmap(NULL, 4 * PG, RW, variant->flags, self->fd, 0);
	ASSERT_NE(MAP_FAILED, self->p);
}

FIXTURE_TEARDOWN(uffd)
{
	close(self->fd);
}

TEST_F(uffd, missing)
{
	struct server s = { uffd_open(0) };
	pthread_t thread;

	ASSERT_EQ(0, uffd_register(s.uffd, self->p, 4 * PG,
				   UFFDIO_REGISTER_MODE_MISSING));
	EXPECT_TRUE(smaps_flag(self->p, "um"));
	if (variant->kind == ZERO && variant->flags == MAP_PRIVATE) {
		struct uffdio_copy copy = {
			(unsigned long)self->p, (unsigned long)&s & ~(PG - 1),
			PG
		};

		/* the VMA has a file, and that is 0 bytes long */
		EXPECT_EQ(-1, ioctl(s.uffd, UFFDIO_COPY, &copy));
		EXPECT_EQ(EFAULT, errno);
		return;
	}
	ASSERT_EQ(0, pthread_create(&thread, NULL, serve, &s));
	EXPECT_EQ('u', self->p[0]);
	EXPECT_EQ('u', self->p[3 * PG + 7]);
	EXPECT_EQ(2, s.faults);
}

TEST_F(uffd, minor)
{
	struct server s = {
		uffd_open(variant->minor ? UFFD_FEATURE_MINOR_SHMEM : 0),
		.minor = true,
	};
	char *q;
	pthread_t thread;
	int err;

	err = uffd_register(s.uffd, self->p, 4 * PG,
			    UFFDIO_REGISTER_MODE_MINOR);
	if (!variant->minor) {
		EXPECT_EQ(EINVAL, err);
		return;
	}
	ASSERT_EQ(0, err);
	EXPECT_TRUE(smaps_flag(self->p, "ui"));
	if (variant->kind == ZERO)
		return;
	q = mmap(NULL, 4 * PG, RW, MAP_SHARED, self->fd, 0);
	ASSERT_NE(MAP_FAILED, q);
	q[PG] = 'f';
	ASSERT_EQ(0, pthread_create(&thread, NULL, serve, &s));
	EXPECT_EQ('f', self->p[PG]);
	EXPECT_EQ(1, s.faults);
}

/* Registration splits and keeps apart what would merge. */
TEST_F(uffd, registered_part)
{
	int uffd = uffd_open(0);

	ASSERT_EQ(0, uffd_register(uffd, self->p + PG, PG,
				   UFFDIO_REGISTER_MODE_MISSING));
	EXPECT_EQ(3, nr_vmas(self->p, 4 * PG));
	EXPECT_FALSE(smaps_flag(self->p, "um"));
	EXPECT_TRUE(smaps_flag(self->p + PG, "um"));
	close(uffd);
	EXPECT_FALSE(smaps_flag(self->p + PG, "um"));
}

TEST_HARNESS_MAIN
