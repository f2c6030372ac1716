// Protocol Buffers as they are on the wire, as far as messages within messages go: no code needs to be generated.
// Source: https://protobuf.dev/programming-guides/encoding/.
#ifndef NATIVE_WIRE_H_
#define NATIVE_WIRE_H_

#include <string_view>
#include <vector>

namespace wire {

// Returns all values of a field that are texts or messages. Throws std::runtime_error for what is no message.
std::vector<std::string_view> All(std::string_view message, int field);

// Returns the first of them, empty if there is none.
std::string_view First(std::string_view message, int field);

}  // namespace wire

#endif  // NATIVE_WIRE_H_
