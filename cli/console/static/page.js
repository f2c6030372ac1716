// What every page of the console has: times that go on, questions in a dialog, and the stream of events.

const units = [["d", 86400], ["h", 3600], ["min", 60]];

function ago(moment) {
  const seconds = Math.max(0, (Date.now() - Date.parse(moment)) / 1000);
  const unit = units.find(([, length]) => seconds >= length);
  return unit ? `${Math.floor(seconds / unit[1])} ${unit[0]} ago` : "just now";
}

function until(moment) {
  let seconds = Math.max(0, Math.floor((Date.parse(moment) - Date.now()) / 1000));
  const hours = Math.floor(seconds / 3600);
  const two = (number) => String(number).padStart(2, "0");
  return `${hours}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
}

export function tick() {
  for (const each of document.querySelectorAll("time[data-ago]")) {
    const text = ago(each.dateTime);
    if (each.textContent !== text) each.textContent = text;
  }
  for (const each of document.querySelectorAll("time[data-until]")) {
    each.textContent = until(each.dateTime);
    each.classList.toggle("soon", Date.parse(each.dateTime) - Date.now() < 30 * 60 * 1000);
  }
}

// A question is a page of its own, which works without this script; with it, it comes up over the page one is on.
function questions() {
  const dialog = document.getElementById("question");
  let asked = null;

  async function show(answer) {
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const content = page.getElementById("ask");
    if (!content) return false;
    dialog.replaceChildren(...content.childNodes);
    if (!dialog.open) dialog.showModal();
    dialog.querySelector("input:not([type=hidden]), button")?.focus();
    return true;
  }

  document.addEventListener("click", async (event) => {
    const link = event.target.closest("a[data-ask]");
    if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
      event.preventDefault();
      asked = link.id;
      await show(await fetch(link.href));
    } else if (dialog.open && (event.target === dialog || event.target.closest("[data-close]"))) {
      event.preventDefault();
      dialog.close();
    }
  });

  dialog.addEventListener("submit", async (event) => {
    const form = event.target;
    if (form.target) {  // the answer is for a window of its own
      setTimeout(() => dialog.close());
      return;
    }
    event.preventDefault();
    const button = form.querySelector("button");
    button.disabled = true;
    const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)), redirect: "manual" });
    if (answer.type === "opaqueredirect") dialog.close();
    else await show(answer);
  });

  dialog.addEventListener("close", () => document.getElementById(asked)?.focus());
}

// While nobody sees the page it hears nothing: AWS is not asked for nobody, and a browser has six connections for all
// pages of the console together.
export function listen(url, name, hear) {
  const connection = document.getElementById("connection");
  let events = null;

  function open() {
    if (events || document.hidden) return;
    events = new EventSource(url);
    events.addEventListener(name, (event) => hear(JSON.parse(event.data)));
    events.addEventListener("open", () => { connection.hidden = true; });
    events.addEventListener("error", () => { connection.hidden = false; });
  }

  function close() {
    events?.close();
    events = null;
  }

  document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
  addEventListener("pagehide", close);
  addEventListener("pageshow", open);
  requestAnimationFrame(() => setTimeout(open));  // once it is painted: from then on AWS is asked
}

questions();
tick();
setInterval(tick, 1000);
