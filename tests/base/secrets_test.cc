#include "llmsweep/base/secrets.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

namespace llmsweep {
namespace {

TEST(Secrets, KnowsNamesOfCredentials) {
  for (const char* name : {"Authorization",
                           "authorization",
                           "Proxy-Authorization",
                           "api-key",
                           "X-API-Key",
                           "apikey",
                           "X-Auth-Token",
                           "access_token",
                           "client_secret",
                           "PASSWORD",
                           "Set-Cookie",
                           "Cookie",
                           "Ocp-Apim-Subscription-Key",
                           "private_key",
                           "x-amz-signature",
                           "key",
                           "x-goog-api-key",
                           "x-amz-security-token",
                           "X-Auth",
                           "Authentication",
                           "sig",
                           "jwt",
                           "session",
                           "passphrase",
                           "pat",
                           "hf_token",
                           "hf_tokens",
                           "api_token",
                           "tokens",
                           "X-Session-Id",
                           "Helicone-Auth",
                           "Cf-Access-Jwt-Assertion",
                           "X-Amz-Credential",
                           "auth_key",
                           "authKey",
                           "apiKeys",
                           "x-functions-key",
                           "user_password",
                           "bearer",
                           "X.Secret",
                           "proxy auth",
                           "PRIVATE-TOKEN",
                           "aws_secret_access_key",
                           "connection_string",
                           "signing-key",
                           "X-CSRF-Token",
                           "pwd",
                           "X-Token-2",
                           "X-Key1",
                           "X-APP-KEY-V2",
                           "X-Token-Value",
                           "X-Key-Value",
                           "X-ApiToken-Prod",
                           "X-LLM-Key-Primary",
                           "X-Openai-Key-Header",
                           "X-Login-Token-Old",
                           "X-Token-Backup",
                           "X-APIKEY-PRIMARY",
                           "X-ApiKey2",
                           "DPoP",
                           "X-Ak",
                           "X-Sk",
                           "Sign",
                           "X-TC-Sign",
                           "x-psk",
                           "X-Privkey",
                           "X-Jws",
                           "X-MAC",
                           "X-Sas",
                           "X-Sharedaccess",
                           "X-Pin",
                           "X-2fa",
                           "X-Refresh",
                           "X-UserPw",
                           "userpass",
                           "x-passw",
                           "X-Macaroon",
                           "X-Client-Cert",
                           "X-Forwarded-Client-Cert",
                           "X-PEM",
                           "X-DSN",
                           "x-conn-str",
                           "X-License",
                           "X-Seed-Phrase",
                           "X-Mnemonic",
                           "CF-Access-Client-Id",
                           "accessKeyId",
                           "x-key-id",
                           "X-Auth0",
                           "x-id-token"}) {
    EXPECT_TRUE(names_a_secret(name)) << name;
  }
}

TEST(Secrets, KnowsThatTokensOfTextAreNone) {
  for (const char* name : {"max_tokens",
                           "min_tokens",
                           "max_completion_tokens",
                           "maxTokens",
                           "maxtokens",
                           "stop_token_ids",
                           "skip_special_tokens",
                           "prompt_tokens",
                           "tokenizer",
                           "top_k",
                           "author",
                           "authority",
                           "authors",
                           "add_generation_prompt",
                           "prompt_cache_key",
                           "Idempotency-Key",
                           "truncate_prompt_tokens",
                           "eos_token",
                           "include_stop_str_in_output",
                           "ignore_eos",
                           "Content-Type",
                           "X-Request-Id",
                           "model",
                           "stop",
                           "keyboard",
                           "design",
                           "signal",
                           "pattern",
                           "passes",
                           "Server",
                           "",
                           "-",
                           "session_affinity",
                           "thinking_token_budget",
                           "logprobs",
                           "max_new_tokens",
                           "min_tokens_to_keep",
                           "add_special_tokens",
                           "bad_words_token_ids",
                           "token_ids",
                           "return_token_ids",
                           "return_tokens_as_token_ids",
                           "token_type_ids",
                           "key_value_heads",
                           "num_key_value_heads",
                           "kv_transfer_params",
                           "kv_cache_dtype",
                           "logit_bias",
                           "sign_language",
                           "pass_through",
                           "X-Nonce",
                           "token_id",
                           "num_tokens",
                           "top_logprobs",
                           "stop2",
                           "V2",
                           "cache_salt",
                           "public_key",
                           "n_tokens"}) {
    EXPECT_FALSE(names_a_secret(name)) << name;
  }
}

TEST(Secrets, RedactsAtAnyDepth) {
  EXPECT_EQ(redact_json(R"({"a":[{"token":"x","max_tokens":5}],"password":{"b":1},"key":true})"),
            R"({"a":[{"token":"<redacted>","max_tokens":5}],"password":"<redacted>","key":true})");
  EXPECT_EQ(redact_json(R"({"api_tokens":["one","two"]})"), R"({"api_tokens":"<redacted>"})");
  EXPECT_EQ(redact_json("not json"), "");
}

TEST(Secrets, TakesAKeyWithoutWhatStandsAroundIt) {
  for (const char* text :
       {"sk-1", "sk-1\n", "sk-1\r\n", "\xef\xbb\xbfsk-1\r\n", " \tsk-1 \n\n", "\ufeff \ufeffsk-1",
        "\u00a0sk-1\u00a0", "\u3000sk-1", "sk-1\u200b", "sk-1\u2028\n", "sk-1\xc2\x85"}) {
    EXPECT_EQ(trimmed_key(text), "sk-1");
  }
  EXPECT_EQ(trimmed_key(" \r\n"), "");
}

TEST(Secrets, KeepsMemoryOutOfCoreFiles) {
  const pid_t child = fork();  // limits cannot be raised again
  if (child == 0) {
    keep_secrets_out_of_core_dumps();
    rlimit limit{};
    getrlimit(RLIMIT_CORE, &limit);
    std::string filter;
    std::ifstream("/proc/self/coredump_filter") >> filter;
    _exit(limit.rlim_cur == 0 && filter.find_first_not_of('0') == std::string::npos ? 0 : 1);
  }
  int status = -1;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace llmsweep
