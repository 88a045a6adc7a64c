/* Keeps the page for use without a connection. The build fills in what is in braces. */
'use strict';

const VERSION = '{{version}}';
const FILES = {{files}};
const OWN = `soundstream ${registration.scope} `; // other pages of this host have their own
const CACHE = OWN + VERSION;

addEventListener('install', (event) => {
  skipWaiting();
  const requests = FILES.map((file) => new Request(file, {cache: 'no-cache'}));
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(requests)));
});

addEventListener('activate', (event) => {
  const forgetOthers = caches.keys().then((names) => {
    const old = names.filter((name) => name.startsWith(OWN) && name !== CACHE);
    return Promise.all(old.map((name) => caches.delete(name)));
  });
  event.waitUntil(forgetOthers.then(() => clients.claim()));
});

addEventListener('fetch', (event) => {
  if (event.request.method !== 'GET') return;
  if (!event.request.url.startsWith(registration.scope)) return;
  event.respondWith(kept(event.request));
});

/** A file from the cache; else from the network, and kept: the denoiser, once it was used. */
async function kept(request) {
  const cache = await caches.open(CACHE);
  const address = request.url.replace(/[?#].*/, '');
  const isPage = address.replace(/index\.html$/, '') === registration.scope;
  const found = await cache.match(isPage ? './' : request, {ignoreSearch: true});
  if (found !== undefined) return found;
  const response = await fetch(request);
  if (response.ok) await cache.put(request, response.clone());
  return response;
}
