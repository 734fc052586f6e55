// Texts to begin with: what each shows is said under the box. Which are offered depends on what the model has read.

const TITLE = "A Penny on Haddow\n\n";
const FIRST = "The piano came down to the";

const MIXED = {
  name: "Chinese and an emoji",
  text: "今天下雨 🌧 and",
  why: "The tokens were made from English text. Most other characters are two or three tokens each, none of which can be read alone.",
};

const BY_HEART = 8; // times that a short text is read until a model can recite it

/** For a model that has read the bundled story so often. The first stands in the box when the page opens. */
const ofTheStory = (times) => [
  {
    name: "The story’s beginning",
    text: TITLE + FIRST,
    why: times >= BY_HEART
      ? "The model has read this so often that it knows it by heart. Press Write on and watch it recite."
      : "So the story begins that the model reads. It does not know it by heart yet: look again when it has learned on.",
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

const SMALL = "heads"; // the text of the small model that comes with nextword

/** For that one, which knows some words and how to look back. */
const OF_THE_SMALL = [
  {
    name: "A name again",
    text: "Mr Alder met Mrs Quillfeather at the bridge. Mrs Quillfeather gave Mr Alder a lamp, and Mr Alder thanked Mrs",
    why: "It never read this name before. Some heads look at what followed the last time a token stood there: see Attention.",
  },
  {
    name: "Who gave what",
    text: "Lady Penrow met Uncle Bartog at the station. Uncle Bartog gave Lady Penrow a",
    why: "Many words would fit, and the chances are shared among them. Take one, go back, and take another.",
  },
  {
    name: "Tokens in no order, twice",
    text: " house sea letter seven fire under young paper north gold house sea letter seven fire under young paper north",
    why: "Nothing foretells the first row. The second is the same again: the surprise is gone, since it only has to look back.",
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
    why: "A well-trained model finds the rare name again: some heads look at what followed the last time a token stood there. See Attention.",
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

/** How many tokens a run's model had read after so many steps; null where its log does not tell. */
function tokensRead({ steps }, step) {
  const one = steps.filter(({ tokens, step: at }) => tokens && at).at(-1);
  return one ? Math.round((one.tokens / one.step) * step) : null;
}

const GPT2_VOCABULARY = 50257;

/** What the run's own samples continue, since a model with a vocabulary of its own may know no English. */
const ofItsText = (prompt) => ({
  name: "Its own text’s beginning",
  text: prompt,
  why: "So the text begins that this model was trained on. Its samples go on from here.",
  opens: true,
});

export function examplesFor(run, step, n_vocab) {
  if (run?.data?.name === "story") return ofTheStory(tokensRead(run, step) / run.data.train_tokens);
  if (run?.data?.name === SMALL) return OF_THE_SMALL;
  const prompt = n_vocab === GPT2_VOCABULARY ? "" : run?.samples?.[0]?.prompt;
  return prompt ? [ofItsText(prompt), ...GENERAL] : GENERAL;
}

/** What the model whose weights are shown, those of this step, has read, in a sentence; null where nobody knows. */
export function whatItHasRead(run, step) {
  if (!run?.data) return null;
  const { name, train_tokens: all, init } = run.data;
  const what = name === "story" ? "one story, “A Penny on Haddow”" : name === SMALL ? "text made by dice" : `“${name}”`;
  if (step === 0) return init ? `This GPT-2 is as ${init} left it: of ${what} it has read nothing yet.` : `This GPT-2 has read nothing yet: of ${what} it has seen no token, and all of its numbers are random.`;
  const read = tokensRead(run, step);
  const part = read !== null && read < all ? `about ${read.toLocaleString("en")} of the ${all.toLocaleString("en")}` : all.toLocaleString("en");
  if (name === SMALL) return `This small GPT-2 has read ${all.toLocaleString("en")} tokens of text made by dice. Three of its heads were given a start.`;
  const learned = `${part} tokens of ${what}, in ${step.toLocaleString("en")} steps of training`;
  return init ? `This GPT-2 began with what ${init} had learned, and then read ${learned}.` : `This GPT-2 has read ${learned}, and nothing else.`;
}
