/** One phrase for each thing that is wrong with a stream as far as it was read. */
export function describeDamage(reader) {
  const {header} = reader;
  const seconds = (frames) => ((frames * header.hop) / header.codedRate).toFixed(2);
  const phrases = [];
  if (reader.truncated && !reader.lengthIsSound) {
    const whole =
      header.totalSamples === null
        ? ''
        : ` of ${(Number(header.totalSamples) / header.sampleRate).toFixed(2)} s`;
    phrases.push(`truncated: it ends after ${seconds(reader.numFrames)} s${whole}`);
  } else if (reader.complete && !reader.lengthIsSound) {
    phrases.push(
      `its ${reader.numFrames} frames do not agree with its ${reader.totalSamples} samples`,
    );
  }
  if (reader.lostFrames > 0) {
    phrases.push(`damaged: ${seconds(reader.lostFrames)} s lost and concealed`);
  } else if (reader.skippedBytes > 0 && phrases.length === 0) {
    phrases.push(`damaged: ${reader.skippedBytes} bytes belong to no packet`);
  }
  return phrases;
}
