// Mouse, touch, pen, wheel and keyboard on the maps: each gesture becomes a call of the board.

const CLICK_PX = 5;
const STEP = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/** Listen to the gestures on an element; returns a function that stops it. */
export function listen(element, board) {
  const pointers = new Map(); // id -> [x, y] in the element
  let drag = null; // { map, kind, start, last, path }
  let pinch = null; // { map, gap, middle }

  const placeOf = (event) => {
    const box = element.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  const inCell = ({ cell }, [x, y]) => [x - cell.left, y - cell.top];

  function press(event) {
    const at = placeOf(event);
    const map = board.mapAt(...at);
    if (!map || event.button > 1) return;
    element.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, at);
    if (pointers.size === 2) {
      drag = null;
      board.draw(null);
      pinch = { map, ...spread(pointers) };
      return;
    }
    const mode = event.shiftKey && board.mode === "move" ? "box" : board.mode;
    const kind = mode !== "move" ? mode
      : map.nDims === 3 && event.button === 0 && !event.altKey ? "orbit" : "pan";
    drag = { map, kind, start: at, last: at, path: [inCell(map, at)], moved: false };
  }

  function move(event) {
    const at = placeOf(event);
    if (pinch && pointers.has(event.pointerId)) {
      pointers.set(event.pointerId, at);
      const now = spread(pointers);
      board.zoom(pinch.map, ...inCell(pinch.map, now.middle), now.gap / pinch.gap);
      board.pan(pinch.map, now.middle[0] - pinch.middle[0], now.middle[1] - pinch.middle[1]);
      pinch = { map: pinch.map, ...now };
      return;
    }
    if (!drag) {
      const map = board.mapAt(...at);
      if (event.pointerType !== "touch") board.hover(map, ...(map ? inCell(map, at) : [0, 0]));
      return;
    }
    const [dx, dy] = [at[0] - drag.last[0], at[1] - drag.last[1]];
    drag.moved ||= Math.hypot(at[0] - drag.start[0], at[1] - drag.start[1]) > CLICK_PX;
    if (!drag.moved) return;
    drag.last = at;
    if (drag.kind === "pan") board.pan(drag.map, dx, dy);
    else if (drag.kind === "orbit") board.orbit(drag.map, dx, dy);
    else board.draw(drag.map, shapeOf(drag, inCell(drag.map, at)));
  }

  function release(event) {
    pointers.delete(event.pointerId);
    if (pinch) {
      if (pointers.size < 2) pinch = null;
      return;
    }
    if (!drag) return;
    const { map, kind, moved, path } = drag;
    const at = inCell(map, placeOf(event));
    const shape = moved && (kind === "box" || kind === "lasso") ? shapeOf(drag, at) : null;
    drag = null;
    board.draw(null);
    if (event.type === "pointercancel") return;
    if (!moved) board.click(map, ...path[0], event.pointerType === "touch" ? 20 : 12);
    else if (shape) board.select(map, shape, event.shiftKey && board.mode !== "move");
  }

  function wheel(event) {
    const at = placeOf(event);
    const map = board.mapAt(...at);
    if (!map) return;
    event.preventDefault();
    const lines = event.deltaMode === 1 ? 24 : 1;
    const turn = Math.max(-240, Math.min(240, event.deltaY * lines));
    board.zoom(map, ...inCell(map, at), Math.exp(-turn * (event.ctrlKey ? 0.008 : 0.0024)));
  }

  function key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const step = STEP[event.key];
    if (step && event.shiftKey) board.panAll(-step[0] * 60, -step[1] * 60);
    else if (step) board.walk(...step);
    else if (event.key === "Enter") board.openFocused();
    else if (event.key === "+" || event.key === "=") board.zoomAll(1.4);
    else if (event.key === "-") board.zoomAll(1 / 1.4);
    else if (event.key === "0") board.reset();
    else if (event.key === "Escape") board.clearSelection();
    else return;
    event.preventDefault();
  }

  const leave = () => { if (!drag) board.hover(null, 0, 0); };
  const again = (event) => {
    const map = board.mapAt(...placeOf(event));
    if (map && board.mode === "move") board.reset();
  };
  const heard = {
    pointerdown: press, pointermove: move, pointerup: release, pointercancel: release,
    pointerleave: leave, wheel, keydown: key, dblclick: again,
  };
  for (const [name, act] of Object.entries(heard)) {
    element.addEventListener(name, act, { passive: false });
  }
  return () => {
    for (const [name, act] of Object.entries(heard)) element.removeEventListener(name, act);
  };
}

function shapeOf(drag, [x, y]) {
  if (drag.kind === "lasso") {
    drag.path.push([x, y]);
    return drag.path;
  }
  const [left, top] = drag.path[0];
  return [[left, top], [x, top], [x, y], [left, y]];
}

function spread(pointers) {
  const [[ax, ay], [bx, by]] = [...pointers.values()];
  return { gap: Math.max(1, Math.hypot(ax - bx, ay - by)), middle: [(ax + bx) / 2, (ay + by) / 2] };
}
