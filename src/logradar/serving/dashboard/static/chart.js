// Charts: the counts that a page has in data-chart, drawn by uPlot in the place of the still picture.
"use strict";

(() => {
  const KEYS = [["all", "lines", "--accent"], ["warn", "warnings", "--amber"], ["error", "errors", "--alarm"]];
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  // Colours of the style are written as light-dark(); the canvas wants one of them.
  function probe(name) {
    const one = document.createElement("i");
    one.className = `probe ${name.slice(2)}`;
    document.body.append(one);
    const found = getComputedStyle(one).color;
    one.remove();
    return found || colour(name);
  }

  const thin = (text, share) => text.replace(/^rgb\((.*)\)$/, `rgba($1, ${share})`);

  function bands(changes) {
    return (plot) => {
      const pen = plot.ctx;
      pen.save();
      pen.fillStyle = thin(probe("--alarm"), 0.1);
      for (const one of changes) {
        const from = Math.max(plot.bbox.left, plot.valToPos(one.from, "x", true));
        const to = Math.min(plot.bbox.left + plot.bbox.width, plot.valToPos(one.to, "x", true));
        if (to >= from) pen.fillRect(from, plot.bbox.top, Math.max(3, to - from), plot.bbox.height);
      }
      pen.restore();
    };
  }

  function draw(place) {
    const data = JSON.parse(place.dataset.chart);
    const shown = KEYS.filter(([name]) => data[name]);
    const axis = { stroke: probe("--soft"), grid: { stroke: probe("--line"), width: 1 }, ticks: { stroke: probe("--line"), width: 1 }, font: "12px system-ui, sans-serif" };
    const width = () => Math.max(240, place.clientWidth);
    place.replaceChildren();
    const plot = new uPlot({
      width: width(),
      height: 260,
      series: [{ value: "{YYYY}-{MM}-{DD} {HH}:{mm}" }, ...shown.map(([name, label, key], number) => ({
        label,
        stroke: probe(key),
        width: 1.5,
        fill: number === 0 ? thin(probe(key), 0.16) : undefined,
        points: { show: false },
        paths: uPlot.paths.stepped({ align: 1 }),
        value: (_, count) => (count == null ? "–" : count.toLocaleString("en")),
      }))],
      axes: [{ ...axis, values: [
        [86400, "{D} {MMM}", null, null, null, null, null, null, 1],
        [3600, "{HH}:{mm}", "\n{D} {MMM}", null, null, null, null, null, 1],
        [60, "{HH}:{mm}", "\n{D} {MMM}", null, null, null, null, null, 1],
        [1, "{HH}:{mm}:{ss}", "\n{D} {MMM}", null, null, null, null, null, 1],
      ] }, { ...axis, size: 56, values: (_, counts) => counts.map((one) => one.toLocaleString("en")) }],
      cursor: { y: false },
      hooks: { drawClear: [bands(data.changes || [])] },
    }, [data.x, ...shown.map(([name]) => data[name])], place);
    return () => plot.setSize({ width: width(), height: 260 });
  }

  let sizes = [];
  const all = () => { sizes = [...document.querySelectorAll("[data-chart]")].map(draw); };
  all();
  let due = 0;
  window.addEventListener("resize", () => { clearTimeout(due); due = setTimeout(() => sizes.forEach((one) => one()), 100); });
  document.addEventListener("logradar:theme", all);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", all);
})();
