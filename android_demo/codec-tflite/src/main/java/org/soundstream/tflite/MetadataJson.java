package org.soundstream.tflite;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.json.JSONArray;
import org.json.JSONException;
import org.json.JSONObject;
import org.soundstream.codec.ModelMetadata;

/** Reads the {@code metadata.json} of an exported model. */
final class MetadataJson {
  static final String FILE = "metadata.json";
  private static final int FORMAT_VERSION = 1;

  private MetadataJson() {}

  /** Throws where the file is damaged, of a newer format, or not for frame-by-frame use. */
  static ModelMetadata read(ModelFiles files) throws IOException {
    ByteBuffer content = files.open(FILE);
    try {
      JSONObject json = new JSONObject(StandardCharsets.UTF_8.decode(content).toString());
      int version = json.getInt("format_version");
      if (version != FORMAT_VERSION) {
        throw new IOException(
            FILE + " has format " + version + ", this program reads " + FORMAT_VERSION);
      }
      if (json.getInt("frames_per_call") != 1) {
        throw new IOException(FILE + ": the model takes " + json.getInt("frames_per_call")
            + " frames per call, export it with one");
      }
      if (json.optInt("streams_per_call", 1) != 1) {
        throw new IOException(FILE + ": the model takes " + json.getInt("streams_per_call")
            + " streams per call, export it with one");
      }
      if (json.optString("state", "").equals("variables")) {
        throw new IOException(FILE + ": the model keeps its state inside, export it with explicit "
            + "state");
      }
      return new ModelMetadata(json.getString("name"), json.getString("model_id"),
          json.getInt("sample_rate"), json.getInt("hop"), json.getInt("codebook_size"),
          json.getInt("num_quantizers"), integers(json.getJSONArray("bitrates_bps")),
          strings(json.getJSONArray("flavours")), json.getBoolean("denoise"));
    } catch (JSONException | NumberFormatException error) {
      throw new IOException(FILE + " is not a model's metadata: " + error.getMessage(), error);
    }
  }

  private static List<Integer> integers(JSONArray array) throws JSONException {
    List<Integer> values = new ArrayList<>();
    for (int i = 0; i < array.length(); i++) {
      values.add(array.getInt(i));
    }
    return values;
  }

  private static List<String> strings(JSONArray array) throws JSONException {
    List<String> values = new ArrayList<>();
    for (int i = 0; i < array.length(); i++) {
      values.add(array.getString(i));
    }
    return values;
  }
}
