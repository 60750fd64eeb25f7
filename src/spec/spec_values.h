// Optional values of a spec: the field's default where the key is absent or null. Private to spec/.
#pragma once

#include <string>

#include "llmsweep/base/config.h"
#include "llmsweep/base/text.h"
#include "llmsweep/model/names.h"

namespace llmsweep {

inline constexpr size_t kSpecTextLimit = 1000;

template <class Enum>
Enum read_enum(const ConfigNode& node, Enum fallback) {
  return node.present() ? *from_name<Enum>(node.as_choice(all_names<Enum>())) : fallback;
}

template <class Int>
Int read_int(const ConfigNode& node, Int fallback, int64_t min, int64_t max) {
  return node.present() ? static_cast<Int>(node.as_int(min, max)) : fallback;
}

inline bool read_bool(const ConfigNode& node, bool fallback) {
  return node.present() ? node.as_bool() : fallback;
}

inline Duration read_duration(const ConfigNode& node, Duration fallback, Duration min) {
  return node.present() ? node.as_duration(min) : fallback;
}

inline double read_number(const ConfigNode& node, double fallback, NumberRange range) {
  return node.present() ? node.as_number(range) : fallback;
}

// One line of text that people read: no control characters, not endless.
inline std::string read_text(const ConfigNode& node, const std::string& fallback = {}) {
  if (!node.present()) return fallback;
  std::string text = node.as_string();
  if (text.size() > kSpecTextLimit) {
    node.fail("must be at most " + std::to_string(kSpecTextLimit) + " bytes of text");
  }
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      node.fail("must not hold control characters or line breaks");
    }
  }
  return text;
}

}  // namespace llmsweep
