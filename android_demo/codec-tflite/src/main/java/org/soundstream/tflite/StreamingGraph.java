package org.soundstream.tflite;

import java.io.Closeable;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Collections;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.Map;
import java.util.Set;
import org.tensorflow.lite.Interpreter;
import org.tensorflow.lite.Tensor;

/**
 * A graph whose state goes in and comes out under the same names, {@code state_...}.
 *
 * <p>All signatures share one state. What one call writes the next one reads: two sets of buffers
 * change places, nothing is copied, and nothing is allocated here per call. For one thread.
 */
final class StreamingGraph implements Closeable {
  private static final String STATE_PREFIX = "state_";

  private final Interpreter interpreter;
  private final Map<String, Signature> signatures = new HashMap<>();
  private final Map<String, ByteBuffer> evenStates = new HashMap<>();
  private final Map<String, ByteBuffer> oddStates = new HashMap<>();
  private boolean odd; // which of the two holds the state

  /** One signature: its own tensors, and maps of all tensors for even and odd calls. */
  private final class Signature {
    final Map<String, ByteBuffer> inputs = new HashMap<>();
    final Map<String, ByteBuffer> outputs = new HashMap<>();
    final Map<String, Object> evenInputs = new HashMap<>();
    final Map<String, Object> oddInputs = new HashMap<>();
    final Map<String, Object> evenOutputs = new HashMap<>();
    final Map<String, Object> oddOutputs = new HashMap<>();
    final ByteBuffer[] written; // by any call, whichever of the states it writes

    Signature(String key) {
      for (String name : interpreter.getSignatureInputs(key)) {
        Tensor tensor = interpreter.getInputTensorFromSignature(name, key);
        if (name.startsWith(STATE_PREFIX)) {
          evenStates.computeIfAbsent(name, unused -> bufferFor(tensor));
          oddStates.computeIfAbsent(name, unused -> bufferFor(tensor));
        } else {
          inputs.put(name, bufferFor(tensor));
        }
      }
      for (String name : interpreter.getSignatureOutputs(key)) {
        if (!name.startsWith(STATE_PREFIX)) {
          outputs.put(name, bufferFor(interpreter.getOutputTensorFromSignature(name, key)));
        }
      }
      evenInputs.putAll(inputs);
      evenInputs.putAll(evenStates);
      evenOutputs.putAll(outputs);
      evenOutputs.putAll(oddStates);
      oddInputs.putAll(inputs);
      oddInputs.putAll(oddStates);
      oddOutputs.putAll(outputs);
      oddOutputs.putAll(evenStates);
      Set<ByteBuffer> all = Collections.newSetFromMap(new IdentityHashMap<>());
      all.addAll(outputs.values());
      all.addAll(evenStates.values());
      all.addAll(oddStates.values());
      written = all.toArray(new ByteBuffer[0]);
    }
  }

  /**
   * Loads a graph.
   *
   * @param model content of a .tflite file; must stay as it is
   * @throws IllegalArgumentException it is no such file
   */
  StreamingGraph(ByteBuffer model, int numThreads) {
    interpreter = new Interpreter(model, new Interpreter.Options().setNumThreads(numThreads));
    for (String key : interpreter.getSignatureKeys()) {
      signatures.put(key, new Signature(key));
    }
  }

  /** A buffer to write to before {@link #run}, native order; null if there is no such input. */
  ByteBuffer input(String signature, String name) {
    return view(signature(signature).inputs.get(name));
  }

  /** A buffer to read from after {@link #run}, from its start, native byte order. */
  ByteBuffer output(String signature, String name) {
    return view(signature(signature).outputs.get(name));
  }

  /** Runs one step. */
  void run(String signatureKey) {
    Signature signature = signature(signatureKey);
    for (ByteBuffer buffer : signature.written) {
      buffer.rewind(); // the interpreter writes from the position on and moves it
    }
    interpreter.runSignature(odd ? signature.oddInputs : signature.evenInputs,
        odd ? signature.oddOutputs : signature.evenOutputs, signatureKey);
    odd = !odd;
  }

  /** Forgets the past: zeros begin a stream. */
  void reset() {
    for (ByteBuffer buffer : (odd ? oddStates : evenStates).values()) {
      for (int i = 0; i < buffer.capacity(); i++) {
        buffer.put(i, (byte) 0);
      }
    }
  }

  @Override
  public void close() {
    interpreter.close();
  }

  private Signature signature(String key) {
    Signature signature = signatures.get(key);
    if (signature == null) {
      throw new IllegalArgumentException("no signature " + key + ", only " + signatures.keySet());
    }
    return signature;
  }

  /** The whole buffer with a position of its own. */
  private static ByteBuffer view(ByteBuffer buffer) {
    if (buffer == null) {
      return null;
    }
    ByteBuffer view = buffer.duplicate().order(ByteOrder.nativeOrder());
    view.clear();
    return view;
  }

  private static ByteBuffer bufferFor(Tensor tensor) {
    return ByteBuffer.allocateDirect(tensor.numBytes()).order(ByteOrder.nativeOrder());
  }
}
