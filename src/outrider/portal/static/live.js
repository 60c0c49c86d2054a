// Keeps the page fresh: the server renders, this only asks again and puts the new <main> in place of the old one.
"use strict";
(() => {
  const pulse = document.getElementById("pulse");
  let timer, source, busy = false;

  const say = (text) => { pulse.hidden = !text; pulse.textContent = text; };

  async function refresh() {
    if (busy || document.hidden || !getSelection().isCollapsed) return;
    busy = true;
    try {
      const answer = await fetch(location.href, { headers: { accept: "text/html" } });
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      const focused = document.activeElement?.getAttribute("href");
      document.querySelector("main").replaceWith(fresh.querySelector("main"));
      document.title = fresh.title;
      if (focused) document.querySelector(`main a[href="${CSS.escape(focused)}"]`)?.focus();
      say("");
      follow();
    } catch {
      say("The portal does not answer; this page may be out of date.");
    } finally {
      busy = false;
    }
  }

  function follow() {
    const { events, kinds, refresh: seconds } = document.querySelector("main").dataset;
    clearInterval(timer);
    if (seconds) timer = setInterval(refresh, Number(seconds) * 1000);
    if (!events) { source?.close(); source = undefined; }
    if (!events || source) return;
    source = new EventSource(events);
    for (const kind of kinds.split(" ")) {
      source.addEventListener(kind, refresh);
    }
    source.addEventListener("verdict", () => { source?.close(); setTimeout(refresh, 200); });
  }

  document.addEventListener("visibilitychange", refresh);
  follow();
})();
