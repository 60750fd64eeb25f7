#include "protocol/api_dialect.h"

namespace llmsweep {

const ApiTraits& traits_of(Api api) {
  return dialect_of(api).traits;
}

}  // namespace llmsweep
