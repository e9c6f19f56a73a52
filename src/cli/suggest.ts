/** Did you mean …? What the word begins, or the nearest. */
const NEAR = 0.4;
const MIN_BEGINNING = 2;

export function nearest(word: string, known: readonly string[]): string | null {
  const begun = known.filter((candidate) => word.length >= MIN_BEGINNING && candidate.startsWith(word));
  if (begun.length === 1) return begun[0] ?? null;
  const ranked = known
    .map((candidate) => ({ candidate, edits: editDistance(word.toLowerCase(), candidate.toLowerCase()) }))
    .sort((a, b) => a.edits - b.edits);
  const best = ranked[0];
  if (best === undefined) return null;
  return best.edits <= Math.ceil(NEAR * Math.max(word.length, best.candidate.length)) ? best.candidate : null;
}

/** Levenshtein's, by rows. */
export function editDistance(a: string, b: string): number {
  const [left, right] = [a.slice(0, 64), b.slice(0, 64)];
  let above = Array.from({ length: right.length + 1 }, (_, i) => i);
  for (let i = 1; i <= left.length; i++) {
    const row = [i];
    for (let j = 1; j <= right.length; j++) {
      const replaced = (above[j - 1] ?? 0) + (left[i - 1] === right[j - 1] ? 0 : 1);
      row.push(Math.min(replaced, (above[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1));
    }
    above = row;
  }
  return above[right.length] ?? 0;
}
