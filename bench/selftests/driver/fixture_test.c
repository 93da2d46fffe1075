// SPDX-License-Identifier: GPL-2.0-only
/* A silent program: its exit status says whether all mappings were closed. */
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

int main(void)
{
	int fd = open("/dev/fixture", O_RDWR);
	void *p = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	int count = 0;

	if (p == MAP_FAILED || pread(fd, &count, sizeof(count), 0) < 0)
		return 3;
	if (count != 1 || munmap(p, 4096))
		return 2;
	if (pread(fd, &count, sizeof(count), 0) != sizeof(count))
		return 3;
	return count != 0;
}
