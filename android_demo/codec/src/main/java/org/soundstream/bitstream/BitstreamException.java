package org.soundstream.bitstream;

import java.io.IOException;

/** Bytes that are not a valid stream; the message says what exactly is wrong with them. */
public final class BitstreamException extends IOException {
  private static final long serialVersionUID = 1L;

  public BitstreamException(String message) {
    super(message);
  }
}
