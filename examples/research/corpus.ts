/** Stands for a search engine: a few notes, found by the words of a question. */
import type { Note } from "./engine.ts";

const NOTES: readonly Note[] = [
  { source: "fields.txt", text: "Rooks eat worms and grubs, which they dig out of fields." },
  { source: "fields.txt", text: "In winter rooks eat grain." },
  { source: "trees.txt", text: "Rooks nest in colonies, high up in old trees." },
  { source: "pairs.txt", text: "Rooks court with bows, and stay together for life." },
  { source: "pairs.txt", text: "Rooks share food with their mates, and with friends." },
];
/** They say nothing of what is asked. */
const COMMON = new Set(["what", "where", "how", "do", "rooks", "each", "other", "with", "on", "in"]);

export async function lookUp(question: string): Promise<Note[]> {
  const wanted = wordsOf(question).filter((word) => !COMMON.has(word));
  const hits = NOTES.map((note) => ({ note, hits: wordsOf(note.text).filter((word) => wanted.includes(word)).length }));
  const most = Math.max(1, ...hits.map(({ hits: count }) => count));
  return hits.filter(({ hits: count }) => count === most).map(({ note }) => note);
}
function wordsOf(text: string): string[] {
  return text.toLowerCase().match(/[a-z]+/g) ?? [];
}
