/* SPDX-License-Identifier: GPL-2.0-only */
/* Copies the dynamic program to a file system under test, and runs it. */
#ifndef DYNAMIC_H
#define DYNAMIC_H

#include "guest.h"

static inline int copy_file(const char *from, const char *to, mode_t mode)
{
	static char buf[65536];
	int in = open(from, O_RDONLY | O_CLOEXEC);
	int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
	ssize_t n = -1;

	if (in >= 0 && out >= 0)
		while ((n = read(in, buf, sizeof(buf))) > 0)
			if (write(out, buf, n) != n)
				break;
	close(in);
	close(out);
	return n ? -EIO : 0;
}

static inline int copy_dynamic(const char *dir)
{
	static const char *const files[] = {
		"ld.so", "libc.so.6", "libguest.so", "hello",
	};
	char from[64], to[64];
	unsigned int i;
	int err;

	mkdir(dir, 0755);
	for (i = 0; i < 4; i++) {
		snprintf(from, sizeof(from), "/dyn/%s", files[i]);
		snprintf(to, sizeof(to), "%s/%s", dir, files[i]);
		err = copy_file(from, to, 0755);
		if (err)
			return err;
	}
	return 0;
}

/* Runs a program with one argument or none; what it printed goes to out. */
static inline int run_program(const char *path, const char *arg, char *out,
			      size_t size)
{
	size_t len = 0;
	int fd[2], status;
	pid_t pid;
	ssize_t n;

	if (pipe(fd))
		die("pipe");
	fflush(stdout);
	pid = fork();
	if (pid < 0)
		die("fork");
	if (!pid) {
		dup2(fd[1], 1);
		close(fd[0]);
		close(fd[1]);
		execl(path, path, arg, NULL);
		_exit(errno + 100);
	}
	close(fd[1]);
	while (len < size - 1 && (n = read(fd[0], out + len, size - 1 - len)) > 0)
		len += n;
	out[len] = '\0';
	close(fd[0]);
	if (waitpid(pid, &status, 0) != pid)
		die("waitpid");
	return status;
}

#endif /* DYNAMIC_H */
