// The page: what its visitor does, and what is shown for it.

import { AnswerError, PageModel, RestApi } from "./answers.js";
import { watchBoard } from "./board.js";
import { decode, PictureError } from "./picture_file.js";
import { prepare } from "./preparation.js";

const $ = (id) => document.getElementById(id);
const percent = new Intl.NumberFormat("en", { style: "percent", minimumFractionDigits: 1, maximumFractionDigits: 1 });
const config = await (await fetch("config.json")).json();
const models = { page: new PageModel(), api: new RestApi(() => $("key").value.trim()) };
let latest = null; // {file, prepared} of the photo that is shown
let turn = 0; // a slow answer to an earlier photo is not shown over a later one's

setUp();

function setUp() {
  $("bars").replaceChildren(...config.labels.map(bar));
  offerModes();
  $("file").addEventListener("change", () => show($("file").files[0]));
  watchDrop();
  watchCamera();
  watchBoard($("draw"), $("drawing"), $("board"), $("clear"), show);
  for (const each of document.querySelectorAll("input[name=mode]")) each.addEventListener("change", changeMode);
  $("key").addEventListener("change", again);
}

/** Offer what there is: the page may have no model, and the lab no REST API. */
function offerModes() {
  const there = { page: config.model, api: config.api };
  for (const each of document.querySelectorAll("input[name=mode]")) {
    each.disabled = !there[each.value];
    each.checked = !each.disabled && (each.value === "page" || !there.page);
  }
  const given = new URLSearchParams(location.hash.slice(1)).get("key");
  if (given) {
    $("key").value = given;
    history.replaceState(null, "", location.pathname); // it stays out of the history
  }
  $("key-row").hidden = mode() !== "api";
}

function mode() {
  return document.querySelector("input[name=mode]:checked").value;
}

function changeMode() {
  $("key-row").hidden = mode() !== "api";
  again();
}

function again() {
  if (latest) answer();
}

/** Show a photo (Blob), and what is found in it. */
async function show(file) {
  if (!file) return;
  const mine = ++turn;
  try {
    const prepared = prepare(await decode(file));
    if (mine !== turn) return;
    latest = { file, prepared };
    paint(prepared);
  } catch (error) {
    if (mine === turn) {
      latest = null;
      refuse(error);
    }
    return;
  }
  await answer();
}

async function answer() {
  const mine = ++turn;
  say("…");
  try {
    const found = await models[mode()].answer({ ...latest, labels: config.labels });
    if (mine === turn) move(found);
  } catch (error) {
    if (mine === turn) refuse(error);
  }
}

function bar(label) {
  const row = document.createElement("li");
  const [name, track, share] = ["span", "span", "span"].map((kind) => document.createElement(kind));
  const inner = document.createElement("span");
  inner.className = "bar";
  inner.style.display = track.style.display = "block";
  track.className = "track";
  track.setAttribute("aria-hidden", "true"); // the number beside it says the same
  track.append(inner);
  name.textContent = label;
  share.className = "percent";
  share.textContent = "–";
  row.append(name, track, share);
  return row;
}

/** Let the ten bars show probabilities. */
function move(probabilities) {
  const best = probabilities.indexOf(Math.max(...probabilities));
  [...$("bars").children].forEach((row, number) => {
    row.classList.toggle("best", number === best);
    row.querySelector(".bar").style.transform = `scaleX(${probabilities[number]})`;
    row.querySelector(".percent").textContent = percent.format(probabilities[number]);
  });
  $("bars").dataset.probabilities = JSON.stringify(probabilities);
  say(`${config.labels[best]}, ${percent.format(probabilities[best])}`);
}

function refuse(error) {
  if (!(error instanceof PictureError || error instanceof AnswerError)) console.error(error);
  const known = error instanceof PictureError || error instanceof AnswerError;
  [...$("bars").children].forEach((row) => {
    row.classList.remove("best");
    row.querySelector(".bar").style.transform = "scaleX(0)";
    row.querySelector(".percent").textContent = "–";
  });
  delete $("bars").dataset.probabilities;
  say(known ? error.message : "The model of this page can't be run here: let the REST API answer.", true);
}

function say(text, isWrong = false) {
  $("answer").textContent = text;
  $("answer").classList.toggle("wrong", isWrong);
}

/** Paint what the network sees. */
function paint({ grey, width, height }) {
  const context = $("seen").getContext("2d");
  const image = context.createImageData(width, height);
  grey.forEach((value, at) => image.data.set([value, value, value, 255], 4 * at));
  context.putImageData(image, 0, 0);
  $("seen").setAttribute("aria-label", "What the network sees: the photo's middle, in grey, on dark ground");
}

function watchDrop() {
  const over = (is) => (event) => {
    event.preventDefault();
    $("drop").classList.toggle("over", is);
  };
  document.addEventListener("dragover", over(true));
  document.addEventListener("dragleave", over(false));
  document.addEventListener("drop", (event) => {
    over(false)(event);
    show(event.dataTransfer.files[0]);
  });
  document.addEventListener("paste", (event) => show(event.clipboardData.files[0]));
}

function watchCamera() {
  const video = $("video");
  const stop = () => {
    video.srcObject?.getTracks().forEach((track) => track.stop());
    video.srcObject = null;
    $("viewfinder").hidden = true;
    $("camera").setAttribute("aria-expanded", "false");
  };
  $("camera").addEventListener("click", async () => {
    if (video.srcObject) return stop();
    try {
      video.srcObject = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
    } catch {
      return say("The camera can't be used: allow it for this page, or choose a photo.", true);
    }
    $("viewfinder").hidden = false;
    $("camera").setAttribute("aria-expanded", "true");
    $("take").focus();
  });
  $("take").addEventListener("click", async () => {
    const photo = new OffscreenCanvas(video.videoWidth, video.videoHeight);
    photo.getContext("2d").drawImage(video, 0, 0);
    const file = await photo.convertToBlob({ type: "image/png" });
    stop();
    $("camera").focus();
    await show(file.size > 4e6 ? await photo.convertToBlob({ type: "image/jpeg", quality: 0.95 }) : file);
  });
}
