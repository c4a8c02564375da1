// Pages are complete without this. It keeps them current, moves through lists by keys, and filters while one types.
"use strict";

(() => {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (zone && !document.cookie.includes("tz=" + zone)) {
    document.cookie = "tz=" + zone + "; path=/; max-age=31536000; samesite=lax";
  }

  const menu = document.querySelector(".menu");
  const narrow = matchMedia("(max-width: 820px)");
  const fold = () => { if (menu) menu.open = !narrow.matches; };
  narrow.addEventListener("change", fold);
  fold();

  // A part of the page is left alone while somebody works in it.
  const busy = (part) =>
    part.contains(document.activeElement) && document.activeElement.matches("input, select, textarea") ||
    [...part.querySelectorAll("input:not([type=hidden]), textarea")].some((field) => field.value !== field.defaultValue);

  async function refresh(url, only) {
    const answer = await fetch(url, { headers: { Accept: "text/html" }, credentials: "same-origin" });
    if (answer.redirected && new URL(answer.url).pathname === "/login") { location.href = answer.url; return; }
    if (!answer.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const part of document.querySelectorAll("[data-live]")) {
      if (only && !only(part)) continue;
      const next = page.getElementById(part.id);
      if (!next || busy(part)) continue;
      const open = new Set([...part.querySelectorAll("details[open][id]")].map((one) => one.id));
      const chosen = part.querySelector(".chosen a")?.getAttribute("href");
      for (const one of next.querySelectorAll("details[id]")) one.open = open.has(one.id);
      if (next.innerHTML === part.innerHTML) continue;
      part.replaceChildren(...next.childNodes);
      if (chosen) part.querySelector(`[data-row] a[href="${CSS.escape(chosen)}"]`)?.closest("[data-row]").classList.add("chosen");
    }
    const nav = page.querySelector("nav");
    if (nav) document.querySelector("nav").replaceChildren(...nav.childNodes);
  }

  // Live: the server names the kinds of things that changed; we ask for the page again if it shows one of them.
  let timer = 0;
  const waiting = new Set();
  const shows = (part) => part.dataset.live.split(" ").some((kind) => waiting.has(kind));
  function soon() {
    if (timer || document.hidden) return;
    timer = setTimeout(async () => {
      timer = 0;
      if ([...document.querySelectorAll("[data-live]")].some(shows)) {
        const kinds = new Set(waiting);
        waiting.clear();
        try {
          await refresh(location.href, (part) => part.dataset.live.split(" ").some((kind) => kinds.has(kind)));
        } catch { /* the next change tries again */ }
      } else {
        waiting.clear();
      }
    }, 700);
  }
  if (document.querySelector("[data-live]") && document.querySelector("nav")) {
    const stream = new EventSource("/events");
    stream.addEventListener("change", (event) => {
      for (const kind of JSON.parse(event.data)) waiting.add(kind);
      soon();
    });
    document.addEventListener("visibilitychange", () => { if (waiting.size) soon(); });
    addEventListener("pagehide", () => stream.close());
  }

  // Filters: the list follows, the address keeps what was chosen.
  const filter = document.querySelector("form[data-filter]");
  if (filter) {
    let pause = 0;
    const apply = () => {
      const chosen = new URLSearchParams([...new FormData(filter)].filter(([, value]) => value));
      const sort = new URLSearchParams(location.search).get("sort");
      if (sort) chosen.set("sort", sort);
      const url = location.pathname + (chosen.size ? "?" + chosen : "");
      history.replaceState(null, "", url);
      refresh(url).catch(() => filter.submit());
    };
    filter.addEventListener("input", (event) => {
      clearTimeout(pause);
      pause = setTimeout(apply, event.target.matches("select") ? 0 : 350);
    });
    filter.addEventListener("submit", (event) => { event.preventDefault(); apply(); });
  }

  // A form is sent once.
  addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.method !== "post") return;
    if (form.dataset.sent) { event.preventDefault(); return; }
    form.dataset.sent = "1";
    setTimeout(() => { for (const one of form.querySelectorAll("button")) one.disabled = true; });
  });
  addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    for (const form of document.forms) {
      delete form.dataset.sent;
      for (const one of form.querySelectorAll("button")) one.disabled = false;
    }
  });

  // Keys: / search, j k move, Enter opens, a and r on approvals.
  const rows = () => [...document.querySelectorAll("[data-row]")];
  function choose(step) {
    const all = rows();
    if (!all.length) return;
    const at = all.findIndex((row) => row.classList.contains("chosen"));
    const next = all[Math.max(0, Math.min(all.length - 1, at + step))];
    for (const row of all) row.classList.toggle("chosen", row === next);
    next.scrollIntoView({ block: "nearest" });
    if (next.tabIndex === -1 && next.matches("article")) next.focus({ preventScroll: true });
  }
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.target.matches("input, select, textarea")) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    const chosen = document.querySelector("[data-row].chosen");
    if (event.key === "/") document.querySelector("input[type=search]").focus();
    else if (event.key === "j") choose(1);
    else if (event.key === "k") choose(-1);
    else if (event.key === "Enter" && chosen && !event.target.matches("a, button, summary")) chosen.querySelector("a")?.click();
    else if ("ar".includes(event.key) && chosen) {
      const target = chosen.querySelector(`[data-key=${event.key}]`);
      if (!target) return;
      target.focus();
      target.scrollIntoView({ block: "nearest" });
    } else return;
    event.preventDefault();
  });
})();
