/* NVIDIA's management library with two GPUs of 700 W, for the tests: the functions of NVML's API
   reference that llmsweep calls. Counters of energy refresh every 100 ms; the second GPU has no
   violation counters and is held down by heat. FAKE_NVML_FAILS=N: it does not start, with error N. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { kOk = 0, kInvalid = 2, kNotSupported = 3 };

static int first, second;
static int started;

static uint64_t tenths(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 10 + (uint64_t)now.tv_nsec / 100000000;
}

int nvmlInit_v2(void) {
  const char* fails = getenv("FAKE_NVML_FAILS");
  if (fails != NULL) return atoi(fails);
  started = 1;
  return kOk;
}
int nvmlShutdown(void) {
  started = 0;
  return kOk;
}
const char* nvmlErrorString(int result) { return result == 9 ? "Driver Not Loaded" : "Unknown"; }

int nvmlDeviceGetCount_v2(unsigned* count) {
  *count = 2;
  return started ? kOk : 1;
}
int nvmlDeviceGetHandleByIndex_v2(unsigned index, void** device) {
  *device = index == 0 ? (void*)&first : (void*)&second;
  return index < 2 ? kOk : kInvalid;
}
int nvmlDeviceGetUUID(void* device, char* uuid, unsigned length) {
  strncpy(uuid, device == &first ? "GPU-aaaa" : "GPU-bbbb", length);
  return kOk;
}
int nvmlDeviceGetTotalEnergyConsumption(void* device, unsigned long long* millijoules) {
  *millijoules = tenths() * 70000 + (device == &first ? 5 : 0);
  return kOk;
}
int nvmlDeviceGetPowerUsage(void* device, unsigned* milliwatts) {
  (void)device;
  *milliwatts = 700000;
  return kOk;
}
int nvmlDeviceGetClockInfo(void* device, unsigned type, unsigned* megahertz) {
  *megahertz = device == &first ? 1980 : 1480;
  return type == 1 ? kOk : kInvalid;
}
int nvmlDeviceGetUtilizationRates(void* device, unsigned* rates) {
  (void)device;
  rates[0] = 80;
  rates[1] = 30;
  return kOk;
}
int nvmlDeviceGetMemoryInfo(void* device, unsigned long long* memory) {
  (void)device;
  memory[0] = 80ULL << 30;
  memory[1] = 8ULL << 30;
  memory[2] = 72ULL << 30;
  return kOk;
}
int nvmlDeviceGetCurrentClocksThrottleReasons(void* device, unsigned long long* reasons) {
  *reasons = device == &first ? 0x1 : 0x20;
  return kOk;
}
int nvmlDeviceGetViolationStatus(void* device, unsigned policy, unsigned long long* time) {
  if (device != &first) return kNotSupported;
  time[0] = 1;
  time[1] = policy == 0 ? 2500000000ULL : 0;
  return kOk;
}
