/** Text in a terminal: how wide it is, cut to a width, and without what would steer the terminal. */
import { stripVTControlCharacters } from "node:util";
import { eastAsianWidth } from "get-east-asian-width";

let segmenter: Intl.Segmenter | null = null;
const PLAIN = /^[\x20-\x7e]*$/;
const EMOJI = /^\p{RGI_Emoji}$/v;
const INVISIBLE = /^[\p{Mark}\p{Control}\p{Default_Ignorable_Code_Point}]+$/u;

/** Made when it is first wanted: it takes longer to make than most commands to answer. */
function graphemesOf(text: string): Iterable<Intl.SegmentData> {
  segmenter ??= new Intl.Segmenter(undefined, { granularity: "grapheme" });
  return segmenter.segment(text);
}

/** Columns that a text takes, colours not counted. */
export function widthOf(text: string): number {
  if (PLAIN.test(text)) return text.length;
  const bare = stripVTControlCharacters(text);
  let width = 0;
  for (const { segment } of graphemesOf(bare)) width += graphemeWidth(segment);
  return width;
}
function graphemeWidth(segment: string): number {
  if (EMOJI.test(segment)) return 2;
  return INVISIBLE.test(segment) ? 0 : eastAsianWidth(segment.codePointAt(0) ?? 0);
}

/** At most `width` columns, with an ellipsis when something was left out. Takes no colours. */
export function cut(text: string, width: number): string {
  if (text.length <= width && PLAIN.test(text)) return text;
  let kept = "";
  let used = 0;
  for (const { segment } of graphemesOf(text.slice(0, 8 * width + 64))) {
    const more = graphemeWidth(segment);
    if (used + more > width) {
      while (widthOf(kept) > width - 1) kept = kept.slice(0, -1);
      return `${kept.trimEnd()}…`;
    }
    kept += segment;
    used += more;
  }
  return kept;
}

/** One line of what somebody else wrote: line ends and control characters cannot steer the terminal. */
export function clean(text: string): string {
  return stripVTControlCharacters(text)
    .replaceAll(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]+/gu, " ")
    .trim();
}

/** Text of many lines that somebody else wrote, perhaps in pieces: line ends and tabs stay, nothing steers the terminal. */
export function cleanLines(text: string): string {
  return stripVTControlCharacters(text).replaceAll(/(?![\n\t])[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu, "");
}

/** At words, to lines of at most `width` columns; a longer word is cut into pieces, or left whole so that it can be copied. */
export function wrap(text: string, width: number, longWord: "cut" | "whole" = "cut"): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ").flatMap((one) => (longWord === "cut" ? pieces(one, width) : [one]))) {
    const longer = line === "" ? word : `${line} ${word}`;
    if (line !== "" && widthOf(longer) > width) {
      lines.push(line);
      line = word;
    } else {
      line = longer;
    }
  }
  return [...lines, line];
}
function pieces(word: string, width: number): string[] {
  if (widthOf(word) <= width) return [word];
  const found: string[] = [];
  let piece = "";
  for (const { segment } of graphemesOf(word)) {
    if (widthOf(piece + segment) > width) {
      found.push(piece);
      piece = "";
    }
    piece += segment;
  }
  return [...found, piece];
}
