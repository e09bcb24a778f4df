// The page's own behaviour: theme, sorting, links into closed details, and the charts drawn in the theme's colours.
"use strict";
(() => {
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const specs = JSON.parse(document.getElementById("charts").textContent);
  const wished = /[?&]theme=(dark|light)/.exec(location.search);
  if (wished) root.dataset.theme = wished[1];

  const tone = (name) => getComputedStyle(root).getPropertyValue(`--${name}`).trim();
  const isDark = () => (root.dataset.theme || (dark.matches ? "dark" : "light")) === "dark";
  // Okabe and Ito's colours, lightened or darkened to stand on the page's ground
  const arms = () => isDark()
    ? ["#8cc2ff", "#ffb066", "#5fd0a5", "#f08fc0", "#e6d84a", "#c3a6ff", "#ff8a70", "#9fd3e8"]
    : ["#0a5fb4", "#c2620a", "#04785a", "#a8447d", "#8a7a00", "#6446b4", "#b8321a", "#2b7f9e"];

  function config() {
    const ink = tone("ink"), quiet = tone("quiet"), rule = tone("rule");
    const font = getComputedStyle(document.body).fontFamily;
    return {
      background: "transparent", font,
      view: { stroke: null },
      axis: { labelColor: quiet, titleColor: quiet, titleFontWeight: "normal", gridColor: rule, domainColor: rule, tickColor: rule, labelFontSize: 11, titleFontSize: 11 },
      legend: { labelColor: ink, labelFontSize: 12, symbolStrokeWidth: 2, columns: 3 },
      header: { labelColor: ink, labelFontWeight: 600 },
      rule: { color: quiet }, text: { color: quiet },
      range: { category: arms() },
    };
  }

  function fit(spec, width) {
    if (!spec.facet) return { ...spec, width: Math.max(240, width), autosize: { type: "fit-x", contains: "padding" } };
    const inner = spec.spec.width, gap = 62;
    const columns = Math.max(1, Math.min(spec.columns, Math.floor((width + 20) / (inner + gap))));
    const each = Math.floor(width / columns) - gap;
    return { ...spec, columns, spec: { ...spec.spec, width: Math.max(120, each) } };
  }

  function draw() {
    for (const [name, spec] of Object.entries(specs)) {
      const place = document.getElementById(name);
      vegaEmbed(place, fit(spec, place.clientWidth), { mode: "vega-lite", actions: false, renderer: "svg", ast: true, config: config() })
        .catch((error) => { place.textContent = `This chart could not be drawn: ${error.message}`; });
    }
  }

  function sort(head) {
    const table = head.closest("table"), body = table.tBodies[0], place = head.cellIndex;
    const down = head.getAttribute("aria-sort") === "ascending";
    const key = (row) => { const cell = row.cells[place]; return cell.dataset.sort ?? cell.textContent; };
    const compare = (a, b) => {
      const [x, y] = [key(a), key(b)], [p, q] = [Number(x), Number(y)];
      // dashes stay last
      if (Number.isNaN(p) !== Number.isNaN(q)) return (Number.isNaN(p) ? 1 : -1) * (down ? -1 : 1);
      return Number.isNaN(p) || Number.isNaN(q) ? x.localeCompare(y) : p - q;
    };
    const rows = [...body.rows].sort((a, b) => (down ? -compare(a, b) : compare(a, b)));
    for (const other of head.parentNode.cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    body.append(...rows);
  }

  for (const head of document.querySelectorAll(".sortable thead th")) {
    head.tabIndex = 0;
    head.addEventListener("click", () => sort(head));
    head.addEventListener("keydown", (event) => { if (event.key === "Enter") sort(head); });
  }
  function reveal() {
    const target = location.hash && document.getElementById(location.hash.slice(1));
    const closed = target && target.closest("details:not([open])");
    if (closed) { closed.open = true; target.scrollIntoView(); }
  }
  document.getElementById("theme").addEventListener("click", () => { root.dataset.theme = isDark() ? "light" : "dark"; draw(); });
  dark.addEventListener("change", draw);
  addEventListener("hashchange", reveal);
  addEventListener("beforeprint", () => { for (const closed of document.querySelectorAll("details")) closed.open = closed.open || !closed.closest("td"); });
  let width = innerWidth, waiting;
  addEventListener("resize", () => { if (innerWidth !== width) { width = innerWidth; clearTimeout(waiting); waiting = setTimeout(draw, 150); } });
  reveal();
  draw();
})();
