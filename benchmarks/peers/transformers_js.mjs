// What does transformers.js write from a directory of `nextword export --to onnx`?
//
//     npm install --no-save @huggingface/transformers      (in the repository's root, or above it)
//     node benchmarks/peers/transformers_js.mjs DIR "The bridge"
//
// Prints the greedy text and the prompt's ids, to be compared with nextword's.
import path from "node:path";
import { AutoTokenizer, env, pipeline } from "@huggingface/transformers";

const [directory, prompt] = process.argv.slice(2);
env.localModelPath = path.dirname(path.resolve(directory));
env.allowRemoteModels = false;
const name = path.basename(directory);
const write = await pipeline("text-generation", name, { dtype: "fp32", device: "cpu" });
const [answer] = await write(prompt, { max_new_tokens: 12, do_sample: false });
console.log(JSON.stringify(answer.generated_text));
console.log(JSON.stringify((await AutoTokenizer.from_pretrained(name)).encode(prompt)));
