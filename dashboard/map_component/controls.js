// The controls around the maps: tools, legends that filter, counts, the selection, the hover card.

const GLYPHS = { audio: "●", image: "◆", text: "■" };

/** An element with attributes, listeners (functions) and children. */
export function make(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(name, value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value != null) made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child != null));
  return made;
}

/** A whole number as a person reads it: 12,345. */
export function count(number) {
  return number.toLocaleString("en-US");
}

export class Controls {
  constructor(board) {
    this.board = board;
    this.tools = make("div", { class: "tools", role: "toolbar", "aria-label": "Tools of the map" });
    this.canvasBox = make("div", { class: "maps" });
    this.legend = make("div", { class: "legend" });
    this.status = make("p", { class: "status", role: "status" });
    this.summary = make("div", { class: "summary", "aria-live": "polite" });
    this.card = make("div", { class: "card", hidden: true });
    this.root = make("div", { class: "map-root", "data-state": "loading" },
      this.tools, this.canvasBox, this.status, this.legend, this.summary);
  }

  // -- tools ---------------------------------------------------------------------------------------

  drawTools() {
    const { board } = this;
    const modes = [["move", "Move", "Drag to move, wheel or pinch to zoom, click to open"],
      ["lasso", "Lasso", "Draw around points to select them"],
      ["box", "Box", "Select the points in a box; or drag with Shift"]];
    const flat = board.maps.every((map) => map.nDims === 2);
    const toggles = [
      flat && ["names", "Names", "Write the classes on their regions"],
      flat && ["density", "Density", "Shade where points cover each other"],
      board.data.pairs && ["lines", "Pairs", "Join the items of each pair by a line"],
      board.data.preview && ["pictures", "Pictures", "When zoomed in, show pictures, spectrograms and words instead of points"],
      board.data.preview && ["sound", "Sound", "Play the sound under the pointer"],
      board.maps.length > 1 && ["tied", "Same zoom", "Move and zoom all maps together"],
    ].filter(Boolean);
    const group = (...children) => make("span", { class: "group" }, ...children);
    if (board.data.compact) {
      this.tools.replaceChildren();
      return;
    }
    this.tools.replaceChildren(
      group(...modes.map(([mode, name, title]) =>
        this.button(name, title, () => board.setMode(mode), board.mode === mode))),
      group(...toggles.map(([field, name, title]) =>
        this.button(name, title, () => board.toggle(field), board[field]))),
      group(
        this.button("+", "Zoom in", () => board.zoomAll(1.6)),
        this.button("−", "Zoom out", () => board.zoomAll(1 / 1.6)),
        this.button("Whole map", "Show the whole map again", () => board.reset()),
      ),
      group(this.colourChoice()),
      group(
        this.button("PNG", "Save the maps as a picture", () => board.save("png")),
        this.button("SVG", "Save the maps as a drawing", () => board.save("svg")),
      ),
    );
  }

  button(name, title, click, pressed) {
    return make("button", { type: "button", title, click, "aria-pressed": pressed?.toString() }, name);
  }

  colourChoice() {
    const { board } = this;
    const columns = board.maps[0]?.items.columns ?? [];
    const options = [["class", "class"], ["modality", "modality"], ["subset", "subset"],
      ...columns.map(({ name, label }) => [name, label])];
    return make("label", {}, "Colour ", make("select", {
      "aria-label": "Colour by", change: (event) => board.setColour(event.target.value),
    }, ...options.map(([value, label]) =>
      make("option", { value, selected: value === board.colour }, label))));
  }

  // -- legends -------------------------------------------------------------------------------------

  drawLegend() {
    const { board } = this;
    if (board.data.compact) return;
    const { items } = board.maps[0];
    const { counts } = board;
    const rows = [
      ["modalities", "Modality", items.modalities, counts.modalities],
      ["subsets", "Subset", items.subsets, counts.subsets],
      ["classes", "Class", items.classes, counts.classes],
    ].filter(([, , entries]) => entries.length > 1).map(([field, label, entries, numbers]) =>
      make("div", { class: "entries", role: "group", "aria-label": label, "data-field": field },
        ...entries.map((entry, code) => numbers[code] || board.filters[field].includes(entry.name)
          ? this.entry(field, entry, numbers[code]) : null)));
    const { colouring } = board;
    if (colouring?.column?.scale) rows.push(this.scaleOf(colouring.column));
    else if (colouring?.column) {
      rows.push(make("div", { class: "entries values" }, ...colouring.entries.slice(0, 40).map(
        ({ name, colour }) => make("span", { class: "value" }, swatch(colour), name))));
    }
    this.legend.replaceChildren(...rows);
  }

  entry(field, entry, number) {
    const { board } = this;
    const chosen = board.filters[field];
    const of = { classes: "class", modalities: "modality", subsets: "subset" }[field];
    const mark = of === board.colour ? swatch(entry.colour, entry.marker)
      : entry.marker ? make("span", { class: "glyph" }, GLYPHS[entry.marker]) : null;
    return make("button", {
      type: "button", title: `${count(number)} points; click to show only these`,
      "aria-pressed": chosen.includes(entry.name).toString(),
      class: chosen.length && !chosen.includes(entry.name) ? "off" : "",
      click: () => board.toggleFilter(field, entry.name),
    }, mark, entry.label ?? entry.name, make("small", {}, count(number)));
  }

  scaleOf({ label, low, high, scale }) {
    return make("div", { class: "scale" }, label, make("span", {}, Number(low.toPrecision(3))),
      make("i", { style: `background: linear-gradient(to right, ${scale.join(",")})` }),
      make("span", {}, Number(high.toPrecision(3))));
  }

  // -- the hover card ------------------------------------------------------------------------------

  /** Show what is known of a point beside it; `preview` comes from the server a little later. */
  showCard(map, [x, y], { title, colour, marker, facts }, preview) {
    const media = preview?.image
      ? make("img", { src: preview.image, alt: "" })
      : preview?.words ? make("p", { class: "words" }, preview.words) : null;
    this.card.replaceChildren(...[media,
      make("b", {}, swatch(colour, marker), title),
      make("span", {}, facts), preview ? make("span", { class: "id" }, preview.item) : null,
    ].filter(Boolean));
    this.card.hidden = false;
    const { width } = this.canvasBox.getBoundingClientRect();
    const left = map.cell.left + x, top = map.cell.top + y;
    this.card.style.left = `${left + 190 > width ? Math.max(0, left - 184) : left + 14}px`;
    this.card.style.top = `${Math.max(0, top + 14)}px`;
  }

  hideCard() {
    this.card.hidden = true;
  }

  // -- the selection -------------------------------------------------------------------------------

  /** The counts of the selection by class, modality and subset, as a table. */
  showSummary(items, found, milliseconds) {
    if (!found) {
      this.summary.replaceChildren();
      return;
    }
    const { board } = this;
    const parts = [["Modality", items.modalities, found.modalities],
      ["Subset", items.subsets, found.subsets], ["Class", items.classes, found.classes]];
    const rows = parts.flatMap(([kind, entries, numbers]) =>
      entries.map((entry, code) => ({ kind, entry, number: numbers[code] }))
        .filter(({ number }) => number)
        .sort((one, other) => other.number - one.number)
        .slice(0, 12));
    const whole = board.counts;
    const all = { Modality: whole.modalities, Subset: whole.subsets, Class: whole.classes };
    const codeOf = ({ kind, entry }) => parts.find(([name]) => name === kind)[1].indexOf(entry);
    const row = (one) => make("tr", {}, make("th", { scope: "row" },
      swatch(one.entry.colour, one.entry.marker), one.entry.label ?? one.entry.name),
      make("td", {}, one.kind.toLowerCase()), make("td", { class: "n" }, count(one.number)),
      make("td", { class: "n" }, `${((100 * one.number) / found.total).toFixed(1)}%`),
      make("td", { class: "n" },
        `${((100 * one.number) / all[one.kind][codeOf(one)]).toFixed(1)}%`));
    const head = ["", "", "selected", "of the selection", "of these on the map"].map((name) =>
      make("th", { scope: "col" }, name));
    this.summary.replaceChildren(
      make("div", { class: "row" },
        make("b", {}, `${count(found.total)} of ${count(items.n)} items selected`),
        make("button", { type: "button", click: () => board.clearSelection() }, "Clear")),
      make("table", {}, make("caption", {}, "The selection by modality, subset and class"),
        make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...rows.map(row))));
    this.summary.dataset.milliseconds = Math.round(milliseconds);
  }
}

function swatch(colour, marker = "audio") {
  return make("i", { class: `swatch ${marker}`, style: `background:${colour}` });
}
