/*
 * A disk that forgets what was not synced. Preloaded into a process, it writes the old bytes of every change to a file below FAULTS_DIR into an undo log before the
 * change is made, and a mark when a file (or the directory, for new files) has been synced. After a SIGKILL, undoing the log backwards to the last mark of each file leaves
 * what a power cut would have left in the worst case: nothing that was not synced. FAULTS_SYNC_DELAY_MS makes every sync slower. FAULTS_KILL_AT=n kills the process at its n-th change;
 * syncs of files whose name ends in FAULTS_DEAF do nothing; FAULTS_FREE is what statfs says is free, in bytes.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <signal.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { WRITE = 1, TRUNCATE = 2, SYNC = 3, CREATE = 4, RENAME = 5 };
struct header { uint32_t magic, kind; uint64_t offset, length, oldSize; uint32_t pathLength, reserved; };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int logFd = -2;
static char *paths[4096];

#define REAL(name, type) ((type)dlsym(RTLD_NEXT, name))

static int watched(const char *path) {
  const char *directory = getenv("FAULTS_DIR");
  return directory && path && strncmp(path, directory, strlen(directory)) == 0;
}

/* libuv closes files by a system call of its own: by now the number may be that of a socket. */
static const char *pathOf(int fd) {
  struct stat st;
  if (fd < 0 || fd >= 4096 || !paths[fd] || fstat(fd, &st) != 0) return NULL;
  return S_ISREG(st.st_mode) || S_ISDIR(st.st_mode) ? paths[fd] : NULL;
}

static int changes = 0;

static void record(uint32_t kind, const char *path, uint64_t offset, const void *old, uint64_t length, uint64_t oldSize) {
  const char *last = getenv("FAULTS_KILL_AT");
  if (last && ++changes >= atoi(last)) syscall(SYS_kill, getpid(), SIGKILL);
  if (logFd == -2) logFd = syscall(SYS_openat, AT_FDCWD, getenv("FAULTS_LOG"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  struct header h = {0x464c5431, kind, offset, length, oldSize, strlen(path), 0};
  struct iovec parts[3] = {{&h, sizeof h}, {(void *)path, h.pathLength}, {(void *)old, length}};
  /* One append, so that a kill leaves a whole record or a torn last one, whose change was not made. */
  syscall(SYS_writev, logFd, parts, length ? 3 : 2);
}

/* While the file FAULTS_FULL exists, the disk has no room. */
static int full(int fd) {
  const char *flag = getenv("FAULTS_FULL");
  if (!flag || !pathOf(fd) || access(flag, F_OK) != 0) return 0;
  errno = ENOSPC;
  return 1;
}

static void beforeWrite(int fd, uint64_t offset, size_t length) {
  const char *path = pathOf(fd);
  struct stat st;
  if (!path || fstat(fd, &st) != 0) return;
  uint64_t size = st.st_size, from = offset < size ? offset : size, upto = offset + length < size ? offset + length : size;
  size_t keep = upto > from ? upto - from : 0;
  char *old = keep ? malloc(keep) : NULL;
  if (keep) syscall(SYS_pread64, fd, old, keep, from);
  pthread_mutex_lock(&lock);
  record(WRITE, path, from, old, keep, size);
  pthread_mutex_unlock(&lock);
  free(old);
}

static void opened(int fd, const char *path, int isNew) {
  if (fd < 0 || fd >= 4096) return;
  free(paths[fd]);
  paths[fd] = watched(path) ? strdup(path) : NULL;
  if (paths[fd] && isNew) {
    pthread_mutex_lock(&lock);
    record(CREATE, path, 0, NULL, 0, 0);
    pthread_mutex_unlock(&lock);
  }
}

static int openPath(const char *path, int flags, mode_t mode) {
  int isNew = (flags & O_CREAT) && watched(path) && access(path, F_OK) != 0;
  int fd = syscall(SYS_openat, AT_FDCWD, path, flags, mode);
  opened(fd, path, isNew);
  return fd;
}

int open(const char *path, int flags, ...) { va_list a; va_start(a, flags); mode_t m = va_arg(a, mode_t); va_end(a); return openPath(path, flags, m); }
int open64(const char *path, int flags, ...) { va_list a; va_start(a, flags); mode_t m = va_arg(a, mode_t); va_end(a); return openPath(path, flags | O_LARGEFILE, m); }
int close(int fd) {
  if (fd >= 0 && fd < 4096 && paths[fd]) { free(paths[fd]); paths[fd] = NULL; }
  return syscall(SYS_close, fd);
}

ssize_t pwrite(int fd, const void *data, size_t length, off_t offset) { if (full(fd)) return -1; beforeWrite(fd, offset, length); return syscall(SYS_pwrite64, fd, data, length, offset); }
ssize_t pwrite64(int fd, const void *data, size_t length, off64_t offset) { if (full(fd)) return -1; beforeWrite(fd, offset, length); return syscall(SYS_pwrite64, fd, data, length, offset); }
ssize_t write(int fd, const void *data, size_t length) {
  if (full(fd)) return -1;
  if (pathOf(fd)) beforeWrite(fd, lseek(fd, 0, SEEK_CUR), length);
  return syscall(SYS_write, fd, data, length);
}

static int truncated(int fd, off_t length) {
  const char *path = pathOf(fd);
  struct stat st;
  if (path && fstat(fd, &st) == 0) {
    size_t keep = st.st_size > length ? st.st_size - length : 0;
    char *old = keep ? malloc(keep) : NULL;
    if (keep) syscall(SYS_pread64, fd, old, keep, length);
    pthread_mutex_lock(&lock);
    record(TRUNCATE, path, length, old, keep, st.st_size);
    pthread_mutex_unlock(&lock);
    free(old);
  }
  return syscall(SYS_ftruncate, fd, length);
}
int ftruncate(int fd, off_t length) { return truncated(fd, length); }
int ftruncate64(int fd, off64_t length) { return truncated(fd, length); }

static int deaf(const char *path) {
  const char *end = getenv("FAULTS_DEAF");
  return path && end && strlen(path) >= strlen(end) && strcmp(path + strlen(path) - strlen(end), end) == 0;
}

static int synced(int fd, int data) {
  if (deaf(pathOf(fd))) return 0;
  const char *delay = getenv("FAULTS_SYNC_DELAY_MS");
  if (delay && pathOf(fd)) usleep(1000 * atoi(delay));
  int result = syscall(data ? SYS_fdatasync : SYS_fsync, fd);
  const char *path = pathOf(fd);
  if (result == 0 && path) {
    pthread_mutex_lock(&lock);
    record(SYNC, path, 0, NULL, 0, 0);
    pthread_mutex_unlock(&lock);
  }
  return result;
}
int fsync(int fd) { return synced(fd, 0); }
int fdatasync(int fd) { return synced(fd, 1); }

/* The record holds the new name and, below it, another name of the file that had it before. */
int rename(const char *from, const char *to) {
  if (watched(from)) {
    static int replaced = 0;
    char said[2 * PATH_MAX + 64];
    pthread_mutex_lock(&lock);
    snprintf(said, sizeof said, "%s\n%s.replaced-%d-%d", to, getenv("FAULTS_LOG"), getpid(), ++replaced);
    syscall(SYS_linkat, AT_FDCWD, to, AT_FDCWD, strchr(said, '\n') + 1, 0);
    record(RENAME, from, 0, said, strlen(said), 0);
    pthread_mutex_unlock(&lock);
  }
  return syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

int statfs(const char *path, struct statfs *found) {
  const char *bytes = getenv("FAULTS_FREE");
  int result = syscall(SYS_statfs, path, found);
  if (result == 0 && bytes) found->f_bavail = atoll(bytes) / found->f_bsize;
  return result;
}
int statfs64(const char *path, struct statfs64 *found) { return statfs(path, (struct statfs *)found); }
