// Parts of a page that are renewed in place: by time, as something changes, and as the answer to a form.
// An answer is a whole page, of which the named parts are taken. It is parsed without running anything in it.
"use strict";

const parts = (() => {
  const ASKED = { "X-LogRadar-Part": "1" };
  const busy = new Set();
  const renewed = new Map(); // by id of a part: when it was renewed last

  async function ask(address, options) {
    const answer = await fetch(address, { ...options, headers: { ...ASKED, ...options.headers }, credentials: "same-origin" });
    const elsewhere = answer.headers.get("X-LogRadar-Location");
    if (elsewhere && elsewhere.startsWith("/dashboard")) {
      window.location.assign(elsewhere);
      return null;
    }
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const script of page.querySelectorAll("script")) script.remove();
    return { page, only: answer.headers.get("X-LogRadar-Only") };
  }

  function replace(page, ids, sent) {
    document.dispatchEvent(new CustomEvent("part:leaving"));
    for (const id of ids) {
      const fresh = page.getElementById(id);
      const old = document.getElementById(id);
      if (fresh && old) old.replaceWith(document.adoptNode(fresh));
    }
    if (sent && page.title) document.title = page.title;
    document.dispatchEvent(new CustomEvent("part:arrived", { detail: { sent } }));
  }

  const lost = () => document.dispatchEvent(new CustomEvent("part:lost"));

  async function renew(part) {
    const id = part.id;
    if (busy.has(id) || document.hidden) return;
    busy.add(id);
    try {
      const found = await ask(part.dataset.renew, {});
      if (found) replace(found.page, [id, ...(part.dataset.with || "").split(" ").filter(Boolean)], false);
    } catch {
      lost();
    } finally {
      renewed.set(id, Date.now());
      busy.delete(id);
    }
  }

  async function send(event) {
    const form = event.target;
    if (!form.matches("form[data-part]") || event.defaultPrevented) return;
    event.preventDefault();
    const body = new URLSearchParams(new FormData(form, event.submitter));
    form.dataset.busy = "";
    const buttons = [...form.querySelectorAll("button")].filter((one) => !one.disabled);
    for (const one of buttons) one.disabled = true;
    try {
      const found = await ask(form.getAttribute("action"), { method: "POST", body });
      if (found) replace(found.page, [found.only || "main"], true);
    } catch {
      lost();
    } finally {
      delete form.dataset.busy;
      for (const one of buttons) one.disabled = false;
    }
  }

  setInterval(() => {
    for (const part of document.querySelectorAll("[data-renew][data-every]")) {
      if (!renewed.has(part.id)) renewed.set(part.id, Date.now());
      if (Date.now() - renewed.get(part.id) >= 1000 * Number(part.dataset.every)) renew(part);
    }
  }, 500);
  document.addEventListener("submit", send);
  return { changed: () => document.querySelectorAll("[data-renew][data-live]").forEach(renew) };
})();
