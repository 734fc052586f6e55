// What the page asks of the server. Answers about the same text are kept, so that going back costs nothing; but only as
// long as the weights are the ones that gave them, which the server tells with each answer.

import { find } from "./dom.js";

const KEPT = 80;
const answers = new Map();
let key = null;
let current = null; // the version of the weights that all of the page is about
let noticed = () => {};

/** The version of the weights that is shown. */
export const weights = () => current;

/** From now on all of the page is about these weights. */
export const show = (version) => (current = version);

/** Call this whenever an answer is of other weights than those that are shown. */
export const whenOther = (call) => (noticed = call);

/** GET, as JSON. */
export const get = async (path) => (await ask(path)).json();

/** POST, as JSON. A signal calls the question off, unless others wait for the same answer. */
export const post = (path, body, signal) => remember(path, body, signal, (answer) => answer.json());

/** POST, as an array of float32, little endian as every browser's machine is. */
export const floats = (path, body, signal) => floatsOf(current, path, body, signal);

/** The same of what does not change with the weights that are shown, but with something else: its version. */
export const floatsOf = (version, path, body, signal) =>
  remember(path, body, signal, async (answer) => new Float32Array(await answer.arrayBuffer()), version);

/** POST, as an array of bytes. */
export const bytes = (path, body, signal) =>
  remember(path, body, signal, async (answer) => new Uint8Array(await answer.arrayBuffer()));

function remember(path, body, signal, read, version = current) {
  const question = `${version} ${path} ${JSON.stringify(body)}`;
  let known = answers.get(question);
  if (!known) {
    const controller = new AbortController();
    known = { controller, waiting: 0, answer: ask(path, body, controller.signal).then(read) };
    answers.set(question, known);
    known.answer.then(
      () => (known.waiting = Infinity), // it is there: nobody can call it off
      () => forget(question, known),
    );
    if (answers.size > KEPT) answers.delete(answers.keys().next().value);
  }
  known.waiting++;
  signal?.addEventListener("abort", () => {
    if (--known.waiting > 0) return;
    forget(question, known);
    known.controller.abort();
  });
  return known.answer;
}

function forget(question, known) {
  if (answers.get(question) === known) answers.delete(question);
}

/** Beside the page, wherever a proxy shows that: "/api/model" is api/model in the page's own folder. */
const beside = (path) => new URL(path.replace(/^\//, ""), document.baseURI);

async function ask(path, body, signal) {
  const headers = { ...(body && { "Content-Type": "application/json" }), ...(key && { Authorization: `Bearer ${key}` }) };
  let answer;
  try {
    answer = await fetch(beside(path), body ? { method: "POST", headers, body: JSON.stringify(body), signal } : { headers });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error("The server does not answer. Is nextword serve still running?");
  }
  if (answer.status === 401) {
    await askForKey();
    return ask(path, body, signal);
  }
  if (!answer.ok) throw new Error(await whatWentWrong(answer));
  const told = answer.headers.get("nextword-weights");
  if (told !== null && told !== current) noticed();
  return answer;
}

/** The server's own words where it has some. */
async function whatWentWrong(answer) {
  try {
    const { error } = await answer.json();
    if (error?.message) return error.message;
  } catch {
    // An answer that is not JSON says nothing more than its status.
  }
  return `The server answered ${answer.status} ${answer.statusText}.`;
}

let asking = null;

/** One dialog, however many questions wait for it. The key is kept in memory only. Whoever closes it gives no key. */
function askForKey() {
  asking ??= new Promise((resolve, reject) => {
    const dialog = find("key-dialog");
    dialog.addEventListener(
      "close",
      () => {
        const given = find("key").value;
        find("key").value = "";
        asking = null;
        if (!given) return reject(new Error("This server answers those only who have its key. Reload the page to give it."));
        key = given;
        find("key-said").textContent = "That was not the key. It is what was given to --api-key."; // if it asks again
        resolve();
      },
      { once: true },
    );
    dialog.showModal();
  });
  return asking;
}
