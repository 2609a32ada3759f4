// The page: it holds the state, asks for the answer while knobs move, and draws it with the first answer kept as a ghost.
(function () {
  "use strict";

  const $ = function (id) { return document.getElementById(id); };
  const key = new URLSearchParams(location.search).get("token") || "";
  const deals = JSON.parse(document.body.dataset.deals);
  let state = { deal: deals[0], scenario: null, drivers: {}, shock: 0, spreads: {}, rates: 0, numbers: {}, date: null };
  let saved = { text: "", stamp: "" }, about = null, base = null, dates = [];

  function say(text, bad) {
    $("status").textContent = text;
    $("status").className = bad ? "bad" : "";
  }

  async function post(name, data) {
    let reply;
    try {
      reply = await fetch(name, {
        method: "POST", body: JSON.stringify(data),
        headers: { "Content-Type": "application/json", "X-Firstloss-Token": key },
      });
    } catch (error) {
      say("The server does not answer. What stands here is kept; the page goes on when it is back.", true);
      setTimeout(function () { wake(); }, 1000);
      throw error;
    }
    const found = await reply.json();
    if (!reply.ok) throw Object.assign(new Error(found.said), { faults: found.faults });
    return found;
  }

  function wake() { changed(); }

  function edited() { return $("text").value !== saved.text; }

  // The text goes along only where it is not what is saved and has no faults of its own.
  let faulty = false;
  function asked(more) {
    const told = Object.assign({}, state, more);
    if (edited() && !faulty) told.text = $("text").value;
    Object.keys(told).forEach(function (name) { if (told[name] === null) delete told[name]; });
    return told;
  }

  // One request of a kind is under way at a time; what changes meanwhile is asked once it is back.
  function latest(work) {
    let busy = false, again = false;
    return async function run() {
      if (busy) { again = true; return; }
      busy = true;
      try { await work(); } catch (error) { if (error.faults) say(error.message, true); } finally {
        busy = false;
        if (again) { again = false; run(); }
      }
    };
  }

  function later(milliseconds, work) {
    let timer = 0;
    return function () { clearTimeout(timer); timer = setTimeout(work, milliseconds); };
  }

  // The answer

  const redraw = latest(async function () {
    const sent = performance.now(), found = await post("answer", asked({ date: null }));
    $("stress").textContent = found.stress;
    $("lead").textContent = found.lead + (Object.keys(state.numbers).length ? " Numbers of the deal are moved, and the reference with them." : "");
    $("funding").hidden = !found.funding;
    if (found.funding) {
      $("funding").firstChild.textContent = "Funding: " + found.funding.said + ".";
      $("level").textContent = "Let " + found.funding.path + " close it";
      $("level").onclick = function () { state.numbers[found.funding.path] = found.funding.value; knobs(); changed(); };
    }
    tables($("first"), found.tables.slice(0, 2), base && base.tables);
    tables($("second"), found.tables.slice(2));
    draw($("figures"), found.figures, base && base.figures);
    timeline(found.dates);
    document.body.dataset.milliseconds = Math.round(performance.now() - sent);
    document.body.dataset.answers = Number(document.body.dataset.answers || 0) + 1;
    say("");
    explain();
  });

  const deeper = latest(async function () {
    const found = await post("deeper", asked({ date: null }));
    lines($("lines"), found.lines);
    draw($("coverage"), found.figures, null);
    tables($("deep"), found.tables);
  });
  const soon = later(500, deeper);

  const explain = latest(async function () {
    const found = await post("explain", asked({}));
    $("day").textContent = found.date;
    const rows = found.steps.map(function (step, i) {
      const moved = Object.entries(step.moved).concat(Object.entries(step.sources).map(function (pair) { return ["drawn on " + pair[0], pair[1]]; }));
      const words = [["text", "(" + (i + 1) + ") " + step.words + (step.applied ? "" : " [does not apply]"), step.readings.join("; ")]];
      return { idle: !step.applied, cells: words.concat([
        ["money", step.owed], ["text", moved.map(function (pair) { return pair[0]; }).join("\n")],
        ["money", moved.map(function (pair) { return pair[1]; }).join("\n")], ["money", step.cash]]) };
    });
    const place = $("steps");
    place.replaceChildren();
    const got = Object.entries(found.collected).map(function (pair) { return pair[0] + " " + pair[1]; }).join(", ") || "nothing";
    place.append(element("p", "Collected: " + got + ". " + found.regime + "."));
    lines(place.appendChild(element("ul", "", "lines")), found.triggers);
    const table = element("table", "", "clauses"), head = table.createTHead().insertRow();
    [["text", "clause"], ["money", "owed"], ["text", "paid"], ["money", "amount"], ["money", "cash left"]].forEach(function (pair) {
      head.append(Object.assign(element("th", pair[1], pair[0]), { scope: "col" }));
    });
    const body = table.createTBody();
    rows.forEach(function (row) {
      const tr = body.insertRow();
      if (row.idle) tr.className = "idle";
      row.cells.forEach(function (cell) {
        const td = element("td", "", cell[0]);
        cell[1].split("\n").forEach(function (line, i) { if (i) td.append(document.createElement("br")); td.append(line); });
        if (cell[2]) td.append(element("small", cell[2]));
        tr.append(td);
      });
    });
    const box = element("div", "", "tablebox");
    box.append(table);
    place.append(box);
  });

  function element(name, text, kind) {
    const made = document.createElement(name);
    if (text) made.textContent = text;
    if (kind) made.className = kind;
    return made;
  }

  function lines(place, texts) {
    place.replaceChildren.apply(place, texts.map(function (text) { return element("li", text); }));
  }

  // A cell that is not what it was before anything moved shows that beneath.
  function tables(place, found, before) {
    const boxes = found.map(function (sheet) {
      const box = element("div", "", "tablebox"), table = element("table", "", "table-" + sheet.name);
      const old = before && before.find(function (other) { return other.name === sheet.name; });
      const head = table.createTHead().insertRow(), body = table.createTBody();
      sheet.columns.forEach(function (column) { head.append(Object.assign(element("th", column[0], column[1]), { scope: "col" })); });
      sheet.rows.forEach(function (row, i) {
        const tr = body.insertRow(), was = old && old.rows.find(function (other) { return other.cells[0] === row.cells[0] && (sheet.columns[1][1] !== "text" || other.cells[1] === row.cells[1]); });
        if (row.total) tr.className = "total";
        row.cells.forEach(function (text, c) {
          const td = element("td", text, sheet.columns[c][1]);
          if (was && was.cells[c] !== text && was.cells[c]) td.append(element("small", "was " + was.cells[c]));
          tr.append(td);
        });
      });
      box.append(element("h3", sheet.title), table);
      if (sheet.note) box.append(element("p", sheet.note, "note"));
      return box;
    });
    place.replaceChildren.apply(place, boxes);
  }

  // Figures

  const shown = new Map();
  function draw(place, found, before) {
    const kept = found.map(function (figure) { return place.id + "-" + figure.name; });
    Array.from(place.children).forEach(function (child) {
      if (kept.indexOf(child.dataset.name) < 0) { shown.delete(child.dataset.name); child.remove(); }
    });
    found.forEach(function (figure, i) {
      const name = kept[i];
      let box = Array.from(place.children).find(function (child) { return child.dataset.name === name; });
      if (!box) {
        box = element("figure", "", figure.wide ? "wide" : "");
        box.dataset.name = name;
        box.append(element("figcaption"), Object.assign(element("div", "", "plot"), { id: name, role: "img" }));
      }
      if (place.children[i] !== box) place.insertBefore(box, place.children[i] || null);
      box.firstChild.textContent = figure.title;
      const text = JSON.stringify(figure);
      if (shown.get(name) && shown.get(name).text === text) return;
      shown.set(name, { text: text, ghost: before && before.find(function (other) { return other.name === figure.name; }) });
      paint(name);
    });
  }

  function paint(name) {
    const place = document.getElementById(name), width = place && place.clientWidth;
    if (!width) return;
    const figure = JSON.parse(shown.get(name).text), ghost = shown.get(name).ghost;
    place.setAttribute("aria-label", figure.title);
    figures.themed(figure, width);
    if (ghost) figure.data = figure.data.concat(ghosts(ghost, figure));
    place.style.height = figure.layout.height + "px";
    Plotly.react(place, figure.data, figure.layout, { displayModeBar: false, responsive: false });
    if (figure.data[0].type === "sankey") figures.untangled(place, figure.data[0], figure.layout.margin.r > 4);
  }

  // What stood before anything moved, behind: areas and bars as their outline, lines paler.
  function ghosts(before, now) {
    const soft = figures.variable("--soft"), type = before.data[0] && before.data[0].type;
    if (type === "scatter") {
      const sums = {};
      return before.data.filter(function (trace) { return trace.mode !== "markers"; }).map(function (trace) {
        const y = trace.stackgroup ? trace.y.map(function (value, i) { return (sums[i] = (sums[i] || 0) + (value || 0)); }) : trace.y;
        return { type: "scatter", mode: "lines", x: trace.x, y: y, line: { color: soft, width: 1, dash: "dot", shape: (trace.line || {}).shape }, opacity: 0.8, showlegend: false, hoverinfo: "skip" };
      });
    }
    if (type === "bar" && before.data[0].orientation === "h" && !before.data[0].base) {
      const rows = before.data[0].y, x = rows.map(function (_, i) {
        return before.data.reduce(function (sum, trace) { return sum + (trace.x[i] || 0); }, 0);
      });
      return [{ type: "scatter", mode: "markers", x: x, y: rows, showlegend: false, hoverinfo: "skip",
        marker: { symbol: "line-ns-open", size: 18, color: soft, line: { width: 2, color: soft } } }];
    }
    return [];
  }

  new ResizeObserver(later(80, function () { shown.forEach(function (_, name) { paint(name); }); })).observe($("right"));
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", function () { shown.forEach(function (_, name) { paint(name); }); });

  function timeline(found) {
    dates = found;
    const at = state.date ? Math.max(0, dates.indexOf(state.date)) : 0;
    $("when").max = dates.length - 1;
    $("when").value = at;
    $("when").setAttribute("aria-valuetext", dates[at] || "");
  }

  // Knobs

  function knobs() {
    const rows = [
      { path: ["shock"], label: "All spreads", unit: "bp", low: -200, high: 1000, step: 5, start: 0 },
      { path: ["rates"], label: "Rates", unit: "bp", low: -300, high: 500, step: 5, start: 0 },
    ];
    Object.keys(about.paper).forEach(function (kind) {
      const named = kind === "equity" ? "equity" : kind === "unrated" ? "unrated paper" : "paper rated " + kind;
      rows.push({ path: ["spreads", kind], label: "Spreads of " + named, unit: "bp: " + about.paper[kind].join(", "), low: -200, high: 1000, step: 5, start: 0 });
    });
    about.knobs.forEach(function (knob) {
      rows.push(Object.assign({ path: ["drivers", knob.driver] }, knob, { label: knob.driver.replace(/_/g, " "), unit: knob.label + ", " + knob.unit }));
    });
    Object.keys(state.numbers).forEach(function (path) {
      const value = about.numbers[path] === undefined ? state.numbers[path] : about.numbers[path];
      const top = Math.max(2 * Math.abs(value), 1.5 * Math.abs(state.numbers[path]), 1e-6);
      rows.push({ path: ["numbers", path], label: path, unit: "of the deal", low: value < 0 ? -top : 0, high: top, step: top / 200, start: value, removable: true });
    });
    $("sliders").replaceChildren.apply($("sliders"), rows.map(slider));
  }

  function value(path) { return path.length > 1 ? state[path[0]][path[1]] : state[path[0]]; }

  function put(path, found) {
    if (path.length === 1) state[path[0]] = found || 0;
    else if (found === null) delete state[path[0]][path[1]];
    else state[path[0]][path[1]] = found;
    changed();
  }

  function slider(knob, i) {
    const row = element("div", "", "knob"), id = "knob-" + i, label = element("label", knob.label);
    label.append(" ", element("small", knob.unit));
    label.htmlFor = id;
    row.append(label);
    const now = value(knob.path), moved = now !== undefined && now !== 0 && now !== knob.start;
    if (moved) row.classList.add("moved");
    if (knob.kind === "date") {
      const input = Object.assign(document.createElement("input"), { type: "date", id: id, value: now || "" });
      input.addEventListener("change", function () { row.classList.toggle("moved", !!input.value); put(knob.path, input.value || null); });
      row.append(input);
      return row;
    }
    const middle = knob.start === null || knob.start === undefined ? knob.low : knob.start;
    const range = Object.assign(document.createElement("input"), { type: "range", id: id, min: knob.low, max: knob.high, step: knob.step });
    const exact = Object.assign(document.createElement("input"), { type: "number", step: "any", placeholder: knob.start === null ? "as it is" : "" });
    exact.setAttribute("aria-label", knob.label + ", exact");
    range.value = now === undefined ? middle : now;
    exact.value = now === undefined ? (knob.start === null ? "" : middle) : now;
    range.addEventListener("input", function () { exact.value = range.value; take(Number(range.value)); });
    exact.addEventListener("change", function () {
      if (exact.value === "") { range.value = middle; row.classList.remove("moved"); put(knob.path, knob.removable ? knob.start : null); return; }
      range.value = exact.value;
      take(Number(exact.value));
    });
    function take(found) {
      const still = found === knob.start;
      row.classList.toggle("moved", !still);
      put(knob.path, still && !knob.removable ? null : found);
    }
    row.append(range, exact);
    return row;
  }

  $("add").addEventListener("click", function () {
    const path = $("number").value.trim();
    if (!(path in about.numbers)) { say("There is no number " + path + " in the deal: choose one from the list.", true); return; }
    state.numbers[path] = about.numbers[path];
    $("number").value = "";
    knobs();
    changed();
  });

  $("reset").addEventListener("click", function () {
    Object.assign(state, { drivers: {}, shock: 0, spreads: {}, rates: 0, numbers: {} });
    knobs();
    changed();
  });

  function changed() {
    remember();
    redraw();
    soon();
    goals();
    $("breakevens").replaceChildren();
    $("searching").textContent = $("solved").textContent = "";
  }

  // The file

  function coloured(text, bad) {
    return text.split("\n").map(function (line, i) {
      const span = element("span", "", bad.has(i + 1) ? "bad" : "");
      const found = line.match(/^((?:[^#'"]|'[^']*'|"[^"]*")*?)(\s#.*|^#.*)?$/), code = found ? found[1] : line;
      const parts = code.split(/([\w][\w .'-]*(?=:(?:\s|$)))/);
      parts.forEach(function (part, k) {
        if (k % 2) { span.append(element("span", part, "k")); return; }
        part.split(/((?<![\w'.-])-?\d[\d_.eE+-]*(?![\w']))/).forEach(function (piece, n) { span.append(n % 2 ? element("span", piece, "n") : piece); });
      });
      if (found && found[2]) span.append(element("span", found[2], "c"));
      span.append("\n");
      return span;
    });
  }

  function repaint(bad) {
    const wrong = bad || new Set(), text = $("text").value, gutter = $("gutter");
    $("paint").replaceChildren.apply($("paint"), coloured(text, wrong));
    gutter.replaceChildren();
    text.split("\n").forEach(function (_, i) {
      gutter.append(wrong.has(i + 1) ? element("b", String(i + 1)) : String(i + 1), "\n");
    });
    scrolled();
    $("save").disabled = saved.shipped || !edited();
    $("reload").disabled = !edited();
    $("saved").textContent = saved.shipped ? "A shipped deal: edits stay on this page." : edited() ? "Not saved." : "Saved.";
  }

  function scrolled() {
    $("paint").scrollTop = $("gutter").scrollTop = $("text").scrollTop;
    $("paint").scrollLeft = $("text").scrollLeft;
  }
  $("text").addEventListener("scroll", scrolled);

  const check = latest(async function () {
    const text = $("text").value, found = await post("faults", { deal: state.deal, text: text });
    if (text !== $("text").value) return;
    faulty = found.faults.length > 0;
    repaint(new Set(found.faults.map(function (fault) { return fault.line; })));
    $("faults").replaceChildren.apply($("faults"), found.faults.map(function (fault) {
      const item = element("li"), go = element("button", (fault.line ? "line " + fault.line + ", " : "") + fault.place);
      go.type = "button";
      go.addEventListener("click", function () { line(fault.line || 1); });
      item.append(go, (fault.place || fault.line ? ": " : "") + fault.what);
      return item;
    }));
    if (!faulty) { await refresh(); changed(); }
  });
  const typed = later(250, check);

  function line(n) {
    const area = $("text"), before = area.value.split("\n").slice(0, n - 1).join("\n").length + (n > 1 ? 1 : 0);
    area.focus();
    area.setSelectionRange(before, area.value.indexOf("\n", before) < 0 ? area.value.length : area.value.indexOf("\n", before));
    area.scrollTop = (n - 5) * parseFloat(getComputedStyle(area).lineHeight);
  }

  $("text").addEventListener("input", function () { repaint(); remember(); typed(); });
  $("text").addEventListener("keydown", function (event) { // Tab leaves the field, as it does everywhere; two blanks are typed
    if (event.key === "s" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); $("save").click(); }
  });

  async function load(keep) {
    saved = await post("file", { deal: state.deal });
    $("file").textContent = saved.file;
    if (!keep) $("text").value = saved.text;
    repaint();
    check();
  }

  $("reload").addEventListener("click", function () { load(false); });
  $("save").addEventListener("click", async function () {
    if (faulty && !window.confirm("The file has faults. Save it all the same?")) return;
    const text = $("text").value;
    try {
      const found = await post("save", { deal: state.deal, text: text, stamp: saved.stamp });
      saved = Object.assign({}, saved, { text: text, stamp: found.stamp });
      repaint();
      remember();
      say("Saved.");
    } catch (error) { say(error.message, true); }
  });

  // An editor beside the page may write the file as well.
  setInterval(async function () {
    if (document.hidden) return;
    try {
      const found = await post("stamp", { deal: state.deal });
      if (found.stamp === saved.stamp || !saved.stamp) return;
      if (edited()) { say("The file has changed on disk; what stands here is not saved: save is refused until you go back to what is saved.", true); return; }
      await load(false);
      say("The file has changed on disk and was read anew.");
    } catch (error) { /* said already */ }
  }, 1000);

  // Solving

  // The sentences are of the stress that the page shows; one that was written by hand stays.
  let offered = [];
  function goals() {
    const stress = (state.scenario || about.scenarios[0]) + (Object.keys(state.drivers).length ? ", moved" : "");
    const notes = about.notes.slice(0, -1), before = offered.indexOf($("test").value);
    const found = [];
    notes.forEach(function (note) { found.push([note + " survives this stress", "loss('" + note + "') <= 0 in '" + stress + "'"]); });
    notes.forEach(function (note) { found.push(["1.35x coverage of " + note, "dscr('" + note + "') >= 1.35"]); });
    notes.forEach(function (note) { found.push([note + " at par", "clean('" + note + "') >= 100"]); });
    const said = found.map(function (pair) { return pair[1]; });
    if (said.join() === offered.join()) return;
    $("goal").replaceChildren.apply($("goal"), found.map(function (pair) { return Object.assign(element("option", pair[0]), { value: pair[1] }); }));
    if (before >= 0 || !$("test").value) { $("test").value = said[Math.max(before, 0)] || ""; $("goal").value = $("test").value; }
    offered = said;
  }
  $("goal").addEventListener("change", function () { $("test").value = $("goal").value; });
  $("unknown").addEventListener("change", function () {
    const now = state.numbers[$("unknown").value] === undefined ? about.numbers[$("unknown").value] : state.numbers[$("unknown").value];
    if (now === undefined) return;
    $("low").value = $("best").value === "smallest" ? now : 0;
    $("high").value = now ? 10 * now : 1;
  });
  $("solve").addEventListener("click", async function () {
    $("solved").textContent = "Solving…";
    const number = $("unknown").value.trim();
    try {
      const wanted = { number: number, best: $("best").value, between: [Number($("low").value), Number($("high").value)], test: $("test").value };
      const found = await post("solve", asked({ date: null, wanted: wanted }));
      state.numbers[number] = found.value;
      knobs();
      changed();
      $("solved").textContent = number + " = " + found.value.toPrecision(8) + ", in " + found.runs + " runs; it is a knob now.\n" + found.readings.join("\n");
    } catch (error) { $("solved").textContent = error.message; }
  });

  $("search").addEventListener("click", async function () {
    $("breakevens").replaceChildren();
    $("searching").textContent = "searching…";
    const reply = await fetch("breakevens", { method: "POST", body: JSON.stringify(asked({ date: null })), headers: { "X-Firstloss-Token": key } });
    const reader = reply.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const part = await reader.read();
      rest += part.value || "";
      const whole = rest.split("\n");
      rest = whole.pop();
      whole.filter(Boolean).forEach(function (text) {
        const found = JSON.parse(text);
        (found.lines || [found.said]).forEach(function (one) { $("breakevens").append(element("li", one)); });
      });
      if (part.done) break;
    }
    $("searching").textContent = "done";
  });

  // Links, exports, and what is remembered

  function packed() {
    const kept = { deal: state.deal, scenario: state.scenario, drivers: state.drivers, shock: state.shock, spreads: state.spreads, rates: state.rates, numbers: state.numbers, date: state.date };
    if (edited()) kept.text = $("text").value;
    return btoa(String.fromCharCode.apply(null, new TextEncoder().encode(JSON.stringify(kept)))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  }

  const remember = later(150, function () { history.replaceState(null, "", location.pathname + location.search + "#" + packed()); });

  function unpacked() {
    if (location.hash.length < 2) return null;
    try {
      const bytes = atob(location.hash.slice(1).replace(/-/g, "+").replace(/_/g, "/"));
      return JSON.parse(new TextDecoder().decode(Uint8Array.from(bytes, function (letter) { return letter.charCodeAt(0); })));
    } catch (error) { return null; }
  }

  $("share").addEventListener("click", async function () {
    history.replaceState(null, "", location.pathname + location.search + "#" + packed());
    try { await navigator.clipboard.writeText(location.href); say("The link is copied: it restores what stands here."); } catch (error) { say("Copy the address of this page: it restores what stands here."); }
  });

  $("export").addEventListener("change", async function () {
    const kind = $("export").value;
    $("export").value = "";
    if (!kind) return;
    say("Writing the " + kind + "…");
    const reply = await fetch("export", { method: "POST", body: JSON.stringify(asked({ date: null, kind: kind })), headers: { "X-Firstloss-Token": key } });
    if (!reply.ok) { say((await reply.json()).said, true); return; }
    const link = document.createElement("a"), name = /filename="([^"]+)"/.exec(reply.headers.get("Content-Disposition"))[1];
    link.href = URL.createObjectURL(await reply.blob());
    link.download = name;
    link.click();
    say("Wrote " + name + ".");
  });

  // Starting

  async function refresh() {
    about = await post("about", asked({ date: null }));
    document.title = about.deal + ", firstloss";
    $("name").textContent = about.deal;
    $("scenario").replaceChildren.apply($("scenario"), about.scenarios.map(function (name) { return Object.assign(element("option", name), { value: name }); }));
    $("scenario").value = state.scenario || about.scenarios[0];
    $("numbers").replaceChildren.apply($("numbers"), Object.keys(about.numbers).map(function (path) { return Object.assign(element("option"), { value: path }); }));
    goals();
    knobs();
  }

  $("when").addEventListener("input", function () {
    state.date = dates[Number($("when").value)] || null;
    $("when").setAttribute("aria-valuetext", state.date || "");
    $("day").textContent = state.date;
    remember();
    explain();
  });
  $("scenario").addEventListener("change", async function () { state.scenario = $("scenario").value; await refresh(); changed(); });
  $("deal").addEventListener("change", function () {
    location.hash = btoa(JSON.stringify({ deal: $("deal").value }));
    location.reload();
  });
  async function start() {
    const restored = unpacked();
    const text = restored ? restored.text : undefined;
    if (restored) {
      delete restored.text;
      Object.assign(state, restored);
      if (deals.indexOf(state.deal) < 0) state.deal = deals[0];
    }
    $("deal").replaceChildren.apply($("deal"), deals.map(function (name) { return Object.assign(element("option", name), { value: name }); }));
    $("deal").value = state.deal;
    const still = { deal: state.deal };
    if (state.scenario) still.scenario = state.scenario;
    try { base = await post("answer", still); } catch (error) { say(error.message, true); }
    if (text !== undefined) $("text").value = text;
    await load(text !== undefined);
    document.body.dataset.ready = "yes";
  }
  start();
})();
