// Texts to begin with: what each shows is said under the box. Which are offered depends on what the model has read.

const TITLE = "A Penny on Haddow\n\n";
const FIRST = "The piano came down to the";

const MIXED = {
  name: "Chinese and an emoji",
  text: "今天下雨 🌧 and",
  why: "The tokens were made from English text. Most other characters are two or three tokens each, none of which can be read alone.",
};

/** For a model that has read the bundled story. The first stands in the box when the page opens. */
const OF_THE_STORY = [
  {
    name: "The story’s beginning",
    text: TITLE + FIRST,
    why: "The model has read this so often that it knows it by heart. Press Write on and watch it recite.",
  },
  {
    name: "The same without its title",
    text: FIRST,
    why: "The same words, but 8 places earlier, where it never met them: a token is read together with its place. Compare the perplexity.",
  },
  {
    name: "A sentence not in it",
    text: "The train was late, and nobody in the city knew why the",
    why: "English, but none that it has read. To have learned a text by heart is not to have learned a language.",
  },
  MIXED,
];

/** For any other model. */
const GENERAL = [
  {
    name: "A sentence",
    text: "When the rain stopped, the children ran out into the",
    why: "Several words would fit, and the chances are shared among them. Take one, go back, and take another.",
  },
  {
    name: "A name again",
    text: "Mr Alder met Mrs Quillfeather at the station. All the way home Mr Alder talked, and Mrs",
    why: "A trained model finds the rare name again: some heads look at what followed the last time a token stood there. See Attention.",
  },
  {
    name: "Sums",
    text: "2 + 2 = 4\n3 + 4 = 7\n5 + 3 =",
    why: "Nobody taught it to add. What it says comes from all the sums that it has read.",
  },
  {
    name: "Code",
    text: "def double(x):\n    return x *",
    why: "A program is a text, too. Each run of spaces at the beginning of a line costs tokens.",
  },
  MIXED,
];

export const examplesFor = (data) => (data?.name === "story" ? OF_THE_STORY : GENERAL);

/** What the model has read, in a sentence; null where nobody knows. */
export function whatItHasRead(run) {
  if (!run?.data) return null;
  const { name, train_tokens: tokens, init } = run.data;
  const steps = run.steps.at(-1)?.step ?? 0;
  const what = name === "story" ? "one story, “A Penny on Haddow”," : `“${name}”,`;
  const learned = `${tokens.toLocaleString("en")} tokens of ${what} in ${steps.toLocaleString("en")} steps of training`;
  return init ? `This GPT-2 began with what ${init} had learned, and then read ${learned}.` : `This GPT-2 has read ${learned}, and nothing else.`;
}
