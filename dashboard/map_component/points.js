// The points of maps: fetched once, kept by digest, decoded into typed arrays.
//
// A file has 32 bytes of header, then its arrays. Row i is the same item in every file of a set of
// items, and the rows are in a random order: the first k of them are a fair sample.

export const HEADER_BYTES = 32;
const KEPT_FILES = 24;
const STORE = "joint-embedding-maps";
const inMemory = new Map(); // digest -> promise of an ArrayBuffer

/** The bytes of a file, from memory, from the browser's cache, or from the server. */
export function fetchBytes(file) {
  let found = inMemory.get(file.digest);
  if (!found) {
    found = fromCacheOrServer(file);
    found.catch(() => inMemory.delete(file.digest));
  }
  inMemory.delete(file.digest); // the file used last comes last
  inMemory.set(file.digest, found);
  for (const digest of inMemory.keys()) {
    if (inMemory.size > KEPT_FILES) inMemory.delete(digest);
  }
  return found;
}

async function fromCacheOrServer(file) {
  // Browsers offer the cache to secure pages only: https, or this machine.
  const store = await globalThis.caches?.open(STORE).catch(() => null);
  const name = `/${STORE}/${file.digest}`;
  const known = await store?.match(name);
  if (known) return known.arrayBuffer();
  const answer = await fetch(file.url);
  if (!answer.ok) throw new Error(`the server answered ${answer.status} for ${file.url}`);
  const copy = answer.clone();
  store?.put(name, copy).then(() => forgetOldest(store)).catch(() => {});
  return answer.arrayBuffer();
}

async function forgetOldest(store) {
  const names = await store.keys();
  await Promise.all(names.slice(0, -KEPT_FILES).map((name) => store.delete(name)));
}

/** `count` numbers of a file: one byte each, or two where there are more than 256 values. */
export function codesOf(buffer, at, count, wide) {
  return wide ? new Uint16Array(buffer, at, count) : new Uint8Array(buffer, at, count);
}

/** The items of a map: their classes, and `kind`, which is modality + 4 x subset. */
export async function loadItems(description) {
  const buffer = await fetchBytes(description.file);
  const { n, wide } = description;
  const classBytes = n * (wide ? 2 : 1);
  return {
    ...description,
    klass: codesOf(buffer, HEADER_BYTES, n, wide), // 0 is "no single class"
    kind: new Uint8Array(buffer, HEADER_BYTES + classBytes, n),
    visible: new Uint8Array(n).fill(1),
    marked: new Uint8Array(n),
    nVisible: n,
    nMarked: 0,
  };
}

/** Which points pass the filters: sets `visible` and `nVisible`. */
export function applyFilters(items, filters) {
  const { n, klass, kind, visible } = items;
  const classShown = table(items.classes.length, filters.classes);
  const modalityShown = table(items.modalities.length, filters.modalities);
  const subsetShown = table(items.subsets.length, filters.subsets);
  const kindShown = Uint8Array.from({ length: 256 }, (_, code) =>
    modalityShown[code & 3] && subsetShown[code >> 2] ? 1 : 0);
  const { only } = items; // rows of a saved selection, the only ones to show; undefined for all
  let nVisible = 0;
  for (let row = 0; row < n; row++) {
    const shown = classShown[klass[row]] & kindShown[kind[row]] & (only ? only[row] : 1);
    visible[row] = shown;
    nVisible += shown;
  }
  items.nVisible = nVisible;
}

function table(length, chosen) {
  const wanted = new Set(chosen);
  return Uint8Array.from({ length }, (_, code) => (!wanted.size || wanted.has(code) ? 1 : 0));
}

/** How many of the rows with a 1 in `mask` each class, modality and subset has. */
export function countParts(items, mask) {
  const { n, klass, kind } = items;
  const classes = new Uint32Array(items.classes.length);
  const kinds = new Uint32Array(256);
  let total = 0;
  for (let row = 0; row < n; row++) {
    if (!mask[row]) continue;
    total += 1;
    classes[klass[row]] += 1;
    kinds[kind[row]] += 1;
  }
  const modalities = new Uint32Array(items.modalities.length);
  const subsets = new Uint32Array(items.subsets.length);
  kinds.forEach((count, code) => {
    if (!count) return;
    modalities[code & 3] += count;
    subsets[code >> 2] += count;
  });
  return { total, classes, modalities, subsets };
}

/** A mask of n rows as base64 text, eight rows a byte, the first row in the highest bit. */
export function packBits(mask) {
  const packed = new Uint8Array(Math.ceil(mask.length / 8));
  for (let row = 0; row < mask.length; row++) {
    if (mask[row]) packed[row >> 3] |= 128 >> (row & 7);
  }
  let text = "";
  for (let at = 0; at < packed.length; at += 0x8000) {
    text += String.fromCharCode(...packed.subarray(at, at + 0x8000));
  }
  return btoa(text);
}

/** The rows of a packed mask as a mask of one byte a row. */
export function unpackBits(text, n) {
  const packed = atob(text);
  return Uint8Array.from({ length: n }, (_, row) =>
    (packed.charCodeAt(row >> 3) >> (7 - (row & 7))) & 1);
}
