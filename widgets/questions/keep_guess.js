// Keeps what was guessed in the metadata of the question's cell, so that it is saved with the notebook,
// outlives the kernel, and stays when the cell is run again. The first guess that was judged stays for
// good: whoever knows the answer guesses no more. `mla_core/classroom/guess.py` reads it.
const KEPT = "mla_lab";

function keepGuess({ model }) {
  const cells = model.widget_manager?.context?.model?.cells;
  if (!cells) return; // not in a notebook of JupyterLab
  const keep = () => {
    const place = [...cells].find(({ id }) => id === model.get("cell"));
    const [question, choices] = [model.get("prompt"), model.get("choices")];
    const guess = choices[model.get("guess")] ?? null;
    if (!place || guess === null) return;
    const answer = model.get("state") === "revealed" ? (choices[model.get("holds")] ?? null) : null;
    const metadata = place.getMetadata(KEPT);
    const before = Array.isArray(metadata?.guesses) ? metadata.guesses : [];
    const own = before.find((one) => one?.question === question);
    if (own && (own.answer !== null || (own.guess === guess && answer === null))) return;
    const others = before.filter((one) => one !== own);
    const kept = { question, choices, guess, answer };
    place.setMetadata(KEPT, { ...metadata, guesses: [...others, kept] });
  };
  return follow(model, ["guess", "state"], keep);
}
