package org.tensorflow.lite;

import com.sun.jna.Memory;
import com.sun.jna.Native;
import com.sun.jna.Pointer;
import com.sun.jna.ptr.LongByReference;
import com.sun.jna.ptr.PointerByReference;
import java.nio.ByteBuffer;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * A stand-in for the class of the same name in the Android library, over the desktop's LiteRT, so
 * that the very classes that ship run on a desktop. It has the methods the codec calls and treats
 * buffers as the Android library does: they must be direct, an input's size is its capacity, and an
 * output is written from its buffer's position on, which moves.
 */
public final class Interpreter implements AutoCloseable {
  /** Options of an interpreter; the desktop's LiteRT chooses the number of threads itself. */
  public static final class Options {
    public Options setNumThreads(int numThreads) {
      return this;
    }
  }

  private static final LiteRt API = LiteRt.INSTANCE;
  private static final int TYPE_BYTES = 256; // a LiteRtRankedTensorType, which nothing here reads

  private final ByteBuffer content; // LiteRT reads from it as long as the model lives
  private final Pointer environment;
  private final Pointer model;
  private final Pointer compiled;
  private final Map<String, Signature> signatures = new LinkedHashMap<>();

  public Interpreter(ByteBuffer content, Options options) {
    if (!content.isDirect()) {
      throw new IllegalArgumentException("the model must be in a direct buffer");
    }
    this.content = content;
    environment = made("environment", out -> API.LiteRtCreateEnvironment(0, null, out));
    model = made("model", out -> API.LiteRtCreateModelFromBuffer(environment,
        Native.getDirectBufferPointer(content), content.capacity(), out));
    Pointer settings = made("options", API::LiteRtCreateOptions);
    check(API.LiteRtSetOptionsHardwareAccelerators(settings, LiteRt.CPU), "choosing the CPU");
    compiled = made("compiled model",
        out -> API.LiteRtCreateCompiledModel(environment, model, settings, out));
    API.LiteRtDestroyOptions(settings);
    long count = counted(out -> API.LiteRtGetNumModelSignatures(model, out));
    for (long index = 0; index < count; index++) {
      Signature signature = new Signature(index);
      signatures.put(signature.key, signature);
    }
  }

  public String[] getSignatureKeys() {
    return signatures.keySet().toArray(new String[0]);
  }

  public String[] getSignatureInputs(String key) {
    return signature(key).inputs.keySet().toArray(new String[0]);
  }

  public String[] getSignatureOutputs(String key) {
    return signature(key).outputs.keySet().toArray(new String[0]);
  }

  public Tensor getInputTensorFromSignature(String name, String key) {
    return tensor(signature(key).inputs, name);
  }

  public Tensor getOutputTensorFromSignature(String name, String key) {
    return tensor(signature(key).outputs, name);
  }

  public void runSignature(Map<String, Object> inputs, Map<String, Object> outputs, String key) {
    Signature signature = signature(key);
    for (Map.Entry<String, NativeTensor> input : signature.inputs.entrySet()) {
      ByteBuffer buffer = buffer(inputs, input.getKey());
      if (buffer.capacity() != input.getValue().numBytes()) {
        throw new IllegalArgumentException(input.getKey() + " has " + input.getValue().numBytes()
            + " bytes, its buffer " + buffer.capacity());
      }
      ByteBuffer whole = buffer.duplicate();
      whole.clear();
      input.getValue().lock(LiteRt.LOCK_TO_WRITE).put(whole);
      input.getValue().unlock();
    }
    check(API.LiteRtRunCompiledModel(compiled, signature.index, signature.inputs.size(),
        handles(signature.inputs), signature.outputs.size(), handles(signature.outputs)), key);
    for (Map.Entry<String, NativeTensor> output : signature.outputs.entrySet()) {
      buffer(outputs, output.getKey()).put(output.getValue().lock(LiteRt.LOCK_TO_READ));
      output.getValue().unlock();
    }
  }

  @Override
  public void close() {
    for (Signature signature : signatures.values()) {
      signature.inputs.values().forEach(t -> API.LiteRtDestroyTensorBuffer(t.handle));
      signature.outputs.values().forEach(t -> API.LiteRtDestroyTensorBuffer(t.handle));
    }
    API.LiteRtDestroyCompiledModel(compiled);
    API.LiteRtDestroyModel(model);
    API.LiteRtDestroyEnvironment(environment);
  }

  /** One signature and memory for its tensors, in the order in which LiteRT wants them. */
  private final class Signature {
    final long index;
    final String key;
    final Map<String, NativeTensor> inputs = new LinkedHashMap<>();
    final Map<String, NativeTensor> outputs = new LinkedHashMap<>();

    Signature(long index) {
      this.index = index;
      Pointer handle = made("signature", out -> API.LiteRtGetModelSignature(model, index, out));
      key = made("key", out -> API.LiteRtGetSignatureKey(handle, out)).getString(0);
      long numInputs = counted(out -> API.LiteRtGetNumSignatureInputs(handle, out));
      for (long i = 0; i < numInputs; i++) {
        long at = i;
        inputs.put(
            made("name", out -> API.LiteRtGetSignatureInputName(handle, at, out)).getString(0),
            new NativeTensor(
                made("input", out -> API.LiteRtGetSignatureInputTensorByIndex(handle, at, out)),
                made("size", out -> API.LiteRtGetCompiledModelInputBufferRequirements(
                    compiled, index, at, out))));
      }
      long numOutputs = counted(out -> API.LiteRtGetNumSignatureOutputs(handle, out));
      for (long i = 0; i < numOutputs; i++) {
        long at = i;
        outputs.put(
            made("name", out -> API.LiteRtGetSignatureOutputName(handle, at, out)).getString(0),
            new NativeTensor(
                made("output", out -> API.LiteRtGetSignatureOutputTensorByIndex(handle, at, out)),
                made("size", out -> API.LiteRtGetCompiledModelOutputBufferRequirements(
                    compiled, index, at, out))));
      }
    }
  }

  /** Memory of one tensor. */
  private final class NativeTensor implements Tensor {
    final Pointer handle;
    private final int numBytes;

    NativeTensor(Pointer tensor, Pointer requirements) {
      Memory type = new Memory(TYPE_BYTES);
      check(API.LiteRtGetRankedTensorType(tensor, type), "reading a tensor's type");
      handle = made("tensor", out -> API.LiteRtCreateManagedTensorBufferFromRequirements(
          environment, type, requirements, out));
      numBytes = (int) counted(out -> API.LiteRtGetTensorBufferPackedSize(handle, out));
    }

    @Override
    public int numBytes() {
      return numBytes;
    }

    ByteBuffer lock(int mode) {
      return made("lock", out -> API.LiteRtLockTensorBuffer(handle, out, mode))
          .getByteBuffer(0, numBytes);
    }

    void unlock() {
      check(API.LiteRtUnlockTensorBuffer(handle), "unlocking a tensor");
    }
  }

  private Signature signature(String key) {
    Signature signature = signatures.get(key);
    if (signature == null) {
      throw new IllegalArgumentException("no signature " + key + " in " + signatures.keySet());
    }
    return signature;
  }

  private static Tensor tensor(Map<String, NativeTensor> tensors, String name) {
    if (!tensors.containsKey(name)) {
      throw new IllegalArgumentException("no tensor " + name + " in " + tensors.keySet());
    }
    return tensors.get(name);
  }

  private static ByteBuffer buffer(Map<String, Object> buffers, String name) {
    ByteBuffer buffer = (ByteBuffer) buffers.get(name);
    if (buffer == null || !buffer.isDirect()) {
      throw new IllegalArgumentException("no direct buffer for the tensor " + name);
    }
    return buffer;
  }

  private static Pointer[] handles(Map<String, NativeTensor> tensors) {
    return tensors.values().stream().map(tensor -> tensor.handle).toArray(Pointer[]::new);
  }

  /** A call that puts a pointer into its argument and returns a status. */
  private interface Maker {
    int make(PointerByReference out);
  }

  /** A call that puts a number into its argument and returns a status. */
  private interface Counter {
    int count(LongByReference out);
  }

  private static Pointer made(String what, Maker maker) {
    PointerByReference out = new PointerByReference();
    check(maker.make(out), what);
    return out.getValue();
  }

  private static long counted(Counter counter) {
    LongByReference out = new LongByReference();
    check(counter.count(out), "counting");
    return out.getValue();
  }

  private static void check(int status, String what) {
    if (status != 0) {
      throw new IllegalArgumentException(what + ": LiteRT's status is " + status);
    }
  }
}
