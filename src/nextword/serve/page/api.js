// What the page asks of the server. Answers about the same text are kept, so that going back costs nothing.

import { find } from "./dom.js";

const KEPT = 80;
const answers = new Map();
let key = null;

/** GET, as JSON. */
export const get = async (path) => (await ask(path)).json();

/** POST, as JSON. */
export const post = (path, body) => remember(path, body, (answer) => answer.json());

/** POST, as an array of float32, little endian as every browser's machine is. */
export const floats = (path, body) =>
  remember(path, body, async (answer) => new Float32Array(await answer.arrayBuffer()));

/** POST, as an array of bytes. */
export const bytes = (path, body) => remember(path, body, async (answer) => new Uint8Array(await answer.arrayBuffer()));

function remember(path, body, read) {
  const question = path + JSON.stringify(body);
  const known = answers.get(question);
  if (known) return known;
  const answer = ask(path, body).then(read);
  answers.set(question, answer);
  answer.catch(() => answers.delete(question));
  if (answers.size > KEPT) answers.delete(answers.keys().next().value);
  return answer;
}

async function ask(path, body) {
  const headers = { ...(body && { "Content-Type": "application/json" }), ...(key && { Authorization: `Bearer ${key}` }) };
  let answer;
  try {
    answer = await fetch(path, body ? { method: "POST", headers, body: JSON.stringify(body) } : { headers });
  } catch {
    throw new Error("The server does not answer. Is nextword serve still running?");
  }
  if (answer.status === 401) {
    await askForKey();
    return ask(path, body);
  }
  if (!answer.ok) throw new Error(await whatWentWrong(answer));
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

/** One dialog, however many questions wait for it. The key is kept in memory only. */
function askForKey() {
  asking ??= new Promise((resolve) => {
    const dialog = find("key-dialog");
    dialog.addEventListener(
      "close",
      () => {
        key = find("key").value;
        find("key").value = "";
        find("key-said").textContent = "That was not the key. It is what was given to --api-key."; // if it asks again
        asking = null;
        resolve();
      },
      { once: true },
    );
    dialog.showModal();
  });
  return asking;
}
