// A folder of files for one import test, gone at its end.
#pragma once

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "llmsweep/base/error.h"
#include "llmsweep/import/import.h"

namespace llmsweep {

class ImportFolder {
 public:
  ImportFolder()
      : path_(std::filesystem::temp_directory_path() /
              ("llmsweep-import-" + std::to_string(::getpid()))) {
    std::filesystem::remove_all(path_);
    std::filesystem::create_directories(path_);
  }
  ~ImportFolder() { std::filesystem::remove_all(path_); }
  ImportFolder(const ImportFolder&) = delete;
  ImportFolder& operator=(const ImportFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path add(const std::string& name, const std::string& text) const {
    const std::filesystem::path file = path_ / name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
    return file;
  }

 private:
  std::filesystem::path path_;
};

inline ImportOptions on_gpus(int gpus) {
  return {.system = {.gpus = gpus}};
}

template <class Call>
std::string error_text(const Call& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace llmsweep
