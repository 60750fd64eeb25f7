#include "llmsweep/spec/spec_file.h"

#include <string>
#include <vector>

#include "llmsweep/model/spec_keys.h"

namespace llmsweep {
namespace {

class KeyPaths {
 public:
  template <class T, class... Kind>
  void operator()(const Key& key, T&, const Kind&...) {
    paths.push_back(prefix_ + key.name);
  }
  template <class T>
  void operator()(const Key& key, T& section, const kind::Section&) {
    const size_t before = prefix_.size();
    prefix_ += std::string(key.name) + ".";
    keys(*this, section);
    prefix_.resize(before);
  }

  std::vector<std::string> paths;

 private:
  std::string prefix_;
};

}  // namespace

std::vector<std::string> spec_key_paths() {
  KeyPaths found;
  SweepSpec any;
  keys(found, any);
  return found.paths;
}

}  // namespace llmsweep
