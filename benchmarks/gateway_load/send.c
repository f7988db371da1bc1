/* The floor of fan-out: the same bytes to every socket by send(2), so many times. Prints CPU microseconds for each.
   usage: send PORT SOCKETS ROUNDS BYTES; it listens, waits for all, sends, and ends. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static double cpu_s(void) {
  struct rusage use;
  getrusage(RUSAGE_SELF, &use);
  return use.ru_utime.tv_sec + use.ru_stime.tv_sec + (use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
}

int main(int argc, char **argv) {
  if (argc != 5) return 2;
  int count = atoi(argv[2]), rounds = atoi(argv[3]), size = atoi(argv[4]), one = 1;
  struct rlimit limit = {count + 64, count + 64};
  setrlimit(RLIMIT_NOFILE, &limit);
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[1])), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (bind(listener, (struct sockaddr *)&to, sizeof to) || listen(listener, 4096)) return 1;
  int *sockets = calloc(count, sizeof *sockets);
  char *frame = calloc(1, size);
  memset(frame, 'x', size);
  for (int at = 0; at < count; at++) {
    sockets[at] = accept(listener, 0, 0);
    setsockopt(sockets[at], IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  }
  double before = cpu_s();
  for (int round = 0; round < rounds; round++) {
    for (int at = 0; at < count; at++)
      if (send(sockets[at], frame, size, MSG_NOSIGNAL) != size) return 1;
    usleep(50000);
  }
  printf("%.6f\n", (cpu_s() - before) * 1e6 / ((double)count * rounds));
  return 0;
}
