/* Streams a signal through one signature of a .tflite by TensorFlow Lite's C API.
 *
 *     run_stream MODEL SIGNATURE INPUT OUTPUT < raw-inputs > raw-outputs
 *
 * Each call reads the tensor INPUT and writes the tensor OUTPUT; all other tensors are states, which
 * begin as zeros and go from the output of one call to the input of the same name of the next.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct TfLiteModel TfLiteModel;
typedef struct TfLiteInterpreterOptions TfLiteInterpreterOptions;
typedef struct TfLiteInterpreter TfLiteInterpreter;
typedef struct TfLiteSignatureRunner TfLiteSignatureRunner;
typedef struct TfLiteTensor TfLiteTensor;

TfLiteModel *TfLiteModelCreateFromFile(const char *path);
TfLiteInterpreterOptions *TfLiteInterpreterOptionsCreate(void);
void TfLiteInterpreterOptionsSetNumThreads(TfLiteInterpreterOptions *, int);
TfLiteInterpreter *TfLiteInterpreterCreate(const TfLiteModel *, const TfLiteInterpreterOptions *);
TfLiteSignatureRunner *TfLiteInterpreterGetSignatureRunner(const TfLiteInterpreter *, const char *);
size_t TfLiteSignatureRunnerGetInputCount(const TfLiteSignatureRunner *);
const char *TfLiteSignatureRunnerGetInputName(const TfLiteSignatureRunner *, int);
TfLiteTensor *TfLiteSignatureRunnerGetInputTensor(TfLiteSignatureRunner *, const char *);
const TfLiteTensor *TfLiteSignatureRunnerGetOutputTensor(const TfLiteSignatureRunner *, const char *);
int TfLiteSignatureRunnerAllocateTensors(TfLiteSignatureRunner *);
int TfLiteSignatureRunnerInvoke(TfLiteSignatureRunner *);
size_t TfLiteTensorByteSize(const TfLiteTensor *);
void *TfLiteTensorData(const TfLiteTensor *);

static void *check(void *made, const char *what) {
  if (made == NULL) {
    fprintf(stderr, "run_stream: no %s\n", what);
    exit(1);
  }
  return made;
}

int main(int argc, char **argv) {
  if (argc != 5) {
    fprintf(stderr, "usage: run_stream MODEL SIGNATURE INPUT OUTPUT\n");
    return 2;
  }
  TfLiteModel *model = check(TfLiteModelCreateFromFile(argv[1]), argv[1]);
  TfLiteInterpreterOptions *options = TfLiteInterpreterOptionsCreate();
  TfLiteInterpreterOptionsSetNumThreads(options, 1);
  TfLiteInterpreter *interpreter = check(TfLiteInterpreterCreate(model, options), "interpreter");
  TfLiteSignatureRunner *runner =
      check(TfLiteInterpreterGetSignatureRunner(interpreter, argv[2]), argv[2]);
  if (TfLiteSignatureRunnerAllocateTensors(runner) != 0) return 1;

  int count = (int)TfLiteSignatureRunnerGetInputCount(runner);
  for (int i = 0; i < count; ++i) {
    TfLiteTensor *tensor =
        TfLiteSignatureRunnerGetInputTensor(runner, TfLiteSignatureRunnerGetInputName(runner, i));
    memset(TfLiteTensorData(tensor), 0, TfLiteTensorByteSize(tensor));
  }
  TfLiteTensor *input = check(TfLiteSignatureRunnerGetInputTensor(runner, argv[3]), argv[3]);
  while (fread(TfLiteTensorData(input), TfLiteTensorByteSize(input), 1, stdin) == 1) {
    if (TfLiteSignatureRunnerInvoke(runner) != 0) return 1;
    const TfLiteTensor *output = TfLiteSignatureRunnerGetOutputTensor(runner, argv[4]);
    fwrite(TfLiteTensorData(output), TfLiteTensorByteSize(output), 1, stdout);
    for (int i = 0; i < count; ++i) {
      const char *name = TfLiteSignatureRunnerGetInputName(runner, i);
      if (strcmp(name, argv[3]) == 0) continue;
      TfLiteTensor *state = TfLiteSignatureRunnerGetInputTensor(runner, name);
      const TfLiteTensor *after =
          check((void *)TfLiteSignatureRunnerGetOutputTensor(runner, name), name);
      memcpy(TfLiteTensorData(state), TfLiteTensorData(after), TfLiteTensorByteSize(state));
    }
  }
  return 0;
}
