// What a user of the installed library writes: two rows, the exact denoiser between them, and an error caught.
#include <iostream>
#include <vector>

#include "scorefield/base/error.h"
#include "scorefield/base/version.h"
#include "scorefield/data/dataset.h"

int main() {
  const scorefield::Dataset data = scorefield::make_dataset<float>("pair", {-1, 0, 1, 0}, {2});
  try {
    data.select(std::vector<std::size_t>{});
    return 1;
  } catch (const scorefield::Error&) {
    std::cout << "scorefield " << scorefield::version() << ", " << data.size() << " rows\n";
  }
}
