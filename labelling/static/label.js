// The page of a labelling job: one photo at a time, one key an answer. The next photo is there before it is asked for,
// and nobody waits for an answer to be stored.

import { $, Pace, listen, say, show as showPhoto, showProgress, showUnsent } from "../shared/page.js";
import { Unsent } from "../shared/unsent.js";

const LOW = 4; // photos ahead, below which more are asked for
const AGAIN = 3000; // ms until it is asked again for photos that did not come
const LATER = 30_000; // ms until it is asked whether there are new ones, where there were none
const HISTORY = 50;
const MOST = 1000; // photos that are told to be held

const main = document.querySelector("main");
const choices = [...document.querySelectorAll(".choice")];
const token = document.querySelector("meta[name=form-token]").content;
const whose = `${main.dataset.job} ${main.dataset.worker}`;
const ahead = []; // {photo, name, image}
const given = recall(); // the latest answers, for undo: {photo, name, label}
const pace = new Pace();
let current; // the photo that is shown
let shown = 0; // when it was shown, in ms
let asking = false;
let later; // when photos are asked for again
let gone = false; // this run of `./lab label` has ended

const unsent = new Unsent(whose, (events) => post("answers", events), hear);

for (const each of choices) each.addEventListener("click", () => answer(Number(each.dataset.label)));
$("skip").addEventListener("click", skip);
$("undo").addEventListener("click", undo);
listen();
unsent.flush();
fill();

function answer(label) {
  if (!current) return;
  const began = performance.now();
  const now = Date.now();
  const { photo, name } = current;
  unsent.add({
    photo,
    label,
    accepted: new Date(shown).toISOString(),
    submitted: new Date(now).toISOString(),
    seconds: (now - shown) / 1000,
  });
  given.push({ photo, name, label });
  pace.add();
  keep();
  const word = choices[label].querySelector("span").textContent;
  next(`${word}.`, began);
  if (main.hasAttribute("data-suggests")) suggest(photo, word);
}

function skip() {
  if (!current) return;
  unsent.add({ photo: current.photo, label: "skip" });
  next("Skipped; it comes again at the end.", performance.now());
}

/** Take the last answer back, and ask for that photo again. */
function undo() {
  const last = given.pop();
  if (!last) return;
  keep();
  pace.takeBack();
  unsent.add({ photo: last.photo, label: null });
  if (current) ahead.unshift(current);
  drop((photo) => photo === last.photo);
  show(load(last));
  say(`Taken back: ${choices[last.label].querySelector("span").textContent}. Which brick is it?`);
}

function next(word, began) {
  show(ahead.shift(), began);
  // The next photo's name makes it another sentence than the one before: a reader says nothing of what is as it was.
  say(`${word} ${current ? `Next: ${current.name.split("/").at(-1)}.` : waits()}`);
  if (ahead.length < LOW) fill();
}

function show(photo, began) {
  current = photo;
  shown = Date.now();
  showPhoto(...(photo ? [photo.image] : []));
  $("name").textContent = photo ? photo.name : "";
  for (const each of [...choices, $("skip")]) each.disabled = !photo;
  $("undo").disabled = !given.length;
  pace.show();
  if (began !== undefined && photo) measure(photo, began);
}

/** Measure, for whoever looks at the page's performance, how long it took until the photo was painted. */
async function measure(photo, began) {
  await photo.image.decode?.().catch(() => undefined);
  requestAnimationFrame(() => setTimeout(() => performance.measure("next photo", { start: began })));
}

/** Begin to load a photo, which is to be there when its turn comes. */
function load({ photo, name }) {
  const image = new Image();
  image.alt = `Photo ${name}`;
  image.src = `photos/${photo}`;
  const found = { photo, name, image };
  image.addEventListener("error", () => spoil(found));
  image.decode?.().catch(() => undefined);
  return found;
}

/** Say in a photo's place that it can't be shown; what only did not come is asked for again. */
async function spoil(found) {
  const status = await fetch(`photos/${found.photo}`).then((answered) => answered.status, () => 503);
  if (status === 503) {
    setTimeout(() => (found.image.src = `photos/${found.photo}?${Date.now()}`), AGAIN);
    return;
  }
  const words = document.createElement("p");
  words.textContent = `${found.name} is no picture that can be shown: press N if it is none, or S to skip it.`;
  if (found === current) $("photo").replaceChildren(words);
  found.image = words;
}

/** Ask for more photos, again and again while there is none. */
async function fill() {
  if (asking || gone) return;
  asking = true;
  let pause = AGAIN;
  try {
    const found = await post("work", { held: [...held()].slice(0, MOST) });
    drop((photo) => found.over.includes(photo)); // others have labelled it meanwhile
    const known = held(); // some were answered while it was asked
    for (const each of found.photos) if (!known.has(each.photo) && !knows(each.photo)) ahead.push(load(each));
    showProgress(found.progress);
    if (!found.progress.left) pause = LATER;
    if (!current && ahead.length) {
      show(ahead.shift());
      say("Which brick is it?");
    } else if (!current) say(waits(found.progress));
  } catch (problem) {
    trouble(problem);
  }
  asking = false;
  clearTimeout(later);
  if (!ahead.length) later = setTimeout(fill, pause);
}

/** Take photos out of those that are ahead. */
function drop(which) {
  ahead.splice(0, ahead.length, ...ahead.filter(({ photo }) => !which(photo)));
}

/** The photos that need not be brought: they are here, or answered and not stored yet. */
function held() {
  return new Set([...ahead, ...(current ? [current] : [])].map((each) => each.photo).concat(sending()));
}

/** The photos that are answered or skipped, which the server does not know yet. */
function sending() {
  const last = new Map(unsent.events().map(({ photo, label }) => [photo, label]));
  return [...last].filter(([, label]) => label !== null).map(([photo]) => photo);
}

/** Whether a photo was answered a moment ago: while the server was asked it may have been on its way. */
function knows(photo) {
  return given.slice(-LOW * 2).some((each) => each.photo === photo);
}

function waits(progress) {
  if (unsent.waiting) return "Waiting for the connection.";
  if (progress && !progress.left) return "There is nothing left for you: thank you.";
  return "Asking for photos …";
}

/** Hear what became of answers. */
function hear({ document: told, problem }) {
  if (problem) {
    trouble(problem);
    return;
  }
  showUnsent(unsent.waiting);
  showProgress(told.progress);
  for (const sentence of [...told.notices, ...Object.values(told.refused)]) say(sentence);
  if (!current) fill();
}

function trouble(problem) {
  gone = problem.status === 403;
  showUnsent(
    unsent.waiting,
    gone
      ? "This page belongs to an earlier link: open the new one."
      : "The lab can't be reached just now."
  );
}

/** Show what the lab's endpoint sees in the photo that was answered: after it is stored, so that it sways nobody. */
async function suggest(photo, word) {
  $("suggestion").hidden = true;
  await unsent.flush();
  try {
    const answered = await fetch(`suggestions/${photo}`);
    if (!answered.ok) return;
    const { label, probability, problem } = await answered.json();
    const sure = probability === undefined ? "" : `, ${Math.round(probability * 100)} %`;
    $("suggestion").textContent = problem ?? `You: ${word}. The endpoint: ${label}${sure}.`;
    $("suggestion").hidden = false;
  } catch {
    // there is no suggestion just now
  }
}

async function post(path, document) {
  const headers = { "Content-Type": "application/json", "X-Form-Token": token };
  const answered = await fetch(path, { method: "POST", headers, body: JSON.stringify(document) });
  if (!answered.ok) throw Object.assign(new Error(await answered.text()), { status: answered.status });
  return answered.json();
}

function recall() {
  return JSON.parse(sessionStorage.getItem(`given ${whose}`) ?? "[]");
}

function keep() {
  given.splice(0, given.length - HISTORY);
  sessionStorage.setItem(`given ${whose}`, JSON.stringify(given));
}
