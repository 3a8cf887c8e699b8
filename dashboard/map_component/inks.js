// The ink of each point: red, green, blue, and whether it is hidden, behind, or plainly there.

const HIDDEN = 0, BEHIND = 128, THERE = 255; // the fourth byte

/**
 * Write the ink of every point of a set of items into `items.inks`, after a change of filters,
 * colours or marks. Points without a mark step back in `quiet` ([red, green, blue], 0 to 255) where
 * others are marked.
 */
export function mixInks(items, quiet) {
  const { n, visible, marked, colouring: { codes, palette } } = items;
  items.inks ??= new Uint8Array(4 * n);
  const inks = new Uint32Array(items.inks.buffer);
  const whole = new Uint32Array(palette.length / 4);
  const bytes = new Uint8Array(whole.buffer);
  bytes.set(palette);
  for (let code = 0; code < whole.length; code++) bytes[code * 4 + 3] = THERE;
  const [behind] = new Uint32Array(Uint8Array.of(...quiet, BEHIND).buffer);
  if (items.nMarked) {
    for (let row = 0; row < n; row++) {
      inks[row] = !visible[row] ? HIDDEN : marked[row] ? whole[codes[row]] : behind;
    }
  } else {
    for (let row = 0; row < n; row++) inks[row] = visible[row] ? whole[codes[row]] : HIDDEN;
  }
  items.inkVersion = (items.inkVersion ?? 0) + 1;
}
