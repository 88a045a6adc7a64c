import {download, query} from './dom.js';
import {attempt, say} from './notices.js';

/** The two buttons that save what is open. */
export function offerSaving(engine, player, settings) {
  const save = (method, suffix, type) =>
    attempt(async () => {
      const {name: source, hasOriginal} = player.source;
      // An .sst file has its bitrate, whatever the page is set to.
      const rate = hasOriginal ? `_${settings.bitrateBps / 1000}kbps` : '';
      const name = `${stemOf(source)}${rate}${suffix}`;
      say(`Making ${name}…`);
      const bytes = await engine.ask(method);
      download(name, type, bytes);
      say(`${name}: ${bytes.length.toLocaleString('en')} bytes.`);
    });
  query('#save-sst').onclick = () => save('encode', '.sst', 'application/octet-stream');
  query('#save-wav').onclick = () => save('decode', '.wav', 'audio/wav');
}

/** A sound's name as that of a file: letters, figures and dashes. */
const stemOf = (name) =>
  name
    .replace(/\.[^.]*$/, '')
    .replace(/[^\p{L}\p{N}]+/gu, '-')
    .replace(/^-|-$/g, '') || 'sound';
