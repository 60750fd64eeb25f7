// Images that prompts carry, as their files have them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "llmsweep/model/prompt.h"

namespace llmsweep {

// Each file as a data URL with its bytes in base64, in the order of `paths`; a folder stands for
// its files of an image's suffix, by name. Throws Error for what is no PNG, JPEG, WebP, GIF or BMP
// by its first bytes, is larger than 32 MiB, or a folder without any.
std::vector<ImageUrl> read_images(const std::vector<std::string>& paths);

}  // namespace llmsweep
