/** The mean of all channels. */
export function mixed(channels) {
  if (channels.length === 1) return channels[0];
  return channels[0].map(
    (_, i) => channels.reduce((sum, channel) => sum + channel[i], 0) / channels.length,
  );
}
