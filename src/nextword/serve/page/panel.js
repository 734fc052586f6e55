// When a panel draws: when it is in sight, and when the text has come to rest. A panel out of sight costs nothing.

const REST = 120; // milliseconds; while the model writes on, only the text and the next word keep up

/**
 * Call draw(ids, isStale, signal) for the text as it changes, while the section can be seen. A draw that takes its time
 * asks isStale() before it shows what it found; the signal calls off its questions when the text is another one. Gives
 * back a function that asks for a drawing.
 */
export function follow(section, text, draw) {
  let inSight = false;
  let due = true;
  let timer = 0;
  let turn = 0;
  let questions = new AbortController();

  const notice = document.createElement("p");
  notice.className = "notice";
  notice.hidden = true;
  section.querySelector(".lead").after(notice);

  const now = async () => {
    if (!inSight || !due || text.ids.length === 0) return;
    due = false;
    const mine = ++turn;
    const isStale = () => mine !== turn;
    section.setAttribute("aria-busy", "true");
    try {
      await draw(text.ids, isStale, questions.signal);
      if (!isStale()) notice.hidden = true;
    } catch (error) {
      if (isStale()) return;
      due = true; // it is asked again when the panel is next in sight
      notice.textContent = error.message;
      notice.hidden = false;
    } finally {
      if (!isStale()) section.removeAttribute("aria-busy");
    }
  };
  const soon = () => {
    due = true;
    turn++; // what is under way is about another text
    clearTimeout(timer);
    timer = setTimeout(now, REST);
  };

  text.addEventListener("change", () => {
    section.classList.toggle("of-nothing", text.ids.length === 0);
    questions.abort();
    questions = new AbortController();
    soon();
  });
  new IntersectionObserver(
    (entries) => {
      inSight = entries.at(-1).isIntersecting;
      if (inSight && due) soon();
    },
    { rootMargin: "200px" },
  ).observe(section);
  return soon;
}
