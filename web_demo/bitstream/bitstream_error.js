/** What is wrong with a stream, in one line for its owner. */
export class BitstreamError extends Error {}
