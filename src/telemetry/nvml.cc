#include "llmsweep/telemetry/nvml.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string_view>

namespace llmsweep {
namespace {

// What of nvml.h is used.
using NvmlDevice = void*;
constexpr int kNvmlOk = 0;
constexpr unsigned kNvmlClockSm = 1;
constexpr unsigned kNvmlPolicyPower = 0;
constexpr unsigned kNvmlPolicyThermal = 1;

// Reasons for which clocks are held down now: bits. "Hardware slowdown" (0x8) stands beside the
// heat or the power brake that it comes from.
constexpr unsigned long long kHeldForPower = 0x4 | 0x80;
constexpr unsigned long long kHeldForHeat = 0x20 | 0x40;

constexpr std::string_view kName = "nvml_{}{{gpu=\"{}\"}} {}\n";

}  // namespace

struct Nvml::Library {
  struct NvmlUtilization {
    unsigned gpu, memory;  // %
  };
  struct NvmlMemory {
    unsigned long long total, free, used;  // bytes
  };
  struct NvmlViolationTime {
    unsigned long long reference_time, violation_time;  // us, ns
  };

  void* handle = nullptr;
  int (*init)() = nullptr;
  int (*shutdown)() = nullptr;
  const char* (*error_text)(int) = nullptr;
  int (*count)(unsigned*) = nullptr;
  int (*device)(unsigned, NvmlDevice*) = nullptr;
  int (*uuid)(NvmlDevice, char*, unsigned) = nullptr;
  int (*energy)(NvmlDevice, unsigned long long*) = nullptr;
  int (*power)(NvmlDevice, unsigned*) = nullptr;
  int (*clock)(NvmlDevice, unsigned, unsigned*) = nullptr;
  int (*utilization)(NvmlDevice, NvmlUtilization*) = nullptr;
  int (*memory)(NvmlDevice, NvmlMemory*) = nullptr;
  int (*reasons)(NvmlDevice, unsigned long long*) = nullptr;
  int (*violation)(NvmlDevice, unsigned, NvmlViolationTime*) = nullptr;
  bool running = false;

  ~Library() {
    if (running && shutdown != nullptr) shutdown();
    if (handle != nullptr) dlclose(handle);
  }

  // The first of the names that is there; null: none.
  template <class Function>
  void find(Function& function, const char* name, const char* older = nullptr) {
    function = reinterpret_cast<Function>(dlsym(handle, name));
    if (function == nullptr && older != nullptr) {
      function = reinterpret_cast<Function>(dlsym(handle, older));
    }
  }
  void find_all() {
    find(init, "nvmlInit_v2", "nvmlInit");
    find(shutdown, "nvmlShutdown");
    find(error_text, "nvmlErrorString");
    find(count, "nvmlDeviceGetCount_v2", "nvmlDeviceGetCount");
    find(device, "nvmlDeviceGetHandleByIndex_v2", "nvmlDeviceGetHandleByIndex");
    find(uuid, "nvmlDeviceGetUUID");
    find(energy, "nvmlDeviceGetTotalEnergyConsumption");
    find(power, "nvmlDeviceGetPowerUsage");
    find(clock, "nvmlDeviceGetClockInfo");
    find(utilization, "nvmlDeviceGetUtilizationRates");
    find(memory, "nvmlDeviceGetMemoryInfo");
    find(reasons, "nvmlDeviceGetCurrentClocksEventReasons",
         "nvmlDeviceGetCurrentClocksThrottleReasons");
    find(violation, "nvmlDeviceGetViolationStatus");
  }

  // Of one device; nothing where the library or the GPU does not have it.
  template <class Value, class Function, class... Which>
  static std::optional<Value> read(Function function, NvmlDevice device, Which... which) {
    Value value{};
    if (function == nullptr || function(device, which..., &value) != kNvmlOk) return std::nullopt;
    return value;
  }

  void add_device(std::string& page, unsigned index) const {
    NvmlDevice gpu = nullptr;
    if (device(index, &gpu) != kNvmlOk) return;
    std::array<char, 96> name{};
    const bool named =
        uuid != nullptr && uuid(gpu, name.data(), static_cast<unsigned>(name.size())) == kNvmlOk;
    name.back() = '\0';
    const std::string id = named ? std::string(name.data()) : std::to_string(index);
    const auto add = [&](const char* what, const auto& value) {
      if (value) fmt::format_to(std::back_inserter(page), kName, what, id, *value);
    };
    add("energy_mj", read<unsigned long long>(energy, gpu));
    add("power_mw", read<unsigned>(power, gpu));
    add("sm_clock_mhz", read<unsigned>(clock, gpu, kNvmlClockSm));
    if (const auto busy = read<NvmlUtilization>(utilization, gpu)) {
      add("busy_percent", std::optional(busy->gpu));
    }
    if (const auto used = read<NvmlMemory>(memory, gpu)) {
      add("memory_used_bytes", std::optional(used->used));
    }
    if (const auto why = read<unsigned long long>(reasons, gpu)) {
      add("held_for_power", std::optional((*why & kHeldForPower) != 0 ? 1 : 0));
      add("held_for_heat", std::optional((*why & kHeldForHeat) != 0 ? 1 : 0));
    }
    if (const auto held = read<NvmlViolationTime>(violation, gpu, kNvmlPolicyPower)) {
      add("power_violation_ns", std::optional(held->violation_time));
    }
    if (const auto held = read<NvmlViolationTime>(violation, gpu, kNvmlPolicyThermal)) {
      add("thermal_violation_ns", std::optional(held->violation_time));
    }
  }
};

Nvml::Nvml(const std::string& library) : library_(std::make_unique<Library>()) {
  library_->handle = dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library_->handle == nullptr) {
    const char* why = dlerror();
    error_ = why != nullptr ? why : library + " cannot be opened";
    return;
  }
  library_->find_all();
  if (library_->init == nullptr || library_->count == nullptr || library_->device == nullptr) {
    error_ = library + " is no NVML: it lacks nvmlInit_v2 or its kin";
    return;
  }
  const int result = library_->init();
  library_->running = result == kNvmlOk;
  if (library_->running) return;
  const char* why = library_->error_text != nullptr ? library_->error_text(result) : nullptr;
  error_ = fmt::format("NVML does not start: {}",
                       why != nullptr ? std::string(why) : fmt::format("error {}", result));
}

Nvml::~Nvml() = default;

std::string Nvml::page() const {
  std::string page;
  unsigned gpus = 0;
  if (!library_->running || library_->count(&gpus) != kNvmlOk) return page;
  for (unsigned index = 0; index < gpus; ++index) library_->add_device(page, index);
  return page;
}

}  // namespace llmsweep
