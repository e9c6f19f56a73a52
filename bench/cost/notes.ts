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

const COMMA = 1;
/** The last note, which fills what is left. */
const lastNote = (text: string): Note => ({ says: text });
const LAST = JSON.stringify(lastNote("")).length;

/** After `n` steps, of exactly `bytes` as JSON text. */
export function stateOf(n: number, bytes: number): Notes {
  const notes: Note[] = [];
  let room = bytes - JSON.stringify({ n, topic: TOPIC, notes }).length - LAST;
  for (let i = n; ; i++) {
    const note = noteOf(i);
    const takes = JSON.stringify(note).length + COMMA;
    if (takes > room) break;
    notes.push(note);
    room -= takes;
  }
  if (room < 0) throw new Error(`expected room for ${bytes} bytes, got ${-room} too few`);
  return { n, topic: TOPIC, notes: [...notes, lastNote(pick(SENTENCES, n).repeat(4).slice(0, room))] };
}
