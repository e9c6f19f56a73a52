/** What AWS bills by the piece, of one work item: counts, to be multiplied by prices. */
export interface Units {
  /** DynamoDB: write request units, those of its indexes too. */
  readonly writes: number;
  /** DynamoDB: read request units. */
  readonly reads: number;
  /** SQS: requests of up to 64 KiB; of one for several items, each has its share. */
  readonly requests: number;
  /** S3: PUT, COPY, POST and LIST requests. */
  readonly puts: number;
  /** S3: GET and HEAD requests. */
  readonly gets: number;
}

export const NO_UNITS: Units = { writes: 0, reads: 0, requests: 0, puts: 0, gets: 0 };

/** To the hundredth: shares of a request are stored with every snapshot. */
export function addUnits(a: Units, b: Units): Units {
  return {
    writes: hundredths(a.writes + b.writes),
    reads: hundredths(a.reads + b.reads),
    requests: hundredths(a.requests + b.requests),
    puts: hundredths(a.puts + b.puts),
    gets: hundredths(a.gets + b.gets),
  };
}
function hundredths(count: number): number {
  return Math.round(count * 100) / 100;
}

export function isNothing({ writes, reads, requests, puts, gets }: Units): boolean {
  return writes === 0 && reads === 0 && requests === 0 && puts === 0 && gets === 0;
}
