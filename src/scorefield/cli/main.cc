#include <cstdio>
int main() {
  std::puts("scorefield " SCOREFIELD_VERSION);
}
