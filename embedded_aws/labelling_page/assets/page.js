// What every labelling page has, whoever brings the photos: its keys, zoom, figures, pace, and what it says.

const PACE = 5 * 60_000; // ms that the pace is of
const BREAK = 60_000; // ms without an answer, which are a break and no part of the pace
const TYPED_INTO = "textarea, select, input:not([type=radio], [type=checkbox], [type=button], [type=submit])";
const ANSWERS_ENTER = "button, a, summary";

let keys = true; // single ones press something

export const $ = (id) => document.getElementById(id);

/**
 * Let a key press the element that names it in aria-keyshortcuts, and the photo be zoomed.
 *
 * Who speaks to the computer, or hits keys unawares, turns single keys off (WCAG 2.2, 2.1.4).
 */
export function listen() {
  $("keys").addEventListener("click", () => setKeys(!keys));
  setKeys(sessionStorage.getItem("keys") !== "off");
  document.addEventListener("keydown", press);
  $("zoom").addEventListener("click", zoom);
  $("photo").addEventListener("dblclick", zoom);
}

function setKeys(on) {
  keys = on;
  sessionStorage.setItem("keys", on ? "on" : "off");
  $("keys").textContent = `Keys: ${on ? "on" : "off"}`;
}

function press(event) {
  if (!keys && event.key.length === 1) return;
  if (event.repeat || event.ctrlKey || event.metaKey || event.altKey) return; // a key that is held labels one photo
  if (event.target.closest?.(event.key === "Enter" ? `${TYPED_INTO}, ${ANSWERS_ENTER}` : TYPED_INTO)) return;
  const key = event.key.toLowerCase();
  const named = (each) => each.getAttribute("aria-keyshortcuts").toLowerCase().split(" ").includes(key);
  const found = [...document.querySelectorAll("[aria-keyshortcuts]")].find(named);
  if (!found || found.closest("[inert]")) return;
  event.preventDefault();
  if (found.localName === "input") found.focus(); // a reader tells which is chosen now
  found.click();
}

/** Make the photo larger, with what was pointed at or its middle in the middle; or as large as it was. */
function zoom({ detail, currentTarget, clientX, clientY }) {
  const photo = $("photo");
  const { left, top, width, height } = photo.getBoundingClientRect();
  const [across, down] = currentTarget === photo ? [(clientX - left) / width, (clientY - top) / height] : [0.5, 0.5];
  const large = photo.classList.toggle("large");
  $("zoom").setAttribute("aria-pressed", String(large));
  photo.scrollTo(across * photo.scrollWidth - width / 2, down * photo.scrollHeight - height / 2);
  if (large && !detail) photo.focus({ preventScroll: true }); // by a key: the arrows move it now
}

/** Show what stands in the photo's place; nothing takes it away. */
export function show(...content) {
  $("photo").classList.remove("large");
  $("zoom").setAttribute("aria-pressed", "false");
  $("photo").replaceChildren(...content);
}

export function say(sentence) {
  $("said").textContent = sentence;
}

export function showProgress({ mine, left, done, photos }) {
  $("mine").textContent = mine;
  $("left").textContent = left;
  $("progress").max = Number(photos) || 1;
  $("progress").value = Number(done);
  $("progress").title = `${done} of ${photos} have all their answers`;
}

/** Say why answers can't be sent just now, and how many are kept; without a reason, nothing. */
export function showUnsent(count, ...why) {
  const kept = `${count} ${count === 1 ? "answer is" : "answers are"} kept in this browser, and sent as soon as it can be.`;
  $("unsent").hidden = !why.length;
  $("unsent").replaceChildren(...why, count ? ` ${kept}` : "");
}

/** How many photos a minute one does, breaks left out. */
export class Pace {
  moments = [];

  add() {
    this.moments.push(Date.now());
    this.show();
  }

  takeBack() {
    this.moments.pop();
    this.show();
  }

  show() {
    const { moments } = this;
    while (moments.length && Date.now() - moments[0] > PACE) moments.shift();
    const spans = moments.slice(1).map((moment, place) => Math.min(moment - moments[place], BREAK));
    const minutes = spans.reduce((sum, each) => sum + each, 0) / 60_000;
    $("pace").textContent = minutes ? Math.round(spans.length / minutes) : "–";
  }
}
