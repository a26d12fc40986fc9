// Cuts the power of a mounted ext4 or xfs file system: it forgets everything that was not handed to its disk, its journal
// included, and refuses all that comes later, until it is mounted again. Built and called by power-disk.ts.
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/ioctl.h>

#define SHUTDOWN _IOR('X', 125, uint32_t)
#define WITHOUT_FLUSH 2

int main(int count, char **words) {
  uint32_t how = WITHOUT_FLUSH;
  int folder = count == 2 ? open(words[1], O_RDONLY) : -1;
  if (folder >= 0 && ioctl(folder, SHUTDOWN, &how) == 0) return 0;
  perror("cut-power");
  return 1;
}
