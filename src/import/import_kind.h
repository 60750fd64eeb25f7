// What a file is that no importer reads, so that its error can say what to give in its place.
// Private to import/.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "import/import_json.h"

namespace llmsweep::foreign {

struct Kind {
  std::string what;  // "a CSV file"; empty: nothing that is known
  std::string next;  // what to give instead; may be empty
};

enum class Syntax { kJson, kYaml, kNeither };
// By the text's beginning and, where that leaves it open, by the name's ending.
Syntax syntax_of(std::string_view text, const std::filesystem::path& path);

// Of a text that is neither JSON nor YAML.
Kind kind_of_text(std::string_view text, const std::filesystem::path& path);
// Of a document that no importer recognises.
Kind kind_of_document(const Document& document);

}  // namespace llmsweep::foreign
