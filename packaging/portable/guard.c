// The stack protector's canary and what is called where it was overwritten. Zig's compiler runtime
// has its own of both, which would win over glibc's: a trap without a word, and on aarch64 a canary
// that is the same in every process. These are found first. x86-64 takes its canary from glibc's
// thread block either way.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

uintptr_t __stack_chk_guard = 0x0aff0000;

__attribute__((constructor(101), no_stack_protector)) static void choose_guard(void) {
  const void* random = (const void*)getauxval(AT_RANDOM);
  if (random) memcpy(&__stack_chk_guard, random, sizeof __stack_chk_guard);
  __stack_chk_guard &= ~(uintptr_t)0xff;  // no text that overflows can have written it
}

_Noreturn void __stack_chk_fail(void) {
  static const char text[] = "stack smashing detected\n";
  if (write(STDERR_FILENO, text, sizeof text - 1) < 0) {
  }
  abort();
}
