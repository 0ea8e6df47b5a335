// A build's page as it goes on. Without this script the page shows what there is when it is loaded.
"use strict";
(() => {
  const MOST_LINES = 20000;
  const log = document.getElementById("log");
  if (!log) return;
  const lines = document.getElementById("lines");
  const unfinished = document.getElementById("unfinished");

  // A click beside a line's number makes it the address's, to be shown to somebody.
  log.addEventListener("click", (click) => {
    const line = click.target.closest("[data-n]");
    const gutter = line && parseFloat(getComputedStyle(line).paddingInlineStart);
    if (line && click.clientX - line.getBoundingClientRect().left < gutter) location.hash = line.id;
  });

  // Times that go on. The server's clock counts, as it stood when the page was made.
  const root = document.documentElement;
  const skew = Date.now() - Number(root.dataset.now);
  const duration = (seconds) => {
    const h = Math.floor(seconds / 3600), min = Math.floor(seconds / 60) % 60, s = seconds % 60;
    return h ? `${h} h ${min} min` : min ? `${min} min ${s} s` : `${s} s`;
  };
  setInterval(() => {
    for (const span of document.querySelectorAll("[data-since]")) {
      const took = Date.now() - skew - Number(span.dataset.since);
      span.textContent = duration(Math.max(0, Math.floor(took / 1000)));
    }
  }, 1000);

  if (!log.dataset.events) return;
  let from = log.dataset.from;

  const atEnd = () => root.scrollHeight - window.innerHeight - window.scrollY < 40;
  const keepingEnd = (change) => {
    const follow = atEnd();
    change();
    if (follow) window.scrollTo(0, root.scrollHeight);
  };

  // What comes is HTML that the server made and escaped; the policy of the page lets no script in.
  const addLines = (event) => keepingEnd(() => {
    from = event.lastEventId;
    lines.insertAdjacentHTML("beforeend", event.data);
    unfinished.replaceChildren();
    while (lines.childElementCount > MOST_LINES) lines.firstElementChild.remove();
  });
  const setUnfinished = (event) => keepingEnd(() => { unfinished.innerHTML = event.data; });
  const setParts = (event) => {
    const parts = document.createElement("template");
    parts.innerHTML = event.data;
    for (const part of [...parts.content.children]) {
      const old = document.getElementById(part.id);
      if (!old) continue;
      // Untouched if nothing changed, or a screen reader would read it again.
      if (old.innerHTML !== part.innerHTML) old.replaceChildren(...part.childNodes);
      old.hidden = part.hidden;
      if (part.dataset.title) document.title = part.dataset.title;
    }
  };

  const watch = () => {
    const source = new EventSource(`${log.dataset.events}?from=${encodeURIComponent(from)}`);
    source.addEventListener("log", addLines);
    source.addEventListener("unfinished", setUnfinished);
    source.addEventListener("parts", setParts);
    source.addEventListener("end", () => source.close());
    source.addEventListener("error", () => {
      // A broken connection the browser mends itself; a refusal it takes for the last word.
      if (source.readyState === EventSource.CLOSED) setTimeout(watch, 10000);
    });
  };
  watch();
})();
