// What every page of figures shares: plotly's figures in the page's own colours and width, and labels that do not collide.
const figures = (function () {
  "use strict";

  function variable(name) {
    return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  }

  function themed(figure, width) {
    const narrow = width < 480, layout = figure.layout, grid = variable("--grid"), soft = variable("--soft");
    layout.font = { family: getComputedStyle(document.documentElement).fontFamily, size: narrow ? 12 : 13, color: variable("--ink") };
    layout.paper_bgcolor = layout.plot_bgcolor = "rgba(0,0,0,0)";
    layout.margin = Object.assign({ l: 10, r: 10, t: 10, b: 10 }, layout.margin);
    layout.height = figure.height;
    layout.width = width;
    layout.dragmode = false;
    layout.hoverlabel = { bgcolor: variable("--panel"), bordercolor: variable("--rule"), font: { color: variable("--ink") } };
    layout.legend = { orientation: "h", x: 0, xanchor: "left", y: 1.02, yanchor: "bottom", bgcolor: "rgba(0,0,0,0)", traceorder: "normal" };
    if (figure.data[0].type !== "sankey") {
      ["xaxis", "yaxis"].forEach(function (name) {
        layout[name] = Object.assign(
          { automargin: true, gridcolor: grid, zerolinecolor: soft, linecolor: soft, tickcolor: soft, fixedrange: true, zeroline: false },
          layout[name]);
      });
      if (narrow && layout.xaxis.type !== "category") layout.xaxis.nticks = 4; // no category goes without its name
      if (narrow && layout.meta) {
        layout.xaxis.range = layout.meta.narrow;
        figure.data.forEach(function (trace) {
          trace.y = trace.y.map(function (name) { return name.replace(": ", ":<br>"); });
        });
      }
    }
    figure.data.forEach(function (trace) {
      if (trace.type === "heatmap") {
        trace.colorscale[1][1] = variable("--mid");
        layout.xaxis.showgrid = layout.yaxis.showgrid = false;
      }
      if (trace.type === "sankey") {
        trace.textfont = { color: variable("--ink"), size: narrow ? 11 : 13, shadow: "none" };
        trace.node.hoverlabel = layout.hoverlabel;
        if (narrow) layout.height = Math.round(figure.height * 1.15);
        else layout.margin.r = beside(trace, layout.font);
      }
      if (trace.meta === "ink") trace.line.color = variable("--ink");
      if (trace.type === "bar") trace.textfont = { color: variable("--ink") };
    });
    return figure;
  }

  function ends(link, i) {
    return link.source.indexOf(i) < 0;
  }

  // The room that the longest label of the last column takes beside it: no thin link then runs through a name.
  function beside(trace, font) {
    const pen = document.createElement("canvas").getContext("2d");
    pen.font = trace.textfont.size + "px " + font.family;
    return 10 + Math.max.apply(null, trace.node.label.map(function (label, i) {
      return ends(trace.link, i) ? Math.ceil(pen.measureText(plain(label)).width) : 0;
    }));
  }

  function plain(label) {
    return new DOMParser().parseFromString(label, "text/html").body.textContent;
  }

  // Labels of a Sankey that would lie on another's: those between two columns give way, then the smaller. What stands
  // between is painted first, so that no node hides a digit of a label that reaches over it.
  function untangled(place, trace, room) {
    const link = trace.link, through = trace.node.label.map(function () { return 0; });
    link.target.forEach(function (to, i) { through[to] += link.value[i]; });
    link.source.forEach(function (from, i) { if (link.target.indexOf(from) < 0) through[from] += link.value[i]; });
    const labels = Array.from(place.querySelectorAll(".sankey-node")).map(function (node) {
      const i = node.__data__.node.pointNumber, text = node.querySelector(".node-label");
      const between = link.target.indexOf(i) >= 0 && link.source.indexOf(i) >= 0;
      if (between) node.parentNode.insertBefore(node, node.parentNode.firstChild);
      if (room && ends(link, i)) {
        const down = text.transform.baseVal.getItem(0).matrix.f;
        text.setAttribute("text-anchor", "start");
        text.setAttribute("transform", "translate(" + (trace.node.thickness + 4) + "," + down + ")");
      }
      return { text: text, box: text.getBoundingClientRect(), rank: through[i] - (between ? 1e300 : 0) };
    });
    const kept = [];
    labels.sort(function (a, b) { return b.rank - a.rank; }).forEach(function (label) {
      const hit = kept.some(function (other) {
        return label.box.left < other.right && other.left < label.box.right &&
          label.box.top + 2 < other.bottom && other.top + 2 < label.box.bottom;
      });
      if (hit) label.text.style.visibility = "hidden"; else kept.push(label.box);
    });
  }

  return { themed: themed, untangled: untangled, variable: variable };
})();
