package org.tensorflow.lite;

import com.sun.jna.Library;
import com.sun.jna.Memory;
import com.sun.jna.Native;
import com.sun.jna.Pointer;
import com.sun.jna.ptr.LongByReference;
import com.sun.jna.ptr.PointerByReference;

/** The functions of LiteRT 2.3's {@code libLiteRt} that the stand-in calls. */
interface LiteRt extends Library {
  /** Found by the system property {@code jna.library.path}. */
  LiteRt INSTANCE = Native.load("LiteRt", LiteRt.class);

  int CPU = 1; // of LiteRtSetOptionsHardwareAccelerators
  int LOCK_TO_READ = 0;
  int LOCK_TO_WRITE = 1;

  int LiteRtCreateEnvironment(int numOptions, Pointer options, PointerByReference environment);

  void LiteRtDestroyEnvironment(Pointer environment);

  int LiteRtCreateOptions(PointerByReference options);

  int LiteRtSetOptionsHardwareAccelerators(Pointer options, int accelerators);

  void LiteRtDestroyOptions(Pointer options);

  int LiteRtCreateModelFromBuffer(Pointer environment, Pointer content, long size,
      PointerByReference model);

  void LiteRtDestroyModel(Pointer model);

  int LiteRtGetNumModelSignatures(Pointer model, LongByReference number);

  int LiteRtGetModelSignature(Pointer model, long index, PointerByReference signature);

  int LiteRtGetSignatureKey(Pointer signature, PointerByReference key);

  int LiteRtGetNumSignatureInputs(Pointer signature, LongByReference number);

  int LiteRtGetSignatureInputName(Pointer signature, long index, PointerByReference name);

  int LiteRtGetSignatureInputTensorByIndex(Pointer signature, long index,
      PointerByReference tensor);

  int LiteRtGetNumSignatureOutputs(Pointer signature, LongByReference number);

  int LiteRtGetSignatureOutputName(Pointer signature, long index, PointerByReference name);

  int LiteRtGetSignatureOutputTensorByIndex(Pointer signature, long index,
      PointerByReference tensor);

  int LiteRtGetRankedTensorType(Pointer tensor, Memory type);

  int LiteRtCreateCompiledModel(Pointer environment, Pointer model, Pointer options,
      PointerByReference compiled);

  void LiteRtDestroyCompiledModel(Pointer compiled);

  int LiteRtGetCompiledModelInputBufferRequirements(Pointer compiled, long signature, long index,
      PointerByReference requirements);

  int LiteRtGetCompiledModelOutputBufferRequirements(Pointer compiled, long signature, long index,
      PointerByReference requirements);

  int LiteRtCreateManagedTensorBufferFromRequirements(Pointer environment, Memory type,
      Pointer requirements, PointerByReference buffer);

  int LiteRtGetTensorBufferPackedSize(Pointer buffer, LongByReference size);

  int LiteRtLockTensorBuffer(Pointer buffer, PointerByReference address, int mode);

  int LiteRtUnlockTensorBuffer(Pointer buffer);

  void LiteRtDestroyTensorBuffer(Pointer buffer);

  int LiteRtRunCompiledModel(Pointer compiled, long signature, long numInputs, Pointer[] inputs,
      long numOutputs, Pointer[] outputs);
}
