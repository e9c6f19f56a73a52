/** The shape of the one table, for who creates it as well. Names are short: they are billed with every write. */
import { SHARDS } from "../../domain/limits.ts";

export const TABLE = {
  /** Partition key, a string. */
  partition: "pk",
  /** Sort key, a string. */
  sort: "sk",
  /** TTL attribute, epoch seconds. */
  expires: "expires",
  /** Sparse: only records that have an alarm. Keys only: it is written when the alarm moves, and not otherwise. */
  due: {
    index: "due",
    /** Partition key, a number. */
    shard: "dueShard",
    /** Sort key, a number: epoch milliseconds. */
    at: "dueAt",
  },
  /** Sparse: only records that are listed. Keys only. A group stands in several shards, as one would be too hot. */
  list: {
    index: "list",
    /** Partition key, a string: group and shard. */
    group: "listed",
    /** Sort key, a string: instant, partition and sort key of the record. */
    at: "listedAt",
    shards: SHARDS,
  },
} as const;

/** Attributes of ours beside the keys. All others are fields of the body. */
export const ATTRIBUTES = {
  revision: "rev",
  writeId: "write",
  /** Binary: encoded bytes. */
  data: "data",
  /** Fields of the body that no native attribute can hold, as the JSON of one object. */
  json: "json",
} as const;
