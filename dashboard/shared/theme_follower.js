export default function ({ data, setTriggerValue }) {
  let drawn = data.dark;
  const look = () => {
    const app = document.querySelector(".stApp");
    const rgb = app && getComputedStyle(app).backgroundColor.match(/[0-9.]+/g)?.map(Number);
    if (!rgb || rgb.length < 3) return;
    const dark = 0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2] < 128;
    if (dark !== drawn) { drawn = dark; setTriggerValue("changed", dark ? "dark" : "light"); }
  };
  const timer = setInterval(look, 500);
  return () => clearInterval(timer);
}
