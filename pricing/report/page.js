// Draws the figures in the page's own colours, again when these or the width change; sorts tables.
(function () {
  "use strict";

  const plots = Array.from(document.querySelectorAll(".plot")).map(function (place) {
    return { place: place, text: document.querySelector('script[data-for="' + place.id + '"]').textContent };
  });

  // Paper does not wait: what is printed is drawn at once, without transitions.
  function draw() {
    const still = window.matchMedia("print").matches;
    plots.forEach(function (plot) {
      const figure = figures.themed(JSON.parse(plot.text), plot.place.clientWidth);
      plot.place.style.height = figure.layout.height + "px";
      Plotly.purge(plot.place);
      Plotly.newPlot(plot.place, figure.data, figure.layout, { displayModeBar: false, responsive: false, staticPlot: still });
      if (figure.data[0].type === "sankey") figures.untangled(plot.place, figure.data[0], figure.layout.margin.r > 4);
      plot.place.querySelectorAll("svg.main-svg").forEach(function (svg) { // paper narrower than the window scales it
        svg.setAttribute("viewBox", "0 0 " + figure.layout.width + " " + figure.layout.height);
      });
    });
    document.documentElement.dataset.drawn = "yes";
  }

  // The header is as wide as the drawings and no drawing changes it: what is seen of a new width is drawn for it.
  const header = document.querySelector("header");
  let last = header.clientWidth;
  new ResizeObserver(function () {
    if (header.clientWidth === last) return;
    last = header.clientWidth;
    draw();
  }).observe(header);
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  window.matchMedia("print").addEventListener("change", draw);
  draw();

  function key(cell) {
    const raw = cell.dataset.value, number = Number(raw);
    return raw === "" ? null : Number.isNaN(number) ? raw.toLowerCase() : number;
  }

  document.querySelectorAll("th button").forEach(function (button) {
    button.addEventListener("click", function () {
      const heading = button.closest("th"), table = button.closest("table"), body = table.tBodies[0];
      const column = Array.from(heading.parentNode.children).indexOf(heading);
      const up = heading.getAttribute("aria-sort") !== "ascending";
      heading.parentNode.querySelectorAll("th").forEach(function (other) { other.setAttribute("aria-sort", "none"); });
      heading.setAttribute("aria-sort", up ? "ascending" : "descending");
      const rows = Array.from(body.rows);
      const totals = rows.filter(function (row) { return row.classList.contains("total"); });
      const others = rows.filter(function (row) { return !row.classList.contains("total"); });
      others.sort(function (a, b) {
        const x = key(a.cells[column]), y = key(b.cells[column]);
        if (x === null || y === null) return (x === null) - (y === null); // what is not known stands last
        return (x < y ? -1 : x > y ? 1 : 0) * (up ? 1 : -1);
      });
      others.concat(totals).forEach(function (row) { body.appendChild(row); });
    });
  });
})();
