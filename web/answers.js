// The two that answer: the network in the page itself, by TensorFlow.js, and the lab's REST API.
/* global tf */

import { SIDE } from "./preparation.js";

const LARGEST_BODY = 4500000; // as infra/rest.py says why
const TYPES = { png: "image/png", jpeg: "image/jpeg" };

/** Why there is no answer, in one sentence. */
export class AnswerError extends Error {}

/** The network in this page. */
export class PageModel {
  #network = null;

  /** Return the probabilities of a prepared picture. */
  async answer({ prepared }) {
    this.#network ??= load();
    const network = await this.#network;
    const image = Float32Array.from(prepared.grey, (value) => value / 255);
    const found = tf.tidy(() => network.predict(tf.tensor3d(image, [1, SIDE, SIDE])));
    const probabilities = await found.data();
    found.dispose();
    return [...probabilities];
  }
}

async function load() {
  await tf.setBackend("cpu");
  return tf.loadGraphModel("model/model.json");
}

/** The REST API, which does its own preparation of the file. */
export class RestApi {
  constructor(key) {
    this.key = key;
  }

  /** Return the probabilities of a file (Blob), in the order of the labels. */
  async answer({ file, labels }) {
    if (!this.key()) throw new AnswerError("Type the API key that `./lab web` has shown.");
    if (file.size > LARGEST_BODY) {
      throw new AnswerError(`The file has ${file.size.toLocaleString("en")} bytes; the API takes ${LARGEST_BODY.toLocaleString("en")} at most: save it smaller.`);
    }
    const response = await this.#post(file);
    const answered = await response.json().catch(() => ({}));
    if (!response.ok) throw new AnswerError(answered.error ?? answered.message ?? `The API answered with status ${response.status}.`);
    return labels.map((label) => answered.predictions[0].probabilities[label]);
  }

  async #post(file) {
    const headers = { "content-type": await typeOf(file), "x-api-key": this.key() };
    try {
      return await fetch("predictions", { method: "POST", headers, body: file, credentials: "omit" });
    } catch {
      throw new AnswerError("The API can't be reached: try again in a moment.");
    }
  }
}

/** Return the content type of a file by what it begins with: a name may end with anything. */
async function typeOf(file) {
  const [first] = new Uint8Array(await file.slice(0, 1).arrayBuffer());
  return first === 0xff ? TYPES.jpeg : TYPES.png;
}
