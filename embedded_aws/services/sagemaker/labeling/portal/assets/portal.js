// The portal's part of the labelling page: one task at a time, by the job's own template, until it is submitted or
// released. What was submitted can't be taken back; it is kept in this browser until the portal has said what became of it.

import { $, Pace, listen, say, show, showProgress, showUnsent } from "./page.js";
import { Unsent } from "./unsent.js";
import "./crowd-elements.js";

const AGAIN = 2000; // ms until it is asked again for a task
const LAST = 30_000; // ms after which somebody for whom there is no task goes back to the jobs
const NEVER = new Set([400, 409]); // what is answered so can't be taken at any time

const { worker, job } = document.querySelector("main").dataset;
const unsent = new Unsent(worker, send, hear);
const pace = job && new Pace();
let task; // {place, since}: what is shown and neither submitted nor released yet
let left = ""; // the place of the task that was, until the portal has said what became of it
let word = ""; // what became of it
let asked = 0; // since when there has been no task, in ms
let later; // when one is asked for again

if (job) begin();
unsent.flush();

function begin() {
  listen();
  document.addEventListener("submit", submit);
  $("skip").addEventListener("click", skip);
  addEventListener("storage", goOn); // another tab may have sent what this one waits for
  const { place, since, ...progress } = $("task").dataset;
  showProgress(progress);
  if (unsent.events().some((each) => each.place === place)) leave({ place }, "Your answer to this one is being sent.");
  else take({ place, since });
}

function submit(event) {
  event.preventDefault(); // a template may have a form of HTML's own
  if (!task) return;
  const answer = document.querySelector("crowd-form").answers();
  if (!answer) {
    say("Choose a category first.");
    return;
  }
  pace.add();
  pass({ place: task.place, answer }, "Submitted.");
}

function skip() {
  if (task) pass(task, "Skipped: others can do it now.");
}

/** Keep what is said of the task, send it, and wait for the next one. */
function pass(event, word) {
  leave(task, word);
  unsent.add(event);
}

function leave({ place }, said) {
  left = place;
  word = said;
  task = undefined;
  $("task").inert = true;
  $("skip").disabled = true;
  say(word);
}

function take(found) {
  task = found;
  left = "";
  asked = 0;
  $("task").inert = false;
  $("skip").disabled = false;
  say(`${word} ${$("left").textContent} left for you.`.trim());
  word = "";
  pace.show();
}

/** Ask for the next task once the portal knows of the last one. */
function goOn() {
  showUnsent(unsent.waiting);
  if (left && !unsent.events().some((each) => each.place === left)) next();
}

async function next() {
  left = "";
  clearTimeout(later);
  asked ||= Date.now();
  try {
    const answered = await post(`${job}/tasks`, {});
    const told = await answered.json();
    if (!answered.ok) throw Object.assign(new Error(told.message), { status: answered.status });
    showUnsent(unsent.waiting);
    if (told.progress) showProgress(told.progress);
    if (told.task) put(told.task);
    else rest(told);
  } catch (problem) {
    trouble(problem);
    later = setTimeout(next, AGAIN);
  }
}

function put({ html, place, since }) {
  show();
  $("task").innerHTML = html;
  take({ place, since });
}

/** There is nothing to do: a batch may follow in a moment, somebody may release a task. */
function rest({ over }) {
  show();
  $("task").replaceChildren();
  if (over) say("This job has ended: thank you.");
  else if (Date.now() - asked > LAST) location.assign("/");
  else {
    say("There is nothing left for you just now: thank you.");
    later = setTimeout(next, AGAIN);
  }
}

/** Send what is kept; say of each that the portal has it, or why it never will. */
async function send(events) {
  const told = { stored: [], refused: {} };
  for (const { id, place, since, answer } of events) {
    const answered = await (answer ? post(place, answer) : post(`${place}/release`, { since })).catch((error) => error);
    if (answered.ok) told.stored.push(id);
    else if (NEVER.has(answered.status)) told.refused[id] = (await answered.json()).message;
    else if (told.stored.length || Object.keys(told.refused).length) break;
    else throw answered;
  }
  return told;
}

/** Hear what became of answers. */
function hear({ document: told, problem }) {
  if (problem) trouble(problem);
  else {
    for (word of Object.values(told.refused)) say(word);
    goOn();
  }
}

function trouble({ status, message }) {
  const link = document.createElement("a");
  Object.assign(link, { href: "/", textContent: "sign in" });
  if (status === 401) showUnsent(unsent.waiting, "You are signed out here: ", link, " again.");
  else showUnsent(unsent.waiting, (status && message) || "The connection is lost.");
}

function post(path, document) {
  const headers = { "Content-Type": "application/json", "Labeling-Worker": worker };
  return fetch(path, { method: "POST", headers, body: JSON.stringify(document) });
}
