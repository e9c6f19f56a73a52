/** States of an agent, of any size: JSON text of research notes, which deflates as such text does. */

interface Note {
  readonly [field: string]: string | number | boolean;
}
export interface Notes {
  readonly n: number;
  readonly topic: string;
  readonly notes: Note[];
}

const TOPIC = "Which towns along the river gave up their ferries for a bridge, and what became of the ferrymen?";
const SENTENCES = [
  "The 1884 timetable still lists two crossings an hour, none after dusk.",
  "Council minutes mention a subsidy that was cut twice, then restored in spring.",
  "A letter from the harbour master doubts that the piers would outlast one hard winter.",
  "Local history society says the last boat was sold upstream; no bill of sale found.",
  "Census of 1911: seven ferrymen, down from thirty-one, most of them past fifty.",
  "Photograph shows scaffolding on the east bank; the date on its back cannot be right.",
  "Insurance records put the flood damage at four times what the newspaper wrote.",
  "Oral account, recorded in 1962, agrees with the toll register to within a week.",
  "The engineer's own memoir skips the collapse, and praises the weather instead.",
  "Two sources disagree about who paid: the railway, or the widow of the mill owner.",
];
const PLACES = ["oakford", "millbrook-archive", "river-museum", "countyrecords", "old-maps", "bridgewrights", "tollhouse"];

/** A little generator of its own, so that every run sees the same. */
function* numbersFrom(seed: number): Generator<number, never, undefined> {
  for (let value = seed + 0x9e3779b9; ; ) {
    value = Math.imul(value ^ (value >>> 15), 0x2c1b3c6d);
    value = Math.imul(value ^ (value >>> 12), 0x297a2d39) + 0x6d2b79f5;
    yield (value ^ (value >>> 15)) >>> 0;
  }
}
const pick = (all: readonly string[], at: number): string => all[at % all.length] ?? "";

function noteOf(seed: number): Note {
  const numbers = numbersFrom(seed);
  const next = (): number => numbers.next().value;
  const slug = next().toString(36) + next().toString(36);
  return {
    url: `https://${pick(PLACES, next())}.example.org/${pick(["docs", "letters", "scans", "press"], next())}/${slug}`,
    says: pick(SENTENCES, seed),
    trust: (next() % 100) / 100,
    read: next() % 3 > 0,
  };
}

/** After `n` steps, of exactly `bytes` as JSON text. */
export function stateOf(n: number, bytes: number): Notes {
  const state: Notes = { n, topic: TOPIC, notes: [] };
  const size = (): number => JSON.stringify(state).length;
  for (let i = n; size() < bytes; i++) state.notes.push(noteOf(i));
  // The last note is cut, or the topic where there is none to cut.
  const last = state.notes.pop();
  const room = bytes - size();
  const frame = JSON.stringify({ says: "" }).length + (state.notes.length > 0 ? 1 : 0);
  if (last === undefined || room < frame)
    return { ...state, topic: `${TOPIC}${" ".repeat(Math.max(0, room))}`.slice(0, TOPIC.length + room) };
  const text = JSON.stringify(last).replaceAll('"', "'");
  state.notes.push({ says: text.padEnd(room, ".").slice(0, room - frame) });
  return state;
}
