// Scores the pictures of a .npy file with a SavedModel: a JSON line for each, of ten probabilities in order of class.
//
//     score SAVED_MODEL PICTURES.npy
//
// TensorFlow's C API, which does not change from one compiler to the next.
#include <tensorflow/c/c_api.h>

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "npy.h"
#include "wire.h"

namespace {

template <typename T, void (*Delete)(T*)>
struct Deleter {
  void operator()(T* pointer) const { Delete(pointer); }
};
using Status = std::unique_ptr<TF_Status, Deleter<TF_Status, TF_DeleteStatus>>;
using Graph = std::unique_ptr<TF_Graph, Deleter<TF_Graph, TF_DeleteGraph>>;
using Options = std::unique_ptr<TF_SessionOptions, Deleter<TF_SessionOptions, TF_DeleteSessionOptions>>;
using Buffer = std::unique_ptr<TF_Buffer, Deleter<TF_Buffer, TF_DeleteBuffer>>;
using Tensor = std::unique_ptr<TF_Tensor, Deleter<TF_Tensor, TF_DeleteTensor>>;

void Check(const Status& status) {
  if (TF_GetCode(status.get()) != TF_OK) throw std::runtime_error(TF_Message(status.get()));
}

struct Ends {
  std::string input;
  std::string output;
};

// Finds the tensors of the signature serving_default in a MetaGraphDef, whose signature_def is field 5, a map; of a
// SignatureDef inputs are field 1 and outputs field 2, maps too, and a TensorInfo's name is field 1
// (tensorflow/core/protobuf/meta_graph.proto). An entry of a map has the key in field 1, the value in field 2.
Ends FindSignature(std::string_view meta_graph) {
  for (const std::string_view entry : wire::All(meta_graph, 5)) {
    if (wire::First(entry, 1) != "serving_default") continue;
    const std::string_view signature = wire::First(entry, 2);
    const auto tensor = [&](int field) {
      return std::string(wire::First(wire::First(wire::First(signature, field), 2), 1));
    };
    return {tensor(1), tensor(2)};
  }
  throw std::runtime_error("The SavedModel has no signature serving_default.");
}

class Network {
 public:
  explicit Network(const std::string& folder) : status_(TF_NewStatus()), graph_(TF_NewGraph()) {
    const Options options(TF_NewSessionOptions());
    const Buffer meta_graph(TF_NewBuffer());
    const char* tags[] = {"serve"};
    session_ = TF_LoadSessionFromSavedModel(options.get(), nullptr, folder.c_str(), tags, 1, graph_.get(),
                                            meta_graph.get(), status_.get());
    Check(status_);
    const Ends ends = FindSignature({static_cast<const char*>(meta_graph->data), meta_graph->length});
    input_ = Find(ends.input);
    output_ = Find(ends.output);
  }

  ~Network() {
    if (session_) TF_DeleteSession(session_, status_.get());
  }

  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;

  // Returns the probabilities (count, classes), and how many classes there are.
  std::pair<std::vector<float>, std::size_t> operator()(const Pictures& pictures) const {
    const std::int64_t shape[] = {static_cast<std::int64_t>(pictures.count), kSide, kSide};
    const std::size_t bytes = pictures.pixels.size() * sizeof(float);
    const Tensor given(TF_AllocateTensor(TF_FLOAT, shape, 3, bytes));
    std::memcpy(TF_TensorData(given.get()), pictures.pixels.data(), bytes);
    TF_Tensor* inputs[] = {given.get()};
    TF_Tensor* outputs[] = {nullptr};
    TF_SessionRun(session_, nullptr, &input_, inputs, 1, &output_, outputs, 1, nullptr, 0, nullptr, status_.get());
    Check(status_);
    const Tensor answer(outputs[0]);
    const auto* first = static_cast<const float*>(TF_TensorData(answer.get()));
    return {{first, first + TF_TensorElementCount(answer.get())}, static_cast<std::size_t>(TF_Dim(answer.get(), 1))};
  }

 private:
  // Finds a tensor by its name, "operation:number".
  TF_Output Find(const std::string& name) const {
    const std::size_t colon = name.find(':');
    TF_Operation* operation = TF_GraphOperationByName(graph_.get(), name.substr(0, colon).c_str());
    if (!operation) throw std::runtime_error("The SavedModel has no tensor " + name + ".");
    return {operation, colon == std::string::npos ? 0 : std::stoi(name.substr(colon + 1))};
  }

  Status status_;
  Graph graph_;
  TF_Session* session_ = nullptr;
  TF_Output input_{};
  TF_Output output_{};
};

}  // namespace

int main(int count, char** arguments) {
  if (count != 3) {
    std::fprintf(stderr, "Give a SavedModel's folder and a .npy file: %s SAVED_MODEL PICTURES.npy\n", arguments[0]);
    return 2;
  }
  try {
    const Pictures pictures = ReadPictures(arguments[2]);
    const auto [probabilities, classes] = Network(arguments[1])(pictures);
    for (std::size_t i = 0; i < probabilities.size(); ++i) {
      std::printf("%s%.9g%s", i % classes ? ", " : "[", probabilities[i], (i + 1) % classes ? "" : "]\n");
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  return 0;
}
