// A TLS server context with a self-signed certificate made on the spot, for localhost.
#pragma once

#include <openssl/ssl.h>

#include <filesystem>
#include <memory>

namespace llmsweep::sim {

using TlsContext = std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)>;

// Writes the certificate (PEM) to `certificate` unless that is empty. Throws Error.
TlsContext make_tls_context(const std::filesystem::path& certificate);

}  // namespace llmsweep::sim
