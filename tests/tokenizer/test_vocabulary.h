// The small vocabulary made for the tests (vocabulary/train.py), in the pipelines of real models.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "llmsweep/tokenizer/tokenizer.h"

namespace llmsweep {

// Those of vocabulary/pipelines.json; o200k_base reads the same vocabulary as a rank file.
inline const std::vector<std::string> kTestPipelines = {"llama3", "gpt2", "qwen", "three_splits",
                                                        "o200k_base"};
std::shared_ptr<const Tokenizer> test_vocabulary(const std::string& pipeline);

// The file as it stands, llama3's pipeline in it: for a spec's workload.tokenizer.
std::string test_vocabulary_file();

// As rank files write a token.
std::string base64_of(const std::string& bytes);

}  // namespace llmsweep
