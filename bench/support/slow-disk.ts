import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

const source = `
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>
static void wait_first(void) {
  const char *ms = getenv("BENCH_SYNC_DELAY_MS");
  if (ms) usleep(1000 * atoi(ms));
}
int fdatasync(int fd) { wait_first(); return ((int (*)(int))dlsym(RTLD_NEXT, "fdatasync"))(fd); }
int fsync(int fd) { wait_first(); return ((int (*)(int))dlsym(RTLD_NEXT, "fsync"))(fd); }
`;

/** An environment in which every sync of a file takes so much longer: a library of a few lines, made by the system's C compiler. */
export async function slowDisk(directory: string, delayMs: number): Promise<NodeJS.ProcessEnv> {
  const file = join(directory, 'slow-disk');
  writeFileSync(`${file}.c`, source);
  execFileSync('cc', ['-shared', '-fPIC', '-O1', '-o', `${file}.so`, `${file}.c`, '-ldl']);
  return { LD_PRELOAD: `${file}.so`, BENCH_SYNC_DELAY_MS: String(delayMs) };
}
