export default function ({ data, setTriggerValue }) {
  // In three dimensions Plotly reports a click only if the pointer stays on the point while it is
  // pressed. The point hovered when the pointer goes down and up in one place is more reliable.
  let graph = null, hovered = null, down = null;
  const hover = (event) => { hovered = event.points?.[0]?.customdata ?? null; };
  const unhover = () => { hovered = null; };
  const press = (event) => { down = { x: event.clientX, y: event.clientY, item: hovered }; };
  const release = (event) => {
    if (!down) return;
    const moved = Math.hypot(event.clientX - down.x, event.clientY - down.y);
    const item = down.item ?? hovered;
    down = null;
    if (moved < 5 && item !== null) setTriggerValue("item", String(item));
  };
  const detach = () => {
    graph?.removeListener?.("plotly_hover", hover);
    graph?.removeListener?.("plotly_unhover", unhover);
    graph?.removeEventListener("pointerdown", press, true);
    document.removeEventListener("pointerup", release, true);
  };
  const attach = () => {
    const found = document.querySelector(`.st-key-${data.key} .js-plotly-plot`);
    if (!found || found === graph || !found.on) return;
    detach();
    graph = found;
    graph.on("plotly_hover", hover);
    graph.on("plotly_unhover", unhover);
    graph.addEventListener("pointerdown", press, true);
    document.addEventListener("pointerup", release, true);  // by then a flat figure is covered
  };
  attach();
  const timer = setInterval(attach, 300);  // the figure may come later, or be redrawn
  return () => { clearInterval(timer); detach(); };
}
