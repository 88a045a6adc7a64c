import {query} from './dom.js';

/** Says what goes on. */
export function say(text) {
  query('#status').textContent = text;
}

/** Does something that may fail, and says why in one line if it does. */
export async function attempt(action, name = '') {
  query('#problem').textContent = '';
  try {
    await action();
  } catch (error) {
    say('');
    const prefix = name === '' ? '' : `${name}: `;
    query('#problem').textContent = sentence(prefix + (error.message ?? error));
  }
}

const sentence = (text) =>
  `${text[0].toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? '' : '.'}`;
