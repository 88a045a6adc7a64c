/** Files of the tree, as the tests need them. */
import {readFileSync} from 'node:fs';

const ROOT = new URL('../../', import.meta.url);

export const bytesOf = (path) => new Uint8Array(readFileSync(new URL(path, ROOT)));

export const jsonOf = (path) => JSON.parse(readFileSync(new URL(path, ROOT), 'utf8'));

export const hex = (text) => Uint8Array.from(Buffer.from(text, 'hex'));

export const toHex = (bytes) => Buffer.from(bytes).toString('hex');
