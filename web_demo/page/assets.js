/** What the page needs beside itself: files in the folder, or parts of the one HTML file. */

const EMBEDDED = (name) => document.getElementById(`asset:${name}`);

/** The bytes of a file; Error with one line if it cannot be had. */
export async function asset(name) {
  const part = EMBEDDED(name);
  const bytes = part === null ? await fetched(name) : fromBase64(part.textContent);
  const isPacked = bytes[0] === 0x1f && bytes[1] === 0x8b; // gzip; some servers unpack it already
  return isPacked ? unpacked(bytes) : bytes;
}

export const textAsset = async (name) => new TextDecoder().decode(await asset(name));

/** An address that a Worker can be started from. */
export async function workerAddress(name) {
  if (EMBEDDED(name) === null) return name;
  return URL.createObjectURL(new Blob([await asset(name)], {type: 'text/javascript'}));
}

/** An address that a worklet can be loaded from: pages of file:// may not use blobs there. */
export async function workletAddress(name) {
  if (EMBEDDED(name) === null) return name;
  return `data:text/javascript,${encodeURIComponent(await textAsset(name))}`;
}

/** Whether the page is one file, without a folder. */
export const isSingleFile = () => EMBEDDED('worker.js') !== null;

async function fetched(name) {
  let response;
  try {
    response = await fetch(name);
  } catch {
    throw new Error(`${name} could not be loaded: is there a connection?`);
  }
  if (!response.ok) throw new Error(`${name} could not be loaded: ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

function fromBase64(text) {
  const binary = atob(text.trim());
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

async function unpacked(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
