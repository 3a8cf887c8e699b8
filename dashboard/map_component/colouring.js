// What colours the points: the class, modality or subset, or a column of the item table.

import { codesOf, fetchBytes, HEADER_BYTES } from "./points.js";

const STEPS = 255; // of a scale of numbers; the code 255 is "no value"

/** `#RRGGBB` as [red, green, blue], 0 to 255. */
export function rgb(colour) {
  return [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
}

/** The colour at `share` (0 to 1) of a scale of colours. */
export function onScale(scale, share) {
  const place = share * (scale.length - 1);
  const low = Math.min(Math.floor(place), scale.length - 2);
  const [one, other] = [rgb(scale[low]), rgb(scale[low + 1])];
  return one.map((value, part) => Math.round(value + (other[part] - value) * (place - low)));
}

/**
 * How a set of items is coloured by one of its columns: { codes, palette, entries }.
 *
 * `palette` has four bytes a code; `entries`, for the legend, has a name and a colour each.
 */
export async function colourBy(items, name) {
  if (name === "modality") {
    return named(items.kind.map((code) => code & 3), items.modalities);
  }
  if (name === "subset") return named(items.kind.map((code) => code >> 2), items.subsets);
  const column = items.columns.find((one) => one.name === name);
  if (!column?.file) return named(items.klass, items.classes);
  const codes = codesOf(await fetchBytes(column.file), HEADER_BYTES, items.n, column.wide);
  if (column.values) return { ...named(codes, column.values), column };
  const palette = new Uint8Array((STEPS + 1) * 4).fill(255);
  for (let code = 0; code < STEPS; code++) {
    palette.set(onScale(column.scale, code / (STEPS - 1)), code * 4);
  }
  palette.set(rgb(column.missing), STEPS * 4);
  return { codes, palette, entries: [], column };
}

function named(codes, entries) {
  const palette = new Uint8Array(entries.length * 4).fill(255);
  entries.forEach(({ colour }, code) => palette.set(rgb(colour), code * 4));
  return { codes, palette, entries };
}

/** The value of a row in a column, as a person reads it; "" where it has none. */
export function valueOf({ codes, column, entries }, row) {
  const code = codes[row];
  if (!column) return entries[code]?.name ?? "";
  if (column.values) return column.values[code]?.name ?? "";
  if (code === STEPS) return "";
  const value = column.low + (code / (STEPS - 1)) * (column.high - column.low);
  return `about ${Number(value.toPrecision(3))}`;
}
