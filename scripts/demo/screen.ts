/** Lines for a page of 80 columns; in colour where the terminal has it. */
import { styleText } from "node:util";

type Tint = Parameters<typeof styleText>[0];

const LABEL_COLUMNS = 22;
const STEP_COLUMNS = 4;

export const tint = (color: Tint, text: string): string => styleText(color, text, { stream: process.stdout });
export const say = (text = ""): void => void process.stdout.write(`${text}\n`);

/** A numbered stage of the story. */
export function stage(number: number, label: string, text = ""): void {
  say();
  const head = tint("cyan", String(number).padStart(2).padEnd(STEP_COLUMNS));
  say(text === "" ? `${head}${tint("bold", label)}` : `${head}${tint("bold", label.padEnd(LABEL_COLUMNS))}${text}`);
}
/** What belongs to a stage. */
export function detail(label: string, text: string): void {
  say(`${" ".repeat(STEP_COLUMNS)}${tint("dim", label.padEnd(LABEL_COLUMNS))}${text}`);
}
export function indented(text: string): void {
  for (const line of text.split("\n")) say(`${" ".repeat(STEP_COLUMNS)}${line}`);
}
