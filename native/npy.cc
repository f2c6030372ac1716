#include "npy.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <regex>
#include <sstream>
#include <stdexcept>
#include <type_traits>

namespace {

constexpr char kMagic[] = "\x93NUMPY";
constexpr std::size_t kMagicSize = 6;
// The endpoint's own sentences (model_code/inference.py and data.py).
constexpr char kNoFile[] = "The body is not a whole .npy file of numbers, as numpy.save writes it.";
constexpr char kRule[] = "(n, 48, 48) uint8 0..255 or float 0..1";

[[noreturn]] void Refuse(const std::string& sentence) { throw std::runtime_error(sentence); }

struct Header {
  std::string type;
  std::string shown;  // the shape, as the file has it
  std::vector<std::size_t> shape;
  std::size_t end;  // where the numbers begin
};

Header ReadHeader(const std::string& content) {
  if (content.size() < kMagicSize + 4 || content.compare(0, kMagicSize, kMagic) != 0) Refuse(kNoFile);
  const int version = content[kMagicSize];
  if (version != 1 && version != 2) Refuse(kNoFile);
  const std::size_t digits = version == 1 ? 2 : 4;
  const std::size_t start = kMagicSize + 2 + digits;
  std::size_t length = 0;
  for (std::size_t i = 0; i < digits && kMagicSize + 2 + i < content.size(); ++i) {
    length |= static_cast<std::size_t>(static_cast<unsigned char>(content[kMagicSize + 2 + i])) << (8 * i);
  }
  if (start > content.size() || length > content.size() - start) Refuse(kNoFile);
  const std::string text = content.substr(start, length);
  static const std::regex kPattern(
      R"(\{'descr': '([^']+)', 'fortran_order': (False|True), 'shape': (\(([0-9, ]*)\)), \}\s*)");
  std::smatch found;
  if (!std::regex_match(text, found, kPattern) || found[2] == "True") Refuse(kNoFile);
  Header header{found[1], found[3], {}, start + length};
  std::stringstream numbers(found[4]);
  for (std::string each; std::getline(numbers, each, ',');) {
    if (each.find_first_not_of(' ') == std::string::npos) continue;
    try {
      header.shape.push_back(std::stoull(each));
    } catch (const std::out_of_range&) {
      Refuse(kNoFile);
    }
  }
  return header;
}

template <typename Number>
void CheckRange(const std::vector<Number>& numbers) {
  for (const Number number : numbers) {
    if (!std::isfinite(number)) Refuse(std::string("The array holds NaN or infinite values; it needs ") + kRule + ".");
  }
  const auto [lowest, highest] = std::minmax_element(numbers.begin(), numbers.end());
  if (*lowest >= 0 && *highest <= 1) return;
  char range[64];
  std::snprintf(range, sizeof range, "%g to %g", static_cast<double>(*lowest), static_cast<double>(*highest));
  Refuse(std::string("The array holds values from ") + range + "; it needs " + kRule + ".");
}

template <typename Number>
std::vector<float> Scaled(const std::string& content, const Header& header, std::size_t count, float divisor) {
  if ((content.size() - header.end) / sizeof(Number) != count || (content.size() - header.end) % sizeof(Number)) {
    Refuse(kNoFile);
  }
  std::vector<Number> numbers(count);
  std::memcpy(numbers.data(), content.data() + header.end, count * sizeof(Number));
  if constexpr (std::is_floating_point_v<Number>) CheckRange(numbers);
  std::vector<float> pixels(count);
  for (std::size_t i = 0; i < count; ++i) pixels[i] = static_cast<float>(numbers[i]) / divisor;
  return pixels;
}

}  // namespace

Pictures ReadPictures(const std::string& file) {
  std::ifstream stream(file, std::ios::binary);
  if (!stream) Refuse("There is no file " + file + " that can be read; name a .npy file.");
  const std::string content{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  const Header header = ReadHeader(content);
  std::vector<std::size_t> shape = header.shape;
  if (shape.size() == 2) shape.insert(shape.begin(), 1);
  // A count that the file could not hold is none: its product with a picture's size might run over.
  if (shape.size() != 3 || shape[0] == 0 || shape[1] != kSide || shape[2] != kSide) {
    Refuse("The array has shape " + header.shown + "; it needs (48, 48) for one picture, or " + kRule + ".");
  }
  if (shape[0] > content.size()) Refuse(kNoFile);
  const std::size_t count = shape[0] * kSide * kSide;
  if (header.type == "|u1") return {shape[0], Scaled<std::uint8_t>(content, header, count, 255)};
  if (header.type == "<f4") return {shape[0], Scaled<float>(content, header, count, 1)};
  if (header.type == "<f8") return {shape[0], Scaled<double>(content, header, count, 1)};
  Refuse("The array holds " + header.type + " values; it needs " + kRule + ".");
}
