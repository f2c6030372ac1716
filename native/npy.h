// Pictures in a .npy file, as numpy.save writes it.
#ifndef NATIVE_NPY_H_
#define NATIVE_NPY_H_

#include <cstddef>
#include <string>
#include <vector>

struct Pictures {
  std::size_t count;
  std::vector<float> pixels;  // count * kSide * kSide, 0..1, row by row
};

constexpr std::size_t kSide = 48;

// Reads pictures (48, 48) or (n, 48, 48), uint8 0..255 or float 0..1 of 32 or 64 bits.
// Throws std::runtime_error, in one sentence, for anything else.
Pictures ReadPictures(const std::string& file);

#endif  // NATIVE_NPY_H_
