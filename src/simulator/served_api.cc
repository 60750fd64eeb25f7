#include "simulator/served_api.h"

namespace llmsweep::sim {

const Api* served_at(std::string_view path) {
  for (const Api* api : kServedApis) {
    if (api->path == path) return api;
  }
  return nullptr;
}

}  // namespace llmsweep::sim
