// The tour: ten stops, each a part of the page, a text in which there is something to see there, and a function of the
// code. The server shows the function as it is (`serve/source.py` lists the same names), so that what is read here is what
// runs. `shows` is what has to be in sight. What is promised is tested on the small model that comes with nextword.

const GAVE = "Lady Penrow met Uncle Bartog at the station. Uncle Bartog gave Lady Penrow a";
const THANKED = "Mr Alder met Mrs Quillfeather at the bridge. Mrs Quillfeather gave Mr Alder a lamp, and Mr Alder thanked Mrs";

export const STOPS = [
  {
    at: "text",
    text: "Mr Alder met Mrs Quillfeather at the bridge.",
    shows: ["#prompt", "#tokens"],
    title: "A text is a row of tokens",
    words: "A model reads numbers. The tokenizer cuts the text into pieces it knows, words or parts of words, and each piece has a number. GPT-2 knows 50,257 of them.",
    try: "“Quillfeather” fell into four. Type another unusual name.",
    code: "tokenizer/bpe.py:encode",
  },
  {
    at: "next",
    text: GAVE,
    shows: ["#bars"],
    title: "Every token gets a score",
    words: "For what comes next the model scores each token it knows: how well does this one fit? The scores are called logits. They are all it ever says.",
    try: "Press one of them: it goes behind the text, and all are scored anew. Back takes it away.",
    code: "model/plain.py:head",
  },
  {
    at: "next",
    text: GAVE,
    shows: [".sliders", "#bars"],
    title: "Scores become chances",
    words: "The exponential makes scores positive, and dividing by their sum makes them chances. Dividing by a temperature before that sharpens or flattens them.",
    try: "Move Temperature to 0.2, then to 2. The pale bars are the model’s own chances.",
    code: "decode/choose.py:weigh",
  },
  {
    at: "next",
    text: GAVE,
    shows: [".sliders", "#bars"],
    title: "The tail is cut off",
    words: "Thousands of unlikely tokens together have a chance worth fearing. Top-k keeps the k likeliest; top-p keeps the fewest that hold a share p together.",
    try: "Set Top-p to 0.5 and see who is left.",
    code: "decode/choose.py:keep_top_p",
  },
  {
    at: "next",
    text: GAVE,
    shows: [".draw"],
    title: "One token is drawn, and all begins again",
    words: "Lay the chances end to end, and let a random number point at one. The token goes behind the text, and the longer text is asked anew. That is all there is to writing.",
    try: "Press Draw a few times. Then press Write on, in the text.",
    code: "decode/choose.py:choose",
  },
  {
    at: "text",
    text: THANKED,
    shows: ["#tokens", "#token-card"],
    title: "Surprise is what training lowers",
    words: "How likely did the model hold each token that really came? The less, the warmer its colour. The average of −ln of these chances is the loss, and its exponential is the perplexity.",
    try: "“Quillfeather” is warm when it is new, and pale when it comes again. Point at a warm token. Take a likelier one in its place.",
    code: "model/plain.py:cross_entropy",
  },
  {
    at: "attention",
    text: THANKED,
    shows: [".attention-body"],
    title: "Tokens look back at others",
    words: "A token’s meaning depends on those before it. Each head compares a token’s query with the keys of the earlier ones, and gathers most from those that match. None looks ahead.",
    try: "Look for the heads that look at the token before, and at what followed an earlier copy: Show the strongest. Point at tokens.",
    code: "model/plain.py:causal_attention",
  },
  {
    at: "lens",
    text: THANKED,
    shows: ["#lens-scroll"],
    title: "The answer grows layer by layer",
    words: "Layers only add to a stream of numbers, so that one may ask after each of them what would be said. The embedding still says the token itself, because the same table reads and writes tokens. The layers turn it into the next one.",
    try: "Press a cell of the last column and follow it down.",
    code: "lens/plain.py:logit_lens",
  },
  {
    at: "parts",
    text: THANKED,
    shows: [".parts-body"],
    title: "Every part has a share in it",
    words: "A block adds what its heads gathered, then what its MLP made of that. Since all of it is a sum, the score of a token can be divided among them, and any of them can be left out.",
    try: "Switch off the part that pushes most.",
    code: "model/block.py:Block.forward",
  },
  {
    at: "training",
    text: THANKED,
    shows: [".run-line", "#sample"],
    title: "The numbers are learned",
    words: "At first the numbers are random, and so is what is said. (Of heads, the small model, three heads were given a start, so that minutes of training are enough.) Each step of training measures the surprise on some text, and moves every number a little to where it is lower.",
    try: "Move the step back to the beginning and read what was written then.",
    code: "train/plain.py:gradient_step",
  },
];
