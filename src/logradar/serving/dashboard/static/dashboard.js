// What makes the pages live: the feed of changes, times in the reader's zone, keys, light and dark.
// Nothing here writes HTML: texts are set as texts, and parts of pages are replaced by parts.js.
"use strict";

(() => {
  const AGES = [[86400, "day"], [3600, "h"], [60, "min"]];
  const OLD = 14 * 86400;
  const two = (number) => String(number).padStart(2, "0");
  const day = (time) => `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`;
  const clock = (time) => `${day(time)} ${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`;
  const short = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit" });
  const zone = (Intl.DateTimeFormat("en-GB", { timeZoneName: "short" }).formatToParts().find((one) => one.type === "timeZoneName") || {}).value || "";

  function age(time) {
    const seconds = (Date.now() - time.getTime()) / 1000;
    if (seconds > -60 && seconds < 1) return "just now";
    if (seconds < 0 || seconds > OLD) return short.format(time);
    for (const [size, unit] of AGES) {
      if (seconds >= size) {
        const count = Math.floor(seconds / size);
        return `${count} ${unit}${unit === "day" && count > 1 ? "s" : ""} ago`;
      }
    }
    return `${Math.floor(seconds)} s ago`;
  }

  function tellTimes(root) {
    for (const one of root.querySelectorAll("time[datetime]")) {
      const time = new Date(one.dateTime);
      if (Number.isNaN(time.getTime())) continue;
      const text = "ago" in one.dataset ? age(time) : clock(time);
      if (one.textContent !== text) one.textContent = text;
      one.title = `${clock(time)} ${zone}`;
    }
  }

  // The feed: at most one refresh a second, however much changes.
  let due = 0;
  function changed() {
    if (due) return;
    due = setTimeout(() => {
      due = 0;
      parts.changed();
    }, 400);
  }

  function listen() {
    const address = document.body.dataset.feed;
    const state = document.getElementById("feed-state");
    if (!address || !document.querySelector("[data-live]")) return;
    const source = new EventSource(address);
    const show = (text, good) => {
      state.hidden = false;
      state.textContent = text;
      state.classList.toggle("lost", !good);
    };
    source.addEventListener("open", () => { show("live", true); changed(); });
    source.addEventListener("error", () => show("connecting", false));
    source.addEventListener("incident", (event) => {
      const said = JSON.parse(event.data);
      if (said.what === "new") {
        document.getElementById("spoken").textContent = `New incident, ${said.document.severity}: ${said.document.title}`;
        fresh.add(`incident-${said.subject_id}`);
      }
      changed();
    });
    for (const name of ["alert", "rate_change", "reset"]) source.addEventListener(name, changed);
    window.addEventListener("pagehide", () => source.close());
  }
  const fresh = new Set();

  // Keys: j and k move in lists, / searches, ? shows the keys.
  let chosen = "";
  let before = "";
  const rows = () => [...document.querySelectorAll("#main [data-row]")].filter((one) => one.querySelector(".row-link"));

  function choose(step) {
    const all = rows();
    if (!all.length) return;
    const now = all.findIndex((one) => one.contains(document.activeElement) || (one.id && one.id === chosen));
    const next = all[Math.min(all.length - 1, Math.max(0, now < 0 ? (step > 0 ? 0 : all.length - 1) : now + step))];
    chosen = next.id;
    next.querySelector(".row-link").focus();
    next.scrollIntoView({ block: "nearest" });
  }

  const PLACES = { i: "/dashboard", s: "/dashboard/services", t: "/dashboard/templates", l: "/dashboard/lines" };

  function pressed(event) {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    const place = event.target;
    if (place.closest("input, textarea, select, dialog[open]")) {
      if (event.key === "Escape" && place.matches("input, textarea")) place.blur();
      return;
    }
    const last = before;
    before = event.key;
    if (last === "g" && PLACES[event.key]) {
      window.location.assign(PLACES[event.key]);
    } else if (event.key === "j" || event.key === "k") {
      choose(event.key === "j" ? 1 : -1);
    } else if (event.key === "/") {
      const field = document.querySelector("[data-search]");
      if (field) field.focus();
      else window.location.assign("/dashboard/lines");
    } else if (event.key === "?") {
      document.getElementById("keys").showModal();
    } else {
      return;
    }
    event.preventDefault();
  }

  // Light and dark: what the system asks for, or what was chosen here.
  function theme() {
    const button = document.getElementById("theme-button");
    button.hidden = false;
    button.addEventListener("click", () => {
      const root = document.documentElement;
      const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
      root.dataset.theme = dark ? "light" : "dark";
      try { localStorage.setItem("logradar-theme", root.dataset.theme); } catch { /* for this page only */ }
      document.dispatchEvent(new Event("logradar:theme"));
    });
    const keys = document.getElementById("keys-button");
    keys.hidden = false;
    keys.addEventListener("click", () => document.getElementById("keys").showModal());
  }

  // After a part was replaced: times, what is new, and where the reader was.
  const CONTROLS = "a[href], button, input, select, textarea, summary, [tabindex]";
  let focused = null; // the next thing around it that has an id, and which of the controls in there it is
  document.addEventListener("part:leaving", () => {
    const control = document.activeElement;
    const around = control && control.closest("[id]");
    focused = around && { id: around.id, place: [...around.querySelectorAll(CONTROLS)].indexOf(control) };
  });
  document.addEventListener("part:arrived", (event) => {
    tellTimes(document);
    for (const id of fresh) {
      const row = document.getElementById(id);
      if (row) { row.classList.add("fresh"); fresh.delete(id); }
    }
    const around = focused && document.activeElement === document.body && document.getElementById(focused.id);
    const control = around && (focused.place < 0 ? around : around.querySelectorAll(CONTROLS)[focused.place]);
    if (control) control.focus({ preventScroll: true });
    focused = null;
    const notice = document.getElementById("notice");
    if (event.detail.sent && notice && notice.textContent) {
      notice.scrollIntoView({ block: "nearest" });
      notice.focus({ preventScroll: true });
    }
  });
  document.addEventListener("part:lost", () => {
    const state = document.getElementById("feed-state");
    state.hidden = false;
    state.textContent = "no answer";
    state.classList.add("lost");
  });

  document.addEventListener("keydown", pressed);
  tellTimes(document);
  setInterval(() => tellTimes(document), 10000);
  theme();
  listen();
  const here = document.querySelector("header nav [aria-current]");
  if (here) here.parentElement.scrollLeft = here.offsetLeft - 60;
})();
