#include "wire.h"

#include <cstdint>
#include <stdexcept>

namespace wire {
namespace {

[[noreturn]] void Fail() { throw std::runtime_error("The SavedModel is damaged; write it anew."); }

std::uint64_t TakeNumber(std::string_view& rest) {
  std::uint64_t number = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    if (rest.empty()) Fail();
    const auto byte = static_cast<unsigned char>(rest.front());
    rest.remove_prefix(1);
    number |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
    if (byte < 0x80) return number;
  }
  Fail();
}

std::string_view Take(std::string_view& rest, std::uint64_t size) {
  if (size > rest.size()) Fail();
  const std::string_view taken = rest.substr(0, size);
  rest.remove_prefix(size);
  return taken;
}

}  // namespace

std::vector<std::string_view> All(std::string_view message, int field) {
  std::vector<std::string_view> found;
  while (!message.empty()) {
    const std::uint64_t tag = TakeNumber(message);
    switch (tag & 7) {
      case 0:
        TakeNumber(message);
        break;
      case 1:
        Take(message, 8);
        break;
      case 2: {
        const std::string_view value = Take(message, TakeNumber(message));
        if (tag >> 3 == static_cast<std::uint64_t>(field)) found.push_back(value);
        break;
      }
      case 5:
        Take(message, 4);
        break;
      default:
        Fail();
    }
  }
  return found;
}

std::string_view First(std::string_view message, int field) {
  const std::vector<std::string_view> found = All(message, field);
  return found.empty() ? std::string_view{} : found.front();
}

}  // namespace wire
