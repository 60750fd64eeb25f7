// Names the calling thread and keeps every signal away from it: they belong to the main thread, and
// a write to a lost TLS connection must not end the process.
#pragma once

#include <pthread.h>

#include <csignal>

namespace llmsweep::sim {

inline void begin_quiet_thread(const char* name) {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
  pthread_setname_np(pthread_self(), name);
}

}  // namespace llmsweep::sim
