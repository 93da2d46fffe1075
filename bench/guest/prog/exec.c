// SPDX-License-Identifier: GPL-2.0-only
/*
 * exec of programs whose files map through the hook: the text, the ELF
 * interpreter and the libraries (a test of f_op->mmap alone in binfmt_elf
 * would refuse them).
 */
#include "guest.h"
#include "kselftest_harness.h"
#include "dynamic.h"

TEST(dynamic_from_tmpfs)
{
	static char out[8192];
	int status;

	ASSERT_EQ(0, copy_dynamic("/tmp/dyn"));
	status = run_program("/tmp/dyn/hello", NULL, out, sizeof(out));
	ASSERT_TRUE(WIFEXITED(status)) TH_LOG("status %x", status);
	EXPECT_EQ(42, WEXITSTATUS(status));
	EXPECT_EQ(0, strncmp(out, "hello\n", 6));
	EXPECT_NE(NULL, strstr(out, "/tmp/dyn/ld.so\n"));
	EXPECT_NE(NULL, strstr(out, "/tmp/dyn/libc.so.6\n"));
	EXPECT_NE(NULL, strstr(out, "/tmp/dyn/libguest.so\n"));
	EXPECT_NE(NULL, strstr(out, "/tmp/dyn/hello\n"));
}

/* The data segment is private: one run does not see what another wrote. */
TEST(data_is_private)
{
	static char out[8192];
	int i, status;

	ASSERT_EQ(0, copy_dynamic("/tmp/dyn"));
	for (i = 0; i < 3; i++) {
		status = run_program("/tmp/dyn/hello", NULL, out, sizeof(out));
		ASSERT_EQ(42, WEXITSTATUS(status));
	}
}

TEST(through_the_loader)
{
	static char out[8192];
	int status;

	ASSERT_EQ(0, copy_dynamic("/tmp/dyn"));
	status = run_program("/tmp/dyn/ld.so", "/tmp/dyn/hello", out,
			     sizeof(out));
	ASSERT_TRUE(WIFEXITED(status));
	EXPECT_EQ(42, WEXITSTATUS(status));
	EXPECT_NE(NULL, strstr(out, "/tmp/dyn/ld.so\n"));
}

TEST(static_from_memfd)
{
	int in, fd, status;
	char buf[4096];
	ssize_t n;
	pid_t pid;

	fd = memfd_create_("busybox", MFD_CLOEXEC);
	in = open("/bin/busybox", O_RDONLY);
	ASSERT_LE(0, fd);
	ASSERT_LE(0, in);
	while ((n = read(in, buf, sizeof(buf))) > 0)
		ASSERT_EQ(n, write(fd, buf, n));
	close(in);
	pid = fork();
	if (!pid) {
		char *argv[] = { "sh", "-c", "exit 7", NULL };
		char *envp[] = { NULL };

		syscall(SYS_execveat, fd, "", argv, envp, AT_EMPTY_PATH);
		_exit(1);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_TRUE(WIFEXITED(status));
	EXPECT_EQ(7, WEXITSTATUS(status));
}

/* A program that runs cannot be written to. */
TEST(running_text_is_busy)
{
	int fd[2], hold[2], status;
	pid_t pid;
	char c;

	ASSERT_EQ(0, copy_file("/bin/busybox", "/tmp/bb", 0700));
	ASSERT_EQ(0, pipe(fd));
	ASSERT_EQ(0, pipe(hold));
	pid = fork();
	if (!pid) {
		/* Runs until it is killed: nobody writes to what it reads. */
		dup2(hold[0], 0);
		dup2(fd[1], 1);
		execl("/tmp/bb", "sh", "-c", "echo x; read x", NULL);
		_exit(1);
	}
	ASSERT_EQ(1, read(fd[0], &c, 1));
	EXPECT_EQ(-1, open("/tmp/bb", O_WRONLY));
	EXPECT_EQ(ETXTBSY, errno);
	kill(pid, SIGKILL);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_LE(0, open("/tmp/bb", O_WRONLY));
	unlink("/tmp/bb");
}

TEST(noexec_mount)
{
	void *p;
	int fd;

	mkdir("/tmp/noexec", 0700);
	ASSERT_EQ(0, mount("tmpfs", "/tmp/noexec", "tmpfs", MS_NOEXEC, NULL));
	fd = open("/tmp/noexec/f", O_RDWR | O_CREAT, 0700);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, ftruncate(fd, PG));
	EXPECT_EQ(EPERM, try_mmap(&p, NULL, PG, PROT_READ | PROT_EXEC,
				  MAP_PRIVATE, fd, 0));
	ASSERT_EQ(0, try_mmap(&p, NULL, PG, PROT_READ, MAP_PRIVATE, fd, 0));
	EXPECT_EQ(-1, mprotect(p, PG, PROT_READ | PROT_EXEC));
	EXPECT_EQ(EACCES, errno);
	EXPECT_FALSE(smaps_flag(p, "me"));
	munmap(p, PG);
	close(fd);
	EXPECT_EQ(0, umount("/tmp/noexec"));
}

TEST_HARNESS_MAIN
